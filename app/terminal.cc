#include "app/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace redthread {
namespace {

bool Set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

int WidthOf(int fd, bool interactive) {
  if (const char* columns = std::getenv("COLUMNS")) {
    int width = 0;
    const char* end = columns + std::strlen(columns);
    const auto [rest, error] = std::from_chars(columns, end, width);
    if (error == std::errc() && rest == end && width > 0) return width;
  }
  if (!interactive) return 0;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;  // a terminal that does not say: the width that all of them have had since the VT100
}

const char* Escape(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kRed:
      return "\x1b[31m";
    case Style::kYellow:
      return "\x1b[33m";
    case Style::kGreen:
      return "\x1b[32m";
    case Style::kCyan:
      return "\x1b[36m";
    case Style::kAlarm:
      return "\x1b[1;31m";
  }
  return "";
}

}  // namespace

Terminal Terminal::Detect(int fd, ColorMode mode) {
  Terminal t;
  t.interactive = isatty(fd) == 1;
  t.width = WidthOf(fd, t.interactive);
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::strcmp(term, "dumb") == 0;
  t.color =
      mode == ColorMode::kAlways || (mode == ColorMode::kAuto && t.interactive && !dumb && !Set("NO_COLOR"));
  return t;
}

std::string Styled(std::string_view text, Style style, bool color) {
  if (!color || style == Style::kPlain) return std::string(text);
  return std::string(Escape(style)).append(text).append("\x1b[0m");
}

Style StyleOf(Level level) {
  switch (level) {
    case Level::kCritical:
      return Style::kAlarm;
    case Level::kHigh:
      return Style::kRed;
    case Level::kMedium:
      return Style::kYellow;
    case Level::kLow:
      return Style::kCyan;
    case Level::kInformational:
      return Style::kDim;
  }
  return Style::kPlain;
}

}  // namespace redthread
