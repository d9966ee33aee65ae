// Nearest name: what somebody who misspelt a word most likely meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redthread {

// The known name that is fewest edits (insert, delete, replace, swap of neighbours; case counts as nothing)
// away from `wrong`; empty when none is near enough to be meant: more than a third of the longer one's
// length.
std::string NearestName(std::string_view wrong, const std::vector<std::string>& known);

// " (did you mean 'scan'?)" for the nearest name, or nothing. To be appended to a complaint.
std::string DidYouMean(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace redthread
