// Tests of rules: the events that stand beside a rule file and say what it must and must not match.
//
// Beside `name.yml`: `name.fire.ndjson`, each of whose events some rule of the file must match, and
// `name.quiet.ndjson`, none of whose events any rule of the file may match. They run through the same
// decoder, classifier and detector as everything else. Correlations have tests of their own:
// rule_alert_test.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "app/placed_problem.h"
#include "core/status.h"
#include "runtime/engine.h"

namespace redthread {

struct RuleTestResult {
  std::string path;  // of the rule file
  std::vector<RuleIndex> rules;
  std::vector<CorrelationIndex> correlations;  // of that file, which has some rule or correlation
  size_t fire_events = 0;
  size_t fire_matched = 0;
  size_t quiet_events = 0;
  size_t quiet_matched = 0;
  bool has_alert_test = false;
  size_t expected_alerts = 0;
  size_t raised_alerts = 0;             // of those, as they are expected
  std::vector<PlacedProblem> problems;  // events that went wrong, unreadable files and lines

  // Whether there is anything to test the file by.
  bool tested() const { return fire_events + quiet_events > 0 || has_alert_test || !problems.empty(); }
  bool passed() const { return problems.empty(); }
};

// Tests every file that some loaded rule or correlation of the engine comes from, in the order of the rules;
// those with correlations alone stand behind.
std::vector<RuleTestResult> TestRules(const std::shared_ptr<const Engine>& engine);

}  // namespace redthread
