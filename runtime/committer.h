// Committer: what batches of records lead to, folded and stored in the order of their numbers.
//
// It owns the database. What a batch brings (raw lines, matches, alerts and their revisions, dead letters,
// how far files were read) is collected in one transaction; a commit covers all batches applied so far, so a
// crash at any instruction leaves all of a step or nothing of it, and every record counts exactly once.
//
// The watermark moves after every batch, not with the commits: so what is late and when an alert becomes
// final follow from the batches alone, and neither from the number of workers nor from how fast the disk is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "correlate/correlation_state.h"
#include "correlate/fold_state.h"
#include "correlate/watermark.h"
#include "ingest/ingest_counts.h"
#include "ingest/journal_file.h"
#include "ingest/kafka_partition.h"
#include "ingest/sender.h"
#include "runtime/batch_workers.h"
#include "runtime/engine.h"
#include "storage/database.h"
#include "storage/dead_letter_store.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "storage/state_transaction.h"

namespace redthread {

// One per data folder, and one per thread.
class Committer {
 public:
  struct Options {
    std::string data_dir;  // made if it is not there
    size_t inputs = 0;     // how many there are
    uint64_t max_stored_senders = 100'000;
    size_t group_memory_bytes = 0;
    Nanoseconds commit_interval{};
    uint64_t commit_records = 0;
    std::function<void(const std::string&)> on_problem;  // may be empty
    std::function<void()> on_commit;  // after what was applied so far has been made durable; may be empty
  };
  struct Report {
    IngestCounts counts;
    uint64_t detections = 0;
    uint64_t without_group = 0;  // matches that lack a field of their correlation's group
    CorrelationState::Counts correlation;
    uint64_t disbelieved = 0;  // messages that have the time of their arrival, since they say one far from it
    uint64_t off_time = 0;     // messages whose own time, which they keep, is far from their arrival
    uint64_t commits = 0;
    bool input_lost = false;  // a record could not be read, or not wholly
  };

  // Opens the data folder. Errors: those of Database::Open. `clock` outlives the object.
  static Result<std::unique_ptr<Committer>> Open(std::shared_ptr<const Engine> engine, Options options,
                                                 Clock* clock);

  // The files that were read before, and how far: FileTail's `known`.
  const std::vector<FileTail::Progress>& known() const { return known_; }

  // A file that is there at the start: nothing is complete beyond it until it has been read.
  Status Found(size_t input, const FileTail::Source& source);

  // The number of a file in the database, which is given to it if it has none yet.
  Result<SourceId> IdOf(size_t input, const FileTail::Source& source);

  // ---- senders to listeners. A sender counts from its first message on until it falls silent; then it is
  // forgotten here, and found again in the database when it comes back.

  // Those that had not fallen silent when the last step was stored.
  const std::vector<SourceState>& heard() const { return heard_; }
  // A sender that has sent, or is about to be held for: its number and the index of its next message.
  // `idle_after`: for how long it may send nothing of the present before nobody waits for it. kLimit when it
  // was never heard before and Options::max_stored_senders have been: addresses can be forged without end.
  Result<SourceState> OpenSender(const SenderIdentity& identity, Nanoseconds idle_after);
  // A source that was opened holds the watermark, though nothing has come from it since the start, or though
  // it had been read to its end.
  void HoldFor(SourceId source);
  // Senders that have sent nothing for long enough: nobody waits for them any more. Nothing of theirs may be
  // in flight. Written with what follows from it.
  Status FallSilent(const std::vector<SourceId>& senders);

  // ---- partitions of topics. One holds the watermark until it has been read to its end, and again from then
  // on that more of it is read.

  // A partition that is read from now on: its number, and the index of its next record, which is an offset.
  Result<SourceState> OpenPartition(const KafkaIdentity& identity);
  // One that is not there any more: nobody waits for it. Nothing of it may be in flight.
  void ClosePartition(SourceId partition);

  // ---- files of systemd's journal. One holds the watermark as a partition does; once it has been read to
  // its end and nothing more is written to it, it is `idle` in the database for ever.

  // Those that were not, when the last step was stored.
  const std::vector<SourceState>& unfinished_journals() const { return unfinished_journals_; }
  // One that is read from now on, unless it is idle: its number, and that of its next entry. `path`: its
  // home.
  Result<SourceState> OpenJournal(const JournalIdentity& identity, const std::string& path);
  // What stands before `next` is not to be read.
  Status SkipInJournal(SourceId journal, uint64_t next);
  // It is not there any more. Nothing of it may be in flight.
  Status CloseJournal(SourceId journal);

  // While an input is awaited, nobody knows all of its sources: the watermark stands still. `input`: any
  // number below 10,000 that means it and no other.
  void Await(size_t input, bool awaited);

  // The next batch, run. Fails when nothing more can be made durable.
  Status Apply(const Batch& batch);

  // ---- records that are read once more: dead letters, in runtime/replay.h.

  // What is stored, with what was applied and not committed yet.
  const StateReader& state() const { return *transaction_; }
  // Finds what the state holds of records, which ascend, and no others, from the time when they were read
  // first: to be called before ApplyAgain. Damaged rows are skipped and noted.
  Status FindMatches(std::span<const Position> records, Damage* damage);
  // A batch of one record that was read before, and run now. What it matches takes the place of what it
  // matched then; of its letter nothing is left, or it says why it is still one. Returns whether the record
  // could be read. The watermark of the stage does not move.
  Result<bool> ApplyAgain(const Batch& batch, const StoredDeadLetter& letter);
  // Commits when the step is long enough.
  Status CommitIfLarge();

  // The snapshot that the batches applied from now on ran on. Its times hold from now on.
  Status SetEngine(std::shared_ptr<const Engine> engine);

  // Commits when the step holds a new alert, or is old or long enough. `more`: the next batch is ready, and
  // joins the step before a new alert ends it: so a slow disk makes steps larger and not more.
  Status CommitIfDue(bool more);
  Status Commit();
  // There is nothing to read: what waits for the clock goes on. Commits.
  Status Idle();
  // Small rows of raw text become blocks, now and then, in a transaction of their own. Commits before.
  Status SealIfDue();
  // The end of all input: ends every wait. Commits.
  Status Finish();

  Report report() const;

 private:
  Committer(std::shared_ptr<const Engine> engine, Options options, Clock* clock);
  Status LoadSources();
  Result<SourceState*> SourceOf(size_t input, const FileTail::Source& source);
  const SourceState* FindSource(size_t input, const FileTail::Source& source) const;
  // What a source that is no file of FileTail is here, while it is open. What stands below `state` is of a
  // sender.
  struct OpenSource {
    SourceState state;
    Nanoseconds idle_after{0};
    std::optional<Timestamp> present;  // arrival of its newest message whose time was near it
  };
  Result<SourceState*> SourceOf(const Batch& batch);
  void NoteTimes(const Batch& batch);
  Status ApplyLines(const Batch& batch);
  Status StoreLines(const Batch& batch, SourceState* source);
  Status CountRecords(const Batch& batch, SourceId source);
  static void NoteClock(const Batch& batch, SourceCensus* census);
  Status NoteFields(const std::vector<std::string>& names, SourceId source);
  Status StoreProgress(const FileTail::Source& source, SourceState* state);
  void StoreWatermark();
  FoldMatch FoldMatchOf(const MatchedRecord& matched, const Batch& batch, const SourceState& source) const;
  Status Fold(const MatchedRecord& matched, const Batch& batch, const SourceState& source);
  std::optional<StoredDeadLetter> NoteImperfect(const ImperfectRecord& imperfect, const Batch& batch);
  void ObserveTime(Timestamp time, Timestamp arrival, SourceState* source);
  Status Advance();

  std::shared_ptr<const Engine> engine_;
  const Options options_;
  Clock* const clock_;
  Report report_;

  std::unique_ptr<Database> database_;
  std::unique_ptr<StateTransaction> transaction_;
  EventStore events_;
  FoldState folds_;
  CorrelationState correlations_;
  Watermark watermark_;
  Timestamp stage_watermark_ = Timestamp::Min();
  Timestamp latest_ = Timestamp::Min();  // the greatest event time read

  std::vector<FileTail::Progress> known_;
  std::vector<std::vector<SourceState>> sources_;  // by input and FileTail's number; no identity: not yet
  std::vector<SourceState> heard_;
  std::vector<SourceState> unfinished_journals_;
  uint64_t stored_senders_ = 0;
  std::unordered_map<SourceId, OpenSource> opened_;
  // Of records that are read once more: what is held of them.
  std::map<Position, std::vector<FoldState::Kept>> folded_;
  std::map<Position, std::vector<CorrelationState::Kept>> correlated_;
  Timestamp stored_watermark_ = Timestamp::Min();
  uint64_t step_records_ = 0;  // since the last commit
  Nanoseconds step_began_{0};
  Nanoseconds sealed_at_{0};
};

}  // namespace redthread
