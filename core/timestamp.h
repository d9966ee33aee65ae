// Timestamp: event time in nanoseconds since the Unix epoch, UTC, as a signed 64-bit number (years 1677 to
// 2262).
//
// A Timestamp is always event time, that is, what the log says, unless a name says otherwise (`arrival`,
// `now`).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace redthread {

using Nanoseconds = std::chrono::nanoseconds;

struct Timestamp {
  int64_t ns = 0;

  static constexpr Timestamp Min() { return {std::numeric_limits<int64_t>::min()}; }
  static constexpr Timestamp Max() { return {std::numeric_limits<int64_t>::max()}; }

  constexpr auto operator<=>(const Timestamp&) const = default;
  // Both saturate at Min and Max, so that "a week before the first event" is a time too.
  constexpr Timestamp operator+(Nanoseconds d) const { return {SaturatedAdd(ns, d.count())}; }
  constexpr Timestamp operator-(Nanoseconds d) const { return {SaturatedSub(ns, d.count())}; }
  // Also saturating: the distance between the two ends of the range does not fit.
  constexpr Nanoseconds operator-(Timestamp other) const { return Nanoseconds(SaturatedSub(ns, other.ns)); }

 private:
  static constexpr int64_t SaturatedAdd(int64_t a, int64_t b) {
    int64_t r = 0;
    if (!__builtin_add_overflow(a, b, &r)) return r;
    return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
  static constexpr int64_t SaturatedSub(int64_t a, int64_t b) {
    int64_t r = 0;
    if (!__builtin_sub_overflow(a, b, &r)) return r;
    return b > 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  }
};

// "2026-11-22T10:00:00.123456789Z": always nine fraction digits, always UTC.
std::string FormatTimestamp(Timestamp t);
// The same, into kTimestampSize bytes.
inline constexpr size_t kTimestampSize = 30;
void FormatTimestamp(Timestamp t, char* out);

// Reads the text of a time field:
//   YYYY-MM-DD[T ]hh:mm:ss[(.|,)digits][ ][Z|±hh[:]mm]   a time without zone is UTC
//   9 to 11 digits, with or without a fraction            seconds since the epoch
//   12 to 14 digits                                       milliseconds since the epoch
// Fraction digits count as written: the first nine, the rest cut off. Nothing when the text is none of these,
// names a day that does not exist, or lies outside the range of Timestamp.
std::optional<Timestamp> ParseTimestamp(std::string_view text);

// Reads a number token of JSON ("1481356277.123", "1.5e9") as a time: seconds, above 1e11 milliseconds. The
// digits count as written, no binary fraction in between. Nothing for zero, negative, 1e30 and more, and what
// does not fit.
std::optional<Timestamp> ParseNumericTimestamp(std::string_view json_number);

// The calendar parts of a time as its text has them, without any conversion of zones. Digits are taken as
// they stand: a 94th of May has a day, but no week.
struct CalendarParts {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  std::optional<int> iso_week;  // ISO 8601 week of the year, 1 to 53
};
// Nothing when `text` does not begin with YYYY-MM-DD[T ]hh:mm.
std::optional<CalendarParts> ParseCalendarParts(std::string_view text);
CalendarParts CalendarPartsOf(Timestamp t);

// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, and back.
int64_t DaysFromCivil(int year, int month, int day);
void CivilFromDays(int64_t days, int* year, int* month, int* day);
bool IsLeapYear(int year);
int DaysInMonth(int year, int month);  // month: 1 to 12

// "90s", "10m", "24h", "7d", "2w", "1M" (2629746 s), "1y" (31556952 s): Sigma's time spans. Nothing for
// anything else, and for what exceeds Timestamp's range. Source: Sigma specification 2.1.0, correlation
// rules, "timespan".
std::optional<Nanoseconds> ParseTimespan(std::string_view text);

// A time span of whole seconds as a rule would write it, in the largest of s, m, h, d and w that fits: "10m".
std::string FormatTimespan(Nanoseconds span);

// How long something took, for people: its two greatest units, cut off below them: "3 h 12 min", "2 d", "45
// s".
std::string DurationWords(Nanoseconds duration);

}  // namespace redthread
