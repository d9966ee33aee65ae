// EventStore: every raw line as it came, compressed, found again by position and by time.
//
// A step's lines of one source become one *tail row*, in the step's own transaction. Small rows compress
// badly, so the lines of a source are later *sealed*: its tail rows are merged into blocks of about 256 kB of
// raw text and removed in the same transaction, so that a reader sees a line once, in one form or the other.
// A step that brings that much of one source at once writes blocks right away. There is no row per line.
//
// Blocks lie in RocksDB's blob files, so that compaction moves keys and not text. A time index of one small
// row per block, binned by powers of 16, lets a scan of a time range open only the blocks that reach into it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "storage/event_block.h"
#include "storage/event_index.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

// One record that was kept.
struct StoredEvent {
  SourceId source = 0;
  uint32_t epoch = 0;
  EventRecord record;
};

// Records of one source, compressed into the rows that Append writes. Reusable.
struct PackedEvents {
  struct Block {
    BlockAddress address;
    EventBlockHead head;
    std::string bytes;
  };
  SourceId source = 0;
  uint32_t epoch = 0;
  std::vector<Block> blocks;  // in the order of their records; none: there were no records
  bool sealed = false;        // else it is one tail row
  size_t text_bytes = 0;      // before compression
  Timestamp arrival;          // the earliest of the records
};

// Holds compression contexts and buffers, no state: one per thread. A visitor must not call it again.
class EventStore {
 public:
  struct Options {
    size_t block_bytes = size_t{256} << 10;  // raw text in a sealed block; a longer line has one of its own
    int tail_compression = 1;                // zstd levels: a tail row is written to be rewritten,
    int block_compression = 3;               // a block to be kept
    // A source's tail is sealed at this age, also when it is small: seldom heard sources keep few rows.
    Nanoseconds max_tail_age = std::chrono::minutes(10);
  };

  EventStore();
  explicit EventStore(const Options& options);
  ~EventStore();
  EventStore(const EventStore&) = delete;
  EventStore& operator=(const EventStore&) = delete;

  // Compresses records, which ascend by index: kInvalid when not. kLimit when one line is over 1 GiB. Touches
  // no database, so that any thread may do it.
  Status Pack(SourceId source, uint32_t epoch, std::span<const EventRecord> records, PackedEvents* packed);

  // Keeps packed records, which lie above everything kept of the source before: kInvalid when not (nothing
  // has been written then).
  Status Append(StateTransaction* transaction, const PackedEvents& packed);
  // Both in one.
  Status Append(StateTransaction* transaction, SourceId source, uint32_t epoch,
                std::span<const EventRecord> records);

  // Seals the tail of one source. Damaged tail rows are left where they are, and noted.
  Status Seal(StateTransaction* transaction, SourceId source, Damage* damage);

  // Seals every source whose tail holds a block's worth of text or is older than max_tail_age at `now`
  // (processing time), until the transaction holds `max_pending_bytes`. Returns how many it sealed.
  Result<size_t> SealDue(StateTransaction* transaction, Timestamp now, size_t max_pending_bytes,
                         Damage* damage);

  // The record at the position; *event's raw text is put into *text. kNotFound when no such record was kept,
  // kCorrupt when the row that must hold it is damaged.
  Status Read(const StateReader& reader, const Position& position, std::string* text, StoredEvent* event);

  struct Range {
    Timestamp begin = Timestamp::Min();  // of EventRecord::stored_time(), begin <= t <= end
    Timestamp end = Timestamp::Max();
    std::optional<SourceId> source;  // only this one
  };

  using Visitor = std::function<bool(const StoredEvent&)>;

  // Visits the records of the range until `visit` returns false; raw text is valid during the visit. Blocks
  // come in the order of their least time, after them the tail rows by source and position; the records
  // within each in the order of (time, position). Damaged rows are skipped and noted.
  Status ForEach(const StateReader& reader, const Range& range, const Visitor& visit, Damage* damage);

  // The position after the last record kept of a source, or nothing when none was.
  Result<std::optional<Position>> End(const StateReader& reader, SourceId source) const;

 private:
  struct SealRun;
  Status PackBlock(char kind, std::span<const EventRecord> records, PackedEvents* packed);
  Status PackBlocks(std::span<const EventRecord> records, PackedEvents* packed);
  static Status ListTail(const StateReader& reader, SourceId source, std::vector<BlockAddress>* tail,
                         Damage* damage);
  static Status BlockBetween(const StateReader& reader, std::string_view tail_key, std::string_view next_key,
                             bool* between);
  Status AddToRun(const StateReader& reader, const BlockAddress& address, SealRun* run);
  Status FinishRun(StateTransaction* transaction, SealRun* run);
  void VisitRow(char kind, const BlockAddress& address, std::string_view row, const Range& range,
                const Visitor& visit, Damage* damage, bool* go_on);
  Status ForEachInBlocks(const StateReader& reader, const Range& range, const Visitor& visit, Damage* damage,
                         bool* go_on);
  Status ForEachInTail(const StateReader& reader, const Range& range, const Visitor& visit, Damage* damage,
                       bool* go_on);

  Options options_;
  std::unique_ptr<EventBlockCodec> codec_;
  PackedEvents packed_;               // of the Append or the seal at hand
  std::string text_;                  // of the row that was read last
  std::vector<EventRecord> records_;  // point into text_
};

}  // namespace redthread
