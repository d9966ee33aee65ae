// KafkaInputs: topics, as batches: one batch holds records of one partition.
//
// Each partition is a source of its own: a record's index is its offset, and how far it has been read lies in
// our database, in the write that holds what followed from it. So reading goes on there after any crash, and
// what Kafka is told of positions is for its tools to show.
//
// Before reading goes on, the record that was read last is read again and compared with what was kept of it:
// a topic that was deleted and made again, or whose brokers lost their newest records and took others, has
// other records at the same offsets. A partition that is found so, or whose next record is not there any
// more, is stopped: it is told with what to do, it holds the watermark, and the others go on. One whose next
// record is damaged is stopped too, and tried again: another broker may have a copy that is whole.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log_source.h"
#include "core/record_origin.h"
#include "core/status.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "ingest/kafka_consumer.h"
#include "runtime/batch_workers.h"
#include "runtime/committer.h"

namespace redthread {

// One configured input of type kafka.
struct KafkaInput {
  std::string name;
  KafkaSettings settings;
  std::vector<std::string> topics;  // names, and patterns that begin with `^`
  DeclaredLogSource log_source;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;        // of times that name none; null: UTC
  std::vector<Cidr> trusted_proxies;           // RecordOrigin
  size_t max_record_bytes = size_t{16} << 20;  // of longer ones only the beginning is kept
};

// All inputs of type kafka of a process. One per thread; the consumers have threads of their own.
class KafkaInputs {
 public:
  struct Options {
    std::vector<KafkaInput> inputs;
    size_t batch_bytes = 1 << 20;
    Nanoseconds refresh_interval = std::chrono::seconds(10);  // between looks at what topics there are
    Nanoseconds tell_interval = std::chrono::seconds(1);      // between positions that Kafka is told
    std::function<void(const std::string&)> on_problem;       // may be empty
  };
  struct Counts {
    uint64_t tombstones = 0;  // records without a value: nothing to look at
    uint64_t stopped = 0;     // times that a partition was not read any more
  };

  // Begins to ask which partitions there are. `committer` and `clock` outlive the object. Errors: those of
  // KafkaConsumer::Start.
  static Result<std::unique_ptr<KafkaInputs>> Start(Options options, Committer* committer, Clock* clock);

  // What the inputs are declared to be; again after every change of the rules.
  void Declare(FactsTable* facts);

  // Takes what has arrived. False when there is nothing.
  Result<bool> Look();
  // Fills a batch with the next records, or the next news of an end, of what was taken. False when there is
  // none left.
  bool Fill(Batch* batch);

  // Whether partitions are to be waited for anew, or not any more: after a lost connection, a deleted topic.
  bool SettleDue() const { return !unsettled_.empty(); }
  // Does that. To be called when nothing is in flight.
  void Settle();

  // The batch was applied; and what was applied so far has been made durable.
  void Applied(const Batch& batch);
  void Committed();

  // Whether all partitions that can be read have been read to their ends. Brokers that do not answer are
  // waited for, for half a minute.
  bool at_end() const;
  // Why others cannot be, until somebody does something about it; Ok when there are none.
  Status failure() const;
  // Tells Kafka the last positions. Reads no more.
  void Stop();
  const Counts& counts() const { return counts_; }

 private:
  struct Partition {
    size_t input = 0;
    KafkaPartition name;
    SourceId id = 0;
    uint32_t epoch = 0;
    uint64_t next_index = 0;   // behind what is in batches
    uint64_t fingerprint = 0;  // of the record before that; 0: none was read
    uint64_t expected = 0;     // behind what was taken
    bool reading = false;
    bool verifying = false;  // the record before next_index is awaited, to be compared
    bool draining = false;   // records from before it was left may still be on their way
    bool gone = false;       // not there any more
    bool at_end = false;
    bool tells_end = false;       // that is to be told behind what is pending
    bool retried = false;         // stopped, and tried again at every look
    Status stopped;               // why it is read no more
    std::vector<size_t> pending;  // of the records taken: its own
    size_t filled = 0;            // how many of them are in batches
    uint64_t applied = 0;
    uint64_t committed = 0;
    uint64_t told = 0;
  };
  struct Input {
    std::unique_ptr<KafkaConsumer> consumer;
    uint32_t declared = 0;
    std::string cluster;  // empty: not known yet
    Status state;         // why its brokers cannot be read from; Ok when they can
    Nanoseconds state_since{0};
    bool seen = false;                                   // looked at since it was lost, or ever
    bool awaited = true;                                 // not all of its partitions are known
    std::vector<std::unique_ptr<Partition>> partitions;  // by tag
    std::map<KafkaPartition, uint32_t> tags;
    std::set<std::string> missing;
    std::map<std::string, Nanoseconds> told;  // problems, and when
    Nanoseconds told_at{0};                   // when Kafka was told positions
    const KafkaRecords* records = nullptr;
    std::vector<Partition*> turns;  // those with something pending, in order
    size_t turn = 0;
  };

  KafkaInputs(Options options, Committer* committer, Clock* clock);
  Status StartConsumers();
  Status TakeView(size_t input);
  Status Open(size_t input, const KafkaOffsets& offsets);
  Result<Partition*> Find(size_t input, const KafkaPartition& name);
  void NoteGone(size_t input, const KafkaView& view);
  void NoteLost(size_t input, const Status& why);
  void NoteFailure(size_t input, const KafkaRecords::Failure& failure);
  void StopForNow(Partition* partition, const Status& why, const std::string& what_to_do);
  void NoteEnd(Partition* partition, int64_t offset);
  void Take(Partition* partition, size_t record);
  bool Verify(Partition* partition, const KafkaRecords::Record& record);
  bool CanBeWaitedFor(const Input& input) const;
  void Leave(Partition* partition);
  void StopReading(Partition* partition, const std::string& why);
  void FillFrom(const Input& input, Partition* partition, Batch* batch);
  void TellPositions(Input* input) const;
  // Not again for an hour, unless it was well in between. `kind`: what counts as the same; else the text.
  void TellOnce(size_t input, const std::string& text, const std::string& kind = "");

  const Options options_;
  Committer* const committer_;
  Clock* const clock_;
  Counts counts_;
  std::vector<Input> inputs_;
  std::map<std::string, size_t> owners_;  // of identities: which input reads one that several match
  std::vector<Partition*> unsettled_;     // which are gone, or else to be waited for
};

}  // namespace redthread
