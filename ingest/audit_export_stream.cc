#include "ingest/audit_export_stream.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "ingest/text_field.h"
#include "ingest/utf8_stream.h"

namespace redthread {

namespace {

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

// Line ends within JSON are white space.
void AddOneLine(std::string_view text, std::string* lines) {
  const auto begin = static_cast<std::ptrdiff_t>(lines->size());
  lines->append(text);
  std::replace(lines->begin() + begin, lines->end(), '\n', ' ');
  std::replace(lines->begin() + begin, lines->end(), '\r', ' ');
  lines->push_back('\n');
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

size_t AuditExportStream::TakePart(std::string_view text, bool at_end, std::string* lines) {
  if (text.empty()) return 0;
  size_t end = RowEnd(text);
  size_t next = end + 1;
  if (end == std::string_view::npos) {
    if (!at_end && text.size() < kMaxRowBytes) return 0;
    end = next = std::min(text.size(), kMaxRowBytes);
  }
  std::string_view row = text.substr(0, end);
  searched_ = 0;
  at_ = At::kCellStart;
  if (row.ends_with('\r')) row.remove_suffix(1);
  if (!row.empty()) AddRow(row, lines);
  return next;
}

size_t AuditExportStream::RowEnd(std::string_view text) {
  // The same in whatever pieces it was read: so what is too long is cut also where its end is known.
  const size_t limit = std::min(text.size(), kMaxRowBytes);
  for (; searched_ < limit; ++searched_) {
    const char c = text[searched_];
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
  return std::string_view::npos;
}

void AuditExportStream::AddRow(std::string_view row, std::string* lines) {
  if (!has_header_ && row.starts_with(kTypeLine)) return;
  if (ReadHeader(row)) return;
  Split(row, separator_, &cells_);
  if (has_header_ && data_column_ < cells_.size() && AddEvent(Trimmed(cells_[data_column_]), lines)) return;
  lines->append(kUnreadable);
  AddOneLine(row, lines);
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

bool AuditExportStream::AddEvent(std::string_view data, std::string* lines) {
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
  AddOneLine(line, lines);
  return true;
}

}  // namespace redthread
