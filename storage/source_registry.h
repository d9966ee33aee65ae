// The source registry: which small number stands for which source, and how far it has been read.
//
// A number is given out once, in order of first sight, never reused, and stays through restarts and renames.
// Reading progress lies in the same transaction as everything that was made of what was read: that is what
// makes a record count exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/position.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

struct SourceState {
  SourceId id = 0;
  // What tells this source from all others: opaque bytes made by ingest (kind, device, inode, hash of the
  // first bytes and how many were hashed; or listener and sender). At most 4 KiB.
  std::string identity;
  std::string path;  // the path as given, for people; follows a rename

  // How far it has been read: the next record to read.
  uint32_t epoch = 0;
  uint64_t next_index = 0;
  // Where reading resumes: an uncompressed byte offset for files. Of a Kafka partition, the fingerprint of
  // the record before next_index (FingerprintOf); of a file of the journal the mark of that (JournalEntry).
  uint64_t cursor = 0;

  std::optional<Timestamp> watermark;      // nothing: unknown, minus infinity
  std::optional<Timestamp> greatest_time;  // greatest event time seen
  std::optional<Timestamp> last_heard;     // arrival of its newest record, processing time
  // Of a sender: silent, nobody waits for it. Of a file of the journal: read to its end, and nothing more is
  // written to it.
  bool idle = false;
  uint64_t dead_letters = 0;  // records of it that could not be decoded, to this day
};

// The source of that identity, added with the next free number when it was never seen. `path` is stored for a
// new one only. kLimit when the identity is longer than 4 KiB.
Result<SourceState> FindOrAddSource(StateTransaction* transaction, std::string_view identity,
                                    std::string_view path);

// The source of that identity, or nothing.
Result<std::optional<SourceState>> FindSource(const StateReader& reader, std::string_view identity);

// kNotFound when the number was never given out; kCorrupt when its row is damaged.
Result<SourceState> GetSource(const StateReader& reader, SourceId id);

// Stores a changed state. Reading never goes back: kInvalid when (epoch, next_index) is below what is stored.
// The identity may change (a short file grew, and more of it was hashed); kInvalid when the new one belongs
// to another source. kNotFound when the number was never given out.
Status UpdateSource(StateTransaction* transaction, const SourceState& state);

// The watermark of the stage that all sources go into, as it was when the last step was stored, or nothing.
Result<std::optional<Timestamp>> GetStageWatermark(const StateReader& reader);
void SetStageWatermark(StateTransaction* transaction, Timestamp watermark);

// Visits all sources by number until `visit` returns false. Damaged rows are skipped and noted.
Status ForEachSource(const StateReader& reader, const std::function<bool(const SourceState&)>& visit,
                     Damage* damage);

}  // namespace redthread
