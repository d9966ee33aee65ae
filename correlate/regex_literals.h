// RequiredLiterals: text that a regular expression cannot match without.
#pragma once

#include <string>
#include <vector>

#include "rules/rule.h"

namespace redthread {

// Lower-case ASCII literals of which at least one stands in (the folded form of) every text that matches
// `regex`. Empty when there is no such set, or none worth having.
std::vector<std::string> RequiredLiterals(const MatchRegex& regex);

}  // namespace redthread
