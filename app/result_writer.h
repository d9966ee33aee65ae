// ResultWriter: the results of a command, on standard output, in the format asked for.
//
// A result is a record (one JSON object: docs/cli.md) and a row of cells; each format needs one of the two,
// and wants_rows() says which, so that a command does not make both.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/table.h"
#include "app/terminal.h"
#include "core/status.h"

namespace redthread {

enum class OutputFormat { kTable, kJson, kJsonl, kCsv };

// One per thread. Memory does not grow with the number of results.
class ResultWriter {
 public:
  // `file` outlives the object. Writes nothing yet.
  ResultWriter(OutputFormat format, const Terminal& terminal, std::FILE* file, std::vector<Column> columns);
  ~ResultWriter() = default;
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  // Whether results are to be given as rows (table, csv) or as records (json, jsonl).
  bool wants_rows() const { return format_ == OutputFormat::kTable || format_ == OutputFormat::kCsv; }

  // Requires wants_rows(), and one cell a column.
  void AddRow(Row row);
  // Requires !wants_rows(). `json` is one object without a line end.
  void AddRecord(std::string_view json);

  // Writes what is left: to be called once, after the last result. Io when not all results could be written.
  Status Finish();

 private:
  void Write(std::string_view text);
  void FlushRows();
  void WriteCsv(const Row& row);

  OutputFormat format_;
  Terminal terminal_;
  std::FILE* file_;
  std::vector<Column> columns_;
  std::vector<Row> first_rows_;        // of a table: until the widths are decided
  std::optional<TableLayout> layout_;  // of a table: the decision
  bool begun_ = false;
  int error_ = 0;  // errno of the first failed write
};

}  // namespace redthread
