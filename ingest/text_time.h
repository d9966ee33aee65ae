// Times as text logs write them, and what they mean in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/record_origin.h"
#include "core/time_zone.h"
#include "core/timestamp.h"

namespace redthread {

// A time as it is written.
struct WallTime {
  int year = 0;  // 0: not said
  int month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int nanosecond = 0;
  bool zoned = false;
  int offset = 0;  // of a zoned one: wall - UTC, seconds
};

// Each reads a time at the beginning of *text, and takes it off; false, with *text as it was, when there is
// none. Parts are in their range (second 60, a leap second, is taken), but the day may not be in its month.
//
//   Bsd      "Dec 10 06:55:46", "Dec  1 2016 06:55:46", "Dec 10 06:55:46.123"     RFC 3164, 4.1.2; Cisco's
//   Iso      "2016-12-10T06:55:46.123456+01:00", " " for "T", "," for ".", zone or none         RFC 3339
//   Clf      "17/May/2015:10:05:03 +0000"                                             Apache's %t
//   Ctime    "Sun Dec 04 04:47:44.123456 2005"                                        Apache's error log
//   Slashed  "2015/05/17 10:05:03"                                                    nginx' error log
bool TakeBsdTime(std::string_view* text, WallTime* time);
bool TakeIsoTime(std::string_view* text, WallTime* time);
bool TakeClfTime(std::string_view* text, WallTime* time);
bool TakeCtime(std::string_view* text, WallTime* time);
bool TakeSlashedTime(std::string_view* text, WallTime* time);

// Whether `text` begins with the name of a month and a space: "Dec ".
bool BeginsWithMonth(std::string_view text);

// Turns wall time into event time, as the origin of the records says. One per thread.
class TextClock {
 public:
  // To be called before each record. `origin` and its zone outlive what follows.
  void Begin(const RecordOrigin& origin);

  // Nothing for a day that does not exist, and outside of Timestamp.
  std::optional<Timestamp> Resolve(const WallTime& time);
  // The year that the latest Resolve took for a time without one; 0 when that was not needed.
  int assumed_year() const { return assumed_year_; }
  // The record has a time of its own, which counts instead of the one that was resolved.
  void Discard() { assumed_year_ = 0; }

 private:
  std::optional<Timestamp> In(int year, const WallTime& time);
  std::optional<Timestamp> InSomeYear(const WallTime& time);
  int64_t DaysOf(int year, int month, int day);

  const RecordOrigin* origin_ = nullptr;
  const TimeZone* zone_ = nullptr;
  TimeZone::Span span_;  // of zone_; holds nothing at first
  int64_t written_ = 0;  // of the limit below
  Timestamp limit_;      // of times without a year
  int limit_year_ = 0;   // the last that may be theirs
  int assumed_year_ = 0;

  // The latest day that was asked for.
  int day_key_ = 0;
  int64_t days_ = 0;
};

}  // namespace redthread
