// Clock: where processing time comes from. Nothing else in redthread reads the system's clock.
#pragma once

#include "core/timestamp.h"

namespace redthread {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time, for arrival times and for records without a time of their own.
  virtual Timestamp Now() = 0;
  // Monotonic time from an arbitrary start, for measuring how long something took or stayed idle.
  virtual Nanoseconds Elapsed() = 0;
};

// The machine's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  Timestamp Now() override;
  Nanoseconds Elapsed() override;
};

// A clock that stands still until it is told to move: for replays and simulations. One per thread.
class ReplayClock final : public Clock {
 public:
  explicit ReplayClock(Timestamp start) : now_(start), start_(start) {}
  Timestamp Now() override { return now_; }
  Nanoseconds Elapsed() override { return now_ - start_; }
  void Advance(Nanoseconds by) { now_ = now_ + by; }

 private:
  Timestamp now_;
  Timestamp start_;
};

}  // namespace redthread
