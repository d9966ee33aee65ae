// Messages: what redthread says on standard error: complaints, counts, notices. Results never go here, and
// nothing else writes there while it lives.
#pragma once

#include <cstdio>
#include <functional>
#include <string_view>
#include <utility>

#include "app/terminal.h"

namespace redthread {

enum class LogFormat { kText, kJson };
enum class Verbosity { kQuiet, kNormal, kVerbose };

// One per thread. Text may come from a log: control, escape and bidirectional characters are made visible; a
// newline begins a new line. With LogFormat::kJson every message is one object {"level", "message"}.
class Messages {
 public:
  // `file` outlives the object.
  Messages(std::FILE* file, const Terminal& terminal, LogFormat format, Verbosity verbosity)
      : file_(file), terminal_(terminal), format_(format), verbosity_(verbosity) {}

  void Error(std::string_view text);          // "redthread: text"
  void Warning(std::string_view text);        // "redthread: warning: text"
  void Problem(std::string_view text);        // as it is: a complaint that begins with its place
  void PlacedWarning(std::string_view text);  // as it is: the same, of something less than wrong
  void Notice(std::string_view text);         // as it is: what a person must know, even with -q
  void Count(std::string_view text);          // as it is; not with -q
  void Detail(std::string_view text);         // as it is; only with -v

  const Terminal& terminal() const { return terminal_; }
  LogFormat format() const { return format_; }
  Verbosity verbosity() const { return verbosity_; }

  // Called before every message: for whatever keeps something on the current line of the terminal. Empty:
  // nothing does.
  void set_before_message(std::function<void()> before) { before_message_ = std::move(before); }

 private:
  void Write(const char* level, std::string_view prefix, std::string_view text);

  std::FILE* file_;
  Terminal terminal_;
  LogFormat format_;
  Verbosity verbosity_;
  std::function<void()> before_message_;
};

}  // namespace redthread
