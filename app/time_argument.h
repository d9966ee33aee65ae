// Times on the command line: --since and --until.
#pragma once

#include <string>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

// "24h" (that long before `now`), "2026-11-22" (its first moment, UTC), "2026-11-22T10:00:00Z" and whatever
// else ParseTimestamp reads. Invalid, naming `flag`, for anything else.
Result<Timestamp> ParseTimeArgument(const std::string& flag, const std::string& text, Timestamp now);

struct TimeRange {
  Timestamp begin = Timestamp::Min();
  Timestamp end = Timestamp::Max();
};

// Empty texts leave their end open. Invalid when the range ends before it begins.
Result<TimeRange> ParseTimeRange(const std::string& since, const std::string& until, Timestamp now);

}  // namespace redthread
