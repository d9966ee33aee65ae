// Folding: many matches of a detection rule on the same entities become one alert.
//
// An alert begins at a match with no match of the same (rule, entities) in the window before it; later
// matches fold in as long as each follows the one before within the window. Like a correlation's episode this
// is local: whether a match begins an alert depends on nothing but the window before it, so any order of
// arrival leads to the same alerts. Source: docs/decisions/0001-identity-time-revision.md, "Folding".
#pragma once

#include <chrono>
#include <string>

#include "core/alert.h"
#include "rules/rule.h"

namespace redthread {

inline constexpr Nanoseconds kDefaultFoldWindow = std::chrono::hours(1);

// One match of a detection rule as folding sees it.
struct FoldMatch {
  RuleIndex rule = 0;
  Timestamp time;  // kNoTime when the event has none: such matches all fold into one alert
  Position position;
  std::string source;  // the path as given
  Hash128 raw_hash{};
  AlertGroup group;  // the event's entities
};

// 16 bytes that stand for (rule, group): what is folded together.
std::string FoldKey(const Rule& rule, const AlertGroup& group);

// An alert's id: 32 hex digits, a hash of the rule's id, its content, the group and the time.
std::string AlertId(const RuleDescription& rule, const AlertGroup& group, Timestamp time);

// The alert that a match begins, with that match as its only evidence: revision 1, early.
Alert BeginAlert(const Rule& rule, const FoldMatch& match);

// Adds a match to an alert. The explanation is not renewed: see ExplainFold.
void FoldInto(const Rule& rule, const FoldMatch& match, Alert* alert);

// Whether a match at `time` belongs to the episode whose last match before it was at `last` <= time. Those
// without a time are one episode of their own.
inline bool SameEpisode(Timestamp last, Timestamp time, Nanoseconds window) {
  if (last == kNoTime || time == kNoTime) return last == time;
  return time - window <= last;
}

// One sentence: what matched, how often, on what, from when to when.
std::string ExplainFold(const Alert& alert);

// Whether a fold that has grown to `count` is worth a revision of its own: at 10, 100, 1,000 ...
bool IsToldSize(uint64_t count);

}  // namespace redthread
