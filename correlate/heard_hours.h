// HeardHours: in which hours a group was heard, and whether that was regularly: what `expected: true` asks of
// a silence.
//
// Hours are those of UTC, by event time. Seven days are counted back from the last match, each of 24 hours,
// the last of which ends with the hour of that match. On a day the group was heard if it was in at least 20
// of its hours; regularly if on at least 5 of the days. So a week's silence, or a first week, is not regular,
// while a restart now and then, or a weekend, does no harm.
#pragma once

#include <bitset>
#include <cstdint>

#include "core/timestamp.h"

namespace redthread {

// One per thread.
class HeardHours {
 public:
  static constexpr size_t kDays = 7, kHours = 24;
  static constexpr size_t kHeardHours = 20, kHeardDays = 5;  // of them, at least
  static constexpr Nanoseconds kReach = std::chrono::hours(kDays * kHours);

  // The number of the hour since 1970 that a time lies in.
  static int64_t HourOf(Timestamp time);

  // A match in that hour; hours come in ascending order.
  void Note(int64_t hour);
  void Clear() { heard_.reset(); }
  // Whether the group was heard regularly, as of the last hour noted.
  bool Regular() const;

 private:
  int64_t newest_ = 0;
  std::bitset<kDays * kHours> heard_;  // bit i: i hours before newest_
};

}  // namespace redthread
