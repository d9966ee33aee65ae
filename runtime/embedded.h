// Embedded: the whole pipeline in one process: files in, alerts out, everything it knows in one database.
//
// One step takes records from the inputs, runs them, and writes one batch: the raw lines, what matched, the
// alerts and their revisions, the outbox, and how far each file has been read. A crash at any instruction
// leaves all of a step or nothing of it, so every record counts exactly once. A step is committed as soon as
// it holds a new alert, else after `commit_interval` or `commit_records`.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log_source.h"
#include "core/status.h"
#include "correlate/fold_state.h"
#include "correlate/watermark.h"
#include "ingest/file_tail.h"
#include "ingest/ingest_counts.h"
#include "runtime/engine.h"
#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "storage/state_transaction.h"

namespace redthread {

// One configured input of type file. A file that several inputs match is read for the first that finds it.
struct FileInput {
  std::string name;
  std::vector<std::string> patterns;  // files, folders, globs
  DeclaredLogSource log_source;
};

// One per data folder; one thread runs it.
class Embedded {
 public:
  struct Options {
    std::string data_dir;  // made if it is not there
    std::vector<FileInput> inputs;
    Nanoseconds lateness = std::chrono::minutes(5);
    Nanoseconds fold_window = kDefaultFoldWindow;
    Nanoseconds commit_interval = std::chrono::milliseconds(100);
    uint64_t commit_records = 10'000;
    // Read everything to its end, finish it, stop.
    bool until_idle = false;
    // What went wrong with an input, once each. May be empty.
    std::function<void(const std::string&)> on_problem;
  };
  struct Report {
    IngestCounts counts;
    uint64_t detections = 0;
    uint64_t commits = 0;
    bool input_lost = false;
  };

  // Opens the data folder and finds where reading stopped. Errors: those of Database::Open. `clock` outlives
  // the object.
  static Result<std::unique_ptr<Embedded>> Open(std::shared_ptr<const Engine> engine, Options options,
                                                Clock* clock);
  ~Embedded();

  // Runs until `stop` is set (what was read is committed then), or with until_idle until there is nothing
  // left to read. A failure means that nothing more can be made durable: stop the process and start it again;
  // nothing that was committed is lost.
  Status Run(const std::atomic<bool>& stop);

  const Report& report() const { return report_; }

 private:
  // The files of one input, and their numbers.
  struct Tail {
    std::unique_ptr<FileTail> files;
    std::vector<SourceState> sources;  // by FileTail's number
    std::set<SourceId> reading;        // read since there was last nothing more
    uint32_t declared = 0;             // FactsTable::Declare
    std::string name;                  // of the input
    std::set<size_t> not_owned;        // FileTail's numbers of files that another input reads
  };

  Embedded(std::shared_ptr<const Engine> engine, Options options, Clock* clock);
  Status OpenTails();
  bool Owns(Tail* tail, const FileTail::Source& source);
  Result<SourceState*> SourceOf(Tail* tail, const FileTail::Source& source);
  // One batch of one tail. False when it has none now.
  Result<bool> PollTail(Tail* tail);
  Status TakeBatch(Tail* tail, const FileTail::Source& source);
  Status StoreProgress(const FileTail::Source& source, SourceState* state);
  Status TakeRecord(const Tail& tail, uint32_t epoch, const RecordBatch::Record& record, SourceState* source);
  void NoteImperfect(const Position& position, const RecordBatch::Record& record, const DecodeResult& decoded,
                     SourceState* source);
  Status CommitIfDue();
  Status Commit();
  Status SealIfDue();
  Status FinishAll();
  void TellProblems(Tail* tail);

  std::shared_ptr<const Engine> engine_;
  Options options_;
  Clock* clock_;
  Report report_;

  std::unique_ptr<Database> database_;
  std::unique_ptr<StateTransaction> transaction_;
  EventStore events_;
  Pipeline pipeline_;
  FoldState folds_;
  Watermark watermark_;
  Timestamp stage_watermark_ = Timestamp::Min();

  std::vector<Tail> tails_;
  // By device and inode: which tail reads a file that the patterns of several inputs match.
  std::map<std::pair<uint64_t, uint64_t>, Tail*> owners_;
  RecordBatch batch_;
  std::vector<EventRecord> kept_;  // of the batch at hand
  Timestamp arrival_;              // of the batch at hand
  uint64_t step_records_ = 0;      // since the last commit
  Nanoseconds step_began_{0};
  Nanoseconds sealed_at_{0};
};

}  // namespace redthread
