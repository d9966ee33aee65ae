// Explaining a match: which search identifiers of a rule hold, through which fields.
#pragma once

#include <vector>

#include "core/detection.h"
#include "core/event.h"
#include "correlate/predicate.h"
#include "rules/rule.h"

namespace redthread {

// The search identifiers that hold for `event`, in the rule's order. Walks the rule as it was loaded, test by
// test, without the compiled program: for the few events that matched.
std::vector<MatchedSelection> ExplainMatch(const RuleLogic& logic, const Event& event,
                                           const FieldMap& renames);

}  // namespace redthread
