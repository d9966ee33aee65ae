#include "app/display_width.h"

#include <algorithm>
#include <iterator>

#include "core/text.h"

namespace redthread {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

#include "app/display_width_table.inc"

template <size_t n>
bool Contains(const CodePointRange (&ranges)[n], char32_t c) {
  const CodePointRange* r = std::lower_bound(std::begin(ranges), std::end(ranges), c,
                                             [](const CodePointRange& a, char32_t b) { return a.last < b; });
  return r != std::end(ranges) && r->first <= c;
}

int WidthOf(char32_t c) {
  if (c < kZeroWidth[0].first) return 1;
  if (Contains(kZeroWidth, c)) return 0;
  return Contains(kWide, c) ? 2 : 1;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t i = 0; i < text.size();) width += WidthOf(NextCodePoint(text, &i));
  return width;
}

std::string Shorten(std::string_view text, int width) {
  if (width <= 0) return "";
  int used = 0;
  size_t fits = 0;  // bytes that leave a column for the ellipsis
  for (size_t i = 0; i < text.size();) {
    used += WidthOf(NextCodePoint(text, &i));
    if (used < width) fits = i;
    if (used > width) return std::string(text.substr(0, fits)) + "…";
  }
  return std::string(text);
}

std::string ShortenKeepingEnd(std::string_view text, int width) {
  if (width <= 0) return "";
  int excess = DisplayWidth(text) - width;
  if (excess <= 0) return std::string(text);
  size_t begin = 0;
  for (++excess; excess > 0 && begin < text.size();) excess -= WidthOf(NextCodePoint(text, &begin));
  // A mark that combines with what was cut off goes with it.
  for (size_t next = begin; next < text.size() && WidthOf(NextCodePoint(text, &next)) == 0;) begin = next;
  return "…" + std::string(text.substr(begin));
}

}  // namespace redthread
