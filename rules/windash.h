// The ways to write a command line's flags.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

// `text` with each of its flag dashes replaced by each of `-`, `/`, en dash, em dash and horizontal bar,
// every dash by itself: five to the power of their number, the text itself among them. A flag dash is a `-`
// or `/` at which a word begins and before which none ends: that of " -x", not that of "a-b" or of "- x".
// Empty when there are more than `max_dashes`. Source: Sigma specification 2.1.0, modifier "windash"; which
// dashes count, pySigma 1.5.1 (`\B[-/]\b`).
std::vector<std::string> WindashVariants(std::string_view text, size_t max_dashes);

}  // namespace redthread
