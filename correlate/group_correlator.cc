#include "correlate/group_correlator.h"

#include <algorithm>

namespace redthread {
namespace {

using Seen = std::vector<std::optional<Timestamp>>;

// The number of the bucket of `span` that `t` lies in, counted from the epoch: towards minus infinity.
int64_t BucketOf(Timestamp t, Nanoseconds span) {
  const int64_t k = t.ns / span.count();
  return t.ns % span.count() < 0 ? k - 1 : k;
}

// Where bucket `k` ends; the end of time when that lies beyond.
Timestamp EndOfBucket(int64_t k, Nanoseconds span) {
  int64_t end = 0;
  return __builtin_mul_overflow(k + 1, span.count(), &end) ? Timestamp::Max() : Timestamp{end};
}

bool SeenSince(const std::optional<Timestamp>& seen, Timestamp since) {
  return seen.has_value() && *seen >= since;
}

bool Truth(const ConditionNode& node, const Seen& seen, const Seen& around, Timestamp since) {
  const auto holds = [&](const ConditionNode& child) { return Truth(child, seen, around, since); };
  switch (node.kind) {
    case ConditionNode::Kind::kSearch:
      return SeenSince(seen[node.search], since);
    case ConditionNode::Kind::kNot:
      return !SeenSince(around[node.children[0].search], since);
    case ConditionNode::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case ConditionNode::Kind::kOr:
      break;
  }
  return std::any_of(node.children.begin(), node.children.end(), holds);
}

Status DamagedMatch() { return Status::Corrupt("a match of a correlation's window cannot be read back"); }

}  // namespace

GroupCorrelator::Shared::Shared(const RuleSet* r, const Correlation* c, Options o, OnHit hit, OnAlert alert)
    : rules(r),
      correlation(c),
      options(std::move(o)),
      on_hit(std::move(hit)),
      on_alert(std::move(alert)),
      judgement(c->judgement()) {
  if (c->expression.has_value()) names = NamesOf(*c->expression, c->rules.size());
  const bool later = judgement == Judgement::kWaiting && options.wants_trigger;
  const MatchPart values = c->fields.empty() ? MatchPart::kHead : MatchPart::kValues;
  if (!options.wants_trigger) adds = values;
  if (!options.wants_alerts && !later) keeps = judgement == Judgement::kSliding ? values : MatchPart::kHead;
}

GroupCorrelator::GroupCorrelator(Shared* shared) : shared_(shared), log_(&shared->options.log) {
  const bool has_expression = correlation().expression.has_value();
  const bool counts = shared->judgement == Judgement::kSliding || shared->judgement == Judgement::kTumbling;
  if (counts && !has_expression) value_ = WindowValue::For(correlation());
  if (has_expression) expression_ = std::make_unique<Expression>(&log_);
  if (shared->judgement == Judgement::kFirstSeen) tuples_ = std::make_unique<Tuples>();
  if (correlation().expected && shared->options.knows_all) hours_ = std::make_unique<HeardHours>();
  if (shared->options.wants_trigger)
    trigger_ = std::make_unique<Trigger>(Trigger{{}, EvidenceList(shared->rules)});
  if (shared->options.wants_alerts) episode_ = std::make_unique<Episode>(&log_, shared->rules);
}

void GroupCorrelator::Reset(Timestamp start, Timestamp latest) {
  start_ = start;
  latest_ = latest;
  now_.reset();
  closed_ = false;
  log_.Clear();
  if (value_ != nullptr) value_->Clear();
  ClearTrigger();
  if (expression_ != nullptr) {
    expression_->seen.assign(correlation().rules.size(), std::nullopt);
    expression_->lagging = expression_->seen;
    expression_->cursor.Seek(log_.begin());
  }
  if (tuples_ != nullptr) {
    tuples_->places.clear();
    tuples_->list.clear();
    tuples_->added = 0;
  }
  if (hours_ != nullptr) hours_->Clear();
  if (episode_ != nullptr) {
    episode_->alert.reset();
    episode_->evidence.Clear();
  }
}

Status GroupCorrelator::Add(const CorrelationMatch& match, std::string_view bytes) {
  if (now_ != match.time) {
    if (now_.has_value() && !closed_) RT_RETURN_IF_ERROR(CloseInstant());
    RT_RETURN_IF_ERROR(BeginInstant(match.time));
  }
  closed_ = false;
  RT_RETURN_IF_ERROR(log_.Append(match.time, bytes.substr(kMatchTimeBytes)));
  if (value_ != nullptr) value_->Enter(match);
  if (expression_ != nullptr) expression_->seen[match.reference] = match.time;
  if (tuples_ != nullptr) NoteValues(match);
  // What waits is judged from the log, later.
  if (shared_->options.wants_trigger && shared_->judgement != Judgement::kWaiting)
    AddTrigger(match, trigger_.get());
  return Status::Ok();
}

Status GroupCorrelator::Finish() {
  if (!now_.has_value()) return Status::Ok();
  if (!closed_) RT_RETURN_IF_ERROR(CloseInstant());
  if (shared_->judgement == Judgement::kTumbling && !log_.empty()) RT_RETURN_IF_ERROR(CloseBucket());
  if (shared_->judgement == Judgement::kWaiting) RT_RETURN_IF_ERROR(JudgeWaiting(Timestamp::Max(), true));
  if (shared_->judgement == Judgement::kSilence && !closed_) RT_RETURN_IF_ERROR(JudgeSilence());
  return EndEpisode();
}

Status GroupCorrelator::JudgeNow() {
  if (!now_.has_value() || closed_) return Status::Ok();
  closed_ = true;
  return CloseInstant();
}

Status GroupCorrelator::AdvanceTo(Timestamp watermark) {
  if (!now_.has_value()) return Status::Ok();
  switch (shared_->judgement) {
    case Judgement::kSliding:
    case Judgement::kFirstSeen:
      return *now_ < watermark ? JudgeNow() : Status::Ok();
    case Judgement::kTumbling:
      return !log_.empty() && EndOfBucket(bucket_, correlation().timespan) <= watermark ? CloseBucket()
                                                                                        : Status::Ok();
    case Judgement::kWaiting:
      return JudgeWaiting(watermark - correlation().timespan, false);
    case Judgement::kSilence:
      if (closed_ || watermark - correlation().timespan <= *now_) return Status::Ok();
      closed_ = latest_ - *now_ >= correlation().timespan;
      return JudgeSilence();
  }
  return Status::Ok();
}

std::optional<Timestamp> GroupCorrelator::NextJudgement() const {
  if (!now_.has_value()) return std::nullopt;
  constexpr Nanoseconds kTick{1};
  switch (shared_->judgement) {
    case Judgement::kSliding:
    case Judgement::kFirstSeen:
      return closed_ ? std::nullopt : std::optional(*now_ + kTick);
    case Judgement::kTumbling:
      return log_.empty() ? std::nullopt : std::optional(EndOfBucket(bucket_, correlation().timespan));
    case Judgement::kWaiting: {
      MatchLog::Cursor cursor = expression_->cursor;
      Timestamp time;
      std::string_view bytes;
      if (cursor.AtEnd() || !cursor.Read(&time, &bytes).ok()) return std::nullopt;
      return time + correlation().timespan + kTick;
    }
    case Judgement::kSilence:
      return closed_ ? std::nullopt : std::optional(*now_ + correlation().timespan + kTick);
  }
  return std::nullopt;
}

size_t GroupCorrelator::memory_bytes() const {
  // Of a distinct value or number, or a tuple: its text, the table's node, and what points to it.
  constexpr size_t kPerMatch = 96;
  // What the allocator adds to a few small parts.
  constexpr size_t kParts = 64;
  size_t bytes = sizeof *this + kParts + log_.memory_bytes();
  if (value_ != nullptr && !correlation().fields.empty()) bytes += (log_.end() - log_.begin()) * kPerMatch;
  if (value_ != nullptr && correlation().fields.empty()) bytes += correlation().rules.size() * sizeof now_;
  if (expression_ != nullptr) bytes += sizeof *expression_ + 2 * correlation().rules.size() * sizeof now_;
  if (tuples_ != nullptr) bytes += sizeof *tuples_ + tuples_->list.size() * kPerMatch;
  return bytes;
}

Status GroupCorrelator::BeginInstant(Timestamp now) {
  const Timestamp since = now - correlation().timespan;
  switch (shared_->judgement) {
    case Judgement::kSliding:
      RT_RETURN_IF_ERROR(ForgetBefore(since));
      break;
    case Judgement::kTumbling:
      if (!log_.empty() && BucketOf(now, correlation().timespan) != bucket_)
        RT_RETURN_IF_ERROR(CloseBucket());
      bucket_ = BucketOf(now, correlation().timespan);
      break;
    case Judgement::kWaiting:
      RT_RETURN_IF_ERROR(JudgeWaiting(since, false));
      break;
    case Judgement::kSilence:
      if (now_.has_value() && *now_ < since && !closed_) RT_RETURN_IF_ERROR(JudgeSilence());
      if (episode_ != nullptr && episode_->alert.has_value()) NoteEnd(now, &*episode_->alert);
      if (hours_ != nullptr) hours_->Note(HeardHours::HourOf(now));
      log_.Clear();
      break;
    case Judgement::kFirstSeen:
      log_.Clear();
      tuples_->added = 0;
      while (!tuples_->list.empty() && tuples_->list.front().last < since) {
        tuples_->places.erase(tuples_->list.front().text);
        tuples_->list.pop_front();
      }
      break;
  }
  if (shared_->judgement != Judgement::kTumbling) {
    ClearTrigger();
  }
  now_ = now;
  return Status::Ok();
}

// All matches of the instant are there.
Status GroupCorrelator::CloseInstant() {
  if (shared_->judgement == Judgement::kSliding) return JudgeSliding();
  if (tuples_ == nullptr || tuples_->added == 0) return Status::Ok();
  const Nanoseconds learning = correlation().learning;
  if (learning.count() > 0 && *now_ - start_ < learning) return Status::Ok();
  return Hit(*now_, static_cast<double>(tuples_->added), trigger_.get(), log_.end());
}

Status GroupCorrelator::JudgeSliding() {
  if (expression_ != nullptr)
    return JudgeExpression(*now_, expression_->seen, expression_->seen, trigger_.get(), log_.end());
  const std::optional<double> value = value_->Value(*now_ - correlation().timespan);
  if (!value.has_value() || !correlation().Holds(*value)) return Status::Ok();
  return Hit(*now_, value, trigger_.get(), log_.end());
}

Status GroupCorrelator::JudgeExpression(Timestamp t, const Seen& seen, const Seen& around,
                                        const Trigger* trigger, uint64_t log_end) {
  const Timestamp since = t - correlation().timespan;
  if (!Truth(*correlation().expression, seen, around, since)) return Status::Ok();
  const auto distinct = std::count_if(
      seen.begin(), seen.end(), [since](const std::optional<Timestamp>& s) { return SeenSince(s, since); });
  return Hit(t, static_cast<double>(distinct), trigger, log_end);
}

Status GroupCorrelator::CloseBucket() {
  const std::optional<double> value = value_->Value(Timestamp::Min());
  if (value.has_value() && correlation().Holds(*value)) {
    RT_RETURN_IF_ERROR(Hit(EndOfBucket(bucket_, correlation().timespan), value, trigger_.get(), log_.end()));
  }
  value_->Clear();
  log_.Clear();
  ClearTrigger();
  return Status::Ok();
}

// Judges every instant before `before` (or all), which lies a timespan back: what `not` names can no longer
// come. `seen` then holds nothing later than a timespan after them.
Status GroupCorrelator::JudgeWaiting(Timestamp before, bool all) {
  Trigger trigger{{}, EvidenceList(shared_->rules)};
  Expression& e = *expression_;
  CorrelationMatch& scratch = shared_->scratch;
  while (!e.cursor.AtEnd()) {
    Timestamp t;
    std::string_view bytes;
    RT_RETURN_IF_ERROR(e.cursor.Read(&t, &bytes));
    if (!all && t >= before) break;
    const Timestamp instant = t;
    bool woken = false;
    trigger.carried.clear();
    trigger.evidence.Clear();
    while (t == instant) {
      const MatchPart part = shared_->options.wants_trigger ? MatchPart::kAll : MatchPart::kHead;
      if (!DecodeMatchAt(t, bytes, part, &scratch)) return DamagedMatch();
      e.lagging[scratch.reference] = t;
      woken = woken || shared_->names.plain[scratch.reference];
      if (shared_->options.wants_trigger) AddTrigger(scratch, &trigger);
      e.cursor.Next();
      if (e.cursor.AtEnd()) break;
      RT_RETURN_IF_ERROR(e.cursor.Read(&t, &bytes));
    }
    RT_RETURN_IF_ERROR(ForgetBefore(instant - correlation().timespan));
    if (woken) RT_RETURN_IF_ERROR(JudgeExpression(instant, e.lagging, e.seen, &trigger, e.cursor.position()));
  }
  return Status::Ok();
}

// No match followed the last one within the timespan.
Status GroupCorrelator::JudgeSilence() {
  if (latest_ - *now_ < correlation().timespan) return Status::Ok();
  if (hours_ != nullptr && !hours_->Regular()) return Status::Ok();
  return Hit(*now_ + correlation().timespan, std::nullopt, trigger_.get(), log_.end());
}

// The group is heard again.
void GroupCorrelator::NoteEnd(Timestamp now, CorrelationAlert* silence) const {
  if (!silence->ended.has_value() && !correlation().Forgets(now - silence->last)) silence->ended = now;
}

void GroupCorrelator::NoteValues(const CorrelationMatch& match) {
  std::string tuple;
  const bool all = ForEachCombination(match.values, [&](const std::vector<size_t>& at) {
    SpellCombination(match.values, at, &tuple);
    const auto found = tuples_->places.find(tuple);
    if (found != tuples_->places.end()) {
      found->second->last = match.time;
      tuples_->list.splice(tuples_->list.end(), tuples_->list, found->second);
      return;
    }
    ++tuples_->added;
    tuples_->list.push_back({tuple, match.time});
    tuples_->places.emplace(tuples_->list.back().text, std::prev(tuples_->list.end()));
  });
  if (!all) ++cut_;
}

Status GroupCorrelator::ForgetBefore(Timestamp since) {
  while (!log_.empty() && log_.front_time() < since) {
    if (value_ != nullptr) {
      MatchLog::Cursor front(&log_);
      Timestamp time;
      std::string_view bytes;
      RT_RETURN_IF_ERROR(front.Read(&time, &bytes));
      if (!DecodeMatchAt(time, bytes, value_->needs(), &shared_->scratch)) return DamagedMatch();
      value_->Leave(shared_->scratch);
    }
    RT_RETURN_IF_ERROR(log_.PopFront());
  }
  return Status::Ok();
}

void GroupCorrelator::ClearTrigger() {
  if (trigger_ == nullptr) return;
  trigger_->carried.clear();
  trigger_->evidence.Clear();
}

void GroupCorrelator::AddTrigger(const CorrelationMatch& match, Trigger* trigger) const {
  trigger->carried.resize(std::max(trigger->carried.size(), match.carried.size()));
  for (size_t i = 0; i < match.carried.size(); ++i) {
    trigger->carried[i].insert(match.carried[i].begin(), match.carried[i].end());
  }
  for (const MatchEvidence& e : match.evidence) trigger->evidence.Add(e);
}

Status GroupCorrelator::Hit(Timestamp end, std::optional<double> value, const Trigger* trigger,
                            uint64_t log_end) {
  if (shared_->options.wants_hits) {
    CorrelationHit hit{end, value, {}, {}};
    if (trigger != nullptr) {
      hit.evidence = trigger->evidence.items();
      for (const auto& texts : trigger->carried) hit.carried.emplace_back(texts.begin(), texts.end());
    }
    RT_RETURN_IF_ERROR(shared_->on_hit(hit));
  }
  if (episode_ == nullptr) return Status::Ok();
  std::optional<CorrelationAlert>& alert = episode_->alert;
  const bool goes_on = alert.has_value() && !correlation().every_hit_alerts() &&
                       end - correlation().timespan <= alert->last_hit;
  if (!goes_on) {
    RT_RETURN_IF_ERROR(EndEpisode());
    alert.emplace();
    alert->time = end;
    alert->value = value;
    alert->first = Timestamp::Max();
    alert->last = Timestamp::Min();
    episode_->included.Seek(log_.begin());
  }
  alert->last_hit = end;
  ++alert->hits;
  return Include(log_end);
}

// Takes what the log holds up to `log_end`, and the episode does not have yet, under the alert.
Status GroupCorrelator::Include(uint64_t log_end) {
  MatchLog::Cursor& cursor = episode_->included;
  CorrelationAlert& alert = *episode_->alert;
  CorrelationMatch& match = shared_->scratch;
  if (cursor.position() < log_.begin()) cursor.Seek(log_.begin());
  while (cursor.position() < log_end) {
    Timestamp time;
    std::string_view bytes;
    RT_RETURN_IF_ERROR(cursor.Read(&time, &bytes));
    if (!DecodeMatchAt(time, bytes, MatchPart::kAll, &match)) return DamagedMatch();
    cursor.Next();
    // What a condition names with `not` only is no evidence for it.
    if (shared_->judgement == Judgement::kWaiting && !shared_->names.plain[match.reference]) continue;
    ++alert.count;
    alert.first = std::min(alert.first, time);
    alert.last = std::max(alert.last, time);
    for (const MatchEvidence& e : match.evidence) episode_->evidence.Add(e);
  }
  return Status::Ok();
}

Status GroupCorrelator::EndEpisode() {
  if (episode_ == nullptr || !episode_->alert.has_value()) return Status::Ok();
  episode_->alert->evidence = episode_->evidence.items();
  const Status status = shared_->on_alert(*episode_->alert);
  episode_->alert.reset();
  episode_->evidence.Clear();
  return status;
}

}  // namespace redthread
