#include "correlate/fold_state.h"

#include <algorithm>
#include <optional>

#include "storage/alert_store.h"
#include "storage/key.h"
#include "storage/row.h"
#include "storage/source_registry.h"

namespace redthread {

namespace {

constexpr char kKind = 'f';
constexpr Nanoseconds kTick{1};

// Those without a time are a fold of their own.
std::string KeyOf(const Rule& rule, const AlertGroup& group, Timestamp time) {
  return FoldKey(rule, group) + (time == kNoTime ? '-' : 't');
}

std::string MatchPrefix(const std::string& key) { return KeyWriter(kKind).String(key).str(); }

std::string MatchKey(const std::string& key, const FoldMatch& m) {
  return KeyWriter(kKind)
      .String(key)
      .Time(m.time)
      .U32(m.position.source)
      .U32(m.position.epoch)
      .U64(m.position.index)
      .str();
}

std::string GroupKey(const std::string& key, Timestamp start) {
  return KeyWriter(kKind).String(key).Time(start).str();
}

std::string MatchRow(const std::string& row_key, const FoldMatch& m) {
  return RowWriter()
      .Bytes({reinterpret_cast<const char*>(m.raw_hash.data()), m.raw_hash.size()})
      .Finish(row_key);
}

// The key of its fold, its time and its position.
bool ReadMatchKey(std::string_view row_key, std::string* key, FoldMatch* m) {
  KeyReader reader(row_key);
  return reader.Kind(kKind) && reader.String(key) && reader.Time(&m->time) &&
         reader.U32(&m->position.source) && reader.U32(&m->position.epoch) &&
         reader.U64(&m->position.index) && reader.Done();
}

// Reads a match row; the rule, the group and the path are those of its fold.
Status ReadMatch(std::string_view row_key, std::string_view value, FoldMatch* m) {
  std::string key;
  if (!ReadMatchKey(row_key, &key, m)) return DamagedRow("match", row_key, "not the key of a folded match");
  Result<std::string_view> payload = OpenRow("match", row_key, value);
  if (!payload.ok()) return payload.status();
  RowReader fields(*payload);
  std::string_view hash;
  if (!fields.Bytes(&hash) || hash.size() != m->raw_hash.size())
    return DamagedRow("match", row_key, "it holds no hash");
  std::copy(hash.begin(), hash.end(), m->raw_hash.begin());
  return Status::Ok();
}

}  // namespace

Status FoldState::Add(StateTransaction* t, const FoldMatch& match, Timestamp watermark) {
  const Rule& rule = rules_->rules[match.rule];
  const std::string key = KeyOf(rule, match.group, match.time);
  Result<Episode*> newest = Newest(t, key, match);
  if (!newest.ok()) return newest.status();
  const std::string row_key = MatchKey(key, match);
  t->Put(ColumnFamily::kMatch, row_key, MatchRow(row_key, match));

  Episode* episode = *newest;
  if (episode == nullptr ||
      (match.time > episode->alert.last && !SameEpisode(episode->alert.last, match.time, options_.window))) {
    RT_RETURN_IF_ERROR(Forget(t, key));
    return Begin(t, key, BeginAlert(rule, match), watermark);
  }
  if (match.time >= episode->alert.time) return Extend(t, key, match, watermark, episode);
  RT_RETURN_IF_ERROR(Forget(t, key));
  return Rejudge(t, key, match, row_key, watermark);
}

// ---- the common case: the newest episode

Result<FoldState::Episode*> FoldState::Newest(StateTransaction* t, const std::string& key,
                                              const FoldMatch& match) {
  const auto cached = newest_.find(key);
  if (cached != newest_.end()) return &cached->second;
  const std::string prefix = MatchPrefix(key);
  std::optional<FoldMatch> last;
  Status damage;
  RT_RETURN_IF_ERROR(
      t->ScanBackward(ColumnFamily::kMatch, prefix, PrefixEnd(prefix), [&](auto row_key, auto value) {
        last.emplace();
        damage = ReadMatch(row_key, value, &*last);
        return false;
      }));
  RT_RETURN_IF_ERROR(damage);
  if (!last.has_value()) return static_cast<Episode*>(nullptr);
  const Result<Timestamp> start = EpisodeStart(t, key, last->time);
  if (!start.ok()) return start.status();
  Result<Episode> episode = Load(t, key, match, *start);
  if (!episode.ok()) return episode.status();
  return &newest_.emplace(key, std::move(*episode)).first->second;
}

Result<FoldState::Episode> FoldState::Load(StateTransaction* t, const std::string& key,
                                           const FoldMatch& match, Timestamp start) {
  Result<Alert> alert = GetAlert(*t, AlertId(rules_->rules[match.rule], match.group, start));
  if (!alert.ok()) return alert.status();
  Episode episode;
  episode.alert = std::move(*alert);
  episode.told = episode.alert.count;  // of an episode that can grow no more
  const std::string group_key = GroupKey(key, start);
  std::string value;
  const Status found = t->Get(ColumnFamily::kGroup, group_key, &value);
  episode.closed = found.code() == StatusCode::kNotFound;
  if (episode.closed) return episode;
  RT_RETURN_IF_ERROR(found);
  Result<std::string_view> payload = OpenRow("fold", group_key, value);
  if (!payload.ok()) return payload.status();
  std::string_view id;
  RowReader fields(*payload);
  fields.Bytes(&id);
  if (!fields.Varint(&episode.told)) return DamagedRow("fold", group_key, "it ends too early");
  return episode;
}

Status FoldState::Begin(StateTransaction* t, const std::string& key, Alert alert, Timestamp watermark) {
  Episode episode;
  episode.alert = std::move(alert);
  Alert& a = episode.alert;
  const bool timeless = a.time == kNoTime;
  a.late = !timeless && a.time < watermark;
  a.state = timeless || a.time <= watermark ? AlertState::kFinal : AlertState::kEarly;
  a.explain = ExplainFold(a);
  // The id may have been taken before, by an alert that was withdrawn and now stands again.
  const Result<Alert> before = GetAlert(*t, a.id);
  if (before.ok()) {
    a.revision = before->revision + 1;
  } else if (before.status().code() != StatusCode::kNotFound) {
    return before.status();
  }
  has_new_alert_ = true;
  episode.told = a.count;
  RT_RETURN_IF_ERROR(Store(t, key, &episode));
  SetTimer(t, key, episode, watermark);
  newest_.insert_or_assign(key, std::move(episode));
  return Status::Ok();
}

Status FoldState::Extend(StateTransaction* t, const std::string& key, const FoldMatch& match,
                         Timestamp watermark, Episode* episode) {
  FoldInto(rules_->rules[match.rule], match, &episode->alert);
  episode->dirty = true;
  const bool late = match.time != kNoTime && match.time < watermark;
  if (episode->closed) {
    // It ended with the input that there was, and goes on: its end has to be told again.
    episode->closed = false;
    SetTimer(t, key, *episode, watermark);
  }
  return late || IsToldSize(episode->alert.count) ? Tell(t, key, episode) : Status::Ok();
}

// A change that is told: the next revision.
Status FoldState::Tell(StateTransaction* t, const std::string& key, Episode* episode) {
  ++episode->alert.revision;
  episode->told = episode->alert.count;
  return Store(t, key, episode);
}

Status FoldState::Store(StateTransaction* t, const std::string& key, Episode* episode) {
  episode->alert.explain = ExplainFold(episode->alert);
  episode->dirty = false;
  const std::string group_key = GroupKey(key, episode->alert.time);
  t->Put(ColumnFamily::kGroup, group_key,
         RowWriter().Bytes(episode->alert.id).Varint(episode->told).Finish(group_key));
  return PutAlert(t, episode->alert);
}

Status FoldState::Flush(StateTransaction* t) {
  for (auto& [key, episode] : newest_) {
    if (episode.dirty) RT_RETURN_IF_ERROR(Store(t, key, &episode));
  }
  if (newest_.size() > options_.max_cached) newest_.clear();
  has_new_alert_ = false;
  return Status::Ok();
}

// Takes a key's episode out of the cache, stored.
Status FoldState::Forget(StateTransaction* t, const std::string& key) {
  const auto cached = newest_.find(key);
  if (cached == newest_.end()) return Status::Ok();
  const Status stored = cached->second.dirty ? Store(t, key, &cached->second) : Status::Ok();
  newest_.erase(cached);
  return stored;
}

// ---- out of order: a match before the newest episode

Status FoldState::Rejudge(StateTransaction* t, const std::string& key, const FoldMatch& match,
                          const std::string& row_key, Timestamp watermark) {
  std::optional<FoldMatch> before, after;
  Status damage;
  const std::string prefix = MatchPrefix(key);
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kMatch, prefix, row_key, [&](auto k, auto value) {
    before.emplace();
    damage = ReadMatch(k, value, &*before);
    return false;
  }));
  RT_RETURN_IF_ERROR(damage);
  RT_RETURN_IF_ERROR(
      t->Scan(ColumnFamily::kMatch, KeyAfter(row_key), PrefixEnd(prefix), [&](auto k, auto value) {
        after.emplace();
        damage = ReadMatch(k, value, &*after);
        return false;
      }));
  RT_RETURN_IF_ERROR(damage);
  const Nanoseconds w = options_.window;
  const bool joins_before = before.has_value() && SameEpisode(before->time, match.time, w);
  const bool joins_after = after.has_value() && SameEpisode(match.time, after->time, w);
  const bool were_joined =
      before.has_value() && after.has_value() && SameEpisode(before->time, after->time, w);

  if (joins_before) {
    const Result<Timestamp> start = EpisodeStart(t, key, before->time);
    if (!start.ok()) return start.status();
    if (joins_after && !were_joined) {
      RT_RETURN_IF_ERROR(
          Withdraw(t, key, match, after->time, AlertId(rules_->rules[match.rule], match.group, *start)));
    }
    return RebuildExisting(t, key, match, *start);
  }
  if (joins_after) {
    RT_RETURN_IF_ERROR(
        Withdraw(t, key, match, after->time, AlertId(rules_->rules[match.rule], match.group, match.time)));
  }
  Result<Alert> alert = Rebuild(t, key, match, match.time);
  if (!alert.ok()) return alert.status();
  RT_RETURN_IF_ERROR(Begin(t, key, std::move(*alert), watermark));
  newest_.erase(key);  // it is not the newest
  return Status::Ok();
}

Status FoldState::RebuildExisting(StateTransaction* t, const std::string& key, const FoldMatch& match,
                                  Timestamp start) {
  Result<Episode> episode = Load(t, key, match, start);
  if (!episode.ok()) return episode.status();
  Result<Alert> rebuilt = Rebuild(t, key, match, start);
  if (!rebuilt.ok()) return rebuilt.status();
  rebuilt->revision = episode->alert.revision;
  rebuilt->state = episode->alert.state;
  rebuilt->late = episode->alert.late;
  episode->alert = std::move(*rebuilt);
  RT_RETURN_IF_ERROR(Tell(t, key, &*episode));
  SetTimer(t, key, *episode, advanced_to_);
  return Status::Ok();
}

Status FoldState::Withdraw(StateTransaction* t, const std::string& key, const FoldMatch& match,
                           Timestamp start, const std::string& replaced_by) {
  Result<Alert> alert = GetAlert(*t, AlertId(rules_->rules[match.rule], match.group, start));
  if (!alert.ok()) return alert.status();
  t->Delete(ColumnFamily::kGroup, GroupKey(key, start));
  alert->state = AlertState::kWithdrawn;
  alert->replaced_by = replaced_by;
  ++alert->revision;
  return PutAlert(t, *alert);
}

Result<Alert> FoldState::Rebuild(StateTransaction* t, const std::string& key, const FoldMatch& match,
                                 Timestamp start) {
  const Rule& rule = rules_->rules[match.rule];
  std::optional<Alert> alert;
  Status damage;
  const std::string prefix = MatchPrefix(key);
  std::vector<FoldMatch> episode;
  RT_RETURN_IF_ERROR(
      t->Scan(ColumnFamily::kMatch, GroupKey(key, start), PrefixEnd(prefix), [&](auto k, auto value) {
        FoldMatch m;
        damage = ReadMatch(k, value, &m);
        if (!damage.ok() || (!episode.empty() && !SameEpisode(episode.back().time, m.time, options_.window)))
          return false;
        episode.push_back(std::move(m));
        return true;
      }));
  RT_RETURN_IF_ERROR(damage);
  for (FoldMatch& m : episode) {
    const Result<SourceState> source = GetSource(*t, m.position.source);
    if (!source.ok()) return source.status();
    m.source = source->path;
    m.rule = match.rule;
    m.group = match.group;
    if (alert.has_value()) {
      FoldInto(rule, m, &*alert);
    } else {
      alert = BeginAlert(rule, m);
    }
  }
  if (!alert.has_value())
    return Status::Corrupt("a folded alert of rule " + rule.id + " has lost its matches");
  return std::move(*alert);
}

// The beginning of the episode that holds a match at `within`.
Result<Timestamp> FoldState::EpisodeStart(StateTransaction* t, const std::string& key, Timestamp within) {
  Timestamp start = within;
  // An unfinished episode knows its start; of others the rows are walked.
  const std::string prefix = MatchPrefix(key);
  std::optional<Timestamp> open;
  RT_RETURN_IF_ERROR(
      t->ScanBackward(ColumnFamily::kGroup, prefix, KeyAfter(GroupKey(key, within)), [&](auto k, auto) {
        KeyReader reader(k);
        std::string fold;
        Timestamp time;
        if (reader.Kind(kKind) && reader.String(&fold) && reader.Time(&time)) open = time;
        return false;
      }));
  Status damage;
  RT_RETURN_IF_ERROR(
      t->ScanBackward(ColumnFamily::kMatch, prefix, KeyAfter(GroupKey(key, within)), [&](auto k, auto value) {
        FoldMatch m;
        damage = ReadMatch(k, value, &m);
        if (!damage.ok() || !SameEpisode(m.time, start, options_.window)) return false;
        start = m.time;
        return !open.has_value() || start > *open;
      }));
  RT_RETURN_IF_ERROR(damage);
  return start;
}

// ---- records that are read once more

Status FoldState::FindMatches(const StateReader& reader, std::span<const Position> records,
                              std::map<Position, std::vector<Kept>>* found, Damage* damage) const {
  struct Match {
    Position position;
    std::string row;
  };
  std::unordered_map<std::string, std::vector<Match>> by_key;
  const std::string begin(1, kKind);
  std::string key;
  FoldMatch m;
  RT_RETURN_IF_ERROR(
      reader.Scan(ColumnFamily::kMatch, begin, PrefixEnd(begin), [&](std::string_view row, std::string_view) {
        if (ReadMatchKey(row, &key, &m) && std::binary_search(records.begin(), records.end(), m.position))
          by_key[key].push_back({m.position, std::string(row)});
        return true;
      }));
  if (by_key.empty()) return Status::Ok();
  // A key is a hash: whose it is, the alerts of its fold say.
  std::unordered_map<std::string_view, RuleIndex> by_id;
  for (RuleIndex i = 0; i < rules_->rules.size(); ++i) by_id.emplace(rules_->rules[i].id, i);
  return ForEachAlert(
      reader, {},
      [&](const Alert& alert) {
        const auto rule = by_id.find(alert.rule_id);
        if (alert.correlation || rule == by_id.end()) return true;
        const auto matches = by_key.find(KeyOf(rules_->rules[rule->second], alert.group, alert.time));
        if (matches == by_key.end()) return true;
        for (Match& match : matches->second)
          (*found)[match.position].push_back({std::move(match.row), rule->second, alert.group});
        by_key.erase(matches);
        return !by_key.empty();
      },
      damage);
}

Status FoldState::Revise(StateTransaction* t, const std::vector<Kept>& before, std::span<const FoldMatch> now,
                         Timestamp watermark) {
  std::vector<const FoldMatch*> added;
  std::map<std::string_view, const Kept*> gone;
  for (const Kept& kept : before) gone.emplace(kept.row, &kept);
  for (const FoldMatch& match : now) {
    const std::string key = KeyOf(rules_->rules[match.rule], match.group, match.time);
    if (gone.erase(MatchKey(key, match)) == 0) added.push_back(&match);
  }
  for (const auto& [row, kept] : gone) RT_RETURN_IF_ERROR(Remove(t, *kept, watermark));
  for (const FoldMatch* match : added) RT_RETURN_IF_ERROR(Add(t, *match, watermark));
  return Status::Ok();
}

// What is left of its episode is that episode, a later one, several, or nothing.
Status FoldState::Remove(StateTransaction* t, const Kept& kept, Timestamp watermark) {
  FoldMatch match;
  std::string key;
  if (!ReadMatchKey(kept.row, &key, &match)) return DamagedRow("match", kept.row, "not its key");
  match.rule = kept.rule;
  match.group = kept.group;
  RT_RETURN_IF_ERROR(Forget(t, key));
  const Result<Timestamp> start = EpisodeStart(t, key, match.time);
  if (!start.ok()) return start.status();
  const Rule& rule = rules_->rules[match.rule];
  t->Delete(ColumnFamily::kMatch, kept.row);

  std::vector<Timestamp> starts;
  std::optional<Timestamp> before;  // the match before the one at hand
  Status damage;
  const auto visit = [&](std::string_view row, std::string_view value) {
    FoldMatch m;
    damage = ReadMatch(row, value, &m);
    // As it was, the episode goes on to the first gap, and there is none up to the match.
    const Timestamp last = std::max(before.value_or(*start), std::min(m.time, match.time));
    if (!damage.ok() || !SameEpisode(last, m.time, options_.window)) return false;
    if (!before.has_value() || !SameEpisode(*before, m.time, options_.window)) starts.push_back(m.time);
    before = m.time;
    return true;
  };
  RT_RETURN_IF_ERROR(
      t->Scan(ColumnFamily::kMatch, GroupKey(key, *start), PrefixEnd(MatchPrefix(key)), visit));
  RT_RETURN_IF_ERROR(damage);
  const bool stands = !starts.empty() && starts[0] == *start;
  if (!stands) {
    const std::string replaced_by = starts.empty() ? "" : AlertId(rule, match.group, starts[0]);
    RT_RETURN_IF_ERROR(Withdraw(t, key, match, *start, replaced_by));
  }
  for (const Timestamp begin : starts) {
    if (begin == *start) {
      RT_RETURN_IF_ERROR(RebuildExisting(t, key, match, begin));
      continue;
    }
    Result<Alert> alert = Rebuild(t, key, match, begin);
    if (!alert.ok()) return alert.status();
    RT_RETURN_IF_ERROR(Begin(t, key, std::move(*alert), watermark));
    newest_.erase(key);  // it need not be the newest
  }
  return Status::Ok();
}

// ---- the watermark

void FoldState::SetTimer(StateTransaction* t, const std::string& key, const Episode& episode,
                         Timestamp watermark) {
  const Alert& a = episode.alert;
  Timestamp deadline = a.last + options_.window + kTick;
  if (a.time == kNoTime) {
    deadline = Timestamp::Max();  // nothing but the end of the input ends it
  } else if (a.state == AlertState::kEarly) {
    deadline = a.time;
  } else {
    // The next multiple of long_fold since the start, if that comes first.
    const auto passed = std::max(Nanoseconds(0), watermark - a.time) / options_.long_fold;
    deadline = std::min(deadline, a.time + options_.long_fold * (passed + 1));
  }
  deadline = std::max(deadline, watermark + kTick);
  t->Put(ColumnFamily::kTimer, KeyWriter(kKind).Time(deadline).String(key).Time(a.time).str(), "");
}

Status FoldState::Advance(StateTransaction* t, Timestamp watermark) {
  struct Due {
    std::string row, key;
    Timestamp start;
  };
  std::vector<Due> due;
  const std::string begin = KeyWriter(kKind).Time(advanced_to_).str();
  const std::string end = watermark == Timestamp::Max() ? PrefixEnd(std::string(1, kKind))
                                                        : KeyWriter(kKind).Time(watermark + kTick).str();
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kTimer, begin, end, [&](std::string_view row, std::string_view) {
    Due d{std::string(row), {}, {}};
    KeyReader reader(row);
    Timestamp deadline;
    if (reader.Kind(kKind) && reader.Time(&deadline) && reader.String(&d.key) && reader.Time(&d.start))
      due.push_back(std::move(d));
    return true;
  }));
  for (const Due& d : due) {
    t->Delete(ColumnFamily::kTimer, d.row);
    RT_RETURN_IF_ERROR(OnTimer(t, d.key, d.start, watermark));
  }
  // The end of an input need not be the last one.
  if (watermark != Timestamp::Max()) advanced_to_ = std::max(advanced_to_, watermark);
  return Status::Ok();
}

Status FoldState::OnTimer(StateTransaction* t, const std::string& key, Timestamp start, Timestamp watermark) {
  const auto cached = newest_.find(key);
  Episode loaded;
  Episode* episode = nullptr;
  if (cached != newest_.end() && cached->second.alert.time == start) {
    episode = &cached->second;
  } else {
    const std::string group_key = GroupKey(key, start);
    std::string value;
    const Status found = t->Get(ColumnFamily::kGroup, group_key, &value);
    if (found.code() == StatusCode::kNotFound) return Status::Ok();  // withdrawn, or closed by another timer
    RT_RETURN_IF_ERROR(found);
    Result<std::string_view> payload = OpenRow("fold", group_key, value);
    if (!payload.ok()) return payload.status();
    std::string id;
    RowReader fields(*payload);
    fields.Bytes(&id);
    if (!fields.Varint(&loaded.told)) return DamagedRow("fold", group_key, "it ends too early");
    Result<Alert> alert = GetAlert(*t, id);
    if (!alert.ok()) return alert.status();
    loaded.alert = std::move(*alert);
    episode = &loaded;
  }
  Alert& a = episode->alert;
  const bool ended = watermark == Timestamp::Max() || watermark > a.last + options_.window;
  const bool settles = a.state == AlertState::kEarly && watermark >= a.time;
  const bool long_open = a.time != kNoTime && watermark - a.time >= options_.long_fold;
  if (settles) a.state = AlertState::kFinal;
  if (settles || ((ended || long_open) && a.count != episode->told))
    RT_RETURN_IF_ERROR(Tell(t, key, episode));
  if (ended) {
    if (episode->dirty) RT_RETURN_IF_ERROR(Store(t, key, episode));
    t->Delete(ColumnFamily::kGroup, GroupKey(key, start));
    episode->closed = true;
  } else {
    SetTimer(t, key, *episode, watermark);
  }
  return Status::Ok();
}

}  // namespace redthread
