// A clock that stands still until it is told to move, for threads that share it.
#pragma once

#include <atomic>

#include "core/clock.h"

namespace redthread {

class SharedClock final : public Clock {
 public:
  explicit SharedClock(Timestamp start) : start_(start) {}
  Timestamp Now() override { return start_ + Elapsed(); }
  Nanoseconds Elapsed() override { return Nanoseconds(elapsed_.load()); }
  void Advance(Nanoseconds by) { elapsed_ += by.count(); }

 private:
  const Timestamp start_;
  std::atomic<int64_t> elapsed_{0};
};

}  // namespace redthread
