// The rows in which `run` keeps correlations: what docs/state_format.md, "Correlations", has byte by byte.
//
// A group is one correlation's matches that agree in the fields of group-by. Its key begins with the identity
// of the correlation, so a changed one shares nothing with what it was before. Matches (match_rows.h) are the
// truth; what else is kept of a group could be found again from them, or was told of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/timestamp.h"
#include "correlate/correlation_match.h"
#include "rules/rule_set.h"
#include "storage/row.h"

namespace redthread {

// 16 bytes that stand for a rule: its id and all that decides.
std::string IdentityOf(const RuleDescription& rule);

// The key of a group. Texts of more than 256 bytes together stand there as a hash: then they are in its row.
std::string GroupKey(std::string_view identity, const Texts& group);
void GroupKey(std::string_view identity, const Texts& group, std::string* key);
bool KeyHoldsGroup(const Texts& group);
// What GroupKey was made of: the identity, and the texts where the key holds them.
struct ParsedGroupKey {
  std::string_view identity;
  std::optional<Texts> group;
};
std::optional<ParsedGroupKey> ParseGroupKey(std::string_view key);

// ---- one row a group that has matches, family `group`

struct GroupRow {
  Timestamp judged_to = Timestamp::Min();  // of what waits for the watermark: matches below are judged
  Timestamp expires = Timestamp::Min();    // when its oldest matches are forgotten
  // Between these times matches came that its alerts do not answer to yet.
  std::optional<Timestamp> stale_from, stale_to;
  // The end of the input ended the waits between these times; what it said then is not certain.
  std::optional<Timestamp> forced_from, forced_to;
  std::optional<Timestamp> newest_episode;       // the time of the latest alert that stands
  std::optional<Timestamp> unsettled;            // no alert before it is early, or open to more hits
  std::optional<Timestamp> timer;                // the deadline of its judgement timer
  Timestamp newest_in_block = Timestamp::Min();  // the greatest time of its matches in blocks
  uint64_t journal_to = 0;                       // entries of the journal below that are in blocks or here:
  std::string tail;
  Texts group;              // only where the key does not hold them
  bool stale_late = false;  // some of the stale ones were below the watermark when they came
  // Of judging again: how often that has been done from all matches (from 1 on), how many the last time took,
  // and how many have come since. Stored, since what is told on the way must not hang on what is in memory.
  uint64_t deferral = 1, rejudged_rows = 0, added_since = 0;
};
std::string GroupRowKey(std::string_view group_key);
// In *out, which is empty.
const std::string& EncodeGroup(const GroupRow& row, std::string_view row_key, RowWriter* out);
Result<GroupRow> DecodeGroup(std::string_view row_key, std::string_view value);

// ---- one row an episode that was told and may still change, family `group`

struct EpisodeRow {
  Timestamp time;      // the end of its first hit
  Timestamp last_hit;  // of its last one
  std::string alert_id;
  std::optional<double> value;  // of the first hit
  uint64_t told = 0;            // the alert's count when it was last told
  bool early = false;
  bool open = true;                // hits may still join
  std::optional<Timestamp> ended;  // of silence: when the group was heard again
};
std::string EpisodeRowKey(std::string_view group_key, Timestamp time);
std::string EncodeEpisode(const EpisodeRow& row, std::string_view row_key);
Result<EpisodeRow> DecodeEpisode(std::string_view row_key, std::string_view value);

// ---- one row a hit that feeds higher correlations, family `group`

std::string HitRowKey(std::string_view group_key, Timestamp time);

// ---- timers, family `timer`: ordered by deadline

// A group to look at when the watermark gets there. Lower levels come first.
std::string JudgeTimerKey(uint32_t level, Timestamp deadline, std::string_view group_key);
std::string JudgeTimersBegin(uint32_t level, Timestamp deadline);
// An early alert of silence, to be looked at when an event of that time has been read.
std::string ClockTimerKey(Timestamp deadline, std::string_view group_key);
std::string ClockTimersBegin(Timestamp deadline);
// A group whose oldest matches are to be forgotten.
std::string ExpiryTimerKey(Timestamp deadline, std::string_view group_key);
std::string ExpiryTimersBegin(Timestamp deadline);
// The group of a timer's key; empty when it is none.
std::string_view GroupOfTimer(std::string_view timer_key);

// ---- one row a group and day (of UTC) with matches, family `group`: where silence has to be expected

// The beginning of the day that `time` lies in.
Timestamp DayOf(Timestamp time);
// `day`: its beginning.
std::string HoursRowKey(std::string_view group_key, Timestamp day);
std::optional<Timestamp> HoursRowDay(std::string_view row_key);
// Bit i: there is a match in the hour that begins i hours after the day.
std::string EncodeHours(uint32_t hours, std::string_view row_key);
Result<uint32_t> DecodeHours(std::string_view row_key, std::string_view value);

// ---- when a correlation began, family `group`: the time of its earliest match

std::string StartRowKey(std::string_view identity);

}  // namespace redthread
