// Coverage: which rules can fire on events like those that came, and what keeps the others from it.
//
// A rule can fire when some kind of event came that is of its log source and whose EventID the rule does not
// exclude, and when its condition can hold there with only the fields that such events have. What the fields
// hold is not asked: that a value did not come yet says nothing of tomorrow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/facts_table.h"
#include "correlate/field_census.h"
#include "rules/rule_set.h"

namespace redthread {

struct RuleCoverage {
  enum class Reason : uint8_t {
    kNone,       // it can fire
    kLogSource,  // no event of its log source came
    kEvent,      // events of its log source came, but none with one of its EventIDs
    kFields,     // they came, but never with fields that every way to match needs
    kRules,      // of a correlation: rules that it needs cannot fire
  };
  Reason reason = Reason::kNone;
  // Of kEvent the EventIDs, of kFields the fields by their names in the event, of kRules the rules as the
  // correlation writes them; sorted, and empty for the others.
  std::vector<std::string> missing;
  // Of kFields: the kind of event that lacks the fewest.
  FactsId facts = FactsTable::kNoFacts;
  std::string event_id;  // of that kind, where rules name it

  bool can_fire() const { return reason == Reason::kNone; }
};

struct Coverage {
  std::vector<RuleCoverage> rules;         // by RuleIndex
  std::vector<RuleCoverage> correlations;  // by CorrelationIndex
};

Coverage CoverageOf(const FieldCensus& census, const FactsTable& facts);

}  // namespace redthread
