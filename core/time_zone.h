// TimeZone: from what a clock on the wall shows to UTC, for logs that do not say their zone.
//
// Read from the system's zone files, so that what the C library knows is what we know; not through it,
// because its zone is one a process, and its conversion is slow and locks. Source: RFC 8536 (TZif), and
// POSIX.1-2017, 8.3 for the rule in a file's last line.
//
// Where a clock was put forward or back, two rules hold, the same that Python and Java have:
//   a time that stands twice       is the first of the two
//   a time that stands not at all  is read as if the clock had not been put forward yet: 02:30 becomes 03:30
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace redthread {

// Immutable and thread-safe.
class TimeZone {
 public:
  // "Europe/Berlin", a file below /usr/share/zoneinfo; "local", the host's (the variable TZ, else
  // /etc/localtime, else UTC); "UTC" or "Z"; "+02:00", "-0530". kInvalid for anything else, and for a file
  // that is none of a zone.
  static Result<std::shared_ptr<const TimeZone>> Load(const std::string& name);
  // A zone file's content. Nothing when it is damaged.
  static std::shared_ptr<const TimeZone> FromFile(std::string_view bytes);
  // A POSIX rule: "CET-1CEST,M3.5.0,M10.5.0/3". Nothing when it is none.
  static std::shared_ptr<const TimeZone> FromRule(std::string_view rule);

  // A stretch of time on the wall with one distance to UTC.
  struct Span {
    int64_t begin = 0;   // seconds since 1970-01-01 00:00 on the wall; inclusive
    int64_t end = 0;     // exclusive
    int32_t offset = 0;  // wall - UTC, seconds
    bool Holds(int64_t wall) const { return wall >= begin && wall < end; }
  };
  // The one that holds `wall` (seconds since 1970-01-01 00:00 on the wall).
  Span At(int64_t wall) const;

 private:
  struct Change {
    int64_t wall = 0;    // from here on, on the wall,
    int32_t offset = 0;  // this holds
  };
  // POSIX's rule for the years that follow.
  struct Rule;

  TimeZone() = default;
  // The distance changes at `utc`; in order of time.
  void AddChange(int64_t utc, int32_t offset);
  void AddRule(const Rule& rule, int first_year, int64_t after);

  int32_t first_offset_ = 0;  // before all changes
  std::vector<Change> changes_;
};

}  // namespace redthread
