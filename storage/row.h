// Rows: what the values of the database look like on the outside.
//
//   row := version u8 | payload | checksum u64
//
// The checksum is XXH3-64 over version and payload, seeded with the XXH3-64 of the key, so that a row under
// the wrong key is noticed too. The payload is a list of fields in a fixed order. A later version may add
// fields at the end, and this one skips them; anything else is a new version number, which this one refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

// The bytes that Varint writes for a number.
size_t VarintSize(uint64_t v);

class RowWriter {
 public:
  explicit RowWriter(uint8_t version = 1) {
    row_.reserve(kUsual);
    row_.push_back(static_cast<char>(version));
  }
  RowWriter& U8(uint8_t v);
  RowWriter& Varint(uint64_t v);  // LEB128
  RowWriter& Time(Timestamp t);   // i64, little-endian
  RowWriter& OptionalTime(const std::optional<Timestamp>& t);
  RowWriter& Fixed64(uint64_t v);         // little-endian
  RowWriter& Bytes(std::string_view v);   // varint length, then the bytes
  RowWriter& Append(std::string_view v);  // the bytes alone: fields that were written elsewhere
  // The bytes so far without version and checksum: a record within a row.
  std::string_view payload() const { return std::string_view(row_).substr(1); }
  // Adds the checksum; `key` is where the row will stand. Nothing may be written after it.
  const std::string& Finish(std::string_view key);
  // Begins another row, in the memory of this one.
  void Clear() { row_.resize(1); }

 private:
  static constexpr size_t kUsual = 120;  // bytes of a row
  std::string row_;
};

// Each function returns false when the payload ends too early; all the following ones then do so too, so that
// a reader may read all fields and ask once.
class RowReader {
 public:
  // `payload` outlives the reader and every view it hands out.
  explicit RowReader(std::string_view payload) : rest_(payload) {}
  bool U8(uint8_t* v);
  bool Varint(uint64_t* v);
  bool Varint32(uint32_t* v);  // also false above 32 bits
  bool Flag(bool* v);          // also false for anything but 0 and 1
  bool Time(Timestamp* t);
  bool OptionalTime(std::optional<Timestamp>* t);
  bool Fixed64(uint64_t* v);
  bool Bytes(std::string_view* v);
  bool Bytes(std::string* v);
  bool AtEnd() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  bool Take(size_t n, const char** p);
  std::string_view rest_;
  bool good_ = true;
};

// Checks version and checksum of a row and hands out its payload, a view into `value`. kCorrupt names the
// family's word `what` and the key.
Result<std::string_view> OpenRow(const char* what, std::string_view key, std::string_view value,
                                 uint8_t version = 1);

// The Status of a row whose checksum holds but whose fields do not: kCorrupt.
Status DamagedRow(const char* what, std::string_view key, const char* why);

// XXH3-64 of `bytes`.
uint64_t Checksum(std::string_view bytes);
// XXH3-64 of `bytes`, seeded with that of `key`.
uint64_t RowChecksum(std::string_view key, std::string_view bytes);

}  // namespace redthread
