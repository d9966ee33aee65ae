// What the watermark brings: the part of CorrelationState that waits, finishes and forgets.
#include <algorithm>

#include "correlate/correlation_state.h"
#include "storage/alert_store.h"
#include "storage/key.h"

namespace redthread {
namespace {

constexpr Nanoseconds kTick{1};
// Timers and rows that one look takes.
constexpr size_t kChunk = 10'000;

// Up to kChunk keys of [begin, end).
Result<std::vector<std::string>> KeysOf(const StateTransaction& t, ColumnFamily family,
                                        const std::string& begin, const std::string& end) {
  std::vector<std::string> keys;
  const Status status = t.Scan(family, begin, end, [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return keys.size() < kChunk;
  });
  if (!status.ok()) return status;
  return keys;
}

}  // namespace

// ---- timers

void CorrelationState::SetTimer(T* t, Group* g, Timestamp deadline) {
  // In terms of the stage's watermark, and never where it has been.
  deadline = std::max(deadline + node(*g).input_delay, LevelWatermark(correlation(*g).height) + kTick);
  if (g->row.timer.has_value() && *g->row.timer <= deadline) return;
  g->row.timer = deadline;
  t->Put(ColumnFamily::kTimer, JudgeTimerKey(correlation(*g).height, deadline, g->key), "");
  NoteChange(g);
}

// The next time at which something about the group has to be done.
Status CorrelationState::PlanTimer(T* t, Group* g) {
  if (g->row.stale_from.has_value()) SetTimer(t, g, *g->row.stale_from + kTick);
  if (g->row.forced_to.has_value()) SetTimer(t, g, *g->row.forced_to + kTick);
  if (correlation(*g).answers_at_once) return Status::Ok();
  if (g->judge != nullptr) {
    const std::optional<Timestamp> next = g->judge->NextJudgement();
    if (next.has_value()) SetTimer(t, g, *next);
  }
  if (g->newest_match < g->row.judged_to) return Status::Ok();
  std::optional<Timestamp> next;
  RT_RETURN_IF_ERROR(EachMatch(t, g, g->row.judged_to, Timestamp::Max(), [&](const StoredMatch& match) {
    next = match.time;
    return false;
  }));
  if (next.has_value()) SetTimer(t, g, *next + kTick);
  return Status::Ok();
}

Status CorrelationState::OnTimer(T* t, Group* g, bool late) {
  GroupRow& row = g->row;
  if (!correlation(*g).answers_at_once) RT_RETURN_IF_ERROR(Judge(t, g, late));
  RT_RETURN_IF_ERROR(RejudgeStale(t, g));
  if (row.forced_to.has_value() && WatermarkOf(*g) > *row.forced_to) {
    const Timestamp from = *row.forced_from, to = *row.forced_to;
    row.forced_from.reset();
    row.forced_to.reset();
    RT_RETURN_IF_ERROR(Rejudge(t, g, from, to, Extent::kAround, false));
  }
  RT_RETURN_IF_ERROR(Settle(t, g, false));
  return PlanTimer(t, g);
}

Status CorrelationState::AdvanceLevel(T* t, uint32_t level, bool finishing) {
  level_watermarks_[level] = watermark_;
  const std::string begin = JudgeTimersBegin(level, finishing ? Timestamp::Min() : swept_);
  const std::string end =
      finishing ? PrefixEnd(begin.substr(0, 2)) : JudgeTimersBegin(level, watermark_ + kTick);
  std::vector<std::string> again;
  for (;;) {
    const Result<std::vector<std::string>> due = KeysOf(*t, ColumnFamily::kTimer, begin, end);
    if (!due.ok()) return due.status();
    if (due->empty()) break;
    for (const std::string& timer : *due) {
      t->Delete(ColumnFamily::kTimer, timer);
      const std::string_view key = GroupOfTimer(timer);
      const Result<Group*> g = FindByKey(t, key);
      if (!g.ok()) return g.status();
      if (*g == nullptr) {
        RT_RETURN_IF_ERROR(SettleForgotten(t, key));
        continue;
      }
      // An older timer of a group that has set itself an earlier one since.
      if (!(*g)->row.timer.has_value() || JudgeTimerKey(level, *(*g)->row.timer, key) != timer) continue;
      (*g)->row.timer.reset();
      NoteChange(*g);
      if (finishing) {
        RT_RETURN_IF_ERROR(ForceGroup(t, *g));
        again.emplace_back(key);
      } else {
        RT_RETURN_IF_ERROR(OnTimer(t, *g, false));
      }
    }
  }
  // What goes on when there is input again.
  for (const std::string& key : again) {
    const Result<Group*> g = FindByKey(t, key);
    if (!g.ok()) return g.status();
    RT_RETURN_IF_ERROR(PlanTimer(t, *g));
  }
  return Status::Ok();
}

Status CorrelationState::Advance(StateTransaction* t, Timestamp watermark, Timestamp latest) {
  const bool later = latest > latest_;
  latest_ = std::max(latest_, latest);
  if (later) {
    const Result<std::vector<std::string>> due = KeysOf(
        *t, ColumnFamily::kTimer, ClockTimersBegin(Timestamp::Min()), ClockTimersBegin(latest_ + kTick));
    if (!due.ok()) return due.status();
    for (const std::string& timer : *due) {
      t->Delete(ColumnFamily::kTimer, timer);
      const Result<Group*> g = FindByKey(t, GroupOfTimer(timer));
      if (!g.ok()) return g.status();
      RT_RETURN_IF_ERROR(*g != nullptr ? Settle(t, *g, false) : SettleForgotten(t, GroupOfTimer(timer)));
    }
  }
  if (watermark <= watermark_) return Status::Ok();
  watermark_ = watermark;
  for (uint32_t level = 0; level < levels_; ++level) RT_RETURN_IF_ERROR(AdvanceLevel(t, level, false));
  swept_ = watermark_;
  const Result<std::vector<std::string>> expired =
      KeysOf(*t, ColumnFamily::kTimer, ExpiryTimersBegin(expired_to_), ExpiryTimersBegin(watermark_ + kTick));
  if (!expired.ok()) return expired.status();
  for (const std::string& timer : *expired) {
    t->Delete(ColumnFamily::kTimer, timer);
    RT_RETURN_IF_ERROR(Expire(t, GroupOfTimer(timer)));
  }
  if (expired->size() < kChunk) expired_to_ = watermark_;
  return Status::Ok();
}

Status CorrelationState::Finish(StateTransaction* t, Timestamp watermark, Timestamp latest) {
  RT_RETURN_IF_ERROR(Advance(t, watermark, latest));
  for (uint32_t level = 0; level < levels_; ++level) RT_RETURN_IF_ERROR(AdvanceLevel(t, level, true));
  return Status::Ok();
}

// The end of the input: ends every wait of a group. What is said of times that the watermark has not passed
// is looked at once more when it has.
Status CorrelationState::ForceGroup(T* t, Group* g) {
  const Correlation& c = correlation(*g);
  if (!c.answers_at_once) {
    RT_RETURN_IF_ERROR(Judge(t, g, false));
    RT_RETURN_IF_ERROR(RejudgeStale(t, g));
    RT_RETURN_IF_ERROR(EnsureJudge(t, g));
    GroupRow& row = g->row;
    if (row.forced_from.has_value() || g->newest_match >= row.judged_to ||
        g->judge->NextJudgement().has_value()) {
      const Timestamp certain = row.judged_to - c.timespan;
      row.forced_from = std::min(row.forced_from.value_or(certain), certain);
      row.forced_to = std::max(g->newest_match, row.judged_to) + c.timespan;
      RT_RETURN_IF_ERROR(Rejudge(t, g, *row.forced_from, *row.forced_to, Extent::kToTheEnd, false));
      g->judge.reset();  // it has seen an end that is none
      NoteChange(g);
    }
  }
  RT_RETURN_IF_ERROR(RejudgeStale(t, g));
  RT_RETURN_IF_ERROR(Settle(t, g, true));
  if (g->row.timer.has_value())
    t->Delete(ColumnFamily::kTimer, JudgeTimerKey(c.height, *g->row.timer, g->key));
  g->row.timer.reset();
  NoteChange(g);
  return Status::Ok();
}

// A correlation that is no longer in force: what it told early stands, once an event has confirmed it.
Status CorrelationState::SettleForgotten(T* t, std::string_view key) {
  std::vector<EpisodeRow> rows;
  const std::string begin = EpisodeRowKey(key, Timestamp::Min());
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, begin, PrefixEnd(begin.substr(0, begin.size() - 8)),
                             [&](std::string_view row_key, std::string_view value) {
                               const Result<EpisodeRow> row = DecodeEpisode(row_key, value);
                               if (row.ok() && row->early && row->time <= latest_) rows.push_back(*row);
                               return true;
                             }));
  for (EpisodeRow& row : rows) {
    Result<Alert> alert = GetAlert(*t, row.alert_id);
    if (!alert.ok()) return alert.status();
    alert->state = AlertState::kFinal;
    alert->by_clock = false;
    ++alert->revision;
    RT_RETURN_IF_ERROR(PutAlert(t, *alert));
    row.early = row.open = false;
    const std::string row_key = EpisodeRowKey(key, row.time);
    t->Put(ColumnFamily::kGroup, row_key, EncodeEpisode(row, row_key));
  }
  return Status::Ok();
}

// ---- forgetting

// How long a match is kept: as long as a late one may come whose surroundings it belongs to.
Nanoseconds CorrelationState::Retention(const Group& g) const {
  const Nanoseconds span = correlation(g).timespan;
  // Whether the hour of a match that is taken back was heard in all the same, is to be seen.
  const Nanoseconds hour = correlation(g).expected ? std::chrono::hours(1) : std::chrono::hours(0);
  return (Timestamp{options_.late_horizon.count()} + node(g).input_delay + hour + span + span + span + span) -
         Timestamp{0};
}

void CorrelationState::SetExpiry(T* t, Group* g, Timestamp deadline) {
  // Not one by one.
  const Nanoseconds slack = std::max<Nanoseconds>(std::chrono::minutes(1), Retention(*g) / 64);
  g->row.expires = std::max(deadline, watermark_) + slack;
  t->Put(ColumnFamily::kTimer, ExpiryTimerKey(g->row.expires, g->key), "");
  NoteChange(g);
}

// Alerts that began before `cutoff` are to be forgotten. Returns from where on they have to stay: the last
// one, while late hits may join it, or, of silence, while it lasts, or a late match may still end it sooner.
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
  if (!last.has_value()) return cutoff;
  if (!IsSilence(g)) return last->last_hit < cutoff ? cutoff : last->time;
  const Timestamp horizon = watermark_ - options_.late_horizon - node(g).input_delay;
  const bool over =
      last->ended.has_value() ? *last->ended < cutoff : correlation(g).Forgets(horizon - LastHeard(g, *last));
  return over ? cutoff : last->time;
}

Status CorrelationState::Expire(T* t, std::string_view key) {
  const Result<Group*> found = FindByKey(t, key);
  if (!found.ok()) return found.status();
  Group* g = *found;
  const Timestamp cutoff = g == nullptr ? Timestamp::Max() : watermark_ - Retention(*g);
  const auto remove = [&](ColumnFamily family, const std::string& begin, const std::string& end) -> Status {
    for (;;) {
      const Result<std::vector<std::string>> keys = KeysOf(*t, family, begin, end);
      if (!keys.ok()) return keys.status();
      for (const std::string& row : *keys) t->Delete(family, row);
      if (keys->size() < kChunk) return Status::Ok();
    }
  };
  const auto from = [&](const auto& row_key) { return row_key(key, Timestamp::Min()); };
  RT_RETURN_IF_ERROR(g == nullptr ? DeleteMatchesBefore(t, key, cutoff) : ForgetMatches(t, g, cutoff));
  RT_RETURN_IF_ERROR(remove(ColumnFamily::kGroup, from(HitRowKey), HitRowKey(key, cutoff)));
  // Episodes: but for one that later hits may still join, or that is not final yet.
  Timestamp closed = cutoff;
  if (g != nullptr) {
    const Result<Episode*> newest = Newest(t, g);
    if (!newest.ok()) return newest.status();
    if (*newest != nullptr && ((*newest)->row.open || (*newest)->row.early))
      closed = std::min(cutoff, (*newest)->row.time);
    const Result<Timestamp> stays = StaysFrom(t, *g, cutoff);
    if (!stays.ok()) return stays.status();
    closed = std::min(closed, *stays);
  }
  RT_RETURN_IF_ERROR(remove(ColumnFamily::kGroup, from(EpisodeRowKey), EpisodeRowKey(key, closed)));
  bool has_hours = false;
  if (g == nullptr || correlation(*g).expected) {
    const Result<bool> left = ExpireHours(t, key, cutoff);
    if (!left.ok()) return left.status();
    has_hours = *left;
  }
  if (g == nullptr) {
    t->Delete(ColumnFamily::kGroup, GroupRowKey(key));
    return Status::Ok();
  }
  if (g->row.newest_episode.has_value() && *g->row.newest_episode < closed) {
    g->row.newest_episode.reset();
    g->newest.reset();
  }
  std::optional<Timestamp> oldest;
  RT_RETURN_IF_ERROR(EachMatch(t, g, cutoff, Timestamp::Max(), [&](const StoredMatch& match) {
    oldest = match.time;
    return false;
  }));
  if (oldest.has_value() || g->row.newest_episode.has_value() || has_hours) {
    SetExpiry(t, g, oldest.value_or(watermark_) + Retention(*g));
    return Status::Ok();
  }
  t->Delete(ColumnFamily::kGroup, GroupRowKey(key));
  if (g->row.timer.has_value())
    t->Delete(ColumnFamily::kTimer, JudgeTimerKey(correlation(*g).height, *g->row.timer, key));
  if (g->pending) std::erase(pending_, g);
  if (g->unsaved != unsaved_.end()) unsaved_.erase(g->unsaved);
  places_.erase(g->place);
  bytes_ -= g->bytes;
  groups_.Erase(g);
  return Status::Ok();
}

}  // namespace redthread
