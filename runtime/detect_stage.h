// DetectStage: the records of raw topics -> frames in the topic `matches`. A member of the group that reads
// the raw topics; keeps nothing on disk.
//
// What a record leads to depends on the record and the rules alone, and goes to partitions that it names
// itself, in the order of offsets. How far a raw partition was read is told to the group when all frames up
// to there are acknowledged. So whoever reads on, and whoever has not noticed yet that it should not, writes
// the same. Why: docs/decisions/0005-pipeline.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "ingest/ingest_counts.h"
#include "ingest/topic_log.h"
#include "runtime/batch_workers.h"
#include "runtime/kafka_inputs.h"
#include "runtime/match_frame.h"
#include "runtime/match_router.h"
#include "runtime/pipeline_fault.h"
#include "runtime/raw_position.h"
#include "runtime/rule_epochs.h"

namespace redthread {

// One per thread. After a failure it is of no more use: what it held is forgotten, and another one begins
// where the group says.
class DetectStage {
 public:
  struct Options {
    std::vector<KafkaInput> inputs;
    std::string matches = "redthread.matches";
    int32_t partitions = 1;  // of it
    int jobs = 1;
    size_t batch_bytes = 1 << 20;
    Nanoseconds step = std::chrono::milliseconds(200);   // between two tellings of progress
    Nanoseconds sign_of_life = std::chrono::seconds(1);  // of partitions at their end
    bool until_idle = false;
    std::function<void(const std::string&)> on_problem;  // may be empty
    std::function<void(PipelineFault)> on_fault;         // as well, of each; may be empty
  };
  struct Counts {
    IngestCounts records;
    uint64_t detections = 0;
    uint64_t without_group = 0;
    uint64_t too_large = 0;  // matches that no record of a topic can hold: lost
    uint64_t frames = 0;
    uint64_t commits = 0;
  };

  // `readers`: by input; each a member of the group that reads the input's topics. All outlive the stage.
  DetectStage(Options options, std::vector<TopicReader*> readers, TopicWriter* writer, RuleEpochs* rules,
              Clock* clock);
  ~DetectStage();

  // Takes what there is, waiting at most so long for it. A failure ends the stage: kUnavailable, begin again;
  // others, somebody has to do something.
  Status Turn(Nanoseconds at_most);
  // With until_idle: everything that was given to this member has been read, and the group knows.
  bool finished() const;
  // Finishes what was read, and gives all back. To be called once, instead of Turn.
  Status Stop();
  // Partitions that are given to this member.
  size_t owned() const;
  const Counts& counts() const { return counts_; }

 private:
  // One raw partition that was given to this member.
  struct Raw {
    size_t input = 0;
    KafkaPartition name;
    std::string identity;
    RawPosition position;             // behind what was applied
    uint64_t taken = 0;               // behind what was taken from the reader
    uint64_t fingerprint = 0;         // of the last record taken
    size_t at_work = 0;               // batches that were taken and are not applied
    std::optional<uint64_t> end;      // the offset of its end, when it was last seen
    bool reading = false;             // its records come, or would if it were not stopped
    bool verifying = false;           // the record before `taken` is awaited, to be compared
    Status stopped;                   // why it is not read any more
    std::vector<FramePoint> sent;     // by partition: frames reach to there
    std::optional<RawPosition> told;  // last in frames to all partitions, and whether it was at its end
    bool told_at_end = false;
    Nanoseconds told_at{0};
    bool at_end() const { return end.has_value() && *end == position.next && taken == position.next; }
  };
  struct Input {
    TopicReader* reader = nullptr;
    uint32_t declared = 0;
    std::optional<KafkaView> view;
    std::map<KafkaPartition, uint32_t> tags;
    std::vector<std::unique_ptr<Raw>> partitions;  // by tag; null: given back
    std::vector<TopicReader::Given> given;         // while there was no view yet
  };
  // All frames up to the writer's `number` are to be acknowledged before the group is told.
  struct Pending {
    uint64_t number = 0;
    size_t input = 0;
    std::vector<GroupPosition> positions;
  };

  Status TakeRules();
  Status TakeNews(size_t input, Nanoseconds at_most);
  Status TakeView(size_t input);
  Status Announce();
  Status Open(size_t input, const TopicReader::Given& given);
  Status GiveBack(size_t input);
  Status TakeRecords(size_t input, const KafkaRecords& records);
  Status TakeRun(size_t input, Raw* raw, const KafkaRecords& records, const std::vector<size_t>& run);
  Status BeginEpoch(size_t input, Raw* raw, const KafkaRecords::Record& first);
  bool Verify(Raw* raw, const KafkaRecords::Record& record);
  void StopReading(Raw* raw, PipelineFault fault, const std::string& why);
  Result<Batch*> FreeBatch();
  Result<bool> ApplyNext(bool wait);
  Status Drain();
  static void PassGap(Raw* raw);
  Status Apply(const Batch& batch);
  Status SendMatches(const Batch& batch, Raw* raw, const FrameHead& head);
  Status Send(int32_t partition, Raw* raw, const FrameHead& head);
  Status TellProgress(bool now);
  Status TellProgressOf(Raw* raw, bool ended);
  FrameHead HeadOf(const Raw& raw) const;
  Status CommitAcknowledged();
  Status CommitRulesNow(size_t input, const std::vector<Raw*>& partitions);
  void Tell(const std::string& text) const;
  void Count(PipelineFault fault) const;

  const Options options_;
  TopicWriter* const writer_;
  RuleEpochs* const rules_;
  Clock* const clock_;
  Counts counts_;
  uint64_t epoch_ = 0;  // of the rules at work
  std::unique_ptr<BatchWorkers> workers_;
  std::unique_ptr<MatchRouter> router_;
  std::vector<std::string> rule_ids_, correlation_ids_;  // identities
  std::vector<Input> inputs_;
  std::vector<FrameWriter> frames_;     // by partition, of the batch at hand
  std::vector<std::string> announced_;  // sources
  uint64_t last_number_ = 0;            // of the writer
  std::deque<Pending> pending_;
  Nanoseconds stepped_{0};
  bool ended_ = false;  // until_idle: the end was told of all
};

}  // namespace redthread
