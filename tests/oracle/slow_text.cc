#include "tests/oracle/slow_text.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace redthread {
namespace {

bool IsContinuation(unsigned char c) { return (c & 0xC0) == 0x80; }

// The code point whose encoding starts at text[i], and its length; U+FFFD of length 1 for a broken byte.
// Source: RFC 3629, section 4.
std::pair<char32_t, size_t> DecodeAt(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[i + k]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return {0xFFFD, 1};
  char32_t c = lead & (0x7F >> length);
  for (size_t k = 1; k < length; ++k) {
    if (!IsContinuation(byte(k))) return {0xFFFD, 1};
    c = (c << 6) | (byte(k) & 0x3F);
  }
  const char32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return {0xFFFD, 1};
  return {c, length};
}

}  // namespace

std::u32string Utf8ToCodePoints(std::string_view text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    const auto [c, length] = DecodeAt(text, i);
    out.push_back(c);
    i += length;
  }
  return out;
}

std::string CodePointsToUtf8(const std::u32string& code_points) {
  std::string out;
  for (const char32_t c : code_points) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | (c >> 6));
      out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | (c >> 12));
      out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (c >> 18));
      out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return out;
}

std::u32string SlowFold(const std::u32string& text) {
  std::u32string out;
  for (const char32_t c : text) out.push_back(c > 0x10FFFF ? c : FoldCodePoint(c));
  return out;
}

SlowPattern ParseSlowPattern(std::string_view sigma) {
  const std::u32string s = Utf8ToCodePoints(sigma);
  SlowPattern out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == U'\\' && i + 1 < s.size() && (s[i + 1] == U'*' || s[i + 1] == U'?' || s[i + 1] == U'\\')) {
      out.push_back(s[++i]);
    } else {
      out.push_back(s[i] == U'*' ? kAnyRun : s[i] == U'?' ? kOneCodePoint : s[i]);
    }
  }
  return out;
}

bool HasWildcard(const SlowPattern& pattern) {
  return pattern.find(kAnyRun) != SlowPattern::npos || pattern.find(kOneCodePoint) != SlowPattern::npos;
}

namespace {

// `tried`: by the length of what is left of the pattern behind a `*`, one more than the length of the text
// for which it was tried in vain, at every place. A shorter rest of the text was part of that.
bool Covers(std::u32string_view pattern, std::u32string_view text, std::vector<size_t>* tried) {
  while (!pattern.empty()) {
    const char32_t p = pattern.front();
    pattern.remove_prefix(1);
    if (p == kAnyRun) {
      size_t& in_vain = (*tried)[pattern.size()];
      if (text.size() < in_vain) return false;
      for (size_t skip = 0; skip <= text.size(); ++skip) {
        if (Covers(pattern, text.substr(skip), tried)) return true;
      }
      in_vain = text.size() + 1;
      return false;
    }
    if (text.empty() || (p != kOneCodePoint && p != text.front())) return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

}  // namespace

bool SlowMatches(std::u32string_view pattern, std::u32string_view text) {
  std::vector<size_t> tried(pattern.size());
  return Covers(pattern, text, &tried);
}

std::string ShortestDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  for (int digits = 0; digits < 17; ++digits) {  // %e counts the digits after the first one
    std::snprintf(buffer, sizeof(buffer), "%.*e", digits, value);
    if (std::strtod(buffer, nullptr) == value) break;
  }
  std::string mantissa(buffer, std::string_view(buffer).find('e'));
  const int exponent = std::atoi(buffer + mantissa.size() + 1);
  if (exponent < -4 || exponent >= 16) {
    char tail[16];
    std::snprintf(tail, sizeof(tail), "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return mantissa + tail;
  }
  const bool negative = mantissa[0] == '-';
  std::string digits;
  for (const char c : mantissa) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (exponent < 0) return std::string(negative ? "-" : "") + "0." + std::string(-exponent - 1, '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) digits += std::string(whole - digits.size(), '0') + "0";
  return (negative ? "-" : "") + digits.substr(0, whole) + "." + digits.substr(whole);
}

namespace {

std::string DoubleText(double value) {
  const bool plain_integer = std::isfinite(value) && value == std::trunc(value) && std::fabs(value) < 1e15;
  return plain_integer ? std::to_string(static_cast<int64_t>(value)) : ShortestDouble(value);
}

}  // namespace

std::optional<std::string> ScalarText(const SlowJson& value) {
  switch (value.type()) {
    case SlowJson::value_t::string:
      return value.get<std::string>();
    case SlowJson::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case SlowJson::value_t::number_integer:
      return std::to_string(value.get<int64_t>());
    case SlowJson::value_t::number_unsigned:
      return std::to_string(value.get<uint64_t>());
    case SlowJson::value_t::number_float:
      return DoubleText(value.get<double>());
    default:
      return std::nullopt;
  }
}

std::string SlowNumberText(const Number& number) {
  return number.integral ? std::to_string(number.integer) : DoubleText(number.real);
}

SlowNumber ToSlowNumber(const Number& number) {
  return number.integral ? static_cast<SlowNumber>(number.integer) : static_cast<SlowNumber>(number.real);
}

std::optional<SlowNumber> DecimalOf(std::string_view text) {
  const auto skip_digits = [&](size_t i) {
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i;
  };
  const size_t first = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  size_t end = skip_digits(first);
  if (end == first) return std::nullopt;
  const bool fraction = end < text.size() && text[end] == '.';
  if (fraction) {
    const size_t point = end;
    end = skip_digits(point + 1);
    if (end == point + 1) return std::nullopt;
  }
  if (end != text.size()) return std::nullopt;
  const std::string copy(text);
  // With a fraction the text means a double, as it would in JSON.
  return fraction ? static_cast<SlowNumber>(std::strtod(copy.c_str(), nullptr))
                  : std::strtold(copy.c_str(), nullptr);
}

std::optional<SlowNumber> NumberOf(const SlowJson& value) {
  switch (value.type()) {
    case SlowJson::value_t::number_integer:
      return static_cast<SlowNumber>(value.get<int64_t>());
    case SlowJson::value_t::number_unsigned:
      return static_cast<SlowNumber>(value.get<uint64_t>());
    case SlowJson::value_t::number_float:
      return static_cast<SlowNumber>(value.get<double>());
    case SlowJson::value_t::string:
      return DecimalOf(value.get_ref<const std::string&>());
    default:
      return std::nullopt;
  }
}

}  // namespace redthread
