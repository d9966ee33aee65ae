#include "runtime/replay.h"

#include <map>
#include <optional>
#include <utility>

#include "ingest/file_identity.h"
#include "ingest/journal_file.h"
#include "ingest/sender.h"
#include "runtime/batch_workers.h"
#include "storage/counter.h"
#include "storage/database.h"
#include "storage/dead_letter_store.h"
#include "storage/event_store.h"

namespace redthread {
namespace {

// A source of letters, and what is known of how to read it.
struct LetterSource {
  SourceState state;
  StoredInput input;
  uint32_t declared = 0;
  ReplayReport::Source report;
};

SourceKind KindOf(const SourceState& state) {
  if (FileIdentity::Decode(state.identity).has_value()) return SourceKind::kFile;
  if (JournalIdentity::Decode(state.identity).has_value()) return SourceKind::kJournal;
  return SenderIdentity::Decode(state.identity).has_value() ? SourceKind::kSender : SourceKind::kPartition;
}

// One per replay.
class Replay {
 public:
  // Both outlive it. `committer`: null of a dry run.
  Replay(std::shared_ptr<const Engine> engine, const ReplayOptions& options, const StateReader* state,
         Committer* committer)
      : options_(options), state_(state), committer_(committer), workers_(std::move(engine), 0) {}

  Status Run();
  ReplayReport TakeReport();

 private:
  Status FindLetters();
  Status ReplayOne(const Position& position);
  // The record of a letter; false when it is not kept any more.
  Result<bool> ReadRecord(const StoredDeadLetter& letter, std::string* text, std::optional<Timestamp>* time);
  const Batch& RunRecord(const LetterSource& source, const StoredDeadLetter& letter, const std::string& text,
                         std::optional<Timestamp> time);
  Result<bool> Conclude(const Batch& batch, const StoredDeadLetter& letter);

  const ReplayOptions& options_;
  const StateReader* const state_;
  Committer* const committer_;
  BatchWorkers workers_;
  EventStore events_;
  std::map<SourceId, LetterSource> sources_;
  std::vector<Position> letters_;  // ascending
  ReplayReport report_;
};

// Positions alone: letters may be many.
Status Replay::FindLetters() {
  const auto add = [&](const SourceState& state) {
    if (state.path.find(options_.source) == std::string::npos) return true;
    sources_[state.id].state = state;
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachSource(*state_, add, &report_.damage));
  const auto note = [&](const StoredDeadLetter& letter) {
    if (sources_.contains(letter.position.source)) letters_.push_back(letter.position);
    return true;
  };
  RT_RETURN_IF_ERROR(ForEachDeadLetter(*state_, std::nullopt, note, &report_.damage));
  for (const Position& position : letters_) {
    LetterSource& source = sources_[position.source];
    if (!source.report.path.empty()) continue;
    source.report.path = source.state.path;
    source.input = options_.input_of(source.state);
    source.declared = workers_.engine()->facts()->Declare(source.input.log_source);
  }
  return Status::Ok();
}

Status Replay::Run() {
  RT_RETURN_IF_ERROR(FindLetters());
  if (committer_ != nullptr && !letters_.empty())
    RT_RETURN_IF_ERROR(committer_->FindMatches(letters_, &report_.damage));
  for (const Position& position : letters_) RT_RETURN_IF_ERROR(ReplayOne(position));
  return committer_ != nullptr ? committer_->Commit() : Status::Ok();
}

Status Replay::ReplayOne(const Position& position) {
  const Result<StoredDeadLetter> letter = GetDeadLetter(*state_, position);
  if (!letter.ok()) return letter.status();
  LetterSource& source = sources_.at(position.source);
  std::string text;
  std::optional<Timestamp> time;
  const Result<bool> kept = ReadRecord(*letter, &text, &time);
  if (!kept.ok()) return kept.status();
  bool read = false;
  std::string reason = letter->reason;
  if (*kept) {
    const Batch& batch = RunRecord(source, *letter, text, time);
    for (const MatchedRecord& matched : batch.matched) source.report.detections += matched.rules.size();
    for (const ImperfectRecord& imperfect : batch.imperfect) {
      if (!batch.WasCut(imperfect)) reason = imperfect.decoded.reason;
    }
    const Result<bool> concluded = Conclude(batch, *letter);
    if (!concluded.ok()) return concluded.status();
    read = *concluded;
    workers_.Pop();
  } else {
    ++report_.without_text;
  }
  ++(read ? source.report.read : source.report.unread);
  if (!read && source.report.reason.empty()) source.report.reason = reason;
  return Status::Ok();
}

Result<bool> Replay::ReadRecord(const StoredDeadLetter& letter, std::string* text,
                                std::optional<Timestamp>* time) {
  StoredEvent event;
  const Status read = events_.Read(*state_, letter.position, text, &event);
  if (read.ok()) {
    *time = event.record.time;
    return true;
  }
  if (read.code() == StatusCode::kCorrupt) {
    report_.damage.Note(read);
  } else if (read.code() != StatusCode::kNotFound) {
    return read;
  }
  *text = letter.raw_prefix;
  return !text->empty() && text->size() == letter.raw_size;
}

const Batch& Replay::RunRecord(const LetterSource& source, const StoredDeadLetter& letter,
                               const std::string& text, std::optional<Timestamp> time) {
  Batch* const batch = workers_.Free();
  batch->kind = KindOf(source.state);
  batch->has_lines = true;
  batch->keep = false;
  batch->lines.Begin(text.size());
  batch->lines.Add(text, letter.position.index, letter.raw_size > text.size() ? letter.raw_size : 0);
  batch->source.progress.epoch = letter.position.epoch;
  batch->source_id = letter.position.source;
  batch->declared = source.declared;
  batch->arrival = letter.arrival;
  batch->origin = OriginOf(source.input, source.state, letter.arrival);
  // What the record was kept under is the time that its envelope told, or that it came.
  batch->arrivals.assign(1, letter.arrival);
  batch->told_times.assign(1, time);
  workers_.Submit();
  return *workers_.Front(true);
}

// Whether the record could be read.
Result<bool> Replay::Conclude(const Batch& batch, const StoredDeadLetter& letter) {
  if (committer_ == nullptr) {
    IngestCounts counts;
    for (const ImperfectRecord& imperfect : batch.imperfect) {
      if (batch.WasCut(imperfect) || counts.Note(imperfect.decoded)) return false;
    }
    return true;
  }
  const Result<bool> read = committer_->ApplyAgain(batch, letter);
  if (read.ok()) RT_RETURN_IF_ERROR(committer_->CommitIfLarge());
  return read;
}

ReplayReport Replay::TakeReport() {
  for (auto& [id, source] : sources_) {
    if (!source.report.path.empty()) report_.sources.push_back(std::move(source.report));
  }
  return std::move(report_);
}

Result<ReplayReport> DryRun(std::shared_ptr<const Engine> engine, const ReplayOptions& options) {
  Database::Options reading;
  reading.path = options.data_dir + "/state";
  reading.create = false;
  reading.read_only = true;
  const Result<std::unique_ptr<Database>> database = Database::Open(reading);
  if (!database.ok()) return database.status();
  const std::unique_ptr<StateReader> state = (*database)->Snapshot();
  Replay replay(std::move(engine), options, state.get(), nullptr);
  RT_RETURN_IF_ERROR(replay.Run());
  return replay.TakeReport();
}

}  // namespace

Result<ReplayReport> ReplayDeadLetters(std::shared_ptr<const Engine> engine, const ReplayOptions& options,
                                       Clock* clock) {
  if (options.dry_run) return DryRun(std::move(engine), options);
  Committer::Options committing;
  committing.data_dir = options.data_dir;
  committing.group_memory_bytes = options.group_memory_bytes;
  committing.commit_records = options.commit_records;
  const Result<std::unique_ptr<Committer>> committer = Committer::Open(engine, std::move(committing), clock);
  if (!committer.ok()) return committer.status();
  constexpr const char* kTold = "outbox";
  const Result<uint64_t> before = LastNumber((*committer)->state(), kTold);
  if (!before.ok()) return before.status();
  Replay replay(std::move(engine), options, &(*committer)->state(), committer->get());
  RT_RETURN_IF_ERROR(replay.Run());
  const Result<uint64_t> after = LastNumber((*committer)->state(), kTold);
  if (!after.ok()) return after.status();
  ReplayReport report = replay.TakeReport();
  report.told = *after - *before;
  report.beyond_horizon = (*committer)->report().correlation.beyond_horizon;
  return report;
}

}  // namespace redthread
