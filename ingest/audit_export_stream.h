// AuditExportStream: a CSV export of Microsoft 365's unified audit log as lines of JSON, one an event.
//
// That is what Purview saves, and what Search-UnifiedAuditLog | Export-Csv writes:
//
//   RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,AssociatedAdminUnitsNames
//   CreationDate,UserIds,Operations,AuditData                                              (until 2022)
//
// in any order, with further columns, a line "#TYPE .." in front, and commas, semicolons or tabs between. The
// event is the JSON in AuditData, which says all that the other columns do, but for the administrative units:
// these become members of it. Quotes may hold line ends. A row without such JSON becomes a line that the
// decoder will not read: nothing is left out. Source: RFC 4180; Microsoft, "Export, configure, and view audit
// log records".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/export_stream.h"

namespace redthread {

// One per thread.
class AuditExportStream final : public ExportStream {
 public:
  // What the line of an unreadable row begins with.
  static constexpr std::string_view kUnreadable = "unreadable row of an audit export: ";
  // Longer rows are cut into rows of so much, which are unreadable.
  static constexpr size_t kMaxRowBytes = 4 << 20;
  // What Detect needs to see, and whether it is worth it, from the first eight bytes.
  static constexpr size_t kDetectBytes = 512;
  static bool MayDetect(std::string_view beginning);
  // Whether a file that begins like this is such an export: its first row names a column AuditData. UTF-8, or
  // UTF-16 with its mark.
  static bool Detect(std::string_view beginning);

  // `from`: UTF-8, with or without its mark.
  explicit AuditExportStream(std::unique_ptr<ByteStream> from) : ExportStream(std::move(from)) {}

 private:
  enum class At { kCellStart, kPlain, kQuoted, kQuoteInQuotes };

  size_t TakePart(std::string_view text, bool at_end, std::string* lines) override;
  // The end of the row that `text` begins with, before its line end; npos when it is not there yet.
  size_t RowEnd(std::string_view text);
  void AddRow(std::string_view row, std::string* lines);
  bool ReadHeader(std::string_view row);
  bool AddEvent(std::string_view data, std::string* lines);

  size_t searched_ = 0;     // bytes of the row at hand in which it does not end
  At at_ = At::kCellStart;  // where in a row that is
  char separator_ = ',';
  bool has_header_ = false;
  size_t data_column_ = 0;
  // Of those that AuditData does not have: number and name.
  std::vector<std::pair<size_t, std::string_view>> extra_columns_;
  std::vector<std::string> cells_;  // of the row at hand
};

}  // namespace redthread
