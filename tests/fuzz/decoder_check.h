// What fuzz targets of decoders share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/decoder.h"
#include "core/event.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {

// The input in a buffer of its own, so that a sanitizer sees every byte read beyond the padding.
class PaddedRecord {
 public:
  PaddedRecord(const uint8_t* data, size_t size)
      : bytes_(std::make_unique<char[]>(size + Decoder::kPadding)), size_(size) {
    std::string_view(reinterpret_cast<const char*>(data), size).copy(bytes_.get(), size);
  }
  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

inline std::string AsJson(const Event& event) {
  std::string out;
  AppendJson(event, &out);
  return out;
}

// Texts are looked at after the fact, and more than once.
inline void CheckTexts(const Event& event) {
  event.AnyScalar([&](NodeIndex i) {
    FUZZ_CHECK(event.Text(i) == event.Text(i));
    FUZZ_CHECK(event.FoldedText(i) == event.FoldedText(i));
    return false;
  });
}

}  // namespace redthread
