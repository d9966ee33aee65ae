#include "app/placed_problem.h"

#include <algorithm>
#include <fstream>

#include "app/display_width.h"
#include "core/text.h"

namespace redthread {
namespace {

constexpr int kIndent = 2;
constexpr int kContextBefore = 20;  // columns of a long line that are kept before the caret

// The first `count` characters of the text; all of it when it has fewer.
std::string_view FirstCharacters(std::string_view text, int count) {
  size_t i = 0;
  for (; count > 0 && i < text.size(); --count) NextCodePoint(text, &i);
  return text.substr(0, i);
}

// The caret's two lines for a place in a file, with a newline before them; nothing when the file has no such
// line.
std::string CaretFor(const PlacedProblem& problem, const Messages& messages) {
  if (!messages.terminal().interactive || messages.format() != LogFormat::kText || problem.line == 0)
    return "";
  std::ifstream file(problem.file, std::ios::binary);
  std::string line;
  for (int i = 0; i < problem.line; ++i) {
    if (!std::getline(file, line)) return "";
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  const std::string caret = CaretLines(line, problem.column, messages.terminal().width);
  return caret.empty() ? "" : "\n" + caret;
}

}  // namespace

std::string PlacedProblem::Place() const {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void TellProblem(const PlacedProblem& problem, Messages* messages) {
  messages->Problem(problem.Render() + CaretFor(problem, *messages));
}

void TellWarning(const PlacedProblem& problem, Messages* messages) {
  messages->PlacedWarning(problem.Place() + ": warning: " + problem.message + CaretFor(problem, *messages));
}

std::string CaretLines(std::string_view line, int column, int width) {
  const std::string_view before = FirstCharacters(line, column - 1);
  if (column < 1 || before.size() >= line.size()) return "";
  std::string shown_before = Visible(before);
  const std::string shown_after = Visible(line.substr(before.size()));
  const int room = width == 0 ? 1 << 20 : std::max(width - kIndent, kContextBefore + 2);
  if (DisplayWidth(shown_before) + DisplayWidth(shown_after) > room) {
    // Cut at characters of the original, so that no escape that stands for one is cut in two.
    std::string_view kept = before;
    while (DisplayWidth(shown_before) > kContextBefore) {
      kept.remove_prefix(FirstCharacters(kept, 1).size());
      shown_before = "…" + Visible(kept);
    }
  }
  const int caret = DisplayWidth(shown_before);
  return std::string(kIndent, ' ') + shown_before + Shorten(shown_after, room - caret) + "\n" +
         std::string(static_cast<size_t>(kIndent + caret), ' ') + "^";
}

}  // namespace redthread
