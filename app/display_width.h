// Display width: how many columns a text takes on a terminal, and how to shorten it to fit.
#pragma once

#include <string>
#include <string_view>

namespace redthread {

// Columns that `text` takes: two for East Asian wide characters, none for combining marks and format
// characters, one for the rest. Control characters count one; let text from a log pass Visible() first.
int DisplayWidth(std::string_view text);

// The text itself when it fits `width` columns, else as much of its beginning as leaves room for "…". A
// character that would straddle the edge is left out, so the result may be a column narrower. Empty when
// width is 0.
std::string Shorten(std::string_view text, int width);
// The same, keeping the end of the text: for paths.
std::string ShortenKeepingEnd(std::string_view text, int width);

}  // namespace redthread
