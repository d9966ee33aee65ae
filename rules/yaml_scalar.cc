#include "rules/yaml_scalar.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace redthread {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int DigitValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Digits of that base and underscores, at least one digit. Exact up to 64 bits, a double beyond.
std::optional<Number> ParseDigits(std::string_view text, int base) {
  uint64_t exact = 0;
  double real = 0;
  bool any = false, fits = true;
  for (const char c : text) {
    if (c == '_') continue;
    const int digit = DigitValue(c);
    if (digit >= base) return std::nullopt;
    any = true;
    real = real * base + digit;
    fits = fits && !__builtin_mul_overflow(exact, static_cast<uint64_t>(base), &exact) &&
           !__builtin_add_overflow(exact, static_cast<uint64_t>(digit), &exact);
  }
  if (!any) return std::nullopt;
  if (fits && exact <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Number{true, static_cast<int64_t>(exact), 0};
  }
  return Number{false, 0, real};
}

// "190:20:30": base 60, each further part one or two digits below 60. The last part may carry a fraction.
std::optional<Number> ParseSexagesimal(std::string_view text, bool fraction) {
  double real = 0;
  int64_t exact = 0;
  bool fits = true, first = true;
  while (true) {
    const size_t colon = text.find(':');
    const bool last = colon == std::string_view::npos;
    std::string_view part = text.substr(0, colon);
    double rest = 0;
    if (last && fraction) {
      const size_t dot = part.find('.');
      if (dot == std::string_view::npos) return std::nullopt;
      double unit = 0.1;
      for (const char c : part.substr(dot + 1)) {
        if (c == '_') continue;
        if (!IsDigit(c)) return std::nullopt;
        rest += unit * (c - '0');
        unit /= 10;
      }
      part = part.substr(0, dot);
    }
    const std::optional<Number> n = ParseDigits(part, 10);
    if (!n || !n->integral || !IsDigit(part[0])) return std::nullopt;
    if (!first && (part.size() > 2 || n->integer >= 60 || part.find('_') != std::string_view::npos)) {
      return std::nullopt;
    }
    real = real * 60 + static_cast<double>(n->integer) + rest;
    fits = fits && !__builtin_mul_overflow(exact, int64_t{60}, &exact) &&
           !__builtin_add_overflow(exact, n->integer, &exact);
    first = false;
    if (last) break;
    text.remove_prefix(colon + 1);
  }
  if (fraction || !fits) return Number{false, 0, real};
  return Number{true, exact, 0};
}

// digits.digits[e(+|-)digits], underscores between; a dot is needed, and the exponent's sign.
std::optional<Number> ParseFloat(std::string_view text, bool negative) {
  std::string digits;
  size_t i = 0;
  bool dot = false;
  for (; i < text.size() && (IsDigit(text[i]) || text[i] == '_' || (text[i] == '.' && !dot)); ++i) {
    dot = dot || text[i] == '.';
    if (text[i] != '_') digits += text[i];
  }
  if (!dot || digits == "." || !(IsDigit(text[0]) || (text.size() > 1 && IsDigit(text[1]))))
    return std::nullopt;
  if (i < text.size()) {
    if ((text[i] != 'e' && text[i] != 'E') || i + 2 >= text.size()) return std::nullopt;
    if (text[i + 1] != '+' && text[i + 1] != '-') return std::nullopt;
    digits += 'e';
    digits += text[i + 1];
    for (i += 2; i < text.size(); ++i) {
      if (!IsDigit(text[i])) return std::nullopt;
      digits += text[i];
    }
  }
  double real = 0;
  if (digits[0] == '.') digits.insert(0, "0");
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
  if (error == std::errc::result_out_of_range) {
    const size_t e = digits.find('e');
    const bool tiny = e != std::string::npos && digits[e + 1] == '-';
    real = tiny ? 0 : std::numeric_limits<double>::infinity();
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return Number{false, 0, negative ? -real : real};
}

std::optional<Number> ParseUnsigned(std::string_view text, bool negative) {
  if (text == ".inf" || text == ".Inf" || text == ".INF") {
    const double infinity = std::numeric_limits<double>::infinity();
    return Number{false, 0, negative ? -infinity : infinity};
  }
  const bool colon = text.find(':') != std::string_view::npos;
  const bool dot = text.find('.') != std::string_view::npos;
  std::optional<Number> n;
  if (colon) {
    if (!dot && text[0] == '0') return std::nullopt;
    n = ParseSexagesimal(text, dot);
  } else if (dot) {
    return ParseFloat(text, negative);
  } else if (text.size() > 1 && text[0] == '0') {
    if (text[1] == 'x') {
      n = ParseDigits(text.substr(2), 16);
    } else if (text[1] == 'b') {
      n = ParseDigits(text.substr(2), 2);
    } else {
      n = ParseDigits(text.substr(1), 8);
      if (!n && text.find_first_not_of('_', 1) == std::string_view::npos) n = Number{};  // "0_" is 0
    }
  } else if (IsDigit(text[0])) {
    n = ParseDigits(text, 10);
  }
  if (n && negative) {
    n->integer = -n->integer;
    n->real = -n->real;
  }
  return n;
}

}  // namespace

std::optional<bool> ParseYamlBool(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes",
                                                            "YES",  "on",   "On",   "ON"};
  static constexpr std::array<std::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No",
                                                             "NO",    "off",   "Off",   "OFF"};
  for (const std::string_view word : kTrue) {
    if (text == word) return true;
  }
  for (const std::string_view word : kFalse) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::optional<Number> ParseYamlNumber(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return Number{false, 0, std::numeric_limits<double>::quiet_NaN()};
  }
  const bool is_signed = !text.empty() && (text[0] == '-' || text[0] == '+');
  const bool negative = is_signed && text[0] == '-';
  if (is_signed) text.remove_prefix(1);
  if (text.empty() || (!IsDigit(text[0]) && text[0] != '.')) return std::nullopt;
  // YAML's pattern for a float that begins with its dot has no sign, except for infinity.
  if (is_signed && text[0] == '.' && text.size() > 1 && IsDigit(text[1])) return std::nullopt;
  return ParseUnsigned(text, negative);
}

RawValue ResolveScalar(const YamlNode& scalar) {
  RawValue value;
  value.text = scalar.text;
  value.text_column = scalar.text_column;
  if (!scalar.plain) return value;
  if (scalar.IsNull()) {
    value.kind = RawValue::Kind::kNull;
  } else if (const std::optional<bool> b = ParseYamlBool(scalar.text)) {
    value.kind = RawValue::Kind::kBool;
    value.boolean = *b;
  } else if (const std::optional<Number> n = ParseYamlNumber(scalar.text)) {
    value.kind = RawValue::Kind::kNumber;
    value.number = *n;
  }
  return value;
}

std::string NumberText(const RawValue& value) {
  const Number& number = value.number;
  if (number.integral) return std::to_string(number.integer);
  if (std::isnan(number.real)) return "nan";
  if (std::isinf(number.real)) return number.real < 0 ? "-inf" : "inf";
  if (value.text.find_first_not_of("+-_0123456789") == std::string::npos) {
    std::string digits;  // an integer beyond 64 bits
    for (const char c : value.text) {
      if (c != '_' && c != '+') digits += c;
    }
    return digits;
  }
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, number.real, std::chars_format::scientific);
  return JsonNumberText(std::string_view(buffer, static_cast<size_t>(end - buffer)));
}

}  // namespace redthread
