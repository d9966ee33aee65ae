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

GroupCorrelator::GroupCorrelator(const RuleSet* rules, const Correlation* correlation, Options options,
                                 OnHit on_hit, OnAlert on_alert)
    : rules_(rules),
      correlation_(correlation),
      options_(std::move(options)),
      on_hit_(std::move(on_hit)),
      on_alert_(std::move(on_alert)),
      judgement_(correlation->judgement()),
      log_(options_.log),
      trigger_{{}, EvidenceList(rules)},
      lagging_(&log_),
      episode_evidence_(rules),
      included_(&log_) {
  if (correlation->expression.has_value())
    names_ = NamesOf(*correlation->expression, correlation->rules.size());
  const bool counts = (judgement_ == Judgement::kSliding || judgement_ == Judgement::kTumbling) &&
                      !correlation->expression.has_value();
  if (counts) value_ = WindowValue::For(*correlation);
}

void GroupCorrelator::Reset(Timestamp start, Timestamp latest) {
  start_ = start;
  latest_ = latest;
  now_.reset();
  closed_ = false;
  log_.Clear();
  if (value_ != nullptr) value_->Clear();
  trigger_.carried.clear();
  trigger_.evidence.Clear();
  seen_.assign(correlation_->rules.size(), std::nullopt);
  seen_lagging_ = seen_;
  lagging_.Seek(log_.begin());
  tuple_places_.clear();
  tuples_.clear();
  new_tuples_ = 0;
  episode_.reset();
  episode_evidence_.Clear();
}

Status GroupCorrelator::Add(const CorrelationMatch& match, std::string_view bytes) {
  if (now_ != match.time) {
    if (now_.has_value() && !closed_) RT_RETURN_IF_ERROR(CloseInstant());
    RT_RETURN_IF_ERROR(BeginInstant(match.time));
  }
  closed_ = false;
  RT_RETURN_IF_ERROR(log_.Append(match.time, bytes));
  if (value_ != nullptr) value_->Enter(match);
  if (correlation_->expression.has_value()) seen_[match.reference] = match.time;
  if (judgement_ == Judgement::kFirstSeen) NoteValues(match);
  // What waits is judged from the log, later.
  if (options_.wants_trigger && judgement_ != Judgement::kWaiting) AddTrigger(match, &trigger_);
  return Status::Ok();
}

Status GroupCorrelator::Finish() {
  if (!now_.has_value()) return Status::Ok();
  if (!closed_) RT_RETURN_IF_ERROR(CloseInstant());
  if (judgement_ == Judgement::kTumbling && !log_.empty()) RT_RETURN_IF_ERROR(CloseBucket());
  if (judgement_ == Judgement::kWaiting) RT_RETURN_IF_ERROR(JudgeWaiting(Timestamp::Max(), true));
  if (judgement_ == Judgement::kSilence && !closed_) RT_RETURN_IF_ERROR(JudgeSilence());
  return EndEpisode();
}

Status GroupCorrelator::JudgeNow() {
  if (!now_.has_value() || closed_) return Status::Ok();
  closed_ = true;
  return CloseInstant();
}

Status GroupCorrelator::AdvanceTo(Timestamp watermark) {
  if (!now_.has_value()) return Status::Ok();
  switch (judgement_) {
    case Judgement::kSliding:
    case Judgement::kFirstSeen:
      return *now_ < watermark ? JudgeNow() : Status::Ok();
    case Judgement::kTumbling:
      return !log_.empty() && EndOfBucket(bucket_, correlation_->timespan) <= watermark ? CloseBucket()
                                                                                        : Status::Ok();
    case Judgement::kWaiting:
      return JudgeWaiting(watermark - correlation_->timespan, false);
    case Judgement::kSilence:
      if (closed_ || watermark - correlation_->timespan <= *now_) return Status::Ok();
      closed_ = latest_ - *now_ >= correlation_->timespan;
      return JudgeSilence();
  }
  return Status::Ok();
}

std::optional<Timestamp> GroupCorrelator::NextJudgement() const {
  if (!now_.has_value()) return std::nullopt;
  constexpr Nanoseconds kTick{1};
  switch (judgement_) {
    case Judgement::kSliding:
    case Judgement::kFirstSeen:
      return closed_ ? std::nullopt : std::optional(*now_ + kTick);
    case Judgement::kTumbling:
      return log_.empty() ? std::nullopt : std::optional(EndOfBucket(bucket_, correlation_->timespan));
    case Judgement::kWaiting: {
      MatchLog::Cursor cursor = lagging_;
      Timestamp time;
      std::string_view bytes;
      if (cursor.AtEnd() || !cursor.Read(&time, &bytes).ok()) return std::nullopt;
      return time + correlation_->timespan + kTick;
    }
    case Judgement::kSilence:
      return closed_ ? std::nullopt : std::optional(*now_ + correlation_->timespan + kTick);
  }
  return std::nullopt;
}

size_t GroupCorrelator::memory_bytes() const {
  // Of a distinct value: its text, the table's node, and what points to it.
  constexpr size_t kPerMatch = 96;
  // The queue's first block, and what the allocator adds.
  constexpr size_t kLeast = 1'024;
  return sizeof *this + kLeast + log_.bytes_in_memory() +
         (log_.end() - log_.begin() + tuples_.size()) * kPerMatch;
}

Status GroupCorrelator::BeginInstant(Timestamp now) {
  const Timestamp since = now - correlation_->timespan;
  switch (judgement_) {
    case Judgement::kSliding:
      RT_RETURN_IF_ERROR(ForgetBefore(since));
      break;
    case Judgement::kTumbling:
      if (!log_.empty() && BucketOf(now, correlation_->timespan) != bucket_)
        RT_RETURN_IF_ERROR(CloseBucket());
      bucket_ = BucketOf(now, correlation_->timespan);
      break;
    case Judgement::kWaiting:
      RT_RETURN_IF_ERROR(JudgeWaiting(since, false));
      break;
    case Judgement::kSilence:
      if (now_.has_value() && *now_ < since && !closed_) RT_RETURN_IF_ERROR(JudgeSilence());
      log_.Clear();
      break;
    case Judgement::kFirstSeen:
      log_.Clear();
      new_tuples_ = 0;
      while (!tuples_.empty() && tuples_.front().last < since) {
        tuple_places_.erase(tuples_.front().tuple);
        tuples_.pop_front();
      }
      break;
  }
  if (judgement_ != Judgement::kTumbling) {
    trigger_.carried.clear();
    trigger_.evidence.Clear();
  }
  now_ = now;
  return Status::Ok();
}

// All matches of the instant are there.
Status GroupCorrelator::CloseInstant() {
  if (judgement_ == Judgement::kSliding) return JudgeSliding();
  if (judgement_ != Judgement::kFirstSeen || new_tuples_ == 0) return Status::Ok();
  if (*now_ - start_ < correlation_->learning) return Status::Ok();
  return Hit(*now_, static_cast<double>(new_tuples_), trigger_, log_.end());
}

Status GroupCorrelator::JudgeSliding() {
  if (correlation_->expression.has_value()) return JudgeExpression(*now_, seen_, seen_, trigger_, log_.end());
  const std::optional<double> value = value_->Value(*now_ - correlation_->timespan);
  if (!value.has_value() || !correlation_->Holds(*value)) return Status::Ok();
  return Hit(*now_, value, trigger_, log_.end());
}

Status GroupCorrelator::JudgeExpression(Timestamp t, const Seen& seen, const Seen& around,
                                        const Trigger& trigger, uint64_t log_end) {
  const Timestamp since = t - correlation_->timespan;
  if (!Truth(*correlation_->expression, seen, around, since)) return Status::Ok();
  const auto distinct = std::count_if(
      seen.begin(), seen.end(), [since](const std::optional<Timestamp>& s) { return SeenSince(s, since); });
  return Hit(t, static_cast<double>(distinct), trigger, log_end);
}

Status GroupCorrelator::CloseBucket() {
  const std::optional<double> value = value_->Value(Timestamp::Min());
  if (value.has_value() && correlation_->Holds(*value)) {
    RT_RETURN_IF_ERROR(Hit(EndOfBucket(bucket_, correlation_->timespan), value, trigger_, log_.end()));
  }
  value_->Clear();
  log_.Clear();
  trigger_.carried.clear();
  trigger_.evidence.Clear();
  return Status::Ok();
}

// Judges every instant before `before` (or all), which lies a timespan back: what `not` names can no longer
// come. seen_ then holds nothing later than a timespan after them.
Status GroupCorrelator::JudgeWaiting(Timestamp before, bool all) {
  Trigger trigger{{}, EvidenceList(rules_)};
  while (!lagging_.AtEnd()) {
    Timestamp t;
    std::string_view bytes;
    RT_RETURN_IF_ERROR(lagging_.Read(&t, &bytes));
    if (!all && t >= before) break;
    const Timestamp instant = t;
    bool woken = false;
    trigger.carried.clear();
    trigger.evidence.Clear();
    while (t == instant) {
      const MatchPart part = options_.wants_trigger ? MatchPart::kAll : MatchPart::kHead;
      if (!DecodeMatch(bytes, part, &scratch_)) return DamagedMatch();
      seen_lagging_[scratch_.reference] = t;
      woken = woken || names_.plain[scratch_.reference];
      if (options_.wants_trigger) AddTrigger(scratch_, &trigger);
      lagging_.Next();
      if (lagging_.AtEnd()) break;
      RT_RETURN_IF_ERROR(lagging_.Read(&t, &bytes));
    }
    RT_RETURN_IF_ERROR(ForgetBefore(instant - correlation_->timespan));
    if (woken)
      RT_RETURN_IF_ERROR(JudgeExpression(instant, seen_lagging_, seen_, trigger, lagging_.position()));
  }
  return Status::Ok();
}

// No match followed the last one within the timespan.
Status GroupCorrelator::JudgeSilence() {
  if (latest_ - *now_ < correlation_->timespan) return Status::Ok();
  return Hit(*now_ + correlation_->timespan, std::nullopt, trigger_, log_.end());
}

void GroupCorrelator::NoteValues(const CorrelationMatch& match) {
  std::string tuple;
  const bool all = ForEachCombination(match.values, [&](const std::vector<size_t>& at) {
    SpellCombination(match.values, at, &tuple);
    const auto found = tuple_places_.find(tuple);
    if (found != tuple_places_.end()) {
      found->second->last = match.time;
      tuples_.splice(tuples_.end(), tuples_, found->second);
      return;
    }
    ++new_tuples_;
    tuples_.push_back({tuple, match.time});
    tuple_places_.emplace(tuples_.back().tuple, std::prev(tuples_.end()));
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
      if (!DecodeMatch(bytes, value_->needs(), &scratch_)) return DamagedMatch();
      value_->Leave(scratch_);
    }
    RT_RETURN_IF_ERROR(log_.PopFront());
  }
  return Status::Ok();
}

void GroupCorrelator::AddTrigger(const CorrelationMatch& match, Trigger* trigger) const {
  trigger->carried.resize(std::max(trigger->carried.size(), match.carried.size()));
  for (size_t i = 0; i < match.carried.size(); ++i) {
    trigger->carried[i].insert(match.carried[i].begin(), match.carried[i].end());
  }
  for (const MatchEvidence& e : match.evidence) trigger->evidence.Add(e);
}

Status GroupCorrelator::Hit(Timestamp end, std::optional<double> value, const Trigger& trigger,
                            uint64_t log_end) {
  if (options_.wants_hits) {
    CorrelationHit hit{end, value, {}, trigger.evidence.items()};
    for (const auto& texts : trigger.carried) hit.carried.emplace_back(texts.begin(), texts.end());
    RT_RETURN_IF_ERROR(on_hit_(hit));
  }
  if (!options_.wants_alerts) return Status::Ok();
  const bool goes_on = episode_.has_value() && !correlation_->every_hit_alerts() &&
                       end - correlation_->timespan <= episode_->last_hit;
  if (!goes_on) {
    RT_RETURN_IF_ERROR(EndEpisode());
    episode_.emplace();
    episode_->time = end;
    episode_->value = value;
    episode_->first = Timestamp::Max();
    episode_->last = Timestamp::Min();
    included_.Seek(log_.begin());
  }
  episode_->last_hit = end;
  ++episode_->hits;
  return Include(log_end);
}

// Takes what the log holds up to `log_end`, and the episode does not have yet, under the alert.
Status GroupCorrelator::Include(uint64_t log_end) {
  if (included_.position() < log_.begin()) included_.Seek(log_.begin());
  while (included_.position() < log_end) {
    Timestamp time;
    std::string_view bytes;
    RT_RETURN_IF_ERROR(included_.Read(&time, &bytes));
    if (!DecodeMatch(bytes, MatchPart::kAll, &scratch_)) return DamagedMatch();
    included_.Next();
    // What a condition names with `not` only is no evidence for it.
    if (judgement_ == Judgement::kWaiting && !names_.plain[scratch_.reference]) continue;
    ++episode_->count;
    episode_->first = std::min(episode_->first, time);
    episode_->last = std::max(episode_->last, time);
    for (const MatchEvidence& e : scratch_.evidence) episode_evidence_.Add(e);
  }
  return Status::Ok();
}

Status GroupCorrelator::EndEpisode() {
  if (!episode_.has_value()) return Status::Ok();
  episode_->evidence = episode_evidence_.items();
  const Status status = on_alert_(*episode_);
  episode_.reset();
  episode_evidence_.Clear();
  return status;
}

}  // namespace redthread
