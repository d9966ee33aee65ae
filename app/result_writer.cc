#include "app/result_writer.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace redthread {
namespace {

// Rows that decide the widths of a table; those that follow are fitted to them.
constexpr size_t kRowsForLayout = 1000;

}  // namespace

ResultWriter::ResultWriter(OutputFormat format, const Terminal& terminal, std::FILE* file,
                           std::vector<Column> columns)
    : format_(format), terminal_(terminal), file_(file), columns_(std::move(columns)) {}

void ResultWriter::AddRow(Row row) {
  if (format_ == OutputFormat::kCsv) {
    WriteCsv(row);
  } else if (layout_) {
    Write(layout_->RenderRow(row, terminal_.color));
  } else {
    first_rows_.push_back(std::move(row));
    if (first_rows_.size() == kRowsForLayout) FlushRows();
  }
}

void ResultWriter::AddRecord(std::string_view json) {
  if (format_ == OutputFormat::kJson) Write(begun_ ? ",\n" : "[\n");
  begun_ = true;
  Write(json);
  if (format_ == OutputFormat::kJsonl) Write("\n");
}

void ResultWriter::FlushRows() {
  layout_.emplace(columns_, first_rows_, terminal_.width);
  Write(layout_->RenderHeader(terminal_.color));
  for (const Row& row : first_rows_) Write(layout_->RenderRow(row, terminal_.color));
  first_rows_.clear();
}

void ResultWriter::WriteCsv(const Row& row) {
  std::vector<std::string_view> fields;
  if (!begun_) {
    for (const Column& c : columns_) fields.push_back(c.name);
    Write(CsvLine(fields));
    fields.clear();
  }
  begun_ = true;
  for (const Cell& cell : row) fields.push_back(cell.text);
  Write(CsvLine(fields));
}

Status ResultWriter::Finish() {
  if (format_ == OutputFormat::kTable && !first_rows_.empty()) FlushRows();
  if (format_ == OutputFormat::kJson) Write(begun_ ? "\n]\n" : "[]\n");
  if (std::fflush(file_) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0) return Status::Ok();
  return Status::Io(std::string("cannot write the results: ") + std::strerror(error_));
}

void ResultWriter::Write(std::string_view text) {
  if (error_ != 0 || std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return;
  error_ = errno;
}

}  // namespace redthread
