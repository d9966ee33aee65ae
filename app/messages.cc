#include "app/messages.h"

#include <string>

#include "core/text.h"

namespace redthread {
namespace {

// Visible() of every line of `text`.
std::string VisibleLines(std::string_view text) {
  std::string out;
  while (true) {
    const size_t end = text.find('\n');
    out += Visible(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void Messages::Error(std::string_view text) { Write("error", "redthread: ", text); }
void Messages::Warning(std::string_view text) { Write("warning", "redthread: warning: ", text); }
void Messages::Problem(std::string_view text) { Write("error", "", text); }
void Messages::PlacedWarning(std::string_view text) { Write("warning", "", text); }
void Messages::Notice(std::string_view text) { Write("notice", "", text); }

void Messages::Count(std::string_view text) {
  if (verbosity_ != Verbosity::kQuiet) Write("info", "", text);
}

void Messages::Detail(std::string_view text) {
  if (verbosity_ == Verbosity::kVerbose) Write("debug", "", text);
}

void Messages::Write(const char* level, std::string_view prefix, std::string_view text) {
  if (before_message_) before_message_();
  std::string line;
  if (format_ == LogFormat::kJson) {
    line.append("{\"level\":\"").append(level).append("\",\"message\":");
    AppendJsonString(text, &line);
    line += "}\n";
  } else {
    line.append(prefix).append(VisibleLines(text)).append("\n");
  }
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fflush(file_);
}

}  // namespace redthread
