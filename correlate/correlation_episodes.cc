// How hits become alerts in any order: the part of CorrelationState that tells.
//
// An alert stands on a stretch of its group's matches: from the window of its first hit to its last hit. At
// any moment it counts exactly the stored matches of that stretch.
#include <algorithm>

#include "correlate/correlation_alert.h"
#include "correlate/correlation_state.h"
#include "correlate/fold.h"
#include "storage/alert_store.h"
#include "storage/key.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

constexpr Nanoseconds kTick{1};

}  // namespace

// ---- the stretch of an alert: stored matches with RowsFrom(time) <= t < RowsTo(last_hit)

Timestamp CorrelationState::RowsFrom(const Group& g, Timestamp time) const {
  return correlation(g).type == CorrelationType::kFirstSeen ? time : time - correlation(g).timespan;
}

Timestamp CorrelationState::RowsTo(const Group& g, Timestamp last_hit) const {
  switch (correlation(g).judgement()) {
    case Judgement::kTumbling:
      return last_hit;
    case Judgement::kSilence:
      return last_hit - correlation(g).timespan + kTick;
    default:
      return last_hit + kTick;
  }
}

void CorrelationState::Count(T* t, const Group& g, const CorrelationMatch& match, Episode* episode) {
  // What a condition names with `not` only is no evidence for it.
  const std::vector<bool>& counted = counted_[g.correlation];
  if (!counted.empty() && !counted[match.reference]) return;
  Alert& a = episode->alert;
  a.first = a.count == 0 ? match.time : std::min(a.first, match.time);
  a.last = a.count == 0 ? match.time : std::max(a.last, match.time);
  ++a.count;
  episode->dirty = true;
  for (const MatchEvidence& e : match.evidence) {
    if (a.evidence.size() == Alert::kMaxEvidence && e.time > a.evidence.back().time) continue;
    a.AddEvidence(
        {e.time, plan_->rules().rules[e.rule].id, PathOf(t, e.position.source), e.position, e.raw_hash});
  }
}

// Empty when it is not known.
const std::string& CorrelationState::PathOf(T* t, SourceId id) {
  const auto [path, added] = paths_.try_emplace(id);
  if (!added) return path->second;
  const Result<SourceState> source = GetSource(*t, id);
  if (source.ok()) path->second = source->path;
  return path->second;
}

Status CorrelationState::Cover(T* t, Group* g, Timestamp from, Timestamp to, Episode* episode) {
  if (to <= from) return Status::Ok();
  CorrelationMatch match;
  Status status;
  RT_RETURN_IF_ERROR(EachMatch(t, g, from, to, [&](const StoredMatch& stored) {
    if (!DecodeStored(stored, node(*g).leaf_rules, MatchPart::kAll, &match)) status = DamagedMatch(*g);
    if (status.ok()) Count(t, *g, match, episode);
    return status.ok();
  }));
  return status;
}

// Calls `change` with the alerts in whose stretch `time` lies, and stores what it changes of one that is not
// the newest. There is one at most; two while what was said at the end of an input waits to be looked at
// again, since an alert may then begin within the reach of the one before.
template <typename Change>
Status CorrelationState::ChangeAround(T* t, Group* g, Timestamp time, const Change& change) {
  const Result<Episode*> newest = Newest(t, g);
  if (!newest.ok()) return newest.status();
  if (*newest == nullptr || time >= RowsTo(*g, (*newest)->row.last_hit)) return Status::Ok();
  const bool in_newest = time >= RowsFrom(*g, (*newest)->row.time);
  if (in_newest && !g->row.forced_to.has_value()) return change(*newest);
  // Of the others it can be only the last that begins within reach.
  const Timestamp reach = time + (time - RowsFrom(*g, time));
  std::optional<EpisodeRow> row;
  Status damage;
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kGroup, EpisodeRowKey(g->key, Timestamp::Min()),
                                     EpisodeRowKey(g->key, std::min(reach + kTick, (*newest)->row.time)),
                                     [&](auto key, auto value) {
                                       Result<EpisodeRow> read = DecodeEpisode(key, value);
                                       damage = read.status();
                                       if (read.ok()) row = std::move(*read);
                                       return false;
                                     }));
  RT_RETURN_IF_ERROR(damage);
  if (in_newest) RT_RETURN_IF_ERROR(change(*newest));
  if (!row.has_value() || time >= RowsTo(*g, row->last_hit)) return Status::Ok();
  Result<Episode> older = LoadEpisode(t, *row);
  if (!older.ok()) return older.status();
  RT_RETURN_IF_ERROR(change(&*older));
  return older->dirty ? Save(t, *g, &*older) : Status::Ok();
}

// A new match that lies in the stretch of an alert belongs to it.
Status CorrelationState::CountInside(T* t, Group* g, const CorrelationMatch& match, bool late) {
  return ChangeAround(t, g, match.time, [&](Episode* episode) {
    const uint64_t before = episode->alert.count;
    Count(t, *g, match, episode);
    NotePending(g);
    return Grown(t, *g, before, late, episode);
  });
}

// A match is gone from its row: its alert counts without it, and what it decided is judged again.
Status CorrelationState::Remove(T* t, std::string_view group_key, std::string_view match_row) {
  const std::optional<Timestamp> time = MatchKeyTime(match_row);
  const Result<Group*> g = FindByKey(t, group_key);
  if (g.ok() && *g != nullptr) RT_RETURN_IF_ERROR(StoreTail(t, *g));
  RT_RETURN_IF_ERROR(DeleteMatch(t, group_key, match_row));
  if (!g.ok() || *g == nullptr || !time.has_value()) return g.status();
  const Result<Timestamp> newest = NewestInBlocks(*t, group_key);
  if (!newest.ok()) return newest.status();
  (*g)->newest_match = (*g)->row.newest_in_block = *newest;
  NoteChange(*g);
  const auto recount = [&](Episode* episode) {
    const Status status = Recount(t, *g, episode->row.last_hit, episode);
    return status.ok() ? Save(t, **g, episode) : status;
  };
  RT_RETURN_IF_ERROR(ChangeAround(t, *g, *time, recount));
  Nanoseconds reach{0};
  if (correlation(**g).expected) {
    const Result<bool> news = ForgetHour(t, *g, *time);
    if (!news.ok()) return news.status();
    if (*news) reach = HeardHours::kReach;
  }
  RT_RETURN_IF_ERROR(Rejudge(t, *g, *time, *time + reach, Extent::kAround, *time < WatermarkOf(**g)));
  // What comes next is in order if it is behind those that are left, which may lie before what was judged.
  if (correlation(**g).answers_at_once) (*g)->judge.reset();
  return IsSilence(**g) ? EndAround(t, *g, *time, *time, *time) : Status::Ok();
}

// ---- alerts

Result<CorrelationState::Episode> CorrelationState::LoadEpisode(T* t, const EpisodeRow& row) {
  Result<Alert> alert = GetAlert(*t, row.alert_id);
  if (!alert.ok()) return alert.status();
  return Episode{row, std::move(*alert), false};
}

Result<CorrelationState::Episode*> CorrelationState::Newest(T* t, Group* g) {
  if (g->newest == nullptr && g->row.newest_episode.has_value()) {
    const std::string row_key = EpisodeRowKey(g->key, *g->row.newest_episode);
    std::string value;
    RT_RETURN_IF_ERROR(t->Get(ColumnFamily::kGroup, row_key, &value));
    const Result<EpisodeRow> row = DecodeEpisode(row_key, value);
    if (!row.ok()) return row.status();
    Result<Episode> episode = LoadEpisode(t, *row);
    if (!episode.ok()) return episode.status();
    g->newest = std::make_unique<Episode>(std::move(*episode));
    NoteSize(g);
  }
  return g->newest.get();
}

// Which episode is the newest is to be seen from the rows.
Status CorrelationState::FindNewest(T* t, Group* g) {
  g->newest.reset();
  g->row.newest_episode.reset();
  Status damage;
  const std::string begin = EpisodeRowKey(g->key, Timestamp::Min());
  const std::string end = PrefixEnd(begin.substr(0, begin.size() - sizeof(int64_t)));
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kGroup, begin, end, [&](auto key, auto value) {
    const Result<EpisodeRow> row = DecodeEpisode(key, value);
    damage = row.status();
    if (row.ok()) g->row.newest_episode = row->time;
    return false;
  }));
  NoteChange(g);
  return damage;
}

// Stores the newest episode and takes it out of memory.
Status CorrelationState::PutAway(T* t, Group* g) {
  if (g->newest != nullptr && g->newest->dirty) RT_RETURN_IF_ERROR(Save(t, *g, g->newest.get()));
  g->newest.reset();
  return Status::Ok();
}

Status CorrelationState::Begin(T* t, Group* g, const Wanted& wanted, bool late) {
  const Correlation& c = correlation(*g);
  Episode e;
  e.row.time = wanted.time;
  e.row.last_hit = wanted.last_hit;
  e.row.value = wanted.value;
  CorrelationAlert found{};
  found.time = wanted.time;
  found.value = wanted.value;
  e.alert = MakeAlert(plan_->rules(), c, TextsOf(*g), found, SourceName());
  e.row.alert_id = e.alert.id;
  RT_RETURN_IF_ERROR(Cover(t, g, RowsFrom(*g, wanted.time), RowsTo(*g, wanted.last_hit), &e));
  if (IsSilence(*g)) RT_RETURN_IF_ERROR(FindEnd(t, g, std::nullopt, &e).status());
  // Silence that only the clock has seen, while no input says how late it is, is not final.
  const bool by_clock = IsSilence(*g) && latest_ < wanted.time;
  e.row.early = by_clock || (c.answers_at_once && wanted.time >= WatermarkOf(*g));
  e.alert.state = e.row.early ? AlertState::kEarly : AlertState::kFinal;
  e.alert.late = late;
  e.alert.by_clock = by_clock;
  e.row.open = !c.every_hit_alerts();
  // The id may have been taken before, by an alert that was withdrawn and now stands again.
  const Result<Alert> before = GetAlert(*t, e.alert.id);
  if (before.ok()) {
    e.alert.revision = before->revision + 1;
  } else if (before.status().code() != StatusCode::kNotFound) {
    return before.status();
  }
  e.row.told = e.alert.count;
  has_new_alert_ = true;
  RT_RETURN_IF_ERROR(Save(t, *g, &e));
  if (e.row.early || e.row.open) NoteUnsettled(g, wanted.time);
  if (by_clock) t->Put(ColumnFamily::kTimer, ClockTimerKey(wanted.time, g->key), "");
  if (e.row.early) SetTimer(t, g, wanted.time + kTick);
  if (e.row.open) SetTimer(t, g, wanted.last_hit + c.timespan + kTick);
  if (g->row.newest_episode.has_value() && *g->row.newest_episode > wanted.time) return Status::Ok();
  RT_RETURN_IF_ERROR(PutAway(t, g));
  g->row.newest_episode = wanted.time;
  g->newest = std::make_unique<Episode>(std::move(e));
  NoteChange(g);
  return Status::Ok();
}

// More hits joined. `only`: the one match that they bring; null: those that are stored.
Status CorrelationState::Extend(T* t, Group* g, Timestamp last_hit, bool late, const CorrelationMatch* only,
                                Episode* e) {
  const uint64_t before = e->alert.count;
  if (only != nullptr) {
    Count(t, *g, *only, e);
  } else {
    RT_RETURN_IF_ERROR(Cover(t, g, RowsTo(*g, e->row.last_hit), RowsTo(*g, last_hit), e));
  }
  e->row.last_hit = last_hit;
  e->dirty = true;
  if (!e->row.open) {
    e->row.open = true;
    NoteUnsettled(g, e->row.time);
    SetTimer(t, g, last_hit + correlation(*g).timespan + kTick);
  }
  NotePending(g);
  return Grown(t, *g, before, late, e);
}

// Hits or matches went away.
Status CorrelationState::Recount(T* t, Group* g, Timestamp last_hit, Episode* e) {
  const uint64_t before = e->alert.count;
  e->row.last_hit = last_hit;
  e->alert.count = 0;
  e->alert.evidence.clear();
  RT_RETURN_IF_ERROR(Cover(t, g, RowsFrom(*g, e->row.time), RowsTo(*g, last_hit), e));
  e->dirty = true;
  return e->alert.count == before ? Status::Ok() : Tell(t, *g, e);
}

// What is worth a revision: a late change, a size that has one more digit, and every change of what the end
// of an input has made final and closed: nothing else would tell it.
Status CorrelationState::Grown(T* t, const Group& g, uint64_t before, bool late, Episode* e) {
  if (e->alert.count == before) return Status::Ok();
  bool crossed = false;
  for (uint64_t size = 10; size <= e->alert.count && !crossed; size *= 10) {
    crossed = before < size;
    if (size > e->alert.count / 10) break;
  }
  const bool settled = !e->row.early && !e->row.open;
  return late || crossed || settled ? Tell(t, g, e) : Status::Ok();
}

Status CorrelationState::Tell(T* t, const Group& g, Episode* e) {
  ++e->alert.revision;
  e->row.told = e->alert.count;
  return Save(t, g, e);
}

Status CorrelationState::Save(T* t, const Group& g, Episode* e) {
  CorrelationAlert found{};
  found.time = e->alert.time;
  found.last_hit = e->row.last_hit;
  found.value = e->row.value;
  found.first = e->alert.first;
  found.last = e->alert.last;
  found.count = e->alert.count;
  found.ended = e->alert.ended;
  e->alert.explain = ExplainCorrelation(correlation(g), e->alert.group, found);
  e->dirty = false;
  const std::string row_key = EpisodeRowKey(g.key, e->row.time);
  t->Put(ColumnFamily::kGroup, row_key, EncodeEpisode(e->row, row_key));
  return PutAlert(t, e->alert);
}

Status CorrelationState::Withdraw(T* t, Group* g, const EpisodeRow& row, const std::string& replaced_by) {
  Result<Alert> alert = GetAlert(*t, row.alert_id);
  if (!alert.ok()) return alert.status();
  alert->state = AlertState::kWithdrawn;
  alert->by_clock = false;
  alert->replaced_by = replaced_by;
  ++alert->revision;
  ++counts_.withdrawn;
  t->Delete(ColumnFamily::kGroup, EpisodeRowKey(g->key, row.time));
  return PutAlert(t, *alert);
}

// ---- hits in order

// `alone`: the one match of the group that is stored behind `since`; null: it is not known to be one.
Status CorrelationState::TakeHits(T* t, Group* g, const CorrelationMatch* alone, Timestamp since, bool late) {
  if (hits_.empty()) return Status::Ok();
  // A hit is a match of another group, whose judge tells hits of its own.
  std::vector<CorrelationHit> hits;
  hits.swap(hits_);
  g->last_hit = hits.back().end;
  for (const CorrelationHit& hit : hits) {
    RT_RETURN_IF_ERROR(ApplyHit(t, g, hit, alone, since, late));
    RT_RETURN_IF_ERROR(FeedUpwards(t, g, hit));
  }
  return Status::Ok();
}

// A hit behind all others, or one that was taken before.
Status CorrelationState::ApplyHit(T* t, Group* g, const CorrelationHit& hit, const CorrelationMatch* alone,
                                  Timestamp since, bool late) {
  const Correlation& c = correlation(*g);
  const Result<Episode*> found = Newest(t, g);
  if (!found.ok()) return found.status();
  Episode* newest = *found;
  if (newest != nullptr && hit.end < newest->row.time) return Status::Ok();
  if (newest != nullptr && hit.end == newest->row.time) {
    newest->row.value = hit.value;  // more of its instant may have come
    newest->dirty = true;
    NotePending(g);
    return Status::Ok();
  }
  if (newest != nullptr && !c.every_hit_alerts() && hit.end - c.timespan <= newest->row.last_hit) {
    if (hit.end <= newest->row.last_hit) return Status::Ok();
    const CorrelationMatch* only = since < RowsTo(*g, newest->row.last_hit) ? alone : nullptr;
    return Extend(t, g, hit.end, false, only, newest);
  }
  return Begin(t, g, {hit.end, hit.end, hit.value}, late && hit.end < WatermarkOf(*g));
}

// ---- hits out of order

Result<std::vector<EpisodeRow>> CorrelationState::EpisodesIn(T* t, const Group& g, Timestamp begin,
                                                             Timestamp end) {
  std::vector<EpisodeRow> rows;
  Status damage;
  const auto take = [&](std::string_view key, std::string_view value) {
    Result<EpisodeRow> row = DecodeEpisode(key, value);
    damage = row.status();
    if (row.ok()) rows.push_back(std::move(*row));
    return damage.ok();
  };
  // The one before, if hits may join it.
  const Correlation& c = correlation(g);
  if (!c.every_hit_alerts()) {
    RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kGroup, EpisodeRowKey(g.key, Timestamp::Min()),
                                       EpisodeRowKey(g.key, begin), [&](auto key, auto value) {
                                         take(key, value);
                                         return false;
                                       }));
    RT_RETURN_IF_ERROR(damage);
    if (!rows.empty() && rows.front().last_hit < begin - c.timespan) rows.clear();
  }
  RT_RETURN_IF_ERROR(
      t->Scan(ColumnFamily::kGroup, EpisodeRowKey(g.key, begin), EpisodeRowKey(g.key, end), take));
  RT_RETURN_IF_ERROR(damage);
  return rows;
}

// The episodes that the hits of [begin, end) make, together with what the old ones had before and behind.
std::vector<CorrelationState::Wanted> CorrelationState::WantedOf(const Group& g, Timestamp begin,
                                                                 Timestamp end,
                                                                 const std::vector<CorrelationHit>& hits,
                                                                 const std::vector<EpisodeRow>& old) {
  const Correlation& c = correlation(g);
  std::vector<Wanted> wanted;
  if (c.every_hit_alerts()) {
    for (const CorrelationHit& hit : hits) wanted.push_back({hit.end, hit.end, hit.value});
    return wanted;
  }
  // What lies before `begin` is as it was. One that goes on there has a hit within the first timespan, which
  // nothing has changed either.
  if (!old.empty() && old.front().time < begin) {
    const EpisodeRow& left = old.front();
    wanted.push_back({left.time, std::min(left.last_hit, begin), left.value});
  }
  for (const CorrelationHit& hit : hits) {
    if (!wanted.empty() && hit.end - c.timespan <= wanted.back().last_hit) {
      wanted.back().last_hit = hit.end;
    } else {
      wanted.push_back({hit.end, hit.end, hit.value});
    }
  }
  // So is what lies behind `end`.
  if (!old.empty() && !wanted.empty() && old.back().last_hit >= end)
    wanted.back().last_hit = std::max(wanted.back().last_hit, old.back().last_hit);
  return wanted;
}

Status CorrelationState::Reconcile(T* t, Group* g, Timestamp begin, Timestamp end,
                                   const std::vector<CorrelationHit>& hits, bool late) {
  if (end <= begin) return Status::Ok();
  RT_RETURN_IF_ERROR(PutAway(t, g));
  const Result<std::vector<EpisodeRow>> old = EpisodesIn(t, *g, begin, end);
  if (!old.ok()) return old.status();
  const std::vector<Wanted> wanted = WantedOf(*g, begin, end, hits, *old);
  const auto stands = [&](const EpisodeRow& row) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& w) { return w.time == row.time; });
  };
  for (const EpisodeRow& row : *old) {
    if (stands(row)) continue;
    // In its place: what holds its time now, else what begins within its reach.
    std::string replaced_by;
    for (const Wanted& w : wanted) {
      const bool near = w.time <= row.last_hit && row.time <= w.last_hit;
      if (near) replaced_by = AlertId(correlation(*g), GroupOf(correlation(*g), TextsOf(*g)), w.time);
    }
    RT_RETURN_IF_ERROR(Withdraw(t, g, row, replaced_by));
  }
  RT_RETURN_IF_ERROR(FindNewest(t, g));
  for (const Wanted& w : wanted) {
    const auto row =
        std::find_if(old->begin(), old->end(), [&](const EpisodeRow& r) { return r.time == w.time; });
    if (row == old->end()) {
      RT_RETURN_IF_ERROR(Begin(t, g, w, late && w.time < WatermarkOf(*g)));
      continue;
    }
    if (w.last_hit == row->last_hit && w.value == row->value) continue;
    RT_RETURN_IF_ERROR(PutAway(t, g));
    Result<Episode> episode = LoadEpisode(t, *row);
    if (!episode.ok()) return episode.status();
    if (w.time >= begin) episode->row.value = w.value;
    if (w.last_hit < row->last_hit) {
      RT_RETURN_IF_ERROR(Recount(t, g, w.last_hit, &*episode));
    } else if (w.last_hit > row->last_hit) {
      RT_RETURN_IF_ERROR(Extend(t, g, w.last_hit, late && w.time < WatermarkOf(*g), nullptr, &*episode));
    }
    RT_RETURN_IF_ERROR(Save(t, *g, &*episode));
  }
  // Upwards: hits that are gone, and those there are.
  if (node(*g).upper.empty()) return Status::Ok();
  std::vector<std::string> gone;
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, HitRowKey(g->key, begin), HitRowKey(g->key, end),
                             [&](std::string_view key, std::string_view) {
                               gone.emplace_back(key);
                               return true;
                             }));
  for (const CorrelationHit& hit : hits) std::erase(gone, HitRowKey(g->key, hit.end));
  for (const std::string& row : gone) RT_RETURN_IF_ERROR(RemoveUpwards(t, row));
  for (const CorrelationHit& hit : hits) RT_RETURN_IF_ERROR(FeedUpwards(t, g, hit));
  return Status::Ok();
}

// ---- the watermark

void CorrelationState::NoteUnsettled(Group* g, Timestamp time) {
  g->row.unsettled = std::min(g->row.unsettled.value_or(time), time);
  NoteChange(g);
}

// Finalises the alerts whose time the watermark has passed, and closes what no hit can join any more.
Status CorrelationState::Settle(T* t, Group* g, bool finishing) {
  if (!g->row.unsettled.has_value()) return Status::Ok();
  if (g->row.unsettled == g->row.newest_episode) {
    const Result<Episode*> newest = Newest(t, g);
    if (!newest.ok()) return newest.status();
    g->row.unsettled.reset();
    NoteChange(g);
    RT_RETURN_IF_ERROR(SettleOne(t, g, finishing, *newest));
    if ((*newest)->row.early || (*newest)->row.open) NoteUnsettled(g, (*newest)->row.time);
    return Status::Ok();
  }
  RT_RETURN_IF_ERROR(PutAway(t, g));
  std::vector<EpisodeRow> rows;
  Status damage;
  const std::string begin = EpisodeRowKey(g->key, *g->row.unsettled);
  const std::string end = PrefixEnd(begin.substr(0, begin.size() - sizeof(int64_t)));
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, begin, end, [&](auto key, auto value) {
    Result<EpisodeRow> row = DecodeEpisode(key, value);
    damage = row.status();
    if (row.ok() && (row->early || row->open)) rows.push_back(std::move(*row));
    return damage.ok();
  }));
  RT_RETURN_IF_ERROR(damage);
  g->row.unsettled.reset();
  NoteChange(g);
  for (const EpisodeRow& row : rows) {
    Result<Episode> episode = LoadEpisode(t, row);
    if (!episode.ok()) return episode.status();
    RT_RETURN_IF_ERROR(SettleOne(t, g, finishing, &*episode));
    if (episode->row.early || episode->row.open) NoteUnsettled(g, row.time);
  }
  return Status::Ok();
}

Status CorrelationState::SettleOne(T* t, Group* g, bool finishing, Episode* e) {
  const Correlation& c = correlation(*g);
  const Timestamp watermark = WatermarkOf(*g);
  const bool heard = !IsSilence(*g) || latest_ >= e->row.time;
  bool changed = false;
  if (e->row.early && heard && (finishing || e->row.time < watermark)) {
    e->row.early = false;
    e->alert.state = AlertState::kFinal;
    e->alert.by_clock = false;
    changed = true;
  }
  bool closes = false;
  if (e->row.open && (finishing || e->row.last_hit + c.timespan < watermark)) {
    e->row.open = false;
    closes = true;
  }
  if (changed || (closes && e->alert.count != e->row.told)) {
    RT_RETURN_IF_ERROR(Tell(t, *g, e));
  } else if (closes) {
    RT_RETURN_IF_ERROR(Save(t, *g, e));
  }
  if (e->row.early && heard) SetTimer(t, g, e->row.time + kTick);
  if (e->row.open) SetTimer(t, g, e->row.last_hit + c.timespan + kTick);
  return Status::Ok();
}

}  // namespace redthread
