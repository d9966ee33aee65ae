#include "core/text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace redthread {

// ---- UTF-8
// -----------------------------------------------------------------------------------------------------------

namespace {

constexpr char32_t kReplacement = 0xFFFD;

// The length of the valid UTF-8 sequence at p, and its code point; 0 when there is none.
// Source: Unicode 14.0, table 3-7 "Well-Formed UTF-8 Byte Sequences".
size_t DecodeUtf8(const unsigned char* p, size_t left, char32_t* c) {
  const unsigned b0 = p[0];
  if (b0 < 0x80) {
    *c = b0;
    return 1;
  }
  const auto continuation = [&](size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
  if (b0 >= 0xC2 && b0 <= 0xDF) {
    if (!continuation(1)) return 0;
    *c = (b0 & 0x1F) << 6 | (p[1] & 0x3F);
    return 2;
  }
  if (b0 >= 0xE0 && b0 <= 0xEF) {
    if (!continuation(1) || !continuation(2)) return 0;
    *c = (b0 & 0x0F) << 12 | (p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    return *c < 0x800 || (*c >= 0xD800 && *c <= 0xDFFF) ? 0 : 3;
  }
  if (b0 >= 0xF0 && b0 <= 0xF4) {
    if (!continuation(1) || !continuation(2) || !continuation(3)) return 0;
    *c = (b0 & 0x07) << 18 | (p[1] & 0x3F) << 12 | (p[2] & 0x3F) << 6 | (p[3] & 0x3F);
    return *c < 0x10000 || *c > 0x10FFFF ? 0 : 4;
  }
  return 0;
}

size_t DecodeUtf8(std::string_view text, size_t i, char32_t* c) {
  return DecodeUtf8(reinterpret_cast<const unsigned char*>(text.data()) + i, text.size() - i, c);
}

size_t EncodeUtf8(char32_t c, char* out) {
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; i-- > 1; c >>= 6) out[i] = static_cast<char>(0x80 | (c & 0x3F));
  constexpr unsigned char kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = static_cast<char>(kLead[n] | c);
  return n;
}

}  // namespace

char32_t NextCodePoint(std::string_view text, size_t* i) {
  char32_t c = kReplacement;
  const size_t n = DecodeUtf8(text, *i, &c);
  *i += std::max<size_t>(n, 1);
  return n == 0 ? kReplacement : c;
}

void AppendUtf8(char32_t c, std::string* out) {
  char bytes[4];
  out->append(bytes, EncodeUtf8(c, bytes));
}

size_t SanitizeUtf8(std::string_view text, std::string* out) {
  size_t replaced = 0;
  for (size_t i = 0; i < text.size();) {
    size_t run = i;
    while (run < text.size() && static_cast<unsigned char>(text[run]) < 0x80) ++run;
    out->append(text.substr(i, run - i));
    i = run;
    if (i == text.size()) break;
    char32_t c = 0;
    if (const size_t n = DecodeUtf8(text, i, &c); n != 0) {
      out->append(text.substr(i, n));
      i += n;
    } else {
      AppendUtf8(kReplacement, out);
      ++replaced;
      ++i;
    }
  }
  return replaced;
}

namespace {

// Characters that change what a reader sees without being seen: C0, DEL, C1, bidirectional controls, line
// separators, BOM. Source: Unicode TR 36, 2.1; CVE-2021-42574 ("Trojan Source").
bool IsHidden(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0xAD ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

void AppendHex(const char* prefix, char32_t c, int digits, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out->append(prefix);
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out->push_back(kDigits[c >> shift & 0xF]);
}

}  // namespace

std::string Visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    char32_t c = 0;
    const size_t n = DecodeUtf8(text, i, &c);
    if (n == 0) {
      AppendHex("\\x", static_cast<unsigned char>(text[i]), 2, &out);
      ++i;
      continue;
    }
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (!IsHidden(c)) {
      out.append(text.substr(i, n));
    } else if (c < 0x100) {
      AppendHex("\\x", c, 2, &out);
    } else if (c < 0x10000) {
      AppendHex("\\u", c, 4, &out);
    } else {
      AppendHex("\\U", c, 8, &out);
    }
    i += n;
  }
  return out;
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  size_t run = 0;  // text[run, i) needs no escape
  for (size_t i = 0; i < text.size();) {
    const auto b = static_cast<unsigned char>(text[i]);
    if (b >= 0x20 && b < 0x7F && b != '"' && b != '\\') {
      ++i;
      continue;
    }
    char32_t c = b;
    const size_t n = b < 0x80 ? 1 : DecodeUtf8(text, i, &c);
    if (n > 1 && !IsHidden(c)) {
      i += n;
      continue;
    }
    out->append(text.substr(run, i - run));
    if (n == 0) {
      out->append("\xEF\xBF\xBD");
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(static_cast<char>(c));
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (c == '\r') {
      out->append("\\r");
    } else if (c < 0x10000) {
      AppendHex("\\u", c, 4, out);
    } else {
      const char32_t v = c - 0x10000;
      AppendHex("\\u", 0xD800 + (v >> 10), 4, out);
      AppendHex("\\u", 0xDC00 + (v & 0x3FF), 4, out);
    }
    i += std::max<size_t>(n, 1);
    run = i;
  }
  out->append(text.substr(run));
  out->push_back('"');
}

// ---- case
// ------------------------------------------------------------------------------------------------------------

namespace {

struct FoldRange {
  char32_t first, last;
  uint32_t step;
  int32_t delta;
};
constexpr FoldRange kFoldRanges[] = {
#include "core/case_folding_table.inc"
};

}  // namespace

char32_t FoldCodePoint(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const FoldRange* r = std::lower_bound(std::begin(kFoldRanges), std::end(kFoldRanges), c,
                                        [](const FoldRange& range, char32_t x) { return range.last < x; });
  if (r == std::end(kFoldRanges) || c < r->first || (c - r->first) % r->step != 0) return c;
  return static_cast<char32_t>(static_cast<int32_t>(c) + r->delta);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

size_t FoldInto(std::string_view text, char* out) {
  char* const begin = out;
  size_t i = 0;
  while (i < text.size()) {
    // Eight ASCII bytes at a time: the high bit of each lane of `upper` is set where the byte is A to Z.
    while (i + 8 <= text.size()) {
      uint64_t w = 0;
      std::memcpy(&w, text.data() + i, 8);
      constexpr uint64_t kOnes = 0x0101010101010101;
      if ((w & (kOnes * 0x80)) != 0) break;
      const uint64_t from_a = w + kOnes * (0x80 - 'A');
      const uint64_t past_z = w + kOnes * (0x80 - 'Z' - 1);
      const uint64_t upper = (from_a & ~past_z) & (kOnes * 0x80);
      w |= upper >> 2;
      std::memcpy(out, &w, 8);
      i += 8;
      out += 8;
    }
    if (i == text.size()) break;
    const char b = text[i];
    if (static_cast<signed char>(b) >= 0) {
      *out++ = b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b;
      ++i;
      continue;
    }
    char32_t c = 0;
    const size_t n = DecodeUtf8(text, i, &c);
    if (n == 0) {
      *out++ = b;
      ++i;
    } else {
      out += EncodeUtf8(FoldCodePoint(c), out);
      i += n;
    }
  }
  return static_cast<size_t>(out - begin);
}

void AppendFolded(std::string_view text, std::string* out) {
  const size_t before = out->size();
  out->resize(before + FoldedSizeLimit(text.size()));
  out->resize(before + FoldInto(text, out->data() + before));
}

std::string Fold(std::string_view text) {
  std::string out;
  AppendFolded(text, &out);
  return out;
}

// ---- wildcard patterns
// -----------------------------------------------------------------------------------------------

void Pattern::Append(Part part) {
  if (part.kind == Kind::kLiteral) {
    if (part.literal.empty()) return;
    if (!parts.empty() && parts.back().kind == Kind::kLiteral) {
      parts.back().literal += part.literal;
      return;
    }
  } else if (part.kind == Kind::kAny && !parts.empty() && parts.back().kind == Kind::kAny) {
    return;
  }
  parts.push_back(std::move(part));
}

Pattern Pattern::Parse(std::string_view sigma) {
  Pattern p;
  std::string run;
  const auto flush = [&] {
    p.Append({Kind::kLiteral, std::move(run)});
    run.clear();
  };
  for (size_t i = 0; i < sigma.size(); ++i) {
    const char c = sigma[i];
    if (c == '\\' && i + 1 < sigma.size() &&
        (sigma[i + 1] == '*' || sigma[i + 1] == '?' || sigma[i + 1] == '\\')) {
      run += sigma[++i];
    } else if (c == '*' || c == '?') {
      flush();
      p.Append({c == '*' ? Kind::kAny : Kind::kOne, {}});
    } else {
      run += c;
    }
  }
  flush();
  return p;
}

Pattern Pattern::Literal(std::string_view text) {
  Pattern p;
  p.Append({Kind::kLiteral, std::string(text)});
  return p;
}

Pattern Pattern::Wrapped(bool left, bool right) const {
  Pattern p;
  if (left) p.Append({Kind::kAny, {}});
  for (const Part& part : parts) p.Append(part);
  if (right) p.Append({Kind::kAny, {}});
  return p;
}

bool Pattern::HasWildcard() const {
  return std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.kind != Kind::kLiteral; });
}

std::string Pattern::Plain() const {
  std::string text;
  for (const Part& p : parts) text += p.literal;
  return text;
}

Pattern Pattern::Folded() const {
  Pattern p;
  for (const Part& part : parts) p.Append({part.kind, Fold(part.literal)});
  return p;
}

std::string Pattern::ToSigma() const {
  std::string out;
  for (size_t n = 0; n < parts.size(); ++n) {
    const Part& p = parts[n];
    if (p.kind != Kind::kLiteral) {
      out += p.kind == Kind::kAny ? '*' : '?';
      continue;
    }
    const bool wildcard_follows = n + 1 < parts.size();
    for (size_t i = 0; i < p.literal.size(); ++i) {
      const char c = p.literal[i];
      if (c == '*' || c == '?') {
        out += '\\';
      } else if (c == '\\') {
        // A backslash stands for itself, except before one of the three that it would escape.
        const char next = i + 1 < p.literal.size() ? p.literal[i + 1] : wildcard_follows ? '*' : 'x';
        if (next == '*' || next == '?' || next == '\\') out += '\\';
      }
      out += c;
    }
  }
  return out;
}

namespace {

// A run of parts between two `*`: literals and `?`s that must follow each other without a gap.
// Returns the end of the match of parts[first, last) at text[at..], or npos.
size_t MatchRun(const std::vector<Pattern::Part>& parts, size_t first, size_t last, std::string_view text,
                size_t at) {
  for (size_t n = first; n < last; ++n) {
    if (parts[n].kind == Pattern::Kind::kOne) {
      if (at >= text.size()) return std::string_view::npos;
      NextCodePoint(text, &at);
    } else {
      const std::string& literal = parts[n].literal;
      if (text.substr(at, literal.size()) != literal) return std::string_view::npos;
      at += literal.size();
    }
  }
  return at;
}

// The leftmost match of a run at or behind `from`: its end, or npos.
size_t FindRun(const std::vector<Pattern::Part>& parts, size_t first, size_t last, std::string_view text,
               size_t from) {
  if (parts[first].kind == Pattern::Kind::kLiteral) {
    const std::string& literal = parts[first].literal;
    for (size_t at = from; at <= text.size();) {
      const void* hit = memmem(text.data() + at, text.size() - at, literal.data(), literal.size());
      if (hit == nullptr) return std::string_view::npos;
      at = static_cast<size_t>(static_cast<const char*>(hit) - text.data());
      if (const size_t end = MatchRun(parts, first, last, text, at); end != std::string_view::npos)
        return end;
      ++at;
    }
    return std::string_view::npos;
  }
  for (size_t at = from; at < text.size(); NextCodePoint(text, &at)) {
    if (const size_t end = MatchRun(parts, first, last, text, at); end != std::string_view::npos) return end;
  }
  return std::string_view::npos;
}

// Where parts[first, last) must begin to end with the text; npos when that is left of `from`.
size_t RunStartFromEnd(const std::vector<Pattern::Part>& parts, size_t first, size_t last,
                       std::string_view text, size_t from) {
  size_t begin = text.size();
  for (size_t n = last; n-- > first;) {
    const size_t size = parts[n].kind == Pattern::Kind::kOne ? 1 : parts[n].literal.size();
    if (begin < from + size) return std::string_view::npos;
    begin -= size;
    if (parts[n].kind == Pattern::Kind::kOne) {
      while (begin > from && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    }
  }
  return begin;
}

}  // namespace

bool Matches(const Pattern& pattern, std::string_view text) {
  const auto& parts = pattern.parts;
  // Between two stars the leftmost match is as good as any, so nothing is ever tried twice.
  size_t at = 0;
  size_t n = 0;
  bool open = false;  // a star stands before parts[n]
  while (n < parts.size()) {
    if (parts[n].kind == Pattern::Kind::kAny) {
      open = true;
      ++n;
      continue;
    }
    size_t last = n;
    while (last < parts.size() && parts[last].kind != Pattern::Kind::kAny) ++last;
    if (!open) {
      at = MatchRun(parts, n, last, text, at);
    } else if (last < parts.size()) {
      at = FindRun(parts, n, last, text, at);
    } else {
      // The last run must end where the text ends, so its beginning follows from there.
      const size_t begin = RunStartFromEnd(parts, n, last, text, at);
      at = begin == std::string_view::npos ? begin : MatchRun(parts, n, last, text, begin);
      return at == text.size();
    }
    if (at == std::string_view::npos) return false;
    n = last;
    open = false;
  }
  return open || at == text.size();
}

// ---- numbers
// ---------------------------------------------------------------------------------------------------------

std::optional<int> Compare(const Number& a, const Number& b) {
  const auto order = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.integral && b.integral) return order(a.integer, b.integer);
  if ((!a.integral && std::isnan(a.real)) || (!b.integral && std::isnan(b.real))) return std::nullopt;
  // long double holds every int64 and every double exactly on the platforms we build for.
  static_assert(std::numeric_limits<long double>::digits >= 63);
  const long double x = a.integral ? static_cast<long double>(a.integer) : a.real;
  const long double y = b.integral ? static_cast<long double>(b.integer) : b.real;
  return order(x, y);
}

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Number IntegerOrReal(std::string_view token, bool integral) {
  Number n;
  if (!token.empty() && token[0] == '+') token.remove_prefix(1);
  const char* end = token.data() + token.size();
  if (integral && std::from_chars(token.data(), end, n.integer).ec == std::errc()) return n;
  n.integral = false;
  if (std::from_chars(token.data(), end, n.real).ec == std::errc::result_out_of_range) {
    // from_chars leaves the value alone: too large, or too small to tell from zero.
    const size_t exponent = token.find_first_of("eE");
    const bool tiny =
        exponent != std::string_view::npos && exponent + 1 < token.size() && token[exponent + 1] == '-';
    n.real = tiny ? 0.0 : HUGE_VAL;
    if (token[0] == '-') n.real = -n.real;
  }
  return n;
}

}  // namespace

std::optional<Number> ParseDecimal(std::string_view text) {
  size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const size_t digits = i;
  while (i < text.size() && IsDigit(text[i])) ++i;
  if (i == digits) return std::nullopt;
  if (i == text.size()) return IntegerOrReal(text, true);
  if (text[i] != '.') return std::nullopt;
  const size_t fraction = ++i;
  while (i < text.size() && IsDigit(text[i])) ++i;
  if (i == fraction || i != text.size()) return std::nullopt;
  return IntegerOrReal(text, false);
}

std::optional<Number> ParseJsonNumber(std::string_view token) {
  // Source: RFC 8259, 6. A leading zero or plus is let through: what matters is that a hostile record's
  // number compares.
  size_t i = !token.empty() && token[0] == '-' ? 1 : 0;
  const size_t digits = i;
  bool integral = true;
  while (i < token.size() && IsDigit(token[i])) ++i;
  if (i == digits) return std::nullopt;
  if (i < token.size() && token[i] == '.') {
    integral = false;
    const size_t fraction = ++i;
    while (i < token.size() && IsDigit(token[i])) ++i;
    if (i == fraction) return std::nullopt;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    integral = false;
    if (++i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    const size_t exponent = i;
    while (i < token.size() && IsDigit(token[i])) ++i;
    if (i == exponent) return std::nullopt;
  }
  if (i != token.size()) return std::nullopt;
  return IntegerOrReal(token, integral);
}

std::string JsonNumberText(std::string_view token) {
  const std::optional<Number> number = ParseJsonNumber(token);
  if (!number.has_value()) return std::string(token);
  if (number->integral) return std::to_string(number->integer);
  if (token.find_first_of(".eE") == std::string_view::npos) {
    // An integer beyond 64 bits keeps its digits.
    const bool negative = token[0] == '-';
    const size_t first = token.find_first_not_of("-0");
    return (negative ? "-" : "") + std::string(first == std::string_view::npos ? "0" : token.substr(first));
  }
  const double value = number->real;
  if (!std::isfinite(value)) return std::string(token);
  if (value == std::trunc(value) && std::fabs(value) < 1e15)
    return std::to_string(static_cast<int64_t>(value));
  // The shortest digits that read back as the same double, laid out as Python's repr does: exponents below -4
  // or from 16 on.
  char shortest[32];
  const auto end =
      std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific).ptr;
  std::string_view scientific(shortest, static_cast<size_t>(end - shortest));
  const size_t e = scientific.find('e');
  int exponent = 0;
  const char* digits_of_exponent = scientific.data() + e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(scientific);
  const auto fixed = std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::fixed).ptr;
  std::string text(shortest, fixed);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

// ---- addresses
// -------------------------------------------------------------------------------------------------------

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
  const bool v6 = text.find(':') != std::string_view::npos;
  if (v6) {
    if (const size_t zone = text.find('%'); zone != std::string_view::npos) {
      if (zone + 1 == text.size() || text.find('%', zone + 1) != std::string_view::npos) return std::nullopt;
      text = text.substr(0, zone);
    }
  }
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  IpAddress address;
  address.v6 = v6;
  if (inet_pton(v6 ? AF_INET6 : AF_INET, buffer, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

bool Cidr::Contains(const IpAddress& address) const {
  if (address.v6 != network.v6) return false;
  const int whole = prefix / 8;
  if (std::memcmp(address.bytes.data(), network.bytes.data(), static_cast<size_t>(whole)) != 0) return false;
  const int rest = prefix % 8;
  if (rest == 0) return true;
  const int mask = 0xFF00 >> rest & 0xFF;
  return ((address.bytes[static_cast<size_t>(whole)] ^ network.bytes[static_cast<size_t>(whole)]) & mask) ==
         0;
}

std::optional<Cidr> ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> network = ParseIpAddress(text.substr(0, slash));
  if (!network.has_value()) return std::nullopt;
  Cidr cidr{*network, network->v6 ? 128 : 32};
  if (slash == std::string_view::npos) return cidr;
  const std::string_view digits = text.substr(slash + 1);
  int prefix = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (error != std::errc() || end != digits.data() + digits.size() || !IsDigit(digits[0]))
    return std::nullopt;
  if (prefix < 0 || prefix > cidr.prefix) return std::nullopt;
  cidr.prefix = prefix;
  return cidr;
}

}  // namespace redthread
