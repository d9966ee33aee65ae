// Watermark: the event time up to which everything has surely been seen.
//
// Each source moves its own, to at most the lesser of a record's event time and its arrival, less `lateness`:
// a forged or fast clock moves nothing ahead. That of the stage is the least over the sources that hold it;
// while none does, it goes on with the clock, so that what waits for it ends on a quiet night too. It never
// goes back. A file holds it until it has been read to its end; a sender to a listener while it sends what is
// of the present (Committer says when it does not). Source: docs/decisions/0001-identity-time-revision.md,
// "Event time and the watermark".
#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/position.h"
#include "core/timestamp.h"

namespace redthread {

// One per thread. Reads no clock: elapsed time is handed in.
class Watermark {
 public:
  // `stage`: the stage's watermark from an earlier run; it does not go back across runs either.
  explicit Watermark(Nanoseconds lateness, Timestamp stage = Timestamp::Min())
      : lateness_(lateness), stage_(stage) {}

  // Of what is observed from now on.
  void SetLateness(Nanoseconds lateness) { lateness_ = lateness; }

  // A source that counts from now on. `known`: its watermark from an earlier run; nothing is minus infinity.
  // `holds`: as SetHolds. A source that counts already stays as it is.
  void AddSource(SourceId source, std::optional<Timestamp> known, bool holds = true);
  // What it has moved stays.
  void RemoveSource(SourceId source);

  // A record of that source was read.
  void Observe(SourceId source, Timestamp event_time, Timestamp arrival);
  // Whether the others wait for it: not for a source that has been read to its end, or that is silent.
  void SetHolds(SourceId source, bool holds);
  bool Holds(SourceId source) const;

  // The stage's watermark. `elapsed`: monotonic time from any fixed start. Timestamp::Min() while unknown.
  Timestamp At(Nanoseconds elapsed);
  // The stage's watermark when the input has ended: the greatest time seen. Nothing is waited for any more.
  Timestamp AtEndOfInput();
  // What At goes by while nobody holds: since when, from where on, and the greatest time of all sources.
  struct Idle {
    std::optional<Nanoseconds> since;
    Timestamp base;
    Timestamp greatest = Timestamp::Min();
  };
  // For who stores it, so that time goes on as if there had been no end between: set when all sources are.
  Idle idle() const { return {idle_since_, idle_base_, greatest_}; }
  void SetIdle(const Idle& idle) {
    idle_since_ = idle.since;
    idle_base_ = idle.base;
    greatest_ = idle.greatest;
  }
  // That of one source, to be stored.
  std::optional<Timestamp> Of(SourceId source) const;

 private:
  struct Source {
    Timestamp time = Timestamp::Min();
    Timestamp placed = Timestamp::Min();  // where it stands in holding_
    bool holds = false;
    bool moved = false;  // it is in moved_
  };
  void Place(SourceId id, Source* source, bool holds);

  Nanoseconds lateness_;
  Timestamp stage_;
  std::unordered_map<SourceId, Source> sources_;
  std::set<std::pair<Timestamp, SourceId>> holding_;  // by the time at which they hold
  std::vector<SourceId> moved_;                       // since holding_ was put right
  Timestamp greatest_ = Timestamp::Min();             // of all sources there were
  std::optional<Nanoseconds> idle_since_;             // since when none holds
  Timestamp idle_base_;                               // the greatest of the sources then
};

}  // namespace redthread
