#include "runtime/embedded.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "ingest/input_list.h"
#include "storage/dead_letter_store.h"

namespace redthread {

namespace {

// How often idle inputs are looked at, and how often tails are looked through for sealing.
constexpr auto kPollInterval = std::chrono::milliseconds(20);
constexpr Nanoseconds kSealInterval = std::chrono::seconds(1);
constexpr size_t kSealBytes = 4 << 20;

}  // namespace

Embedded::Embedded(std::shared_ptr<const Engine> engine, Options options, Clock* clock)
    : engine_(engine),
      options_(std::move(options)),
      clock_(clock),
      pipeline_(engine),
      folds_(&engine_->rules(), FoldState::Options{.window = options_.fold_window}),
      watermark_(options_.lateness) {}

Embedded::~Embedded() = default;

Result<std::unique_ptr<Embedded>> Embedded::Open(std::shared_ptr<const Engine> engine, Options options,
                                                 Clock* clock) {
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (error)
    return Status::Denied("cannot create the data folder " + options.data_dir + ": " + error.message());
  std::unique_ptr<Embedded> embedded(new Embedded(std::move(engine), std::move(options), clock));
  Database::Options database;
  database.path = embedded->options_.data_dir + "/state";
  Result<std::unique_ptr<Database>> opened = Database::Open(database);
  if (!opened.ok()) return opened.status();
  embedded->database_ = std::move(*opened);
  embedded->transaction_ = std::make_unique<StateTransaction>(embedded->database_.get());
  RT_RETURN_IF_ERROR(embedded->OpenTails());
  return embedded;
}

Status Embedded::OpenTails() {
  std::vector<SourceState> stored;
  Damage damage;
  RT_RETURN_IF_ERROR(ForEachSource(
      *transaction_,
      [&stored](const SourceState& source) {
        stored.push_back(source);
        return true;
      },
      &damage));
  // A source whose position cannot be read would be read twice.
  if (damage.rows > 0) return damage.first;

  std::vector<FileTail::Progress> known;
  std::vector<SourceState> files;
  for (const SourceState& source : stored) {
    const std::optional<FileIdentity> identity = FileIdentity::Decode(source.identity);
    if (!identity.has_value()) continue;
    known.push_back({*identity, source.path, source.epoch, source.next_index, source.cursor});
    files.push_back(source);
  }
  for (const FileInput& input : options_.inputs) {
    for (const std::string& pattern : input.patterns) {
      if (options_.on_problem && ExpandInputs({pattern}).paths.empty())
        options_.on_problem("source `" + input.name + "`: nothing matches " + pattern +
                            " yet; it is awaited");
    }
    Tail tail;
    FileTail::Options options;
    options.patterns = input.patterns;
    tail.files = std::make_unique<FileTail>(options, known, clock_);
    tail.sources = files;
    tail.declared = engine_->facts()->Declare(input.log_source);
    tail.name = input.name;
    tails_.push_back(std::move(tail));
  }
  return Status::Ok();
}

// ---- one step

// The stored state of a file, found or made when its first records come.
Result<SourceState*> Embedded::SourceOf(Tail* tail, const FileTail::Source& source) {
  if (source.number < tail->sources.size() && !tail->sources[source.number].identity.empty())
    return &tail->sources[source.number];
  Result<SourceState> state =
      FindOrAddSource(transaction_.get(), source.progress.identity.Encode(), source.progress.path);
  if (!state.ok()) return state.status();
  if (tail->sources.size() <= source.number) tail->sources.resize(source.number + 1);
  tail->sources[source.number] = std::move(*state);
  return &tail->sources[source.number];
}

Result<bool> Embedded::PollTail(Tail* tail) {
  FileTail::Source source;
  const bool more = tail->files->Poll(&batch_, &source);
  TellProblems(tail);
  for (const FileTail::Source& copy : tail->files->TakeProgress()) {
    if (!Owns(tail, copy)) continue;
    const Result<SourceState*> state = SourceOf(tail, copy);
    if (!state.ok()) return state.status();
    RT_RETURN_IF_ERROR(StoreProgress(copy, *state));
  }
  if (!more) {
    for (const SourceId id : tail->reading) watermark_.SetAtEnd(id, true);
    tail->reading.clear();
    return false;
  }
  if (Owns(tail, source)) RT_RETURN_IF_ERROR(TakeBatch(tail, source));
  return true;
}

// Whether the file is read for this input. If not, that is told once.
bool Embedded::Owns(Tail* tail, const FileTail::Source& source) {
  const FileIdentity& identity = source.progress.identity;
  Tail*& owner = owners_[{identity.device, identity.inode}];
  if (owner == nullptr || !owner->files->Has(identity)) owner = tail;
  if (owner == tail) return true;
  if (tail->not_owned.insert(source.number).second && options_.on_problem) {
    options_.on_problem(source.progress.path + ": source `" + tail->name + "` leaves it to source `" +
                        owner->name + "`, which reads it already");
  }
  return false;
}

Status Embedded::TakeBatch(Tail* tail, const FileTail::Source& source) {
  if (step_records_ == 0) step_began_ = clock_->Elapsed();
  const Result<SourceState*> found = SourceOf(tail, source);
  if (!found.ok()) return found.status();
  SourceState* state = *found;
  arrival_ = clock_->Now();
  watermark_.AddSource(state->id, state->watermark);
  watermark_.SetAtEnd(state->id, false);
  tail->reading.insert(state->id);

  kept_.clear();
  const uint32_t epoch = source.progress.epoch;
  for (const RecordBatch::Record& record : batch_.records)
    RT_RETURN_IF_ERROR(TakeRecord(*tail, epoch, record, state));
  RT_RETURN_IF_ERROR(events_.Append(transaction_.get(), state->id, epoch, kept_));
  report_.counts += batch_.counts;
  step_records_ += batch_.counts.records;

  state->watermark = watermark_.Of(state->id);
  state->last_heard = arrival_;
  return StoreProgress(source, state);
}

Status Embedded::StoreProgress(const FileTail::Source& source, SourceState* state) {
  state->identity = source.progress.identity.Encode();
  state->epoch = source.progress.epoch;
  state->next_index = source.progress.next_index;
  state->cursor = source.progress.cursor;
  return UpdateSource(transaction_.get(), *state);
}

Status Embedded::TakeRecord(const Tail& tail, uint32_t epoch, const RecordBatch::Record& record,
                            SourceState* source) {
  const Position position{source->id, epoch, record.index, record.cursor};
  const DecodeResult decoded = pipeline_.Process(record.text(), tail.declared, position, arrival_);
  if (record.cut_from > 0 || decoded.outcome != DecodeOutcome::kClean)
    NoteImperfect(position, record, decoded, source);
  const Event& event = pipeline_.event();
  kept_.push_back({record.index, event.time, arrival_, record.text()});
  if (event.time.has_value()) {
    watermark_.Observe(source->id, *event.time, arrival_);
    source->greatest_time = std::max(source->greatest_time.value_or(Timestamp::Min()), *event.time);
  }
  if (pipeline_.matches().empty()) return Status::Ok();

  FoldMatch match;
  match.time = event.time.value_or(kNoTime);
  match.position = position;
  match.source = source->path;
  match.raw_hash = HashBytes(record.text());
  match.group = pipeline_.Entities();
  report_.detections += pipeline_.matches().size();
  for (const RuleIndex rule : pipeline_.matches()) {
    match.rule = rule;
    RT_RETURN_IF_ERROR(folds_.Add(transaction_.get(), match, stage_watermark_));
  }
  return Status::Ok();
}

// Counts a record that was not read as its format demands, and keeps a dead letter of one that was not read
// whole.
void Embedded::NoteImperfect(const Position& position, const RecordBatch::Record& record,
                             const DecodeResult& decoded, SourceState* source) {
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
  letter.position = position;
  letter.arrival = arrival_;
  letter.raw_prefix = record.text().substr(0, StoredDeadLetter::kMaxRaw);
  PutDeadLetter(transaction_.get(), letter);
}

// ---- commits

Status Embedded::CommitIfDue() {
  if (step_records_ == 0) return Status::Ok();
  const bool due = folds_.has_new_alert() || step_records_ >= options_.commit_records ||
                   clock_->Elapsed() - step_began_ >= options_.commit_interval;
  return due ? Commit() : Status::Ok();
}

Status Embedded::Commit() {
  stage_watermark_ = std::max(stage_watermark_, watermark_.At(clock_->Elapsed()));
  RT_RETURN_IF_ERROR(folds_.Advance(transaction_.get(), stage_watermark_));
  RT_RETURN_IF_ERROR(folds_.Flush(transaction_.get()));
  step_records_ = 0;
  if (transaction_->empty()) return Status::Ok();
  ++report_.commits;
  return transaction_->Commit();
}

// Small rows of raw text become blocks, in a transaction of their own.
Status Embedded::SealIfDue() {
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

Status Embedded::FinishAll() {
  RT_RETURN_IF_ERROR(folds_.Advance(transaction_.get(), Timestamp::Max()));
  return Commit();
}

void Embedded::TellProblems(Tail* tail) {
  for (const Status& problem : tail->files->TakeProblems()) {
    report_.input_lost = true;
    if (options_.on_problem) options_.on_problem(problem.message());
  }
}

Status Embedded::Run(const std::atomic<bool>& stop) {
  bool finishing = false;
  while (!stop) {
    bool any = false;
    for (Tail& tail : tails_) {
      const Result<bool> more = PollTail(&tail);
      if (!more.ok()) return more.status();
      any |= *more;
      RT_RETURN_IF_ERROR(CommitIfDue());
    }
    RT_RETURN_IF_ERROR(SealIfDue());
    if (any) continue;
    RT_RETURN_IF_ERROR(Commit());
    if (options_.until_idle) {
      if (finishing) return FinishAll();
      finishing = true;
      for (Tail& tail : tails_) tail.files->Finish();
      continue;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  return Commit();
}

}  // namespace redthread
