// Event blocks: the compressed form of a run of records of one source. Tail rows and sealed blocks are both
// this. Byte tables: docs/state_format.md, "Event block".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

// One record as it is kept. `raw` is borrowed.
struct EventRecord {
  uint64_t index = 0;             // as in Position
  std::optional<Timestamp> time;  // event time, where the record has one
  Timestamp arrival;              // processing time at which it was first read
  std::string_view raw;           // as it came, without its line end
  // What it is found by: its event time, else its arrival.
  Timestamp stored_time() const { return time ? *time : arrival; }
};

// What the fixed part of a block tells without unpacking anything.
struct EventBlockHead {
  uint32_t count = 0;
  uint64_t last = 0;   // index of the last record
  Timestamp min_time;  // of stored_time()
  Timestamp max_time;
};

// A block's text must fit 32-bit sizes with room to spare; one line may be as long.
inline constexpr size_t kMaxBlockText = size_t{1} << 30;

// Holds zstd's contexts and buffers: one per thread.
class EventBlockCodec {
 public:
  EventBlockCodec();
  ~EventBlockCodec();

  // The block of `records`, which ascend by index, are at least one, and hold at most kMaxBlockText of text.
  // `key` is where the row will stand; `level` is zstd's. The view is valid until the next Encode. kIo when
  // zstd fails (out of memory).
  Result<std::string_view> Encode(std::string_view key, std::span<const EventRecord> records, int level);

  // Checks and reads the fixed part. kCorrupt.
  static Result<EventBlockHead> ReadHead(std::string_view key, std::string_view block);

  // Unpacks a block whose first record has index `first`: the raw text into *text, and the records, whose raw
  // views point into it. Checks every byte that it uses. kCorrupt; kInvalid for a block that a newer version
  // wrote and that cannot be read without knowing it.
  Status Decode(std::string_view key, uint64_t first, std::string_view block, std::string* text,
                std::vector<EventRecord>* records);

 private:
  struct Section;
  struct Zstd;
  Status AppendSection(uint8_t kind, std::string_view plain, int level, std::string* table);
  Status Unpack(std::string_view key, const Section& section, std::string* plain);
  static Result<std::vector<Section>> ReadTable(std::string_view key, std::string_view block);

  std::unique_ptr<Zstd> zstd_;
  std::string block_;     // of the latest Encode
  std::string bodies_;    // the sections, packed
  std::string columns_;   // the section "records", plain
  std::string raw_text_;  // the section "text", plain
};

}  // namespace redthread
