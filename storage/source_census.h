// SourceCensus: what a source sends, for people to look at: how much and when, in which formats, and how its
// clock goes. Nothing of it decides an answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/position.h"
#include "core/record_origin.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

struct SourceCensus {
  static constexpr size_t kHours = 24;
  using Formats = std::array<uint64_t, kSourceFormats>;

  uint64_t records = 0;                    // ever, blank ones not
  uint64_t bytes = 0;                      // of them
  std::optional<Timestamp> first_heard;    // processing time
  Formats formats{};                       // records by SourceFormat; kAuto: read as none of them
  int64_t hour = 0;                        // since 1970, that of the newest record's arrival
  std::array<uint64_t, kHours> by_hour{};  // records by arrival; [0]: of `hour`, [1]: of the one before, ...

  // Of what is pushed to us: the event time less the arrival, its running mean and the mean distance from it,
  // over about the newest 256 records.
  uint64_t timed = 0;
  Nanoseconds skew{0};
  Nanoseconds spread{0};

  // `n` records came at that time. An earlier time than the newest counts as that.
  void Count(Timestamp arrival, uint64_t n, uint64_t size);
  void NoteTime(Timestamp time, Timestamp arrival);

  // Records of the last 24 hours, as `now` sees them.
  uint64_t LastDay(Timestamp now) const;
  // Whether it has fallen silent: nothing for a day; or nothing for over an hour, where it was heard in at
  // least 20 of the 24 hours up to then.
  bool IsSilent(Timestamp now) const;
  // The clock is steadily more than 5 minutes off: by how much. Nothing when it is right, wavers, or is
  // hardly known.
  std::optional<Nanoseconds> SteadySkew() const;
  // A steady skew that looks like a time zone taken for another: that many quarters of an hour, rounded.
  std::optional<Nanoseconds> ZoneSkew() const;
};

// Nothing is known of a source before it was counted. kCorrupt when its row is damaged.
Result<SourceCensus> GetCensus(const StateReader& reader, SourceId id);
void PutCensus(StateTransaction* transaction, SourceId id, const SourceCensus& census);

}  // namespace redthread
