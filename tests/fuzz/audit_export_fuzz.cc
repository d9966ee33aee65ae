// Exports of an audit log: any bytes are read without harm, in lines within the limit; in whatever pieces
// they come, the lines are the same; without quotes, each row that is no header gives one line.
#include <algorithm>
#include <memory>
#include <string>

#include "ingest/audit_export_stream.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/support/bytes_stream.h"

namespace redthread {
namespace {

std::string Read(std::string_view file, size_t piece) {
  AuditExportStream stream(std::make_unique<BytesStream>(file, piece));
  std::string text, buffer(1 << 16, '\0');
  for (;;) {
    const Result<size_t> n = stream.Read(buffer.data(), buffer.size());
    FUZZ_CHECK(n.ok());
    if (*n == 0) return text;
    text.append(buffer, 0, *n);
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  AuditExportStream::MayDetect(file.substr(0, 8));
  AuditExportStream::Detect(file.substr(0, AuditExportStream::kDetectBytes));
  const std::string text = Read(file, size + 1);
  FUZZ_CHECK(text.empty() || text.back() == '\n');
  FUZZ_CHECK(Read(file, 1) == text);
  // With a first column that none of its rows begins with, no row is a header.
  std::string rows = "CreationDate,AuditData\n";
  long expected = 0;
  for (size_t begin = 0; begin < file.size();) {
    const std::string_view row = file.substr(begin, file.find('\n', begin) - begin);
    begin += row.size() + 1;
    if (row.find('"') != std::string_view::npos) continue;
    rows.append("x,").append(row).push_back('\n');
    ++expected;
  }
  const std::string read = Read(rows, rows.size());
  FUZZ_CHECK(std::count(read.begin(), read.end(), '\n') == expected);
  return 0;
}
