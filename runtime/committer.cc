#include "runtime/committer.h"

#include <algorithm>
#include <filesystem>

#include "storage/dead_letter_store.h"

namespace redthread {

namespace {

// How often tails are looked through for sealing, and how much one look may write.
constexpr Nanoseconds kSealInterval = std::chrono::seconds(1);
constexpr size_t kSealBytes = 4 << 20;

}  // namespace

Committer::Committer(std::shared_ptr<const Engine> engine, Options options, Clock* clock)
    : engine_(std::move(engine)),
      options_(std::move(options)),
      clock_(clock),
      folds_(&engine_->rules(), FoldState::Options{.window = options_.fold_window}),
      correlations_(engine_->correlations(),
                    CorrelationState::Options{.late_horizon = options_.late_horizon}),
      watermark_(options_.lateness) {}

Result<std::unique_ptr<Committer>> Committer::Open(std::shared_ptr<const Engine> engine, Options options,
                                                   Clock* clock) {
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (error)
    return Status::Denied("cannot create the data folder " + options.data_dir + ": " + error.message());
  std::unique_ptr<Committer> committer(new Committer(std::move(engine), std::move(options), clock));
  Database::Options database;
  database.path = committer->options_.data_dir + "/state";
  Result<std::unique_ptr<Database>> opened = Database::Open(database);
  if (!opened.ok()) return opened.status();
  committer->database_ = std::move(*opened);
  committer->transaction_ = std::make_unique<StateTransaction>(committer->database_.get());
  RT_RETURN_IF_ERROR(committer->LoadSources());
  return committer;
}

Status Committer::LoadSources() {
  std::vector<SourceState> files;
  Damage damage;
  RT_RETURN_IF_ERROR(ForEachSource(
      *transaction_,
      [&](const SourceState& source) {
        if (const auto identity = FileIdentity::Decode(source.identity); identity.has_value()) {
          latest_ = std::max(latest_, source.greatest_time.value_or(Timestamp::Min()));
          known_.push_back({*identity, source.path, source.epoch, source.next_index, source.cursor});
          files.push_back(source);
        }
        return true;
      },
      &damage));
  // A source whose position cannot be read would be read twice.
  if (damage.rows > 0) return damage.first;
  sources_.assign(options_.inputs, files);

  const Result<std::optional<Timestamp>> stored = GetStageWatermark(*transaction_);
  if (!stored.ok()) return stored.status();
  stage_watermark_ = stored->value_or(Timestamp::Min());
  watermark_ = Watermark(options_.lateness, stage_watermark_);
  return correlations_.Resume(transaction_.get(), stage_watermark_, latest_);
}

Status Committer::SetEngine(std::shared_ptr<const Engine> engine) {
  folds_.SetRules(&engine->rules());
  RT_RETURN_IF_ERROR(correlations_.SetPlan(transaction_.get(), engine->correlations()));
  engine_ = std::move(engine);
  return Status::Ok();
}

Committer::Report Committer::report() const {
  Report report = report_;
  report.correlation = correlations_.counts();
  return report;
}

// ---- sources

const SourceState* Committer::FindSource(size_t input, const FileTail::Source& source) const {
  const std::vector<SourceState>& sources = sources_[input];
  const bool is_known = source.number < sources.size() && !sources[source.number].identity.empty();
  return is_known ? &sources[source.number] : nullptr;
}

// The stored state of a file, found or made when it is first heard of.
Result<SourceState*> Committer::SourceOf(size_t input, const FileTail::Source& source) {
  std::vector<SourceState>& sources = sources_[input];
  if (FindSource(input, source) == nullptr) {
    Result<SourceState> state =
        FindOrAddSource(transaction_.get(), source.progress.identity.Encode(), source.progress.path);
    if (!state.ok()) return state.status();
    if (sources.size() <= source.number) sources.resize(source.number + 1);
    sources[source.number] = std::move(*state);
  }
  return &sources[source.number];
}

Status Committer::Found(size_t input, const FileTail::Source& source) {
  const Result<SourceState*> state = SourceOf(input, source);
  if (!state.ok()) return state.status();
  watermark_.AddSource((*state)->id, (*state)->watermark);
  return Status::Ok();
}

Result<SourceId> Committer::IdOf(size_t input, const FileTail::Source& source) {
  const Result<SourceState*> state = SourceOf(input, source);
  if (!state.ok()) return state.status();
  return (*state)->id;
}

Status Committer::StoreProgress(const FileTail::Source& source, SourceState* state) {
  state->identity = source.progress.identity.Encode();
  state->epoch = source.progress.epoch;
  state->next_index = source.progress.next_index;
  state->cursor = source.progress.cursor;
  return UpdateSource(transaction_.get(), *state);
}

// ---- one batch

Status Committer::Apply(const Batch& batch) {
  for (const FileTail::Source& copy : batch.copies) {
    const Result<SourceState*> state = SourceOf(batch.input, copy);
    if (!state.ok()) return state.status();
    RT_RETURN_IF_ERROR(StoreProgress(copy, *state));
  }
  if (batch.has_lines) RT_RETURN_IF_ERROR(ApplyLines(batch));
  for (const FileTail::Source& file : batch.ended) {
    const SourceState* source = FindSource(batch.input, file);
    if (source != nullptr) watermark_.SetAtEnd(source->id, true);
  }
  return Advance();
}

Status Committer::ApplyLines(const Batch& batch) {
  if (step_records_ == 0) step_began_ = clock_->Elapsed();
  const Result<SourceState*> found = SourceOf(batch.input, batch.source);
  if (!found.ok()) return found.status();
  SourceState* source = *found;
  watermark_.AddSource(source->id, source->watermark);
  watermark_.SetAtEnd(source->id, false);
  for (const ImperfectRecord& imperfect : batch.imperfect) NoteImperfect(imperfect, batch, source);
  for (const MatchedRecord& matched : batch.matched) RT_RETURN_IF_ERROR(Fold(matched, batch, *source));
  for (const CorrelatedRecord& c : batch.correlated)
    RT_RETURN_IF_ERROR(correlations_.Add(transaction_.get(), c.correlation, c.group, c.match));
  report_.without_group += batch.without_group;
  RT_RETURN_IF_ERROR(StoreLines(batch, source));
  report_.counts += batch.lines.counts;
  step_records_ += batch.lines.counts.records;
  return Status::Ok();
}

Status Committer::StoreLines(const Batch& batch, SourceState* source) {
  RT_RETURN_IF_ERROR(batch.failure);
  RT_RETURN_IF_ERROR(events_.Append(transaction_.get(), batch.packed));
  for (const EventRecord& event : batch.events) {
    if (!event.time.has_value()) continue;
    watermark_.Observe(source->id, *event.time, event.arrival);
    latest_ = std::max(latest_, *event.time);
    source->greatest_time = std::max(source->greatest_time.value_or(Timestamp::Min()), *event.time);
  }
  source->watermark = watermark_.Of(source->id);
  source->last_heard = batch.arrival;
  return StoreProgress(batch.source, source);
}

Status Committer::Fold(const MatchedRecord& matched, const Batch& batch, const SourceState& source) {
  const RecordBatch::Record& record = batch.lines.records[matched.record];
  FoldMatch match;
  match.time = matched.time.value_or(kNoTime);
  match.position = {source.id, batch.source.progress.epoch, record.index, record.cursor};
  match.source = source.path;
  match.raw_hash = matched.raw_hash;
  match.group = matched.group;
  report_.detections += matched.rules.size();
  for (const RuleIndex rule : matched.rules) {
    // What a correlation stands on raises no alert of its own, unless the correlation says so.
    if (engine_->rules().rules[rule].muted) continue;
    match.rule = rule;
    RT_RETURN_IF_ERROR(folds_.Add(transaction_.get(), match, stage_watermark_));
  }
  return Status::Ok();
}

// Counts a record that was not read as its format demands, and keeps a dead letter of one that was not read
// whole.
void Committer::NoteImperfect(const ImperfectRecord& imperfect, const Batch& batch, SourceState* source) {
  const RecordBatch::Record& record = batch.lines.records[imperfect.record];
  const DecodeResult& decoded = imperfect.decoded;
  IngestCounts& counts = report_.counts;
  StoredDeadLetter letter;
  letter.reason = decoded.reason;
  letter.offset = decoded.offset;
  letter.raw_size = record.size;
  if (record.cut_from > 0) {  // already counted, as oversized
    letter.reason = "line too long";
    letter.offset = record.size;
    letter.raw_size = record.cut_from;
  } else if (decoded.outcome == DecodeOutcome::kRepaired) {
    ++counts.repaired;
    return;
  } else if (decoded.outcome == DecodeOutcome::kDamaged) {
    ++counts.damaged;
  } else if (decoded.reason == JsonDecoder::kBlankLine) {
    ++counts.blank;
    return;
  } else {
    ++counts.dead;
  }
  report_.input_lost = true;
  ++source->dead_letters;
  letter.position = {source->id, batch.source.progress.epoch, record.index, record.cursor};
  letter.arrival = batch.arrival;
  letter.raw_prefix = record.text().substr(0, StoredDeadLetter::kMaxRaw);
  PutDeadLetter(transaction_.get(), letter);
}

Status Committer::Advance() {
  const Timestamp now = watermark_.At(clock_->Elapsed());
  if (now <= stage_watermark_) return Status::Ok();
  stage_watermark_ = now;
  RT_RETURN_IF_ERROR(folds_.Advance(transaction_.get(), stage_watermark_));
  return correlations_.Advance(transaction_.get(), stage_watermark_, latest_);
}

// ---- commits

Status Committer::CommitIfDue(bool more) {
  if (step_records_ == 0) return Status::Ok();
  const bool has_new_alert = folds_.has_new_alert() || correlations_.has_new_alert();
  const bool due = (has_new_alert && !more) || step_records_ >= options_.commit_records ||
                   clock_->Elapsed() - step_began_ >= options_.commit_interval;
  return due ? Commit() : Status::Ok();
}

Status Committer::Commit() {
  RT_RETURN_IF_ERROR(folds_.Flush(transaction_.get()));
  RT_RETURN_IF_ERROR(correlations_.Flush(transaction_.get()));
  step_records_ = 0;
  if (transaction_->empty()) return Status::Ok();
  if (stage_watermark_ != Timestamp::Min()) SetStageWatermark(transaction_.get(), stage_watermark_);
  ++report_.commits;
  return transaction_->Commit();
}

Status Committer::Idle() {
  RT_RETURN_IF_ERROR(Advance());
  return Commit();
}

Status Committer::SealIfDue() {
  const Nanoseconds now = clock_->Elapsed();
  if (now - sealed_at_ < kSealInterval) return Status::Ok();
  sealed_at_ = now;
  RT_RETURN_IF_ERROR(Commit());
  Damage damage;
  const Result<size_t> sealed = events_.SealDue(transaction_.get(), clock_->Now(), kSealBytes, &damage);
  if (!sealed.ok()) return sealed.status();
  if (damage.rows > 0 && options_.on_problem) options_.on_problem(damage.first.message());
  return transaction_->empty() ? Status::Ok() : transaction_->Commit();
}

Status Committer::Finish() {
  RT_RETURN_IF_ERROR(folds_.Advance(transaction_.get(), Timestamp::Max()));
  stage_watermark_ = watermark_.AtEndOfInput();
  RT_RETURN_IF_ERROR(correlations_.Finish(transaction_.get(), stage_watermark_, latest_));
  // A run that read nothing writes nothing.
  if (report_.counts.records > 0 && stage_watermark_ != Timestamp::Min())
    SetStageWatermark(transaction_.get(), stage_watermark_);
  return Commit();
}

}  // namespace redthread
