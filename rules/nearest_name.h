// The known name that a misspelt one most likely means, for complaints.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

// How many insertions, deletions, replacements and swaps of neighbours lead from a to b, in bytes, without
// regard to ASCII case (optimal string alignment). Counts no further than limit + 1.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

// The nearest of `known` at a distance of at most 2 (1 for words below five letters), or nothing.
std::string_view NearestName(std::string_view word, const std::vector<std::string_view>& known);

// ", did you mean `contains`?", or `otherwise` when nothing is near.
std::string Suggestion(std::string_view word, const std::vector<std::string_view>& known,
                       std::string_view otherwise);

// "a, b and c".
std::string JoinNames(const std::vector<std::string_view>& names);

}  // namespace redthread
