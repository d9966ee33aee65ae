#include "correlate/heard_hours.h"

#include <algorithm>

namespace redthread {

int64_t HeardHours::HourOf(Timestamp time) {
  constexpr int64_t kHour = Nanoseconds(std::chrono::hours(1)).count();
  return time.ns / kHour - (time.ns % kHour < 0 ? 1 : 0);
}

void HeardHours::Note(int64_t hour) {
  if (heard_.any() && hour == newest_) return;
  const auto passed = static_cast<uint64_t>(hour - newest_);
  heard_ <<= heard_.any() ? std::min<uint64_t>(passed, heard_.size()) : 0;
  heard_.set(0);
  newest_ = hour;
}

bool HeardHours::Regular() const {
  size_t days = 0;
  for (size_t day = 0; day < kDays; ++day) {
    size_t hours = 0;
    for (size_t hour = 0; hour < kHours; ++hour) hours += heard_[day * kHours + hour] ? 1 : 0;
    days += hours >= kHeardHours ? 1 : 0;
  }
  return days >= kHeardDays;
}

}  // namespace redthread
