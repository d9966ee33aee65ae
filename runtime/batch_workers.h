// BatchWorkers: batches of records through the detector on all cores, given back in the order of their
// numbers.
//
// A batch gets its number where it is read. Any worker may run any batch; whoever takes the results sees them
// in the order of reading, so that the number of workers changes the speed and nothing else. Batches wait in
// a ring: when it is full, the reader takes results before it reads on. One lock a batch, none an event; a
// batch's memory is used again by the one that comes a ring later.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/alert.h"
#include "core/decoder.h"
#include "correlate/match_extractor.h"
#include "ingest/file_tail.h"
#include "ingest/record_reader.h"
#include "runtime/engine.h"
#include "runtime/field_sampler.h"
#include "storage/event_store.h"
#include "storage/source_census.h"

namespace redthread {

// A record that was not read as its format demands.
struct ImperfectRecord {
  size_t record = 0;  // index in the batch
  DecodeResult decoded;
};

// A record that rules matched.
struct MatchedRecord {
  size_t record = 0;
  std::optional<Timestamp> time;
  Hash128 raw_hash{};
  AlertGroup group;  // its entities
  std::vector<RuleIndex> rules;
};

// A record whose time is its arrival, since what it says itself is too far from that.
struct DisbelievedTime {
  size_t record = 0;
  Timestamp said;
};

// What the source of a batch is.
enum class SourceKind : uint8_t {
  kFile,       // of FileTail
  kSender,     // to a listener
  kPartition,  // of a Kafka topic
  kJournal,    // a file of systemd's journal
};

// What one look at an input brought, and what became of it.
struct Batch {
  // Filled by the reader.
  SourceKind kind = SourceKind::kFile;
  size_t input = 0;         // index of the input
  bool has_lines = false;   // else only other news is told
  bool keep = true;         // records are packed, to be stored
  RecordBatch lines;        // and these belong to has_lines:
  FileTail::Source source;  // the file they are of, as it is behind them
  SourceId source_id = 0;   // that file's number in the database
  uint32_t declared = 0;    // FactsTable::Declare
  Timestamp arrival;        // when they were read, or the last of them
  RecordOrigin origin;      // what their source knows of them
  // Of others than files `source` has progress alone: no identity, no number.
  std::vector<Timestamp> arrivals;                   // of a sender: when each of the messages was read
  std::vector<std::optional<Timestamp>> told_times;  // and the time that its envelope tells
  uint64_t receipt = 0;  // of a sender: with this batch all is in batches up to that PushedMessages::receipt
  bool at_end = false;   // of a partition or a journal: it has been read to its end, behind the lines
  bool ended_for_good = false;           // of a journal: and nothing more is written to it
  std::vector<FileTail::Source> copies;  // FileTail::TakeProgress
  std::vector<FileTail::Source> ended;   // FileTail::TakeEnded, behind the lines

  Timestamp ArrivalOf(size_t record) const { return origin.pushed ? arrivals[record] : arrival; }
  std::optional<Timestamp> ToldTimeOf(size_t record) const {
    return origin.pushed ? told_times[record] : std::nullopt;
  }

  // Filled by a worker, from `lines`.
  std::vector<EventRecord> events;  // one a record; they point into `lines`
  SourceCensus::Formats formats{};  // how many of them are of which format
  std::vector<std::string> fields;  // names that FieldSampler found
  std::vector<DisbelievedTime> disbelieved;
  PackedEvents packed;  // the same, as they are kept
  Status failure;       // of packing: nothing of the batch can be kept
  std::vector<ImperfectRecord> imperfect;
  std::vector<MatchedRecord> matched;
  std::vector<GroupMatch> correlated;  // of events that have a time
  uint64_t without_group = 0;          // matches that lack a field of their correlation's group

  // Of one of `imperfect`: it was longer than may be, and is counted as oversized already.
  bool WasCut(const ImperfectRecord& one) const { return lines.records[one.record].cut_from > 0; }
};

// All functions are called by one thread, which reads and takes results.
class BatchWorkers {
 public:
  // Starts `jobs` threads. With 0 a batch is run where it is submitted.
  BatchWorkers(std::shared_ptr<const Engine> engine, int jobs);
  // Ends the threads; batches that were not taken are lost.
  ~BatchWorkers();
  BatchWorkers(const BatchWorkers&) = delete;
  BatchWorkers& operator=(const BatchWorkers&) = delete;

  // The batch to fill next, with whatever it held before. Null when the ring is full: Pop first.
  Batch* Free();
  // The batch that Free returned gets the next number, and is run.
  void Submit();

  // The batch with the lowest number that has not been popped, once it has been run. Null when there is none;
  // without `wait` also when it has not been run yet.
  Batch* Front(bool wait);
  // Done with what Front returned.
  void Pop();

  // Another snapshot for all batches submitted from now on; none may be in flight. Returns when no worker
  // holds the old one any more.
  void SetEngine(std::shared_ptr<const Engine> engine);
  const std::shared_ptr<const Engine>& engine() const { return engine_; }

 private:
  struct Slot {
    Batch batch;
    bool done = false;
  };
  void Work();
  // What a worker runs batches with, over one engine.
  struct Tools {
    explicit Tools(const std::shared_ptr<const Engine>& engine)
        : pipeline(engine), extractor(engine->correlations()) {}
    Pipeline pipeline;
    MatchExtractor extractor;
    FieldSampler sampler;
  };
  static void Run(Tools* tools, EventStore* packer, Batch* batch);
  static void RunRecord(Tools* tools, size_t record, Batch* batch);
  Slot& slot(uint64_t number) { return ring_[number % ring_.size()]; }

  std::vector<Slot> ring_;  // batch n stands in slot n % size
  // Numbers: popped_ <= started_ <= submitted_ <= popped_ + size of the ring. The first is the caller's
  // alone.
  uint64_t popped_ = 0;
  std::mutex mutex_;  // guards what follows, and Slot::done
  uint64_t started_ = 0;
  uint64_t submitted_ = 0;
  std::shared_ptr<const Engine> engine_;
  size_t holders_ = 0;  // workers with a pipeline over the engine before this one
  bool stopping_ = false;
  std::condition_variable work_;  // for the workers
  std::condition_variable done_;  // for the caller
  std::vector<std::thread> threads_;
  std::unique_ptr<Tools> tools_;  // where there are no threads
  EventStore packer_;             // the same
};

}  // namespace redthread
