// Dead letters: records of which nothing could be decoded, with the reason and the beginning of their text.
//
// The text is in the event store like any other record's (of a line that was too long: as much as was read);
// the letter says why it is not more than that.
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

struct StoredDeadLetter {
  Position position;  // its cursor is not stored
  Timestamp arrival;  // processing time
  std::string reason;
  uint64_t offset = 0;     // byte in the record at which it was noticed
  uint64_t raw_size = 0;   // bytes of the whole record
  std::string raw_prefix;  // the first kMaxRaw bytes of it
  static constexpr size_t kMaxRaw = 1024;
};

// Stores the letter under its position; a second one for the same record replaces it. A longer raw_prefix is
// cut to kMaxRaw.
void PutDeadLetter(StateTransaction* transaction, const StoredDeadLetter& letter);

// The letter of the record at that position. kNotFound, kCorrupt.
Result<StoredDeadLetter> GetDeadLetter(const StateReader& reader, const Position& position);

// The record could be read after all.
void DeleteDeadLetter(StateTransaction* transaction, const Position& position);

// Visits the letters, of one source or of all, by position until `visit` returns false. Damaged rows are
// skipped and noted.
Status ForEachDeadLetter(const StateReader& reader, std::optional<SourceId> source,
                         const std::function<bool(const StoredDeadLetter&)>& visit, Damage* damage);

}  // namespace redthread
