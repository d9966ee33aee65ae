// Explaining a match: which search identifiers of a rule hold, through which fields.
#pragma once

#include <functional>
#include <vector>

#include "core/detection.h"
#include "rules/rule.h"

namespace redthread {

// The search identifiers that hold, in the rule's order, each with the fields of the items that do.
// `holds(n)`: whether the n-th item of the rule's searches, in the order in which they are written, is true
// for the event at hand.
std::vector<MatchedSelection> ExplainMatch(const RuleLogic& logic, const std::function<bool(size_t)>& holds);

}  // namespace redthread
