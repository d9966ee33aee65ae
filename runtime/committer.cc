#include "runtime/committer.h"

#include <algorithm>
#include <filesystem>

#include "storage/source_fields.h"

namespace redthread {

namespace {

// How often tails are looked through for sealing, and how much one look may write.
constexpr Nanoseconds kSealInterval = std::chrono::seconds(1);
constexpr size_t kSealBytes = 4 << 20;

// How far the time of a message may be from its arrival for it to be of the present. One that is further
// behind comes of a backlog or of a wrong clock; it keeps its time, but nobody waits for more like it: so a
// clock that stands still cannot stop the watermark.
constexpr Nanoseconds kPresent = std::chrono::minutes(5);

// How far the watermark may go on with the clock alone before it is stored.
constexpr Nanoseconds kWatermarkStep = std::chrono::minutes(1);

const char* TooLong(SourceKind kind) {
  switch (kind) {
    case SourceKind::kFile:
      return "line too long";
    case SourceKind::kSender:
      return "message too long, or never ended";
    case SourceKind::kPartition:
    case SourceKind::kJournal:
      return "record too long";
  }
  return "";
}

}  // namespace

Committer::Committer(std::shared_ptr<const Engine> engine, Options options, Clock* clock)
    : engine_(std::move(engine)),
      options_(std::move(options)),
      clock_(clock),
      folds_(&engine_->rules(), FoldState::Options{.window = engine_->times().fold}),
      correlations_(engine_->correlations(),
                    CorrelationState::Options{.late_horizon = engine_->times().late_horizon,
                                              .max_memory_bytes = options_.group_memory_bytes}),
      watermark_(engine_->times().lateness) {}

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
        latest_ = std::max(latest_, source.greatest_time.value_or(Timestamp::Min()));
        if (const auto identity = FileIdentity::Decode(source.identity); identity.has_value()) {
          known_.push_back({*identity, source.path, source.epoch, source.next_index, source.cursor});
          files.push_back(source);
        } else if (SenderIdentity::Decode(source.identity).has_value()) {
          ++stored_senders_;
          if (!source.idle) heard_.push_back(source);
        } else if (!source.idle && JournalIdentity::Decode(source.identity).has_value()) {
          unfinished_journals_.push_back(source);
        }
        return true;
      },
      &damage));
  // A source whose position cannot be read would be read twice.
  if (damage.rows > 0) return damage.first;
  sources_.assign(options_.inputs, files);

  const Result<std::optional<Timestamp>> stored = GetStageWatermark(*transaction_);
  if (!stored.ok()) return stored.status();
  stage_watermark_ = stored_watermark_ = stored->value_or(Timestamp::Min());
  watermark_ = Watermark(engine_->times().lateness, stage_watermark_);
  return correlations_.Resume(transaction_.get(), stage_watermark_, latest_);
}

Status Committer::SetEngine(std::shared_ptr<const Engine> engine) {
  const RuleBundle::Times& times = engine->times();
  watermark_.SetLateness(times.lateness);
  folds_.SetRules(&engine->rules(), times.fold);
  correlations_.SetLateHorizon(times.late_horizon);
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

// ---- senders

Result<SourceState> Committer::OpenSender(const SenderIdentity& identity, Nanoseconds idle_after) {
  const std::string text = identity.Encode();
  const Result<std::optional<SourceState>> known = redthread::FindSource(*transaction_, text);
  if (!known.ok()) return known.status();
  const bool is_new = !known->has_value();
  if (is_new && !identity.sender.is_others() && stored_senders_ >= options_.max_stored_senders)
    return Status::Limit("more than " + std::to_string(options_.max_stored_senders) + " senders were heard");
  Result<SourceState> state = FindOrAddSource(transaction_.get(), text, identity.Path());
  if (state.ok() && is_new) ++stored_senders_;
  if (state.ok()) opened_.try_emplace(state->id, OpenSource{*state, idle_after, {}});
  return state;
}

void Committer::HoldFor(SourceId source) {
  watermark_.AddSource(source, opened_.at(source).state.watermark);
  watermark_.SetHolds(source, true);
}

Status Committer::FallSilent(const std::vector<SourceId>& senders) {
  for (const SourceId id : senders) {
    const auto found = opened_.find(id);
    if (found == opened_.end()) continue;
    found->second.state.idle = true;
    RT_RETURN_IF_ERROR(UpdateSource(transaction_.get(), found->second.state));
    watermark_.RemoveSource(id);
    opened_.erase(found);
  }
  RT_RETURN_IF_ERROR(Advance());
  return Commit();
}

// ---- partitions

Result<SourceState> Committer::OpenPartition(const KafkaIdentity& identity) {
  Result<SourceState> state =
      FindOrAddSource(transaction_.get(), identity.Encode(), identity.partition.Path());
  if (!state.ok()) return state;
  opened_.try_emplace(state->id, OpenSource{*state, {}, {}});
  HoldFor(state->id);
  return state;
}

void Committer::ClosePartition(SourceId partition) {
  watermark_.RemoveSource(partition);
  opened_.erase(partition);
}

// ---- journals

Result<SourceState> Committer::OpenJournal(const JournalIdentity& identity, const std::string& path) {
  Result<SourceState> state = FindOrAddSource(transaction_.get(), identity.Encode(), path);
  if (!state.ok() || state->idle) return state;
  opened_.try_emplace(state->id, OpenSource{*state, {}, {}});
  HoldFor(state->id);
  return state;
}

Status Committer::SkipInJournal(SourceId journal, uint64_t next) {
  SourceState& state = opened_.at(journal).state;
  state.next_index = next;
  return UpdateSource(transaction_.get(), state);
}

Status Committer::CloseJournal(SourceId journal) {
  SourceState& state = opened_.at(journal).state;
  state.idle = true;
  RT_RETURN_IF_ERROR(UpdateSource(transaction_.get(), state));
  watermark_.RemoveSource(journal);
  opened_.erase(journal);
  return Status::Ok();
}

void Committer::Await(size_t input, bool awaited) {
  // Numbers are given out from below.
  const SourceId stand_in = ~SourceId{0} - static_cast<SourceId>(input);
  if (awaited) {
    watermark_.AddSource(stand_in, std::nullopt);
  } else {
    watermark_.RemoveSource(stand_in);
  }
}

// The watermark waits for a sender while it sends what is of the present.
void Committer::NoteTimes(const Batch& batch) {
  OpenSource& sender = opened_.at(batch.source_id);
  bool is_present = false;
  for (const EventRecord& event : batch.events) {
    const Timestamp time = event.time.value_or(event.arrival);
    const bool behind = event.arrival - time > kPresent;
    if (behind || time - event.arrival > kPresent) ++report_.off_time;
    if (behind) continue;
    is_present = true;
    sender.present = event.arrival;
  }
  report_.disbelieved += batch.disbelieved.size();
  if (!sender.present.has_value()) sender.present = batch.arrival;  // when it began to be waited for
  if (is_present) {
    watermark_.SetHolds(batch.source_id, true);
  } else if (watermark_.Holds(batch.source_id) && batch.arrival - *sender.present > sender.idle_after) {
    watermark_.SetHolds(batch.source_id, false);
  }
  sender.state.idle = !watermark_.Holds(batch.source_id);
}

Result<SourceState*> Committer::SourceOf(const Batch& batch) {
  if (batch.kind != SourceKind::kFile) return &opened_.at(batch.source_id).state;
  return SourceOf(batch.input, batch.source);
}

Status Committer::StoreProgress(const FileTail::Source& source, SourceState* state) {
  // Others' never change.
  if (FileIdentity::Decode(state->identity).has_value()) state->identity = source.progress.identity.Encode();
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
    if (source != nullptr) watermark_.SetHolds(source->id, false);
  }
  if (batch.at_end) watermark_.SetHolds(batch.source_id, false);
  if (batch.kind == SourceKind::kJournal && batch.ended_for_good)
    RT_RETURN_IF_ERROR(CloseJournal(batch.source_id));
  return Advance();
}

Status Committer::ApplyLines(const Batch& batch) {
  if (step_records_ == 0) step_began_ = clock_->Elapsed();
  const Result<SourceState*> found = SourceOf(batch);
  if (!found.ok()) return found.status();
  SourceState* source = *found;
  watermark_.AddSource(source->id, source->watermark, !batch.origin.pushed);
  if (!batch.origin.pushed) watermark_.SetHolds(source->id, true);
  for (const ImperfectRecord& imperfect : batch.imperfect) {
    const std::optional<StoredDeadLetter> letter = NoteImperfect(imperfect, batch);
    if (!letter.has_value()) continue;
    ++source->dead_letters;
    PutDeadLetter(transaction_.get(), *letter);
  }
  for (const MatchedRecord& matched : batch.matched) RT_RETURN_IF_ERROR(Fold(matched, batch, *source));
  RT_RETURN_IF_ERROR(correlations_.Add(transaction_.get(), batch.correlated));
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
    if (event.time.has_value()) ObserveTime(*event.time, event.arrival, source);
  }
  if (batch.origin.pushed) NoteTimes(batch);
  source->watermark = watermark_.Of(source->id);
  source->last_heard = batch.arrival;
  RT_RETURN_IF_ERROR(CountRecords(batch, source->id));
  return StoreProgress(batch.source, source);
}

// What people are told of a source. Nothing waits for it: where it was damaged, it begins anew.
Status Committer::CountRecords(const Batch& batch, SourceId source) {
  Result<SourceCensus> census = GetCensus(*transaction_, source);
  if (census.status().code() == StatusCode::kCorrupt) census = SourceCensus();
  if (!census.ok()) return census.status();
  const IngestCounts& counts = batch.lines.counts;
  census->Count(batch.arrival, counts.records - counts.blank, counts.bytes);
  for (size_t n = 0; n < kSourceFormats; ++n) census->formats[n] += batch.formats[n];
  if (batch.origin.pushed) NoteClock(batch, &*census);
  PutCensus(transaction_.get(), source, *census);
  return batch.fields.empty() ? Status::Ok() : NoteFields(batch.fields, source);
}

// By what the records say, believed or not.
void Committer::NoteClock(const Batch& batch, SourceCensus* census) {
  auto disbelieved = batch.disbelieved.begin();
  for (size_t n = 0; n < batch.events.size(); ++n) {
    const EventRecord& event = batch.events[n];
    const bool wrong = disbelieved != batch.disbelieved.end() && disbelieved->record == n;
    if (event.time.has_value()) census->NoteTime(wrong ? disbelieved->said : *event.time, event.arrival);
    disbelieved += wrong ? 1 : 0;
  }
}

Status Committer::NoteFields(const std::vector<std::string>& names, SourceId source) {
  Result<SourceFields> fields = GetSourceFields(*transaction_, source);
  if (fields.status().code() == StatusCode::kCorrupt) fields = SourceFields();
  if (!fields.ok()) return fields.status();
  bool changed = false;
  for (const std::string& name : names) changed |= fields->Add(name);
  if (changed) PutSourceFields(transaction_.get(), source, *fields);
  return Status::Ok();
}

void Committer::ObserveTime(Timestamp time, Timestamp arrival, SourceState* source) {
  watermark_.Observe(source->id, time, arrival);
  latest_ = std::max(latest_, time);
  source->greatest_time = std::max(source->greatest_time.value_or(Timestamp::Min()), time);
}

// But for the rule, of which there may be several.
FoldMatch Committer::FoldMatchOf(const MatchedRecord& matched, const Batch& batch,
                                 const SourceState& source) const {
  const RecordBatch::Record& record = batch.lines.records[matched.record];
  FoldMatch match;
  match.time = matched.time.value_or(kNoTime);
  match.position = {source.id, batch.source.progress.epoch, record.index, record.cursor};
  match.source = source.path;
  match.raw_hash = matched.raw_hash;
  match.group = matched.group;
  return match;
}

Status Committer::Fold(const MatchedRecord& matched, const Batch& batch, const SourceState& source) {
  FoldMatch match = FoldMatchOf(matched, batch, source);
  report_.detections += matched.rules.size();
  for (const RuleIndex rule : matched.rules) {
    // What a correlation stands on raises no alert of its own, unless the correlation says so.
    if (engine_->rules().rules[rule].muted) continue;
    match.rule = rule;
    RT_RETURN_IF_ERROR(folds_.Add(transaction_.get(), match, stage_watermark_));
  }
  return Status::Ok();
}

// Counts a record that was not read as its format demands. Returns the letter of one that was not read whole.
std::optional<StoredDeadLetter> Committer::NoteImperfect(const ImperfectRecord& imperfect,
                                                         const Batch& batch) {
  const RecordBatch::Record& record = batch.lines.records[imperfect.record];
  const bool was_cut = batch.WasCut(imperfect);
  if (!was_cut && !report_.counts.Note(imperfect.decoded)) return std::nullopt;
  StoredDeadLetter letter;
  letter.reason = imperfect.decoded.reason;
  letter.offset = imperfect.decoded.offset;
  letter.raw_size = record.size;
  if (was_cut) {
    letter.reason = TooLong(batch.kind);
    letter.offset = record.size;
    letter.raw_size = record.cut_from;
  }
  report_.input_lost = true;
  letter.position = {batch.source_id, batch.source.progress.epoch, record.index, record.cursor};
  letter.arrival = batch.ArrivalOf(imperfect.record);
  letter.raw_prefix = record.text().substr(0, StoredDeadLetter::kMaxRaw);
  return letter;
}

// ---- records that are read once more

Status Committer::FindMatches(std::span<const Position> records, Damage* damage) {
  folded_.clear();
  correlated_.clear();
  RT_RETURN_IF_ERROR(folds_.FindMatches(*transaction_, records, &folded_, damage));
  return correlations_.FindMatches(transaction_.get(), records, &correlated_);
}

Result<bool> Committer::ApplyAgain(const Batch& batch, const StoredDeadLetter& letter) {
  if (step_records_ == 0) step_began_ = clock_->Elapsed();
  ++step_records_;
  Result<SourceState> source = GetSource(*transaction_, batch.source_id);
  if (!source.ok()) return source.status();
  std::vector<FoldMatch> matches;
  for (const MatchedRecord& matched : batch.matched) {
    FoldMatch match = FoldMatchOf(matched, batch, *source);
    for (const RuleIndex rule : matched.rules) {
      if (engine_->rules().rules[rule].muted) continue;
      match.rule = rule;
      matches.push_back(match);
    }
  }
  RT_RETURN_IF_ERROR(folds_.Revise(transaction_.get(), folded_[letter.position], matches, stage_watermark_));
  RT_RETURN_IF_ERROR(
      correlations_.Revise(transaction_.get(), correlated_[letter.position], batch.correlated));
  report_.without_group += batch.without_group;

  watermark_.AddSource(source->id, source->watermark, false);
  for (const EventRecord& event : batch.events) {
    if (event.time.has_value()) ObserveTime(*event.time, event.arrival, &*source);
  }
  source->watermark = watermark_.Of(source->id);
  std::optional<StoredDeadLetter> still;
  for (const ImperfectRecord& imperfect : batch.imperfect) still = NoteImperfect(imperfect, batch);
  if (still.has_value()) {
    PutDeadLetter(transaction_.get(), *still);
  } else {
    DeleteDeadLetter(transaction_.get(), letter.position);
    if (source->dead_letters > 0) --source->dead_letters;
  }
  RT_RETURN_IF_ERROR(UpdateSource(transaction_.get(), *source));
  // Its time may confirm what only the clock had seen.
  RT_RETURN_IF_ERROR(correlations_.Advance(transaction_.get(), stage_watermark_, latest_));
  return !still.has_value();
}

Status Committer::CommitIfLarge() {
  constexpr size_t kBytes = 4 << 20;
  return step_records_ >= options_.commit_records || transaction_->pending_bytes() >= kBytes ? Commit()
                                                                                             : Status::Ok();
}

Status Committer::Advance() {
  const Timestamp now = watermark_.At(clock_->Elapsed());
  if (now > stage_watermark_) {
    stage_watermark_ = now;
    RT_RETURN_IF_ERROR(folds_.Advance(transaction_.get(), stage_watermark_));
  }
  // Also where it stands still: an event's time confirms what only the clock had seen.
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
  StoreWatermark();
  ++report_.commits;
  RT_RETURN_IF_ERROR(transaction_->Commit());
  if (options_.on_commit) options_.on_commit();
  return Status::Ok();
}

void Committer::StoreWatermark() {
  if (stage_watermark_ == Timestamp::Min()) return;
  SetStageWatermark(transaction_.get(), stage_watermark_);
  stored_watermark_ = stage_watermark_;
}

Status Committer::Idle() {
  RT_RETURN_IF_ERROR(Advance());
  // What waits for the clock must not begin to wait anew at every start.
  if (stored_watermark_ != Timestamp::Min() && stage_watermark_ - stored_watermark_ >= kWatermarkStep)
    StoreWatermark();
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
  if (report_.counts.records > 0) StoreWatermark();
  return Commit();
}

}  // namespace redthread
