// Utf8Stream: another stream's bytes as UTF-8 without a byte order mark. Windows tools write UTF-16.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ingest/byte_stream.h"

namespace redthread {

// Passes bytes on unchanged unless they begin with the mark of UTF-8 (which is taken off) or UTF-16 (which is
// converted; what is no valid UTF-16 becomes U+FFFD). One per thread.
class Utf8Stream final : public ByteStream {
 public:
  explicit Utf8Stream(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}

  Result<size_t> Read(char* out, size_t size) override;

  // To be called before the first Read of a stream that begins in the middle of UTF-8: no mark is looked for.
  void ExpectNoMark() { encoding_ = Encoding::kUtf8; }

  // Bytes of a UTF-8 mark that were taken off, known after the first Read: offsets in the input are that much
  // greater than in what is read here.
  size_t mark_bytes() const { return mark_bytes_; }

 private:
  enum class Encoding { kUnknown, kUtf8, kUtf16Le, kUtf16Be };

  Status DetectEncoding();
  void Convert(const char* data, size_t size);
  void ConvertUnit(char32_t unit);
  Result<size_t> TakePending(char* out, size_t size);

  std::unique_ptr<ByteStream> from_;
  Encoding encoding_ = Encoding::kUnknown;
  size_t mark_bytes_ = 0;
  std::string pending_;  // read ahead or converted, from taken_ on not yet given out
  size_t taken_ = 0;
  int odd_byte_ = -1;  // of UTF-16: first half of a unit
  char32_t high_ = 0;  // of UTF-16: a high surrogate that waits for its partner
  bool at_end_ = false;
};

// What a file that begins like this says: without its mark, and of UTF-16 the characters that are ASCII.
std::string AsciiOf(std::string_view beginning);

}  // namespace redthread
