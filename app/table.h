// Table: rows for a person's eyes, fitted to the width of the terminal; and the same rows as CSV.
//
// Cells may hold text from a log. Table and CSV make control, escape and bidirectional characters visible
// themselves, so a caller hands over what it has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/terminal.h"

namespace redthread {

struct Column {
  std::string name;
  bool right = false;     // aligned to the right: numbers
  bool flexible = false;  // shortened first when the table is too wide: free text
  bool keep_end = false;  // shortened at its beginning: paths
};

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

using Row = std::vector<Cell>;

// Widths are decided once, from the header and the rows known at that time, so that any number of rows can
// follow without being held in memory.
class TableLayout {
 public:
  // Each row has one cell a column. The table takes at most width columns of the terminal (0: unlimited):
  // flexible columns give way first, the widest of them first, then the others; down to one column each.
  TableLayout(std::vector<Column> columns, const std::vector<Row>& rows, int width);

  // One line, with its line end. No spaces at the end of a line. What does not fit of a cell gives way to
  // "…".
  std::string RenderHeader(bool color) const;
  std::string RenderRow(const Row& row, bool color) const;

 private:
  std::string Render(const Row& row, bool color) const;

  std::vector<Column> columns_;
  std::vector<int> widths_;
  bool limited_;  // to a width; else later cells may be wider than their column
};

// One line of CSV, with its line end. A text that a spreadsheet would take for a formula gets an apostrophe
// before it: the log's author is not the analyst's friend.
// Source: RFC 4180; OWASP, "CSV Injection".
std::string CsvLine(const std::vector<std::string_view>& fields);

}  // namespace redthread
