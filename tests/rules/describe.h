// Lowered values in words, for tables of expected results.
#pragma once

#include <string>

#include "rules/rule.h"

namespace redthread {

// "pattern *whoami*", "number 5", "re[is] a.b", "cidr 10.0.0.0/8", "lte 5", "hour gte 8", "any(a, b)", ...
std::string Describe(const MatchValue& value);
// The items of a rule's first search, in the order of the file: "Field: v1 | v2", "Field[all]: v1 & v2",
// "not Field: v".
std::string Describe(const DetectionItem& item);
// "(item and (item or item))"
std::string Describe(const SearchNode& node);

}  // namespace redthread
