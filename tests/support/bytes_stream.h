// BytesStream: bytes that lie in memory as an input, given out in pieces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ingest/byte_stream.h"

namespace redthread {

class BytesStream final : public ByteStream {
 public:
  // `bytes` outlive the stream. `piece`: no Read gives more.
  explicit BytesStream(std::string_view bytes, size_t piece = SIZE_MAX) : bytes_(bytes), piece_(piece) {}
  Result<size_t> Read(char* out, size_t size) override {
    const size_t n = bytes_.copy(out, std::min(size, piece_), at_);
    at_ += n;
    return n;
  }

 private:
  const std::string_view bytes_;
  const size_t piece_;
  size_t at_ = 0;
};

}  // namespace redthread
