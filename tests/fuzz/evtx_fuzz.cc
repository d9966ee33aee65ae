// Event logs: any bytes in the place of a chunk are read without harm and within the limits; each line is
// JSON or says what could not be read; in whatever pieces it is read, the lines are the same.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/text.h"
#include "ingest/evtx_stream.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/support/bytes_stream.h"
#include "tests/support/evtx_builder.h"

namespace redthread {
namespace {

std::string Read(std::string_view file, size_t from_piece, size_t to_piece) {
  EvtxStream stream(std::make_unique<BytesStream>(file, from_piece));
  std::string text, buffer(to_piece, '\0');
  for (;;) {
    const Result<size_t> n = stream.Read(buffer.data(), buffer.size());
    FUZZ_CHECK(n.ok());
    if (*n == 0) return text;
    text.append(buffer, 0, *n);
  }
}

void CheckLine(std::string_view line) {
  if (line.starts_with(EvtxStream::kUnreadable)) {
    std::string sound;
    FUZZ_CHECK(SanitizeUtf8(line, &sound) == 0);
  } else {
    FUZZ_CHECK(nlohmann::json::accept(line));
    FUZZ_CHECK(line.size() <= EvtxStream::kMaxRecordJson + (1 << 20));
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  if (size == 0) return 0;
  const bool dirty = (data[0] & 1) != 0;
  const std::string file = EvtxFile({std::string(reinterpret_cast<const char*>(data) + 1, size - 1)}, dirty);
  const std::string text = Read(file, file.size(), 1 << 16);
  FUZZ_CHECK(text.empty() || text.back() == '\n');
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    CheckLine(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
  FUZZ_CHECK(Read(file, 1000, 77) == text);
  return 0;
}
