#include "app/time_argument.h"

#include <optional>

namespace redthread {

Result<Timestamp> ParseTimeArgument(const std::string& flag, const std::string& text, Timestamp now) {
  if (const std::optional<Nanoseconds> ago = ParseTimespan(text)) return now - *ago;
  // A bare number would be seconds of the epoch to ParseTimestamp; here it is a span whose unit was
  // forgotten.
  const bool dated = text.size() >= 10 && text[4] == '-' && text[7] == '-';
  if (dated) {
    if (const auto time = ParseTimestamp(text.size() == 10 ? text + "T00:00:00" : text)) return *time;
  }
  return Status::Invalid(flag + ": `" + text + "` is no time, write 24h, 2026-11-22 or 2026-11-22T10:00:00Z");
}

Result<TimeRange> ParseTimeRange(const std::string& since, const std::string& until, Timestamp now) {
  TimeRange range;
  if (!since.empty()) {
    const Result<Timestamp> begin = ParseTimeArgument("--since", since, now);
    if (!begin.ok()) return begin.status();
    range.begin = *begin;
  }
  if (!until.empty()) {
    const Result<Timestamp> end = ParseTimeArgument("--until", until, now);
    if (!end.ok()) return end.status();
    range.end = *end;
  }
  if (range.end < range.begin) return Status::Invalid("--until lies before --since");
  return range;
}

}  // namespace redthread
