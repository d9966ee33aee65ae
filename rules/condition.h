// Conditions: the boolean language over names, `selection and not 1 of filter_*`.
//
//   or        := and ('or' and)*
//   and       := not ('and' not)*
//   not       := 'not' not | primary
//   primary   := '(' or ')' | ('1' | 'any' | 'all') 'of' ('them' | pattern) | name
//
// Keywords count in any case. A pattern is a whole name in which `*` stands for any run of characters. `them`
// and patterns leave out names that begin with `_`, unless the pattern begins with `_` too.
// Source: Sigma specification 2.1.0, "Condition".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.h"

namespace redthread {

// A condition comes from a file that somebody else wrote: it must neither overflow the stack nor grow without
// bound (each `1 of them` names every search).
inline constexpr int kMaxConditionDepth = 64;
inline constexpr size_t kMaxConditionLength = size_t{64} << 10;  // in bytes
inline constexpr size_t kMaxConditionNodes = 20'000;

struct ConditionError {
  size_t offset = 0;  // in bytes, within the text; its size when the text ends too early
  std::string message;
};

// Fills *condition with the tree of `text`; `search` of its leaves counts in `names`. False when the text is
// refused: then *error says why, and *condition is of no use. `what` is what a name stands for, in
// complaints.
bool ParseCondition(std::string_view text, const std::vector<std::string_view>& names,
                    ConditionNode* condition, ConditionError* error,
                    std::string_view what = "search of this rule");

// The condition in words, with no more parentheses than needed and selectors written out. Parsing it gives
// the same tree, as long as no name is a keyword.
std::string ConditionText(const ConditionNode& condition, const std::vector<std::string_view>& names);

}  // namespace redthread
