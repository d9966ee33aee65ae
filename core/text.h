// Text: how Sigma compares strings. Case folding, wildcard patterns, decimal numbers, addresses.
//
// All text is UTF-8. Where a text may come from a log, it has been made valid before (Event does that), but
// every function here also survives broken bytes: it takes each of them for one code point.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

// ---- case
// ----------------------------------------------------------------------------------------------------------

// Simple one-to-one Unicode lower-casing (no ß -> ss, no İ -> i̇): Sigma's case folding.
// Source: Unicode 14.0 UnicodeData.txt, Simple_Lowercase_Mapping, and only where full lower-casing is one
// code point too.
char32_t FoldCodePoint(char32_t c);

// Appends the folded text to *out. The result may have another length in bytes than the input.
void AppendFolded(std::string_view text, std::string* out);
std::string Fold(std::string_view text);

// Writes the folded text to `out`, which must have room for FoldedSizeLimit(text.size()) bytes; returns the
// bytes written. Bytes that are no valid UTF-8 stay as they are.
inline size_t FoldedSizeLimit(size_t size) { return size + size / 2 + 1; }
size_t FoldInto(std::string_view text, char* out);

bool IsAscii(std::string_view text);

// ---- UTF-8
// ---------------------------------------------------------------------------------------------------------

// Reads one code point at text[*i] and advances *i past it. A byte that is no part of valid UTF-8 is one code
// point, U+FFFD. Requires *i < text.size().
char32_t NextCodePoint(std::string_view text, size_t* i);
void AppendUtf8(char32_t c, std::string* out);
// Replaces each byte that is no part of valid UTF-8 by U+FFFD. Returns how many were replaced.
size_t SanitizeUtf8(std::string_view text, std::string* out);

// Text made safe for terminals and reports: control, escape and bidirectional characters become visible
// (\x1b, \u202e), broken UTF-8 too (\xff). Tab and newline become \t and \n.
std::string Visible(std::string_view text);

// Appends `text` as a JSON string, quotes included. Broken UTF-8 becomes U+FFFD; U+2028, U+2029 and
// bidirectional controls are written as \u escapes.
void AppendJsonString(std::string_view text, std::string* out);

// ---- wildcard patterns
// -----------------------------------------------------------------------------------------------

// A Sigma string: literal runs, `*` (any run of characters) and `?` (exactly one code point).
struct Pattern {
  enum class Kind : uint8_t { kLiteral, kAny, kOne };
  struct Part {
    Kind kind = Kind::kLiteral;
    std::string literal;  // of kLiteral only, never empty
    bool operator==(const Part&) const = default;
  };
  std::vector<Part>
      parts;  // no two literals and no two kAny stand side by side; empty matches the empty string only

  // Reads Sigma's escapes: \* \? and \\ only; any other backslash is itself.
  // Source: Sigma specification 2.1.0, "Escaping".
  static Pattern Parse(std::string_view sigma);
  static Pattern Literal(std::string_view text);

  void Append(Part part);
  // The same with `*` on the left, on the right.
  Pattern Wrapped(bool left, bool right) const;
  bool HasWildcard() const;
  // The text of a pattern without wildcards.
  std::string Plain() const;
  Pattern Folded() const;
  // The pattern in Sigma's own notation, escapes included: Parse(ToSigma()) is the same pattern.
  std::string ToSigma() const;
  bool operator==(const Pattern&) const = default;
};

// Whether the pattern covers the whole text, byte for byte (fold both before for a comparison without case).
// Linear in text.size() times the number of parts at worst; never exponential.
bool Matches(const Pattern& pattern, std::string_view text);

// ---- numbers
// ---------------------------------------------------------------------------------------------------------

// A number as Sigma compares it: an integer exactly, anything else as a double.
struct Number {
  bool integral = true;
  int64_t integer = 0;
  double real = 0;  // of non-integral ones, and of integers beyond 64 bits
};
// <0, 0, >0; no result when either is NaN.
std::optional<int> Compare(const Number& a, const Number& b);

// Text that is wholly [+-]?digits[.digits]. Nothing else is a number: not "0x10", "1e3", " 7".
std::optional<Number> ParseDecimal(std::string_view text);
// A number token of JSON, exponents too.
std::optional<Number> ParseJsonNumber(std::string_view token);
// The text Sigma sees for a JSON number: an integer in decimal; a float in its shortest form, an integral one
// below 1e15 without ".0" ("5.0" -> "5", "1e3" -> "1000", "1e16" -> "1e+16"). A number beyond all doubles
// keeps its token.
std::string JsonNumberText(std::string_view token);

// ---- addresses
// -------------------------------------------------------------------------------------------------------

struct IpAddress {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};  // network order; of IPv4 the first four
  bool operator==(const IpAddress&) const = default;
};
// Strict dotted quad or RFC 4291 text form; white space around it is ignored. A zone ("%eth0") is accepted
// and ignored.
std::optional<IpAddress> ParseIpAddress(std::string_view text);

struct Cidr {
  IpAddress network;
  int prefix = 0;                                 // 0 to 32, or 0 to 128
  bool Contains(const IpAddress& address) const;  // never across families
};
// "10.0.0.0/8", "fe80::/10", or a bare address. Host bits of the network are ignored.
std::optional<Cidr> ParseCidr(std::string_view text);

}  // namespace redthread
