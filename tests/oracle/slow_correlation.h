// The slow twin of the correlator: hits and alerts by definition alone. Every evaluation point looks at every
// match of its group.
//
// It shares the loaded rules with the correlator, nothing else: it reads fields from JSON, groups, windows,
// counts and judges on its own, and is never asked to be fast.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/rule_set.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

// An event with the detection rules that match it.
struct SlowRecord {
  SlowJson flat;  // its shape taken off
  std::optional<Timestamp> time;
  std::vector<RuleIndex> matches;
};

// Each event by the slow twins: its shape taken off, its time, and the rules whose detection it matches,
// whatever their log sources.
std::vector<SlowRecord> SlowRecords(const RuleSet& rules, const std::vector<SlowJson>& events);

// One match of a rule that a correlation refers to: an event, or a hit of a lower correlation with the events
// that triggered it.
struct SlowMatch {
  int64_t time = 0;
  size_t reference = 0;
  std::vector<const SlowRecord*> events;
  std::map<std::string, std::string> fixed;  // of a hit: its group
  bool chained = false;
};

struct SlowHit {
  std::vector<std::string> group;
  int64_t end = 0;
  std::optional<double> value;  // of silence none
  std::vector<SlowMatch> trigger;
};

// What an alert says of the matches it stands on.
struct SlowAlert {
  std::vector<std::string> group;
  int64_t time = 0, first = 0, last = 0;
  size_t count = 0;
  std::optional<int64_t> ended;  // of silence
};

struct SlowAnswer {
  std::vector<SlowHit> hits;
  std::vector<SlowAlert> alerts;
};

// By CorrelationIndex. `records` are all events that were read, in any order; they outlive the answer.
std::vector<SlowAnswer> SlowCorrelate(const RuleSet& rules, const std::vector<SlowRecord>& records);

}  // namespace redthread
