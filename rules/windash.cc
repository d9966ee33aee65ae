#include "rules/windash.h"

#include <re2/re2.h>

#include <iterator>
#include <utility>

#include "core/text.h"

namespace redthread {
namespace {

// A word character as `\w` of Unicode has it: a letter, a digit or `_`.
bool IsWordCharacter(std::string_view text, size_t at) {
  const unsigned char c = static_cast<unsigned char>(text[at]);
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
  static const re2::RE2* const kWord = new re2::RE2("[\\pL\\pN]", re2::RE2::Quiet);
  size_t end = at;
  NextCodePoint(text, &end);
  return re2::RE2::FullMatch(re2::StringPiece(text.data() + at, end - at), *kWord);
}

// Whether the character before text[at] is a word character.
bool FollowsWordCharacter(std::string_view text, size_t at) {
  if (at == 0) return false;
  size_t start = at - 1;
  while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  return IsWordCharacter(text, start);
}

// Places of flag dashes: a `-` or `/` at which a word begins, and before which none ends.
std::vector<size_t> FlagDashes(std::string_view text) {
  std::vector<size_t> places;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != '-' && text[i] != '/') continue;
    if (IsWordCharacter(text, i + 1) && !FollowsWordCharacter(text, i)) places.push_back(i);
  }
  return places;
}

}  // namespace

std::vector<std::string> WindashVariants(std::string_view text, size_t max_dashes) {
  static constexpr std::string_view kDashes[] = {"-", "/", "\u2013", "\u2014", "\u2015"};
  const std::vector<size_t> places = FlagDashes(text);
  if (places.size() > max_dashes) return {};
  std::vector<std::string> variants = {std::string(text.substr(0, places.empty() ? text.size() : places[0]))};
  for (size_t n = 0; n < places.size(); ++n) {
    const size_t end = n + 1 < places.size() ? places[n + 1] : text.size();
    const std::string_view rest = text.substr(places[n] + 1, end - places[n] - 1);
    std::vector<std::string> longer;
    longer.reserve(variants.size() * std::size(kDashes));
    for (const std::string& v : variants) {
      for (const std::string_view dash : kDashes) {
        longer.push_back(v);
        longer.back().append(dash).append(rest);
      }
    }
    variants = std::move(longer);
  }
  return variants;
}

}  // namespace redthread
