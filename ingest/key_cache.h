// KeyCache: from the bytes of a JSON key to its FieldId, by guessing.
//
// The records of one source repeat their keys in much the same order, so the key that followed the last one
// the time before is tried first: one comparison of bytes in place of a hash and a probe. It is a guess per
// key, not per record, because interleaved kinds of records share runs of keys.
//
// Bounded: keys longer than kMaxKeySize are never kept, and when kMaxKeys are, all are forgotten. Whoever
// writes the log can make it useless, not big.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "core/field_table.h"

namespace redthread {

// One per thread. `fields` outlives it.
class KeyCache {
 public:
  static constexpr size_t kMaxKeySize = 128;
  static constexpr size_t kMaxKeys = 4096;

  struct Key {
    const char* text = nullptr;
    uint32_t size = 0;
    FieldId id = kNoField;
    FieldId spaceless = kNoField;  // of a key with spaces: the number of its name without them
    bool plain = true;             // holds no backslash
    // What followed it last time, and what did before that: records of two kinds often take turns.
    Key* next = nullptr;
    Key* other = nullptr;
  };

  explicit KeyCache(const FieldTable& fields);
  KeyCache(const KeyCache&) = delete;
  KeyCache& operator=(const KeyCache&) = delete;

  // To be called before each record.
  void Rewind() { last_ = &start_; }

  // What is known of that key, as it stands between the quotes. Valid until the next call. 16 bytes from
  // `text` on must be readable.
  const Key& Find(const char* text, size_t size) {
    for (Key* guess : {last_->next, last_->other}) {
      if (guess->size == size && Equal(guess->text, text, size)) {
        last_ = guess;
        return *guess;
      }
    }
    return FindSlow(text, size);
  }

 private:
  // Both sides have 16 readable bytes. Two overlapping halves cover every size up to 32 without a loop.
  static bool Equal(const char* a, const char* b, size_t n) {
    if (n <= 8) {
      return n == 0 || ((Load(a) ^ Load(b)) << (64 - 8 * n)) == 0;
    }
    if (n <= 16) return ((Load(a) ^ Load(b)) | (Load(a + n - 8) ^ Load(b + n - 8))) == 0;
    if (n <= 32) {
      return ((Load(a) ^ Load(b)) | (Load(a + 8) ^ Load(b + 8)) | (Load(a + n - 16) ^ Load(b + n - 16)) |
              (Load(a + n - 8) ^ Load(b + n - 8))) == 0;
    }
    return std::memcmp(a, b, n) == 0;
  }
  static uint64_t Load(const char* p) {
    uint64_t v = 0;
    std::memcpy(&v, p, sizeof(v));
    if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) v = __builtin_bswap64(v);
    return v;
  }

  const Key& FindSlow(const char* text, size_t size);
  void Describe(std::string_view text, Key* key) const;
  void Forget();

  const FieldTable& fields_;
  std::unordered_map<std::string_view, Key*> by_text_;
  std::unique_ptr<Key[]> keys_;   // kMaxKeys
  std::unique_ptr<char[]> text_;  // kMaxKeys * kMaxKeySize, and what Equal reads beyond
  size_t count_ = 0;
  size_t text_used_ = 0;
  Key none_;      // equals no key: its size is larger than any
  Key start_;     // stands before the first key of a record
  Key uncached_;  // the answer for a key that is not kept
  Key* last_ = &start_;
};

}  // namespace redthread
