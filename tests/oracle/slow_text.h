// Text and numbers as the slow evaluator sees them.
//
// Everything here works on whole code points (UTF-32) and recurses where the production code scans bytes, so
// that the two can only agree by meaning the same. The one thing shared with it is the table of lower-case
// letters, which is data.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/text.h"

namespace redthread {

// Members keep the order in which the record has them: where two members come to bear one name after the
// shape is taken off, their order decides.
using SlowJson = nlohmann::ordered_json;

// Sigma text: code points, with the two wildcards as values beyond Unicode.
using SlowPattern = std::u32string;
inline constexpr char32_t kAnyRun = 0x110000;
inline constexpr char32_t kOneCodePoint = 0x110001;

// UTF-8 to code points and back. A byte that is no part of valid UTF-8 becomes U+FFFD.
std::u32string Utf8ToCodePoints(std::string_view text);
std::string CodePointsToUtf8(const std::u32string& code_points);

// Folds case code point by code point; wildcards stay.
std::u32string SlowFold(const std::u32string& text);

// Reads a Sigma string: `*`, `?`, and the escapes \* \? \\ only.
SlowPattern ParseSlowPattern(std::string_view sigma);
bool HasWildcard(const SlowPattern& pattern);

// Whether the pattern covers the whole text. Backtracks, each `*` over the text once at most.
bool SlowMatches(std::u32string_view pattern, std::u32string_view text);

// The text of a JSON scalar; nothing for null, objects and arrays.
std::optional<std::string> ScalarText(const SlowJson& value);
// Shortest decimal form that reads back as the same double, laid out as Python's repr() does:
// "5.0", "0.0001", "1e-05", "1e+16".
std::string ShortestDouble(double value);
// The text of a rule's number: of integral ones below 1e15 without ".0".
std::string SlowNumberText(const Number& number);

// A number that holds every 64-bit integer and every double exactly.
using SlowNumber = long double;
static_assert(std::numeric_limits<SlowNumber>::digits >= 64);
SlowNumber ToSlowNumber(const Number& number);
// Text that is wholly [+-]?digits[.digits].
std::optional<SlowNumber> DecimalOf(std::string_view text);
// The number of a JSON number, or of a JSON string that is a decimal.
std::optional<SlowNumber> NumberOf(const SlowJson& value);

}  // namespace redthread
