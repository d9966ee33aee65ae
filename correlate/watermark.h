// Watermark: the event time up to which everything has surely been seen.
//
// Each source moves its own, to at most the lesser of a record's event time and its arrival, less `lateness`:
// a forged or fast clock moves nothing ahead. That of the stage is the least over its sources that have not
// been read to their end; while all have, it goes on with the clock, so that what waits for it ends on a
// quiet night too. It never goes back. Source: docs/decisions/0001-identity-time-revision.md, "Event time and
// the watermark".
#pragma once

#include <optional>
#include <unordered_map>

#include "core/position.h"
#include "core/timestamp.h"

namespace redthread {

// One per thread. Reads no clock: elapsed time is handed in.
class Watermark {
 public:
  // `stage`: the stage's watermark from an earlier run; it does not go back across runs either.
  explicit Watermark(Nanoseconds lateness, Timestamp stage = Timestamp::Min())
      : lateness_(lateness), stage_(stage) {}

  // A source that counts from now on. `known`: its watermark from an earlier run; nothing is minus infinity.
  void AddSource(SourceId source, std::optional<Timestamp> known);
  void RemoveSource(SourceId source) { sources_.erase(source); }

  // A record of that source was read.
  void Observe(SourceId source, Timestamp event_time, Timestamp arrival);
  // Whether the source has been read to its end for now: nobody waits for it until it has more.
  void SetAtEnd(SourceId source, bool at_end);

  // The stage's watermark. `elapsed`: monotonic time from any fixed start. Timestamp::Min() while unknown.
  Timestamp At(Nanoseconds elapsed);
  // The stage's watermark when the input has ended: the greatest time seen. Nothing is waited for any more.
  Timestamp AtEndOfInput();
  // That of one source, to be stored.
  std::optional<Timestamp> Of(SourceId source) const;

 private:
  struct Source {
    Timestamp time = Timestamp::Min();
    bool at_end = false;
  };
  Nanoseconds lateness_;
  Timestamp stage_;
  std::unordered_map<SourceId, Source> sources_;
  std::optional<Nanoseconds> idle_since_;  // since when all are at their end
  Timestamp idle_base_;                    // the greatest of the sources then
};

}  // namespace redthread
