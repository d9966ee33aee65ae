#include "correlate/correlation_state.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {
namespace {

constexpr Nanoseconds kTick{1};
// What a group takes beside itself, its key, its judge and its alert: its places in the tables, and what the
// allocator adds.
constexpr size_t kGroupOverhead = 144;
// A tail that is longer becomes a block when the next match comes. With small matches it then fills what a
// string has taken that has grown from one of them by doubling.
constexpr size_t kMaxTail = 300;
// What an alert in memory takes beside itself and its evidence, and a piece of evidence beside itself.
constexpr size_t kAlertOverhead = 512, kEvidenceOverhead = 96;

}  // namespace

CorrelationState::CorrelationState(std::shared_ptr<const CorrelationPlan> plan, const Options& options)
    : options_(options) {
  TakePlan(std::move(plan));
  levels_ = plan_->levels();
  level_watermarks_.assign(Correlation::kMaxHeight + 1, Timestamp::Min());
}

// No group is in memory.
void CorrelationState::TakePlan(std::shared_ptr<const CorrelationPlan> plan) {
  plan_ = std::move(plan);
  by_identity_.clear();
  identities_.clear();
  counted_.clear();
  shared_.clear();
  const auto& correlations = plan_->rules().correlations;
  for (CorrelationIndex i = 0; i < correlations.size(); ++i) {
    const Correlation& c = correlations[i];
    identities_.push_back(IdentityOf(c));
    by_identity_[identities_.back()] = i;
    counted_.emplace_back();
    if (c.judgement() == Judgement::kWaiting) counted_.back() = NamesOf(*c.expression, c.rules.size()).plain;
    GroupCorrelator::Options judging;
    judging.log = options_.log;
    judging.wants_alerts = false;
    judging.knows_all = false;
    judging.wants_trigger = !plan_->node(i).upper.empty();
    const auto tell = [this](const CorrelationHit& hit) {
      hits_.push_back(hit);
      return Status::Ok();
    };
    shared_.push_back(std::make_unique<GroupCorrelator::Shared>(&plan_->rules(), &c, judging, tell,
                                                                GroupCorrelator::OnAlert()));
  }
  starts_.assign(correlations.size(), std::nullopt);
}

Status CorrelationState::SetPlan(StateTransaction* t, std::shared_ptr<const CorrelationPlan> plan) {
  RT_RETURN_IF_ERROR(Flush(t));
  while (!unsaved_.empty()) PutRow(t, unsaved_.front().group);
  groups_.Clear();
  places_.clear();
  bytes_ = 0;
  TakePlan(std::move(plan));
  levels_ = std::max(levels_, plan_->levels());
  return Status::Ok();
}

Status CorrelationState::Resume(StateTransaction* t, Timestamp watermark, Timestamp latest) {
  watermark_ = watermark;
  latest_ = latest;
  level_watermarks_.assign(Correlation::kMaxHeight + 1, watermark);
  levels_ = plan_->levels();
  // Of correlations that are gone, timers may be left above.
  const std::string begin = JudgeTimersBegin(0, Timestamp::Min());
  RT_RETURN_IF_ERROR(t->ScanBackward(ColumnFamily::kTimer, begin, PrefixEnd(begin.substr(0, 1)),
                                     [&](std::string_view key, std::string_view) {
                                       if (key.size() > 1)
                                         levels_ =
                                             std::max(levels_, uint32_t{static_cast<uint8_t>(key[1])} + 1);
                                       return false;
                                     }));
  return ReplayJournal(t);
}

// ---- groups in memory

Texts CorrelationState::TextsOf(const Group& g) {
  if (!g.row.group.empty()) return g.row.group;
  std::optional<ParsedGroupKey> parsed = ParseGroupKey(g.key);
  return parsed.has_value() ? std::move(parsed->group).value_or(Texts()) : Texts();
}

Result<CorrelationState::Group*> CorrelationState::Find(T* t, CorrelationIndex index, const Texts& texts,
                                                        const std::string& key, uint64_t hash) {
  if (Group* const g = groups_.Find(hash, key); g != nullptr) {
    g->used = true;
    return g;
  }
  Result<Group*> g = Load(t, index, key, hash);
  if (g.ok() && !KeyHoldsGroup(texts)) (*g)->row.group = texts;
  return g;
}

Result<CorrelationState::Group*> CorrelationState::FindByKey(T* t, std::string_view key) {
  const uint64_t hash = groups_.Hash(key);
  if (Group* const g = groups_.Find(hash, key); g != nullptr) {
    g->used = true;
    return g;
  }
  const std::optional<ParsedGroupKey> parsed = ParseGroupKey(key);
  if (!parsed.has_value()) return Status::Corrupt("a timer of a correlation names no group");
  const auto index = by_identity_.find(std::string(parsed->identity));
  if (index == by_identity_.end()) return static_cast<Group*>(nullptr);
  return Load(t, index->second, std::string(key), hash);
}

// A group that has no row has no matches but in the journal.
Result<CorrelationState::Group*> CorrelationState::Load(T* t, CorrelationIndex index, std::string key,
                                                        uint64_t hash) {
  auto group = std::make_unique<Group>();
  group->correlation = index;
  group->hash = hash;
  group->key = std::move(key);
  const std::string row_key = GroupRowKey(group->key);
  std::string value;
  const Status found = t->Get(ColumnFamily::kGroup, row_key, &value);
  if (found.ok()) {
    Result<GroupRow> row = DecodeGroup(row_key, value);
    if (!row.ok()) return row.status();
    group->row = std::move(*row);
    group->newest_match = group->row.newest_in_block;
    std::vector<StoredMatch> tail;
    RT_RETURN_IF_ERROR(ReadEntries(group->row.tail, &tail));
    for (const StoredMatch& match : tail) group->newest_match = std::max(group->newest_match, match.time);
    ++counts_.reloaded;
  } else if (found.code() != StatusCode::kNotFound) {
    return found;
  }
  Group* const g = groups_.Insert(std::move(group));
  g->unsaved = unsaved_.end();
  g->place = places_.insert(places_.end(), g);
  NoteSize(g);
  return g;
}

void CorrelationState::NoteSize(Group* g) {
  size_t bytes = sizeof *g + kGroupOverhead + g->key.capacity() + g->row.tail.capacity();
  if (g->judge != nullptr) bytes += g->judge->memory_bytes();
  if (g->newest != nullptr) {
    const size_t evidence = g->newest->alert.evidence.capacity();
    bytes += sizeof *g->newest + kAlertOverhead + evidence * (sizeof(Evidence) + kEvidenceOverhead);
  }
  bytes_ = bytes_ - g->bytes + bytes;
  g->bytes = bytes;
}

// What is not stored yet of a group but its row.
void CorrelationState::NotePending(Group* g) {
  if (!g->pending) pending_.push_back(g);
  g->pending = true;
}

void CorrelationState::NoteChange(Group* g) {
  g->changed = true;
  NotePending(g);
}

void CorrelationState::PutRow(T* t, Group* g) {
  const std::string row_key = GroupRowKey(g->key);
  g->row.journal_to = journal_.next();
  scratch_.Clear();
  t->Put(ColumnFamily::kGroup, row_key, EncodeGroup(g->row, row_key, &scratch_));
  g->changed = false;
  if (g->unsaved != unsaved_.end()) unsaved_.erase(std::exchange(g->unsaved, unsaved_.end()));
}

// All that is there of groups stands in rows then.
void CorrelationState::PutRows(T* t) {
  for (Group* g : pending_) {
    if (g->changed) PutRow(t, g);
  }
  while (!unsaved_.empty()) PutRow(t, unsaved_.front().group);
}

Status CorrelationState::Flush(StateTransaction* t) {
  FlushJournal(t);
  for (Group* g : pending_) {
    if (g->newest != nullptr && g->newest->dirty) RT_RETURN_IF_ERROR(Save(t, *g, g->newest.get()));
    if (g->changed) PutRow(t, g);
    g->pending = false;
    NoteSize(g);
  }
  pending_.clear();
  paths_.clear();
  Evict(t);
  ForgetJournal(t);
  has_new_alert_ = false;
  return Status::Ok();
}

// Only between steps, when no group is in use and all are stored. What was used since the last look gets
// another chance.
void CorrelationState::Evict(T* t) {
  while (bytes_ > options_.max_memory_bytes && !places_.empty()) {
    Group* g = places_.front();
    if (g->used) {
      g->used = false;
      places_.splice(places_.end(), places_, g->place);
      continue;
    }
    if (g->unsaved != unsaved_.end()) PutRow(t, g);
    places_.pop_front();
    bytes_ -= g->bytes;
    ++counts_.evicted;
    groups_.Erase(g);
  }
}

// ---- matches

Status CorrelationState::Add(StateTransaction* t, std::span<const GroupMatch> matches) {
  while (!matches.empty()) {
    const std::span<const GroupMatch> bunch = matches.first(std::min(matches.size(), kBunch));
    matches = matches.subspan(bunch.size());
    Prefetch(bunch);
    for (size_t i = 0; i < bunch.size(); ++i) {
      const auto& [key, hash] = keys_[i];
      const Result<Group*> g = Find(t, bunch[i].correlation, bunch[i].group, key, hash);
      if (!g.ok()) return g.status();
      RT_RETURN_IF_ERROR(AddMatch(t, *g, bunch[i].match, std::nullopt));
    }
  }
  return Status::Ok();
}

// Finds the keys of the groups, and has the processor fetch what the matches will touch, one level of
// pointers after the other.
void CorrelationState::Prefetch(std::span<const GroupMatch> matches) {
  for (size_t i = 0; i < matches.size(); ++i) {
    auto& [key, hash] = keys_[i];
    GroupKey(identities_[matches[i].correlation], matches[i].group, &key);
    hash = groups_.Hash(key);
    groups_.Prefetch(hash);
  }
  constexpr size_t kLine = 64;
  const auto fetch = [](const auto* object) {
    const char* const bytes = reinterpret_cast<const char*>(object);
    for (size_t i = 0; i < sizeof *object; i += kLine) __builtin_prefetch(bytes + i);
  };
  std::array<Group*, kBunch> groups;
  for (size_t i = 0; i < matches.size(); ++i) {
    groups[i] = groups_.Candidate(keys_[i].second);
    if (groups[i] != nullptr) fetch(groups[i]);
  }
  for (size_t i = 0; i < matches.size(); ++i) {
    if (groups[i] == nullptr) continue;
    __builtin_prefetch(groups[i]->key.data());
    __builtin_prefetch(groups[i]->row.tail.data() + groups[i]->row.tail.size());
    if (groups[i]->judge != nullptr) fetch(groups[i]->judge.get());
  }
  for (size_t i = 0; i < matches.size(); ++i) {
    if (groups[i] != nullptr && groups[i]->judge != nullptr) groups[i]->judge->Prefetch();
  }
}

Status CorrelationState::AddMatch(T* t, Group* g, const CorrelationMatch& match,
                                  const std::optional<MatchOrigin>& origin) {
  const Timestamp watermark = WatermarkOf(*g);
  const bool late = match.time < watermark;
  const Correlation& c = correlation(*g);
  if (match.time < watermark - options_.late_horizon) {
    ++counts_.beyond_horizon;
    return Status::Ok();
  }
  if (late) ++counts_.late;
  if (c.learning.count() > 0) RT_RETURN_IF_ERROR(NoteStart(t, *g, match.time));
  if (c.answers_at_once) RT_RETURN_IF_ERROR(EnsureJudge(t, g));
  const bool in_order = c.answers_at_once
                            ? !g->now.has_value() || match.time > *g->now ||
                                  (match.time == *g->now && (match.reference >= g->last_reference ||
                                                             c.type != CorrelationType::kTemporalOrdered))
                            : match.time >= g->row.judged_to;

  // Before the match is in the journal: a row that is written has all that is there.
  if (g->row.tail.size() > kMaxTail) RT_RETURN_IF_ERROR(StoreTail(t, g));
  scratch_.Clear();
  EncodeMatch(match, &scratch_, MatchPart::kAll, &node(*g).leaf_rules);
  std::string_view entry;
  const uint64_t number =
      journal_.Append(t, g->key, scratch_.payload(), origin, in_order ? 0 : g->row.deferral, &entry);
  AddToTail(g, entry, number);
  if (g->row.expires == Timestamp::Min()) SetExpiry(t, g, match.time + Retention(*g));
  g->newest_match = std::max(g->newest_match, match.time);
  NoteSize(g);  // the judge as it was before this match, while it is at hand
  RT_RETURN_IF_ERROR(CountInside(t, g, match, late));

  if (!c.answers_at_once) {
    // What it may decide behind its own surroundings.
    Nanoseconds reach{0};
    if (c.expected) {
      const Result<bool> news = NoteHour(t, g, match.time);
      if (!news.ok()) return news.status();
      if (*news) reach = HeardHours::kReach;
    }
    if (!in_order) return NoteStale(t, g, match.time, match.time + reach);
    if (late) return OnTimer(t, g, true);
    SetTimer(t, g, match.time + kTick);
    return Status::Ok();
  }
  if (!in_order) return NoteStale(t, g, match.time, match.time);
  const Timestamp before = g->now.value_or(Timestamp::Min());
  RT_RETURN_IF_ERROR(FeedOne(g, match));
  RT_RETURN_IF_ERROR(g->judge->JudgeNow());
  // What held at this instant a moment ago does not any more: a sum of negative numbers.
  const bool undone = hits_.empty() && g->last_hit == match.time;
  const bool alone = before < match.time && !g->row.stale_from.has_value();
  RT_RETURN_IF_ERROR(TakeHits(t, g, alone ? &match : nullptr, before, late));
  return undone ? Rejudge(t, g, match.time, match.time, Extent::kAround, late) : Status::Ok();
}

Status CorrelationState::FeedOne(Group* g, const CorrelationMatch& match) {
  scratch_.Clear();
  EncodeMatch(match, &scratch_, shared_[g->correlation]->keeps, nullptr);
  g->now = match.time;
  g->last_reference = match.reference;
  return g->judge->Add(match, scratch_.payload());
}

// ---- when first_seen began to learn

Result<Timestamp> CorrelationState::StartOf(T* t, const Group& g) {
  std::optional<Timestamp>& known = starts_[g.correlation];
  if (known.has_value()) return *known;
  const std::string row_key = StartRowKey(identities_[g.correlation]);
  std::string value;
  const Status found = t->Get(ColumnFamily::kGroup, row_key, &value);
  if (found.code() == StatusCode::kNotFound) return Timestamp::Max();
  RT_RETURN_IF_ERROR(found);
  Result<std::string_view> payload = OpenRow("start", row_key, value);
  if (!payload.ok()) return payload.status();
  Timestamp start;
  if (!RowReader(*payload).Time(&start)) return DamagedRow("start", row_key, "it ends too early");
  known = start;
  return start;
}

// An earlier beginning ends the learning earlier: what fell into the difference is judged again.
Status CorrelationState::NoteStart(T* t, const Group& g, Timestamp time) {
  const Result<Timestamp> before = StartOf(t, g);
  if (!before.ok()) return before.status();
  if (time >= *before) return Status::Ok();
  const std::string row_key = StartRowKey(identities_[g.correlation]);
  t->Put(ColumnFamily::kGroup, row_key, RowWriter().Time(time).Finish(row_key));
  starts_[g.correlation] = time;
  if (*before == Timestamp::Max()) return Status::Ok();
  groups_.ForEach([&](Group* group) {
    if (group->correlation == g.correlation && group->judge != nullptr) group->judge->SetStart(time);
  });
  const Nanoseconds learning = correlation(g).learning;
  return RejudgeAll(t, g.correlation, time + learning, *before + learning, time < WatermarkOf(g));
}

// What the groups of a correlation have between two times.
Status CorrelationState::RejudgeAll(T* t, CorrelationIndex index, Timestamp from, Timestamp to, bool late) {
  PutRows(t);
  constexpr size_t kChunk = 10'000;
  std::string begin = GroupRowKey(identities_[index]);
  const std::string end = PrefixEnd(begin);
  for (;;) {
    std::vector<std::string> keys;
    RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, begin, end, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return keys.size() < kChunk;
    }));
    for (const std::string& key : keys) {
      const Result<Group*> group = FindByKey(t, std::string_view(key).substr(1));
      if (!group.ok()) return group.status();
      const Timestamp newest = (*group)->newest_match;
      if (newest >= from)
        RT_RETURN_IF_ERROR(Rejudge(t, *group, from, std::min(to, newest), Extent::kAround, late));
    }
    if (keys.size() < kChunk) return Status::Ok();
    begin = KeyAfter(keys.back());
  }
}

// ---- judges

Result<std::unique_ptr<GroupCorrelator>> CorrelationState::NewJudge(T* t, const Group& g) {
  auto judge = std::make_unique<GroupCorrelator>(shared_[g.correlation].get());
  Timestamp start;
  if (correlation(g).learning.count() > 0) {
    const Result<Timestamp> known = StartOf(t, g);
    if (!known.ok()) return known.status();
    start = *known;
  }
  judge->Reset(start, latest_);
  return judge;
}

// From where on a judge must see matches to be right at `time`.
Timestamp CorrelationState::WarmUpFrom(const Group& g, Timestamp time) const {
  const Nanoseconds span = correlation(g).timespan;
  switch (correlation(g).judgement()) {
    case Judgement::kTumbling: {
      // The bucket that is over at `time`, if one is, else the one that it lies in.
      const int64_t past = (((time - kTick).ns % span.count()) + span.count()) % span.count();
      return time - kTick - Nanoseconds(past);
    }
    case Judgement::kWaiting:
      return time - span - span;
    default:
      return time - span;
  }
}

// Hits before that time can no longer change, unless a late match comes.
Timestamp CorrelationState::CertainBefore(const Group& g) const {
  const Correlation& c = correlation(g);
  if (c.answers_at_once) return Timestamp::Max();
  if (c.judgement() == Judgement::kWaiting) return g.row.judged_to - c.timespan;
  return c.judgement() == Judgement::kTumbling ? g.row.judged_to + kTick : g.row.judged_to;
}

Status CorrelationState::DamagedMatch(const Group& g) {
  return Status::Corrupt("a stored match of " + KeyText(g.key) + " cannot be read");
}

// Gives the judge the stored matches of [from, to), but for those of that deferral. Returns how many.
Result<uint64_t> CorrelationState::Feed(T* t, Group* g, GroupCorrelator* judge, Timestamp from, Timestamp to,
                                        uint64_t without) {
  if (to <= from) return uint64_t{0};
  uint64_t rows = 0;
  Status status;
  const GroupCorrelator::Shared& shared = *shared_[g->correlation];
  CorrelationMatch match;
  std::string bytes;
  const Status read = EachMatch(t, g, from, to, [&](const StoredMatch& stored) {
    if (stored.deferral == without && without != 0) return true;
    ++rows;
    if (!DecodeStored(stored, node(*g).leaf_rules, shared.adds, &match)) {
      status = DamagedMatch(*g);
      return false;
    }
    EncodeMatch(match, &bytes, shared.keeps);
    status = judge->Add(match, bytes);
    if (judge == g->judge.get()) {
      g->now = match.time;
      g->last_reference = match.reference;
    }
    return status.ok();
  });
  RT_RETURN_IF_ERROR(read);
  RT_RETURN_IF_ERROR(status);
  return rows;
}

// A judge as it was when it was last in memory: what it found then was taken then, and what came behind its
// place since all was judged again is not known to it.
Status CorrelationState::EnsureJudge(T* t, Group* g) {
  if (g->judge != nullptr) return Status::Ok();
  g->now.reset();
  g->last_hit.reset();
  Result<std::unique_ptr<GroupCorrelator>> judge = NewJudge(t, *g);
  if (!judge.ok()) return judge.status();
  g->judge = std::move(*judge);
  const bool at_once = correlation(*g).answers_at_once;
  const Timestamp known_to = at_once ? g->newest_match : g->row.judged_to;
  if (known_to == Timestamp::Min()) return Status::Ok();
  const Timestamp to = at_once ? known_to + kTick : known_to;
  g->judge->SetLatest(std::max(known_to, latest_));
  const Result<uint64_t> fed = Feed(t, g, g->judge.get(), WarmUpFrom(*g, known_to), to, g->row.deferral);
  if (!fed.ok()) return fed.status();
  RT_RETURN_IF_ERROR(at_once ? g->judge->JudgeNow() : g->judge->AdvanceTo(known_to));
  if (!hits_.empty()) g->last_hit = hits_.back().end;
  hits_.clear();
  return Status::Ok();
}

// What waits, up to the watermark.
Status CorrelationState::Judge(T* t, Group* g, bool late) {
  const Timestamp watermark = WatermarkOf(*g);
  if (watermark <= g->row.judged_to) return Status::Ok();
  RT_RETURN_IF_ERROR(EnsureJudge(t, g));
  const Timestamp from = g->row.judged_to;
  g->row.judged_to = watermark;
  g->judge->SetLatest(std::max(watermark, latest_));
  const Result<uint64_t> fed = Feed(t, g, g->judge.get(), from, watermark);
  if (!fed.ok()) return fed.status();
  RT_RETURN_IF_ERROR(g->judge->AdvanceTo(watermark));
  NoteChange(g);
  if (IsSilence(*g)) RT_RETURN_IF_ERROR(EndNewest(t, g, from));
  if (correlation(*g).expected) RT_RETURN_IF_ERROR(DropUnexpected(t, *g));
  return TakeHits(t, g, nullptr, from, late);
}

Status CorrelationState::NoteStale(T* t, Group* g, Timestamp from, Timestamp to) {
  NoteChange(g);
  GroupRow& row = g->row;
  row.stale_from = std::min(row.stale_from.value_or(from), from);
  row.stale_to = std::max(row.stale_to.value_or(to), to);
  row.stale_late = row.stale_late || from < WatermarkOf(*g);
  constexpr uint64_t kShare = 4;
  const bool cheap = row.rejudged_rows <= options_.rejudge_at_once;
  if (cheap || row.added_since * kShare >= row.rejudged_rows) return RejudgeStale(t, g);
  SetTimer(t, g, *row.stale_from + kTick);
  return Status::Ok();
}

Status CorrelationState::RejudgeStale(T* t, Group* g) {
  if (!g->row.stale_from.has_value()) return Status::Ok();
  const Timestamp from = *g->row.stale_from, to = *g->row.stale_to;
  g->row.stale_from.reset();
  g->row.stale_to.reset();
  const bool late = std::exchange(g->row.stale_late, false);
  return Rejudge(t, g, from, to, Extent::kAround, late);
}

// Judges again what matches between `from` and `to` have to do with.
Status CorrelationState::Rejudge(T* t, Group* g, Timestamp from, Timestamp to, Extent extent, bool late) {
  const Correlation& c = correlation(*g);
  const Nanoseconds span = c.timespan;
  // What was not judged yet is judged when the watermark gets there, by a judge that is further back.
  if (!c.answers_at_once && extent == Extent::kAround && from >= g->row.judged_to) return Status::Ok();
  ++counts_.rejudged;
  // What the present is does not hang on whether its judge was in memory.
  if (extent == Extent::kAround) RT_RETURN_IF_ERROR(EnsureJudge(t, g));
  if (!c.answers_at_once) g->row.judged_to = std::max(g->row.judged_to, WatermarkOf(*g));
  const bool forced = extent == Extent::kToTheEnd;
  const Timestamp limit = c.answers_at_once || forced ? Timestamp::Max() : g->row.judged_to;
  const Timestamp begin = from - span - span;
  const Timestamp end = forced ? Timestamp::Max() : std::min(to + span + span + kTick, CertainBefore(*g));
  // Far behind the present, the judge of the present stays.
  const Timestamp known = end + span + kTick;
  const bool past = !forced && g->judge != nullptr && g->now.has_value() && *g->now - span - span > known;
  const Timestamp stop = past ? std::min(known, limit) : limit;

  Result<std::unique_ptr<GroupCorrelator>> made = NewJudge(t, *g);
  if (!made.ok()) return made.status();
  if (!past) {
    g->now.reset();
    g->judge = std::move(*made);
    ++g->row.deferral;
  }
  GroupCorrelator* judge = past ? made->get() : g->judge.get();
  judge->SetLatest(stop == Timestamp::Max() ? latest_ : std::max(stop, latest_));
  // How much that is counts up to where it is the same whatever was in memory.
  const Timestamp counted = std::min(known, stop);
  const Result<uint64_t> fed = Feed(t, g, judge, WarmUpFrom(*g, begin), counted);
  if (!fed.ok()) return fed.status();
  const Result<uint64_t> more = Feed(t, g, judge, counted, stop);
  if (!more.ok()) return more.status();
  if (forced) {
    RT_RETURN_IF_ERROR(judge->Finish());
  } else {
    RT_RETURN_IF_ERROR(stop == Timestamp::Max() ? judge->JudgeNow() : judge->AdvanceTo(stop));
  }
  if (c.expected) RT_RETURN_IF_ERROR(DropUnexpected(t, *g));
  g->row.rejudged_rows = *fed;
  g->row.added_since = 0;
  std::vector<CorrelationHit> hits;
  hits.swap(hits_);
  if (!past) g->last_hit = hits.empty() ? std::nullopt : std::optional(hits.back().end);
  NoteChange(g);

  const auto before = [](const CorrelationHit& hit, Timestamp time) { return hit.end < time; };
  const auto first = std::lower_bound(hits.begin(), hits.end(), begin, before);
  const auto after = std::lower_bound(first, hits.end(), end, before);
  RT_RETURN_IF_ERROR(Reconcile(t, g, begin, end, {first, after}, late));
  if (IsSilence(*g)) RT_RETURN_IF_ERROR(EndAround(t, g, from, to, std::nullopt));
  if (past || forced) return Status::Ok();
  hits_.assign(after, hits.end());
  RT_RETURN_IF_ERROR(TakeHits(t, g, nullptr, from, false));
  return PlanTimer(t, g);
}

}  // namespace redthread
