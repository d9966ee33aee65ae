// Silences that end: the part of CorrelationState that says how long they lasted.
//
// The end of a silence is the next match of its group, whenever that arrives: like all else it is found from
// the stored matches, so a late one that lies between corrects it.
#include <algorithm>

#include "correlate/correlation_state.h"

namespace redthread {
namespace {

constexpr Nanoseconds kTick{1};

}  // namespace

// The last match before the silence.
Timestamp CorrelationState::LastHeard(const Group& g, const EpisodeRow& row) const {
  return row.time - correlation(g).timespan;
}

// Says when the group was heard again after the silence, if it was. True when that is news.
Result<bool> CorrelationState::FindEnd(T* t, const Group& g, Episode* e) {
  // What it was found from may be forgotten.
  if (e->row.ended.has_value() && *e->row.ended < watermark_ - Retention(g)) return false;
  std::optional<Timestamp> heard;
  const Timestamp last = LastHeard(g, e->row);
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kMatch, MatchRowsFrom(g.key, last + kTick), MatchRowsEnd(g.key),
                             [&](std::string_view key, std::string_view) {
                               heard = MatchRowTime(key);
                               return false;
                             }));
  if (heard == e->row.ended) return false;
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
  const Result<bool> news = FindEnd(t, *g, e);
  if (!news.ok()) return news.status();
  return *news ? Tell(t, *g, e) : Status::Ok();
}

// Matches between these times came or went: what it means for the silences that they may end.
Status CorrelationState::EndAround(T* t, Group* g, Timestamp from, Timestamp to) {
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
    const Result<bool> news = FindEnd(t, *g, &*e);
    if (!news.ok()) return news.status();
    if (*news) RT_RETURN_IF_ERROR(Tell(t, *g, &*e));
  }
  return Status::Ok();
}

// Alerts before `cutoff` are to be forgotten. Returns from where on they have to stay: the last one, while it
// lasts, or while a late match may still come that ends it sooner.
Result<Timestamp> CorrelationState::StaysFrom(T* t, const Group& g, Timestamp cutoff) const {
  std::optional<EpisodeRow> last;
  Status damage;
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kGroup, EpisodeRowKey(g.key, Timestamp::Min()),
                                     EpisodeRowKey(g.key, cutoff), [&](auto key, auto value) {
                                       Result<EpisodeRow> row = DecodeEpisode(key, value);
                                       damage = row.status();
                                       if (row.ok()) last = std::move(*row);
                                       return false;
                                     }));
  RT_RETURN_IF_ERROR(damage);
  if (!last.has_value() || (last->ended.has_value() && *last->ended < cutoff)) return cutoff;
  return last->time;
}

}  // namespace redthread
