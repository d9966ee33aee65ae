// XmlExportStream: an XML document of Windows events as lines, one an event.
//
// That is what the Event Viewer saves, and `wevtutil qe /f:xml /e:Events`: <Events><Event ..>..</Event>..
// </Events>, all on one line or over many. Line ends within an event become spaces in tags and &#10; in text,
// so that the line means the same. What stands between events and is neither white space nor the root's tags
// becomes a line of its own, which the decoder will not read: nothing is left out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/export_stream.h"

namespace redthread {

// One per thread.
class XmlExportStream final : public ExportStream {
 public:
  // Longer events, and what lies between events, are cut into lines of so much.
  static constexpr size_t kMaxLineBytes = 1 << 20;
  // What Detect needs to see, and whether it is worth it, from the first eight bytes.
  static constexpr size_t kDetectBytes = 512;
  static bool MayDetect(std::string_view beginning);
  // Whether a file that begins like this is such a document: its root is Events, or it has a declaration and
  // its root is Event. UTF-8, or UTF-16 with its mark.
  static bool Detect(std::string_view beginning);

  // `from`: UTF-8.
  explicit XmlExportStream(std::unique_ptr<ByteStream> from) : ExportStream(std::move(from)) {}

 private:
  size_t TakePart(std::string_view text, bool at_end, std::string* lines) override;
  size_t TakeEvent(std::string_view text, bool at_end, std::string* lines);

  size_t searched_ = 0;  // bytes of the event at hand in which its end does not stand
};

}  // namespace redthread
