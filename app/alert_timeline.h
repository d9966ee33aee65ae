// How an alert came about, in order of time, for people.
#pragma once

#include <string>

#include "core/alert.h"
#include "rules/rule_set.h"

namespace redthread {

// What was waited for, each match with the count after it, the edges of the first window, the moment at which
// the condition held, and why the alert is early, final, late or withdrawn. Safe for terminals.
// `rules`: those in force; what they say is left out when the alert's rule is not among them, or has changed.
std::string AlertTimeline(const Alert& alert, const RuleSet& rules, bool color);

}  // namespace redthread
