// The hand-written truths on correlations: rules, events and every hit and alert that must come of them.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/oracle/slow_text.h"

namespace redthread {

inline constexpr size_t kCorrelationVectors = 114;

// (rule id, group as sorted JSON, window end, value; "" of alerts), "null" of a hit without value.
using CorrelationLine = std::tuple<std::string, std::string, std::string, std::string>;

struct CorrelationVector {
  std::string name;   // "0: closed window: ..."
  std::string rules;  // a whole rule file
  std::vector<SlowJson> events;
  std::multiset<CorrelationLine> hits, alerts;
  std::set<std::string> rejected;  // rule ids
};

// Empty when the file cannot be read.
std::vector<CorrelationVector> ReadCorrelationVectors(const std::string& path);

// A value as the vectors write it: at most six digits behind the point.
std::string CorrelationValueText(double value);
// {"a":"x","b":"y"}, members sorted.
std::string CorrelationGroupText(const std::vector<std::string>& names,
                                 const std::vector<std::string>& values);

}  // namespace redthread
