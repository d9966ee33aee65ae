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

#include "ingest/byte_stream.h"

namespace redthread {

// One per thread.
class XmlExportStream final : public ByteStream {
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
  explicit XmlExportStream(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}

  Result<size_t> Read(char* out, size_t size) override;
  bool compressed() const override { return from_->compressed(); }

 private:
  void Fill();
  // Takes from text_ what is whole; false when more is needed.
  bool TakePart();
  bool TakeEvent();
  void AddLine(std::string_view text);

  std::unique_ptr<ByteStream> from_;
  std::string text_;  // read, from done_ on not yet made lines of
  size_t done_ = 0;
  size_t searched_ = 0;  // of text_: no end of the event at hand stands before it
  std::string lines_;    // from taken_ on not yet given out
  size_t taken_ = 0;
  bool at_end_ = false;
  Status failure_;
};

}  // namespace redthread
