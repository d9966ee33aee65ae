#include "ingest/audit_export_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/text.h"
#include "ingest/text_field.h"
#include "ingest/utf8_stream.h"

namespace redthread {

namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr std::string_view kData = "AuditData";
constexpr std::string_view kTypeLine = "#TYPE ";
// What the first column may be.
constexpr std::string_view kColumns[] = {"AuditData",
                                         "CreationDate",
                                         "RecordId",
                                         "RecordType",
                                         "Operation",
                                         "Operations",
                                         "UserId",
                                         "UserIds",
                                         "ResultIndex",
                                         "ResultCount",
                                         "Identity",
                                         "PSComputerName",
                                         "RunspaceId",
                                         "PSShowComputerName",
                                         "IsValid",
                                         "ObjectState",
                                         "AssociatedAdminUnits",
                                         "AssociatedAdminUnitsNames",
                                         "Id"};
constexpr std::string_view kExtraColumns[] = {"AssociatedAdminUnits", "AssociatedAdminUnitsNames"};

bool IsColumn(std::string_view name) {
  return std::find(std::begin(kColumns), std::end(kColumns), name) != std::end(kColumns);
}

// The name of the column that `row` begins with, without its quotes.
std::string_view FirstName(std::string_view row) {
  TakePrefix("\"", &row);
  return row.substr(0, row.find_first_of("\",;\t\r\n"));
}

// What stands between the columns of a header; a comma when it has but one.
char SeparatorOf(std::string_view header) {
  const size_t at = header.find_first_of(",;\t");
  return at == std::string_view::npos ? ',' : header[at];
}

// The cells of a row, unquoted.
void Split(std::string_view row, char separator, std::vector<std::string>* cells) {
  cells->clear();
  for (size_t i = 0;; ++i) {
    std::string& cell = cells->emplace_back();
    if (i < row.size() && row[i] == '"') {
      for (++i; i < row.size(); ++i) {
        if (row[i] == '"' && (++i == row.size() || row[i] != '"')) break;
        cell.push_back(row[i]);
      }
    }
    for (; i < row.size() && row[i] != separator; ++i) cell.push_back(row[i]);
    if (i >= row.size()) return;
  }
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

bool AuditExportStream::MayDetect(std::string_view beginning) {
  const std::string text = AsciiOf(beginning);
  const std::string_view name = FirstName(text);
  if (name.empty()) return false;
  if (kTypeLine.starts_with(name.substr(0, kTypeLine.size()))) return true;
  // All that is seen may be the beginning of a name.
  if (name.data() + name.size() != text.data() + text.size()) return IsColumn(name);
  return std::any_of(std::begin(kColumns), std::end(kColumns),
                     [&](std::string_view column) { return column.starts_with(name); });
}

bool AuditExportStream::Detect(std::string_view beginning) {
  const std::string ascii = AsciiOf(beginning);
  std::string_view text = ascii;
  if (text.starts_with(kTypeLine)) TakeUntil('\n', &text);
  const std::string_view header = text.substr(0, text.find('\n'));
  if (!IsColumn(FirstName(header))) return false;
  std::vector<std::string> names;
  Split(Trimmed(header), SeparatorOf(header), &names);
  return names.size() > 1 && std::find(names.begin(), names.end(), kData) != names.end();
}

Result<size_t> AuditExportStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size()) {
    lines_.clear();
    taken_ = 0;
    if (TakeRow()) continue;
    if (at_end_) {
      if (!failure_.ok()) return failure_;
      return size_t{0};
    }
    Fill();
  }
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

void AuditExportStream::Fill() {
  text_.erase(0, done_);
  searched_ -= done_;
  done_ = 0;
  const size_t used = text_.size();
  text_.resize(used + kReadBytes);
  const Result<size_t> n = from_->Read(text_.data() + used, kReadBytes);
  text_.resize(used + (n.ok() ? *n : 0));
  failure_ = n.status();
  at_end_ = !n.ok() || *n == 0;
}

bool AuditExportStream::TakeRow() {
  if (done_ == text_.size()) return false;
  size_t end = RowEnd();
  size_t next = end + 1;
  if (end == std::string::npos) {
    if (!at_end_ && text_.size() - done_ < kMaxRowBytes) return false;
    end = next = std::min(text_.size(), done_ + kMaxRowBytes);
  }
  std::string_view row = std::string_view(text_).substr(done_, end - done_);
  done_ = searched_ = next;
  at_ = At::kCellStart;
  if (row.ends_with('\r')) row.remove_suffix(1);
  if (!row.empty()) AddRow(row);
  return true;
}

size_t AuditExportStream::RowEnd() {
  // The same in whatever pieces it was read: so what is too long is cut also where its end is known.
  const size_t limit = std::min(text_.size(), done_ + kMaxRowBytes);
  for (; searched_ < limit; ++searched_) {
    const char c = text_[searched_];
    if (at_ == At::kQuoted) {
      if (c == '"') at_ = At::kQuoteInQuotes;
    } else if (c == '\n') {
      return searched_;
    } else if (c == separator_ && has_header_) {
      at_ = At::kCellStart;
    } else if (c == '"' && at_ != At::kPlain) {
      at_ = At::kQuoted;  // the first of a cell, or the second of two within quotes
    } else {
      at_ = At::kPlain;
    }
  }
  return std::string::npos;
}

void AuditExportStream::AddRow(std::string_view row) {
  if (!has_header_ && row.starts_with(kTypeLine)) return;
  if (ReadHeader(row)) return;
  Split(row, separator_, &cells_);
  if (has_header_ && data_column_ < cells_.size() && AddEvent(Trimmed(cells_[data_column_]))) return;
  lines_.append(kUnreadable);
  AddOneLine(row);
}

// Files of several exports have several.
bool AuditExportStream::ReadHeader(std::string_view row) {
  constexpr size_t kMaxHeader = 4096;
  if (row.size() > kMaxHeader || !IsColumn(FirstName(row))) return false;
  const char separator = SeparatorOf(row);
  Split(row, separator, &cells_);
  const auto data = std::find(cells_.begin(), cells_.end(), kData);
  if (data == cells_.end()) return false;
  has_header_ = true;
  separator_ = separator;
  data_column_ = static_cast<size_t>(data - cells_.begin());
  extra_columns_.clear();
  for (size_t i = 0; i < cells_.size(); ++i) {
    for (const std::string_view name : kExtraColumns) {
      if (cells_[i] == name) extra_columns_.emplace_back(i, name);
    }
  }
  return true;
}

bool AuditExportStream::AddEvent(std::string_view data) {
  if (!data.starts_with('{')) return false;
  std::string_view body = data;
  // Programs for tables cut what is too long: of such an event its beginning is read.
  const bool whole = data.size() > 2 && data.ends_with('}');
  if (whole) body.remove_suffix(1);
  std::string line(body);
  for (const auto& [column, name] : extra_columns_) {
    if (!whole || column >= cells_.size() || cells_[column].empty()) continue;
    line.append(",\"").append(name).append("\":");
    AppendJsonString(cells_[column], &line);
  }
  if (whole) line.push_back('}');
  AddOneLine(line);
  return true;
}

// Line ends within JSON are white space.
void AuditExportStream::AddOneLine(std::string_view text) {
  const size_t begin = lines_.size();
  lines_.append(text);
  std::replace(lines_.begin() + static_cast<std::ptrdiff_t>(begin), lines_.end(), '\n', ' ');
  std::replace(lines_.begin() + static_cast<std::ptrdiff_t>(begin), lines_.end(), '\r', ' ');
  lines_.push_back('\n');
}

}  // namespace redthread
