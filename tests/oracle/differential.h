// Differential: the detector and the slow evaluator on the same events, counted and compared.
//
// Each event is made for one rule, most of them by changing a real event toward what that rule asks for. The
// detector answers for all rules at once; the slow evaluator is asked for the rule that the event was made
// for, for all that the detector found, and for a few others of the same log source.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rules/rule_set.h"
#include "tests/oracle/fast_engine.h"
#include "tests/oracle/real_events.h"
#include "tests/oracle/slow_evaluator.h"

namespace redthread {

// A pair is one event compared with one rule.
struct DifferentialTally {
  size_t events = 0;
  size_t pairs = 0;
  size_t matching = 0;  // pairs that match, as the slow evaluator sees it
  size_t differences = 0;
  std::vector<bool> matched;         // by rule: in at least one pair
  std::vector<std::string> reports;  // of the first differences

  void Add(const DifferentialTally& other);
};

// Thread-safe once it is made.
class Differential {
 public:
  struct Options {
    uint64_t seed = 0;
    size_t pairs = 0;      // at least so many
    int threads = 1;       // the pairs do not depend on it
    NeedFilter drop_need;  // as RuleProgram's; with several threads it is called by all of them
    bool until_difference = false;
  };

  // Aborts when the slow evaluator refuses a rule that the loader took. `real`: may be empty; then events are
  // made up.
  Differential(RuleSet rules, const SiteVariables& variables, LogSourceMap map, std::vector<RealEvent> real);

  // Compares events made for each of `targets`, which is not empty, in turn.
  DifferentialTally Run(const std::vector<RuleIndex>& targets, const Options& options) const;
  // The same for all rules.
  DifferentialTally Run(const Options& options) const;

  const RuleSet& rules() const { return *rules_; }

 private:
  friend class DifferentialWorker;
  // Real events that a rule of that log source comes to, and other rules of it.
  struct Neighbours {
    std::vector<size_t> events;
    std::vector<RuleIndex> rules;
  };
  void AddNeighbours();

  LogSourceMap map_;
  std::shared_ptr<const RuleSet> rules_;
  std::vector<RealEvent> real_;
  std::vector<SlowEvaluator> slow_;                      // by rule
  std::vector<std::shared_ptr<Neighbours>> neighbours_;  // by rule; rules of one log source share them
};

}  // namespace redthread
