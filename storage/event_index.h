// How event blocks are addressed: their keys, the end of what is kept of a source, and the time index.
//
// The index bins time by powers of 16. A block stands in the smallest bin that holds all of its times, so it
// has one row however far apart they are, and a range query reads eight short runs of rows.
// Source: the bins of UCSC and SAM (SAM specification, 5.1.1).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/position.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "storage/event_block.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

// The kinds of rows in column family `event`.
inline constexpr char kTailRow = 't';
inline constexpr char kBlockRow = 'b';
inline constexpr char kTimeIndexRow = 'x';
inline constexpr char kSourceEndRow = 'e';

// Where a tail row or a block stands among those of its kind.
struct BlockAddress {
  SourceId source = 0;
  uint32_t epoch = 0;
  uint64_t first = 0;  // index of its first record
  auto operator<=>(const BlockAddress&) const = default;

  std::string Key(char kind) const;
  // False when the key is none of that kind.
  static bool Parse(char kind, std::string_view key, BlockAddress* address);
};

// The end of what is kept of a source, and how much of it is in tail rows.
struct SourceEnd {
  uint32_t epoch = 0;
  uint64_t next_index = 0;
  uint64_t tail_rows = 0;
  uint64_t tail_bytes = 0;                // of raw text
  std::optional<Timestamp> tail_arrival;  // the oldest arrival in the tail

  // Nothing when nothing was ever kept of the source. kCorrupt.
  static Result<std::optional<SourceEnd>> Load(const StateReader& reader, SourceId source);
  static Status Parse(std::string_view key, std::string_view value, SourceEnd* end);
  void Store(StateTransaction* transaction, SourceId source) const;
};

// One block as the time index knows it.
struct IndexedBlock {
  Timestamp min_time;
  Timestamp max_time;
  uint64_t count = 0;
  BlockAddress address;

  std::string Key() const;
  void Store(StateTransaction* transaction) const;
  // False when the key is no index row, or does not stand in the bin that its block must be in.
  static bool ParseKey(std::string_view key, IndexedBlock* block);
  // Reads the row's value too. A damaged one says so, and leaves the widest range that the key allows.
  static Status ParseValue(std::string_view key, std::string_view value, IndexedBlock* block);
};

// The blocks that reach into begin <= t <= end, in the order of (min_time, address). Holds a bounded number
// of rows, whatever the range.
class TimeIndexStream {
 public:
  static constexpr int kLevels = 8;

  // `reader` and `damage` outlive the stream. Damaged index rows are noted; their blocks come all the same
  // where the key tells which they are.
  TimeIndexStream(const StateReader* reader, Timestamp begin, Timestamp end, Damage* damage);

  // The next block, or nothing at the end; a Status when the database could not be read.
  Result<std::optional<IndexedBlock>> Next();

 private:
  struct Level {
    std::string next;  // where the scan goes on
    std::string end;
    bool exhausted = false;
    std::deque<IndexedBlock> ahead;
  };
  Status Fill(Level* level);

  const StateReader* reader_;
  Timestamp begin_;
  Damage* damage_;
  std::array<Level, kLevels> levels_;
};

}  // namespace redthread
