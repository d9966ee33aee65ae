// Events in XML: any text is read without harm and within the limits; what comes out is JSON. Of a document
// of events no letter is lost between its lines, in whatever pieces it is read.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/text.h"
#include "ingest/event_json.h"
#include "ingest/event_xml.h"
#include "ingest/xml_export_stream.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/support/bytes_stream.h"

namespace redthread {
namespace {

void CheckEvent(std::string_view text) {
  EventXmlReader reader;
  XmlTree tree;
  Arena arena;
  const char* const failure = reader.Read(text, &tree, &arena);
  FUZZ_CHECK(reader.offset() <= text.size());
  FUZZ_CHECK(failure != nullptr || tree.size() > 0);
  if (tree.size() == 0) return;
  std::string json;
  FUZZ_CHECK(AppendEventJson(tree, 8 * text.size() + 64, &json));
  FUZZ_CHECK(nlohmann::json::accept(json));
}

std::string Lines(std::string_view text, size_t piece) {
  XmlExportStream stream(std::make_unique<BytesStream>(text, piece));
  std::string lines, buffer(1 << 12, '\0');
  for (;;) {
    const Result<size_t> n = stream.Read(buffer.data(), buffer.size());
    FUZZ_CHECK(n.ok());
    if (*n == 0) return lines;
    lines.append(buffer, 0, *n);
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  std::string text;
  SanitizeUtf8({reinterpret_cast<const char*>(data), size}, &text);
  CheckEvent(text);
  const std::string lines = Lines(text, text.size() + 1);
  FUZZ_CHECK(lines.empty() || lines.back() == '\n');
  FUZZ_CHECK(Lines(text, 3) == lines);
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = lines.find('\n', begin);
    FUZZ_CHECK(end > begin);
    CheckEvent(std::string_view(lines).substr(begin, end - begin));
    begin = end + 1;
  }
  return 0;
}
