// Terminal: what is known of the place that output goes to, and the few styles that redthread writes in.
#pragma once

#include <string>
#include <string_view>

#include "core/detection.h"

namespace redthread {

enum class ColorMode { kAuto, kAlways, kNever };

struct Terminal {
  bool interactive = false;  // a person's terminal; else a file or a pipe
  bool color = false;
  int width = 0;  // columns; 0: unlimited

  // What file descriptor `fd` leads to. With kAuto there is colour on a terminal that is not "dumb", unless
  // NO_COLOR is set and not empty. COLUMNS overrides the width.
  // Source: https://no-color.org
  static Terminal Detect(int fd, ColorMode mode);
};

enum class Style { kPlain, kBold, kDim, kRed, kYellow, kGreen, kCyan, kAlarm };

// `text` between the escape sequences of `style`, or just text when color is false or the style is plain.
// The text must be safe already (Visible).
std::string Styled(std::string_view text, Style style, bool color);

// critical kAlarm, high kRed, medium kYellow, low kCyan, informational kDim.
Style StyleOf(Level level);

}  // namespace redthread
