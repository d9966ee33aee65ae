// Modifiers by their names in rules.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/rule.h"

namespace redthread {

// "contains" -> kContains. `ignorecase`, `multiline` and `dotall` are other names of `i`, `m` and `s`.
// Source: Sigma specification 2.1.0, appendix "Modifiers".
std::optional<Modifier> ParseModifier(std::string_view name);
const char* ModifierName(Modifier modifier);
// All names, for suggestions.
const std::vector<std::string_view>& ModifierNames();

}  // namespace redthread
