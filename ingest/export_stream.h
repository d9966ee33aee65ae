// ExportStream: what the exports of events have in common: a text that becomes lines, one an event, a part of
// it at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/byte_stream.h"

namespace redthread {

// One per thread.
class ExportStream : public ByteStream {
 public:
  // Fails as the stream it reads from does, after the lines of all that was read before.
  Result<size_t> Read(char* out, size_t size) final;
  bool compressed() const final { return from_->compressed(); }

 protected:
  // `from`: UTF-8.
  explicit ExportStream(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}

  // Adds the lines of what `text` begins with, if there are any, and returns how many bytes that were; 0 when
  // it is not there as a whole yet: the next call then gets the same text, and more behind it. `at_end`: no
  // more will come, so that all of a text that is not empty is to be taken.
  virtual size_t TakePart(std::string_view text, bool at_end, std::string* lines) = 0;

 private:
  void Fill();

  std::unique_ptr<ByteStream> from_;
  std::string text_;  // read, from done_ on not yet made lines of
  size_t done_ = 0;
  std::string lines_;  // from taken_ on not yet given out
  size_t taken_ = 0;
  bool at_end_ = false;
  Status failure_;
};

}  // namespace redthread
