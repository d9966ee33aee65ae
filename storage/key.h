// Keys whose bytes sort as their parts do: the database knows only memcmp.
//
// Unsigned numbers are big-endian. Times are big-endian with the sign bit flipped, so that 1969 stands before
// 1970. A string is escaped (00 -> 00 FF) and ended by 00 01: no string is a prefix of another, and what
// follows it does not disturb the order. Byte tables: docs/state_format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/timestamp.h"

namespace redthread {

class KeyWriter {
 public:
  // `kind` tells the rows of one column family apart.
  explicit KeyWriter(char kind) : key_(1, kind) {}
  KeyWriter& U8(uint8_t v);
  KeyWriter& U32(uint32_t v);
  KeyWriter& U64(uint64_t v);
  KeyWriter& Time(Timestamp t);
  KeyWriter& String(std::string_view text);
  const std::string& str() const { return key_; }
  operator std::string_view() const { return key_; }  // NOLINT(google-explicit-constructor): a key is bytes

 private:
  std::string key_;
};

// Reads the parts in the order in which they were written. Every function returns false, and leaves the
// output alone, when the bytes are not such a part: a damaged key, or one of another kind.
class KeyReader {
 public:
  // `key` outlives the reader.
  explicit KeyReader(std::string_view key) : rest_(key) {}
  bool Kind(char kind);
  bool U8(uint8_t* v);
  bool U32(uint32_t* v);
  bool U64(uint64_t* v);
  bool Time(Timestamp* t);
  bool String(std::string* text);
  // Whether all of the key has been read.
  bool Done() const { return rest_.empty(); }

 private:
  bool BigEndian(size_t bytes, uint64_t* v);
  std::string_view rest_;
};

// The order of times as unsigned numbers, and back.
constexpr uint64_t OrderedTime(Timestamp t) { return static_cast<uint64_t>(t.ns) ^ (uint64_t{1} << 63); }
constexpr Timestamp TimeOfOrdered(uint64_t v) { return {static_cast<int64_t>(v ^ (uint64_t{1} << 63))}; }

// Adds a string as it stands in keys.
void AppendKeyString(std::string_view text, std::string* key);

// The least key greater than every key that begins with `prefix`: the end of its range. Empty, which scans
// take for the end of the family, when there is none (a prefix of FF only).
std::string PrefixEnd(std::string_view prefix);

// The key right after `key`.
std::string KeyAfter(std::string_view key);

// A key for people: printable bytes as they are, the others as \xNN.
std::string KeyText(std::string_view key);

}  // namespace redthread
