// Embedded: the whole pipeline in one process: files, journals, messages and topics in, alerts out,
// everything it knows in one database.
//
// One thread reads files and journals, takes what listeners (PushedInputs) and brokers (KafkaInputs) have
// brought, and numbers what it read in batches; workers run the batches through the detector (BatchWorkers);
// the same one thread takes them back by number, folds and stores them (Committer). A step is all batches
// that are ready when one of them brought a new alert, else those of `commit_interval` or `commit_records`;
// when there is nothing to read it waits for neither.
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
#include "core/record_origin.h"
#include "core/status.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "correlate/fold.h"
#include "ingest/file_tail.h"
#include "ingest/ingest_counts.h"
#include "runtime/batch_workers.h"
#include "runtime/committer.h"
#include "runtime/engine.h"
#include "runtime/journal_inputs.h"
#include "runtime/kafka_inputs.h"
#include "runtime/pushed_inputs.h"

namespace redthread {

// One configured input of type file. A file that several inputs match is read for the first that finds it.
struct FileInput {
  std::string name;
  std::vector<std::string> patterns;  // files, folders, globs
  DeclaredLogSource log_source;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;  // of times that name none; null: UTC
  std::vector<Cidr> trusted_proxies;     // RecordOrigin
};

// One per data folder; one thread runs it.
class Embedded {
 public:
  struct Options {
    std::string data_dir;  // made if it is not there
    std::vector<FileInput> inputs;
    std::vector<ListenerInput> listeners;  // then `clock` must be thread-safe
    std::vector<KafkaInput> kafka;
    std::vector<JournalInput> journals;
    Nanoseconds topic_refresh_interval = std::chrono::seconds(10);
    IdleAfter idle_after;                   // of senders to them
    size_t max_senders = 10'000;            // that are told apart at a time
    uint64_t max_stored_senders = 100'000;  // and ever
    int jobs = 0;                           // threads that run records; 0: as many as there are cores
    // Of what correlations keep of their groups in memory; the rest comes back from disk.
    size_t group_memory_bytes = CorrelationState::Options{}.max_memory_bytes;
    Nanoseconds commit_interval = std::chrono::milliseconds(100);
    uint64_t commit_records = 10'000;
    size_t batch_bytes = RecordReader::Options{}.batch_bytes;  // uncompressed, about so many
    // Read everything to its end, finish it, stop. Listeners are at their end when nobody has sent to them
    // for `idle_after`. Topics that cannot be read to their end make the run fail, with what was read kept.
    bool until_idle = false;
    // What went wrong with an input, once each. May be empty.
    std::function<void(const std::string&)> on_problem;
    // Asked between batches, so it must be quick: a new snapshot, or null while the old one holds. It is in
    // force from the next batch on, whole; every batch runs on one snapshot. May be empty.
    std::function<std::shared_ptr<const Engine>()> next_engine;
  };
  struct Report : Committer::Report {
    SyslogListener::Counts listeners;  // of all together
    HttpListener::Counts http;         // the same
    KafkaInputs::Counts kafka;         // the same
    JournalInputs::Counts journals;    // the same
  };

  // Opens the data folder, finds where reading stopped, and begins to listen. Errors: those of Database::Open
  // and of PushedInputs::Start, KafkaInputs::Start and JournalInputs::Start. `clock` outlives the object.
  static Result<std::unique_ptr<Embedded>> Open(std::shared_ptr<const Engine> engine, Options options,
                                                Clock* clock);
  ~Embedded();

  // Runs until `stop` is set (what was read is committed then), or with until_idle until there is nothing
  // left to read. To be called once. A failure means that nothing more can be made durable: stop the process
  // and start it again; nothing that was committed is lost.
  Status Run(const std::atomic<bool>& stop);

  const Report& report() const { return report_; }

  // The ports of a listener, by its place in the options; 0: none.
  uint16_t udp_port(size_t listener) const { return pushed_->udp_port(listener); }
  uint16_t tcp_port(size_t listener) const { return pushed_->tcp_port(listener); }

 private:
  // The files of one input.
  struct Tail {
    std::unique_ptr<FileTail> files;
    uint32_t declared = 0;       // FactsTable::Declare
    std::set<size_t> not_owned;  // FileTail's numbers of files that another input reads
  };

  Embedded(std::shared_ptr<const Engine> engine, Options options, Clock* clock);
  Status StartListening();
  Status StartKafka();
  Status StartJournals();
  void OpenTails();
  Status FindFiles();
  Status ReadOn(const std::atomic<bool>& stop);
  Status GiveUp(const Status& why);
  // One look at the files of an input. False when there is nothing new in them.
  Result<bool> Poll(size_t input);
  // Takes what the listeners have read. False when there is nothing new.
  Result<bool> PollPushed();
  Status TellSilent();
  // Takes what has arrived of topics. False when there is nothing new.
  Result<bool> PollKafka();
  // One look at the journals. False when there is nothing new in them.
  Result<bool> PollJournals();
  // Listens no more, and applies what had been read.
  Status StopListening();
  Result<Batch*> FreeBatch();
  bool Owns(size_t input, const FileTail::Source& source);
  void DropNotOwned(size_t input, std::vector<FileTail::Source>* sources);
  // Applies the batch in front once it has been run. False when there is none, or without `wait` none yet.
  Result<bool> ApplyNext(bool wait);
  Status Drain();
  Status TakeNextEngine();
  void DeclareInputs();
  void TellProblems(Tail* tail);

  Options options_;
  Clock* clock_;
  Report report_;
  bool input_lost_ = false;  // of a file
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<PushedInputs> pushed_;
  std::unique_ptr<KafkaInputs> kafka_;
  std::unique_ptr<JournalInputs> journals_;
  std::vector<Tail> tails_;  // by input
  // By device and inode: which input reads a file that the patterns of several match.
  std::map<std::pair<uint64_t, uint64_t>, size_t> owners_;
  BatchWorkers workers_;
};

}  // namespace redthread
