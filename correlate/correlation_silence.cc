// Silences: the part of CorrelationState that says how long they lasted, and which of them were expected not
// to be.
//
// The end of a silence is the next match of its group, whenever that arrives: like all else it is found from
// the stored matches, so a late one that lies between corrects it.
#include <algorithm>

#include "correlate/correlation_state.h"
#include "storage/key.h"

namespace redthread {
namespace {

constexpr Nanoseconds kTick{1};

// Which hour of its day an hour is.
int64_t PlaceOf(int64_t hour) { return (hour % 24 + 24) % 24; }
uint32_t BitOf(int64_t hour) { return uint32_t{1} << PlaceOf(hour); }

Result<uint32_t> HoursAt(const StateTransaction& t, const std::string& key) {
  std::string value;
  const Status found = t.Get(ColumnFamily::kGroup, key, &value);
  if (found.code() == StatusCode::kNotFound) return uint32_t{0};
  if (!found.ok()) return found;
  return DecodeHours(key, value);
}

}  // namespace

// The last match before the silence.
Timestamp CorrelationState::LastHeard(const Group& g, const EpisodeRow& row) const {
  return row.time - correlation(g).timespan;
}

// Says when the group was heard again after the silence, if it was. True when that is news. `removed`: the
// time of a match that is gone.
Result<bool> CorrelationState::FindEnd(T* t, Group* g, std::optional<Timestamp> removed, Episode* e) {
  std::optional<Timestamp> heard;
  const Timestamp last = LastHeard(*g, e->row);
  RT_RETURN_IF_ERROR(EachMatch(t, g, last + kTick, Timestamp::Max(), [&](const StoredMatch& match) {
    heard = match.time;
    return false;
  }));
  if (heard.has_value() && correlation(*g).Forgets(*heard - last)) heard.reset();
  if (heard == e->row.ended) return false;
  // The match that ended it may be forgotten: then it ended there all the same.
  const bool later = e->row.ended.has_value() && (!heard.has_value() || *heard > *e->row.ended);
  if (later && e->row.ended != removed) return false;
  e->row.ended = e->alert.ended = heard;
  e->dirty = true;
  return true;
}

// Matches since `from` are judged in order: the newest silence may be over.
Status CorrelationState::EndNewest(T* t, Group* g, Timestamp from) {
  const Result<Episode*> newest = Newest(t, g);
  if (!newest.ok()) return newest.status();
  Episode* e = *newest;
  if (e == nullptr || (e->row.ended.has_value() && *e->row.ended < from)) return Status::Ok();
  const Result<bool> news = FindEnd(t, g, std::nullopt, e);
  if (!news.ok()) return news.status();
  return *news ? Tell(t, *g, e) : Status::Ok();
}

// Matches between these times came or went: what it means for the silences that they may end.
Status CorrelationState::EndAround(T* t, Group* g, Timestamp from, Timestamp to,
                                   std::optional<Timestamp> removed) {
  RT_RETURN_IF_ERROR(PutAway(t, g));
  std::vector<EpisodeRow> rows;
  Status damage;
  const Timestamp end = to + correlation(*g).timespan + kTick;
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kGroup, EpisodeRowKey(g->key, Timestamp::Min()),
                                     EpisodeRowKey(g->key, end), [&](auto key, auto value) {
                                       Result<EpisodeRow> row = DecodeEpisode(key, value);
                                       damage = row.status();
                                       if (row.ok()) rows.push_back(std::move(*row));
                                       return damage.ok() && LastHeard(*g, rows.back()) >= from;
                                     }));
  RT_RETURN_IF_ERROR(damage);
  for (const EpisodeRow& row : rows) {
    Result<Episode> e = LoadEpisode(t, row);
    if (!e.ok()) return e.status();
    const Result<bool> news = FindEnd(t, g, removed, &*e);
    if (!news.ok()) return news.status();
    if (*news) RT_RETURN_IF_ERROR(Tell(t, *g, &*e));
  }
  return Status::Ok();
}

// ---- hours, where silence has to be expected

// Of a match that was stored. True when it is the first of its hour.
Result<bool> CorrelationState::NoteHour(T* t, Group* g, Timestamp time) {
  const int64_t hour = HeardHours::HourOf(time);
  if (g->noted_hour == hour) return false;
  g->noted_hour = hour;
  const std::string key = HoursRowKey(g->key, DayOf(time));
  const Result<uint32_t> hours = HoursAt(*t, key);
  if (!hours.ok()) return hours.status();
  const uint32_t bit = BitOf(hour);
  if ((*hours & bit) != 0) return false;
  t->Put(ColumnFamily::kGroup, key, EncodeHours(*hours | bit, key));
  return true;
}

// Of a match that is gone. True when it was the only one of its hour.
Result<bool> CorrelationState::ForgetHour(T* t, Group* g, Timestamp time) {
  const int64_t hour = HeardHours::HourOf(time);
  const Timestamp begin = DayOf(time) + std::chrono::hours(PlaceOf(hour));
  bool heard = false;
  RT_RETURN_IF_ERROR(EachMatch(t, g, begin, begin + std::chrono::hours(1), [&](const StoredMatch&) {
    heard = true;
    return false;
  }));
  if (heard) return false;
  const std::string key = HoursRowKey(g->key, DayOf(time));
  const Result<uint32_t> hours = HoursAt(*t, key);
  if (!hours.ok()) return hours.status();
  t->Put(ColumnFamily::kGroup, key, EncodeHours(*hours & ~BitOf(hour), key));
  g->noted_hour = std::numeric_limits<int64_t>::min();
  return true;
}

// Whether a group that was heard last at `last` was heard regularly until then.
Result<bool> CorrelationState::WasRegular(T* t, const Group& g, Timestamp last) const {
  HeardHours heard;
  const int64_t newest = HeardHours::HourOf(last);
  Status damage;
  const auto take = [&](std::string_view key, std::string_view value) {
    const Result<uint32_t> hours = DecodeHours(key, value);
    const std::optional<Timestamp> day = HoursRowDay(key);
    damage = hours.status();
    if (!hours.ok() || !day.has_value()) return false;
    const int64_t midnight = HeardHours::HourOf(*day);
    for (int64_t hour = midnight; hour < midnight + 24 && hour <= newest; ++hour) {
      if ((*hours & BitOf(hour)) != 0) heard.Note(hour);
    }
    return true;
  };
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, HoursRowKey(g.key, DayOf(last - HeardHours::kReach)),
                             HoursRowKey(g.key, DayOf(last) + kTick), take));
  RT_RETURN_IF_ERROR(damage);
  return heard.Regular();
}

// What the judge has told of groups that were not heard regularly is no hit.
Status CorrelationState::DropUnexpected(T* t, const Group& g) {
  std::vector<CorrelationHit> expected;
  for (CorrelationHit& hit : hits_) {
    const Result<bool> regular = WasRegular(t, g, hit.end - correlation(g).timespan);
    if (!regular.ok()) return regular.status();
    if (*regular) expected.push_back(std::move(hit));
  }
  hits_ = std::move(expected);
  return Status::Ok();
}

// Forgets hours that no silence after a match at `cutoff` or later can ask for. True when some are left.
Result<bool> CorrelationState::ExpireHours(T* t, std::string_view group_key, Timestamp cutoff) {
  const Timestamp first = DayOf(cutoff - HeardHours::kReach);
  std::vector<std::string> gone;
  bool left = false;
  const std::string begin = HoursRowKey(group_key, Timestamp::Min());
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, begin, PrefixEnd(begin.substr(0, begin.size() - 8)),
                             [&](std::string_view key, std::string_view) {
                               left = cutoff != Timestamp::Max() && HoursRowDay(key) >= first;
                               if (!left) gone.emplace_back(key);
                               return !left;
                             }));
  for (const std::string& key : gone) t->Delete(ColumnFamily::kGroup, key);
  return left;
}

}  // namespace redthread
