#include "runtime/correlate_partition.h"

#include <algorithm>
#include <filesystem>

#include "correlate/group_rows.h"
#include "ingest/kafka_partition.h"
#include "storage/alert_store.h"
#include "storage/outbox.h"

namespace redthread {
namespace {

// The row of the partition itself, family `meta`.
constexpr std::string_view kRow = "matches";
// The outbox's cursor.
constexpr std::string_view kSink = "alerts";
// How long it holds that a source is at its end, without a sign of life: its worker may be gone, and records
// may wait that nobody reads.
constexpr Nanoseconds kClaimHolds = std::chrono::seconds(10);
// Rows of the outbox that one commit removes.
constexpr size_t kTrim = 100'000;
// Stands for all sources while they are not known. Numbers are given out from below.
constexpr SourceId kUnknownSources = ~SourceId{0};

}  // namespace

void CorrelatePartition::Tell(PipelineFault fault, const std::string& text) const {
  if (options_.on_fault) options_.on_fault(fault);
  if (options_.on_problem) options_.on_problem(text);
}

// ---- opening

Result<std::unique_ptr<CorrelatePartition>> CorrelatePartition::Open(Options options, RuleEpochs* rules) {
  std::unique_ptr<CorrelatePartition> partition(new CorrelatePartition(std::move(options), rules));
  Status status = partition->OpenDatabase();
  if (status.ok()) status = partition->Load();
  if (status.code() == StatusCode::kInvalid || status.code() == StatusCode::kCorrupt) {
    // Everything in it is in the topic too.
    const std::string path = partition->options_.path;
    partition->Tell(PipelineFault::kState,
                    path + ": " + status.message() + "; it is emptied, and made again from the topic");
    Options again = partition->options_;
    partition.reset();
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return Status::Denied("cannot empty " + path + ": " + error.message());
    partition.reset(new CorrelatePartition(std::move(again), rules));
    status = partition->OpenDatabase();
    if (status.ok()) status = partition->Load();
  }
  if (!status.ok()) return status;
  return partition;
}

Status CorrelatePartition::OpenDatabase() {
  std::error_code error;
  std::filesystem::create_directories(options_.path, error);
  if (error) return Status::Denied("cannot create the folder " + options_.path + ": " + error.message());
  Database::Options options;
  options.path = options_.path + "/state";
  options.max_memory_bytes = options_.database_memory_bytes;
  options.sync = false;
  Result<std::unique_ptr<Database>> opened = Database::Open(options);
  if (!opened.ok()) return opened.status();
  database_ = std::move(*opened);
  transaction_ = std::make_unique<StateTransaction>(database_.get());
  return Status::Ok();
}

Status CorrelatePartition::Load() {
  Damage damage;
  RT_RETURN_IF_ERROR(ForEachSource(
      *transaction_,
      [&](const SourceState& state) {
        sources_[state.identity].state = state;
        latest_ = std::max(latest_, state.greatest_time.value_or(Timestamp::Min()));
        return true;
      },
      &damage));
  if (damage.rows > 0) return damage.first;
  const Result<std::optional<Timestamp>> stored = GetStageWatermark(*transaction_);
  if (!stored.ok()) return stored.status();
  stage_watermark_ = stored->value_or(Timestamp::Min());
  watermark_ = Watermark(RuleBundle::Times().lateness, stage_watermark_);  // until there are rules
  std::string value;
  const Status found = transaction_->Get(ColumnFamily::kMeta, kRow, &value);
  if (found.ok()) {
    const Result<std::string_view> payload = OpenRow("partition of matches", kRow, value);
    if (!payload.ok()) return payload.status();
    RT_RETURN_IF_ERROR(LoadRow(*payload));
  } else if (found.code() != StatusCode::kNotFound) {
    return found;
  }
  if (!announced_) watermark_.AddSource(kUnknownSources, std::nullopt);
  for (auto& [identity, source] : sources_) Hold(&source);
  watermark_.SetIdle(idle_);
  return Status::Ok();
}

// row := identity:bytes next:varint rules:varint clock:i64 expired:i64 idle announced:flag finished:flag
//        n:varint source*n
// idle := since:(optional i64) base:i64 greatest:i64      of the watermark
// source := id:varint rules:varint claimed:i64 flags:u8
Status CorrelatePartition::LoadRow(std::string_view payload) {
  RowReader in(payload);
  std::string identity;
  uint64_t epoch = 0;
  uint64_t n = 0;
  std::optional<Timestamp> since;
  bool whole = in.Bytes(&identity) && in.Varint(&next_offset_) && in.Varint(&epoch) && in.Time(&clock_) &&
               in.Time(&expired_) && in.OptionalTime(&since) && in.Time(&idle_.base) &&
               in.Time(&idle_.greatest) && in.Flag(&announced_) && in.Flag(&finished_) && in.Varint(&n);
  if (since.has_value()) idle_.since = *since - Timestamp();
  std::unordered_map<SourceId, Source*> by_id;
  for (auto& [name, source] : sources_) by_id[source.state.id] = &source;
  for (; whole && n > 0; --n) {
    uint32_t id = 0;
    uint8_t flags = 0;
    Source read;
    whole = in.Varint32(&id) && in.Varint(&read.rules) && in.Time(&read.claimed) && in.U8(&flags);
    const auto found = by_id.find(id);
    if (!whole || found == by_id.end()) break;
    read.state = found->second->state;
    read.known = (flags & 1) != 0;
    read.announced = (flags & 2) != 0;
    read.at_end = (flags & 4) != 0;
    read.ended = (flags & 8) != 0;
    *found->second = read;
  }
  if (!whole || n > 0) return DamagedRow("partition of matches", kRow, "its fields make no sense");
  if (identity != options_.identity)
    return Status::Invalid("it is of another partition, " + identity + ", not of " + options_.identity);
  return epoch == 0 ? Status::Ok() : TakeRules(epoch);
}

void CorrelatePartition::StoreRow() {
  RowWriter row;
  row.Bytes(options_.identity).Varint(next_offset_).Varint(epoch_).Time(clock_).Time(expired_);
  const Watermark::Idle idle = watermark_.idle();
  row.OptionalTime(idle.since.has_value() ? std::optional(Timestamp() + *idle.since) : std::nullopt);
  row.Time(idle.base).Time(idle.greatest);
  row.U8(announced_ ? 1 : 0).U8(finished_ ? 1 : 0).Varint(sources_.size());
  for (const auto& [identity, source] : sources_) {
    const int flags = (source.known ? 1 : 0) | (source.announced ? 2 : 0) | (source.at_end ? 4 : 0) |
                      (source.ended ? 8 : 0);
    row.Varint(source.state.id).Varint(source.rules).Time(source.claimed).U8(static_cast<uint8_t>(flags));
  }
  transaction_->Put(ColumnFamily::kMeta, kRow, row.Finish(kRow));
}

// ---- rules

Status CorrelatePartition::TakeRules(uint64_t epoch) {
  Result<std::shared_ptr<const Engine>> found = rules_->Find(epoch);
  // Nothing that is wrong with the folder.
  if (found.status().code() == StatusCode::kInvalid) return Status::Unavailable(found.status().message());
  if (!found.ok()) return found.status();
  engine_ = std::move(*found);
  epoch_ = epoch;
  const RuleSet& rules = engine_->rules();
  rule_of_.clear();
  correlation_of_.clear();
  for (RuleIndex i = 0; i < rules.rules.size(); ++i) rule_of_[IdentityOf(rules.rules[i])] = i;
  for (CorrelationIndex i = 0; i < rules.correlations.size(); ++i)
    correlation_of_[IdentityOf(rules.correlations[i])] = i;
  const RuleBundle::Times& times = engine_->times();
  watermark_.SetLateness(times.lateness);
  if (folds_ != nullptr) {
    folds_->SetRules(&rules, times.fold);
    correlations_->SetLateHorizon(times.late_horizon);
    return correlations_->SetPlan(transaction_.get(), engine_->correlations());
  }
  folds_ = std::make_unique<FoldState>(&rules, FoldState::Options{.window = times.fold});
  correlations_ = std::make_unique<CorrelationState>(
      engine_->correlations(), CorrelationState::Options{.late_horizon = times.late_horizon,
                                                         .max_memory_bytes = options_.group_memory_bytes,
                                                         .rejudge_at_once = options_.rejudge_at_once});
  return correlations_->Resume(transaction_.get(), stage_watermark_, latest_);
}

// ---- one record

Status CorrelatePartition::Apply(uint64_t offset, std::optional<Timestamp> written, std::string_view record) {
  if (offset < next_offset_) return Status::Ok();
  const Result<FrameKind> kind = KindOfFrame(record);
  Status status = kind.status();
  if (kind.ok() && *kind == FrameKind::kFrame) status = DecodeFrame(record, &frame_);
  if (!status.ok()) {
    ++counts_.unreadable;
    Tell(PipelineFault::kRecord, "record " + std::to_string(offset) + " of " + options_.identity +
                                     " is left out: " + status.message());
  } else {
    // Nothing is changed before this.
    if (*kind == FrameKind::kFrame && frame_.head.rules > epoch_)
      RT_RETURN_IF_ERROR(TakeRules(frame_.head.rules));
    if (written.has_value()) clock_ = std::max(clock_, *written);
    RT_RETURN_IF_ERROR(*kind == FrameKind::kFrame ? ApplyFrame() : ApplyAnnounce(record));
    ExpireClaims();
    RT_RETURN_IF_ERROR(Advance());
    RT_RETURN_IF_ERROR(FinishIfEnded());
  }
  next_offset_ = offset + 1;
  ++uncommitted_;
  return Status::Ok();
}

Result<CorrelatePartition::Source*> CorrelatePartition::SourceOf(const std::string& identity) {
  const auto found = sources_.find(identity);
  if (found != sources_.end()) return &found->second;
  const std::optional<KafkaIdentity> parsed = KafkaIdentity::Decode(identity);
  const std::string path = parsed.has_value() ? parsed->partition.Path() : identity;
  Result<SourceState> state = FindOrAddSource(transaction_.get(), identity, path);
  if (!state.ok()) return state.status();
  Source& source = sources_[identity];
  source.state = std::move(*state);
  return &source;
}

// Whether the watermark waits for a source, and from where on. By what is stored alone: whoever goes on from
// the folder waits for the same.
void CorrelatePartition::Hold(Source* source) {
  if (announced_ && !source->announced) {
    watermark_.RemoveSource(source->state.id);
    return;
  }
  if (!source->announced && !source->known) return;
  const bool holds = !source->at_end || expired_ - source->claimed > kClaimHolds;
  watermark_.AddSource(source->state.id, source->state.watermark, holds);
  watermark_.SetHolds(source->state.id, holds);
}

Status CorrelatePartition::ApplyAnnounce(std::string_view record) {
  const Result<std::vector<std::string>> names = DecodeAnnounce(record);
  if (!names.ok()) return names.status();
  for (auto& [identity, source] : sources_) source.announced = false;
  for (const std::string& name : *names) {
    const Result<Source*> source = SourceOf(name);
    if (!source.ok()) return source.status();
    (*source)->announced = true;
  }
  if (!announced_) watermark_.RemoveSource(kUnknownSources);
  announced_ = true;
  for (auto& [identity, source] : sources_) Hold(&source);
  return Status::Ok();
}

Status CorrelatePartition::ApplyFrame() {
  FrameHead& head = frame_.head;
  ++counts_.frames;
  const Result<Source*> found = SourceOf(head.source);
  if (!found.ok()) return found.status();
  Source* const source = *found;
  SourceState& state = source->state;
  if (head.epoch == 0 && source->known) head.epoch = state.epoch;
  if (source->known && (head.epoch < state.epoch || head.rules < source->rules)) {
    ++counts_.outdated;
    return Status::Ok();
  }
  if (!source->known || head.epoch > state.epoch) {
    state.epoch = head.epoch;
    state.next_index = head.begin.offset;
    state.cursor = head.begin.index;
    source->known = true;
  }
  const FramePoint next{state.next_index, static_cast<uint32_t>(state.cursor)};
  if (head.begin > next)
    return Status::Corrupt(state.path + ": what its records " + std::to_string(next.offset) + " to " +
                           std::to_string(head.begin.offset - 1) +
                           " led to is missing in the topic of matches");
  if (head.end < next) {
    ++counts_.repeated;
    return Status::Ok();
  }
  source->rules = head.rules;
  RT_RETURN_IF_ERROR(AddMatches(source, next));
  if (head.end == next) ++counts_.repeated;
  state.next_index = head.end.offset;
  state.cursor = head.end.index;
  source->at_end = head.at_end;
  source->ended = head.ended;
  if (head.at_end) source->claimed = clock_;
  Hold(source);
  if (head.seen.has_value()) watermark_.Observe(state.id, *head.seen, *head.seen);
  if (head.greatest.has_value()) {
    latest_ = std::max(latest_, *head.greatest);
    state.greatest_time = std::max(state.greatest_time.value_or(Timestamp::Min()), *head.greatest);
  }
  state.watermark = watermark_.Of(state.id);
  state.last_heard = clock_;
  source->changed = true;
  return Status::Ok();
}

// The matches of the frame at hand that have not counted yet.
Status CorrelatePartition::AddMatches(Source* source, FramePoint from) {
  const SourceState& state = source->state;
  const auto position = [&](FramePoint at) { return Position{state.id, state.epoch, at.offset, 0}; };
  FoldMatch match;
  match.source = state.path;
  for (FrameFold& fold : frame_.folds) {
    if (fold.at < from) continue;
    const auto rule = rule_of_.find(frame_.rules[fold.rule]);
    if (rule == rule_of_.end()) {
      ++counts_.of_gone_rules;
      continue;
    }
    ++counts_.matches;
    match.rule = rule->second;
    match.time = fold.time;
    match.position = position(fold.at);
    match.raw_hash = fold.raw_hash;
    match.group = std::move(fold.group);
    RT_RETURN_IF_ERROR(folds_->Add(transaction_.get(), match, stage_watermark_));
  }
  matches_.clear();
  for (FrameMatch& m : frame_.matches) {
    if (m.at < from) continue;
    const auto correlation = correlation_of_.find(frame_.rules[m.correlation]);
    MatchEvidence& evidence = m.match.evidence.front();
    const auto rule = rule_of_.find(frame_.rules[evidence.rule]);
    if (correlation == correlation_of_.end() || rule == rule_of_.end()) {
      ++counts_.of_gone_rules;
      continue;
    }
    evidence.rule = rule->second;
    evidence.position = position(m.at);
    matches_.push_back({correlation->second, std::move(m.group), std::move(m.match)});
  }
  counts_.matches += matches_.size();
  return correlations_->Add(transaction_.get(), matches_);
}

// ---- time

// Sources whose being at the end nobody has confirmed for a while are waited for again.
void CorrelatePartition::ExpireClaims() {
  if (clock_ - expired_ < std::chrono::seconds(1)) return;
  expired_ = clock_;
  for (auto& [identity, source] : sources_) Hold(&source);
}

Status CorrelatePartition::Advance() {
  if (folds_ == nullptr) return Status::Ok();
  const Timestamp now = watermark_.At(clock_ - Timestamp());
  if (now > stage_watermark_) {
    stage_watermark_ = now;
    RT_RETURN_IF_ERROR(folds_->Advance(transaction_.get(), stage_watermark_));
  }
  // Also where it stands still: an event's time confirms what only the clock had seen.
  return correlations_->Advance(transaction_.get(), stage_watermark_, latest_);
}

// The end of all sources ends every wait, once; what comes behind it is late.
Status CorrelatePartition::FinishIfEnded() {
  bool all = announced_ && folds_ != nullptr;
  for (const auto& [identity, source] : sources_) all &= !source.announced || source.ended;
  if (!all || finished_) {
    finished_ = all;
    return Status::Ok();
  }
  finished_ = true;
  RT_RETURN_IF_ERROR(folds_->Advance(transaction_.get(), Timestamp::Max()));
  stage_watermark_ = watermark_.AtEndOfInput();
  return correlations_->Finish(transaction_.get(), stage_watermark_, latest_);
}

// ---- commits

bool CorrelatePartition::has_new_alert() const {
  return folds_ != nullptr && (folds_->has_new_alert() || correlations_->has_new_alert());
}

Status CorrelatePartition::Commit() {
  if (folds_ != nullptr) {
    RT_RETURN_IF_ERROR(folds_->Flush(transaction_.get()));
    RT_RETURN_IF_ERROR(correlations_->Flush(transaction_.get()));
  }
  if (uncommitted_ == 0 && transaction_->empty()) return Status::Ok();
  uncommitted_ = 0;
  for (auto& [identity, source] : sources_) {
    if (std::exchange(source.changed, false))
      RT_RETURN_IF_ERROR(UpdateSource(transaction_.get(), source.state));
  }
  if (stage_watermark_ != Timestamp::Min()) SetStageWatermark(transaction_.get(), stage_watermark_);
  StoreRow();
  ++counts_.commits;
  return transaction_->Commit();
}

// ---- alerts

Status CorrelatePartition::ForEachUntold(uint64_t after, const VisitAlert& visit) const {
  const std::unique_ptr<StateReader> stored = database_->Snapshot();
  Damage damage;
  Status status;
  RT_RETURN_IF_ERROR(ForEachOutboxItem(
      *stored, after,
      [&](const OutboxItem& item) {
        const Result<Alert> alert = GetAlert(*stored, item.alert_id);
        status = alert.status();
        if (!status.ok()) return false;
        // One that has changed since comes again, as it is then.
        return alert->revision != item.revision || visit(item.sequence, *alert);
      },
      &damage));
  return damage.rows > 0 ? damage.first : status;
}

Result<uint64_t> CorrelatePartition::Told() const { return GetSinkCursor(*transaction_, kSink); }

Status CorrelatePartition::MarkTold(uint64_t sequence) {
  SetSinkCursor(transaction_.get(), kSink, sequence);
  return TrimOutbox(transaction_.get(), sequence, kTrim).status();
}

// ---- for people

std::vector<CorrelatePartition::SourceProgress> CorrelatePartition::sources() const {
  std::vector<SourceProgress> progress;
  for (const auto& [identity, source] : sources_)
    progress.push_back({source.state.path, source.state.next_index, source.state.watermark,
                        source.announced && watermark_.Holds(source.state.id)});
  return progress;
}

CorrelationState::Counts CorrelatePartition::correlation_counts() const {
  return correlations_ == nullptr ? CorrelationState::Counts() : correlations_->counts();
}

}  // namespace redthread
