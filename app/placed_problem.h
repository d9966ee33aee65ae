// A complaint about a place in a text file, and how it is told: file:line:col, and on a terminal the line
// itself with a caret under the place.
#pragma once

#include <string>
#include <string_view>

#include "app/messages.h"

namespace redthread {

struct PlacedProblem {
  std::string file;  // or what else is to blame: "REDTHREAD_DATA_DIR"
  int line = 0;      // from 1; 0: nowhere in particular
  int column = 0;    // from 1, in characters
  std::string message;

  // "rule.yml:3:5", "REDTHREAD_DATA_DIR".
  std::string Place() const;
  // "rule.yml:3:5: unknown key `pths`, did you mean `paths`?".
  std::string Render() const { return Place() + ": " + message; }
};

void TellProblem(const PlacedProblem& problem, Messages* messages);
// "rule.yml:3:5: warning: ...".
void TellWarning(const PlacedProblem& problem, Messages* messages);

// The line of text and below it a caret under the character at `column` (from 1), each behind two spaces, at
// most `width` columns (0: unlimited), joined by a newline. Of a long line the part around the caret.
// Control, escape and bidirectional characters are made visible, and the caret allows for that. Empty when
// the line ends before the column.
std::string CaretLines(std::string_view line, int column, int width);

}  // namespace redthread
