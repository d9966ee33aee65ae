// What keeps rules from firing, put into groups with a reason in words and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "correlate/coverage.h"
#include "correlate/field_census.h"
#include "runtime/engine.h"

namespace redthread {

// Rules that the same thing keeps from firing.
struct CoverageGroup {
  std::string reason;  // "Sysmon is not collected"
  std::string advice;  // what to switch on; empty where there is nothing general to say
  // Their events did not come, but may be rare: whether they are recorded cannot be told.
  bool waiting = false;
  std::vector<uint32_t> rules;         // RuleIndex
  std::vector<uint32_t> correlations;  // CorrelationIndex
  size_t size() const { return rules.size() + correlations.size(); }
};

// Groups of all rules that cannot fire: those that wait behind the others, each the biggest first, then by
// reason.
std::vector<CoverageGroup> GroupCoverage(const Engine& engine, const FieldCensus& census,
                                         const Coverage& coverage);

}  // namespace redthread
