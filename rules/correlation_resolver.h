// Correlations meet the rules they refer to: what spans documents is settled here, after all are loaded.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "rules/correlation_parser.h"
#include "rules/rule_set.h"

namespace redthread {

// A document that was read but is not in the set, by its id: what refers to it cannot be used either.
enum class NotLoaded : uint8_t { kRefused, kNeedsSiteVariables, kLeftOut };

// Resolves references by id, else by name, to `set->rules` (whose content hashes are final) and to the
// correlations that are given; adds those that hold to `set->correlations` in the order given, and marks the
// rules that they mute. The others are complaints in `set`: of unknown names, circles, and what refers to a
// document that is refused. `not_loaded`: by id and by name.
void ResolveCorrelations(std::vector<ParsedCorrelation> parsed,
                         const std::unordered_map<std::string, NotLoaded>& not_loaded, RuleSet* set);

}  // namespace redthread
