// CorrelateStage: frames of the topic `matches` -> alerts in the topic `alerts`. A member of the group that
// reads `matches`; has a folder for each partition that it is given.
//
// Beside its offset the group holds for people to see, "v1 watermark=17.. awaits=logs/3": what a partition
// has judged up to, and which raw partition holds that back; neither word where there is none.
//
// A partition of alerts is that of matches. An alert is told after what led to it is stored, with the offset
// that this was read up to; the group gets to know an offset when all that was told of it is acknowledged.
// What is told twice is the same alert with the same offset, or an older one: readers keep the greatest.
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
#include "ingest/topic_log.h"
#include "runtime/correlate_partition.h"
#include "runtime/pipeline_fault.h"
#include "runtime/rule_epochs.h"

namespace redthread {

// One per thread. After a failure it is of no more use: another one begins with what is on disk.
class CorrelateStage {
 public:
  struct Options {
    std::string data_dir;  // a folder in it for each partition
    std::string matches = "redthread.matches";
    std::string alerts = "redthread.alerts";
    // Of each partition; memory is that of all partitions together.
    CorrelatePartition::Options partition;
    int32_t partitions = 1;  // of the topics
    Nanoseconds commit_interval = std::chrono::milliseconds(100);
    uint64_t commit_records = 10'000;
    // The record that is told of an alert; `at`: the offset in `matches` that it stands on.
    std::function<std::string(const Alert& alert, uint64_t at)> render;
    std::function<void(const std::string&)> on_problem;  // may be empty
    std::function<void(PipelineFault)> on_fault;         // as well, of each; may be empty
    std::function<void(Nanoseconds)> on_commit;          // how long all stood still for it; may be empty
  };
  struct Counts {
    uint64_t records = 0;
    uint64_t told = 0;            // alerts, each change
    uint64_t restored = 0;        // partitions whose folder was not there or of no use
    uint64_t replayed = 0;        // records read again for that
    uint64_t beyond_horizon = 0;  // matches that came too late for correlation
  };

  // `reader`: a member of the group that reads the topic of matches. All outlive the stage.
  CorrelateStage(Options options, TopicReader* reader, TopicWriter* writer, RuleEpochs* rules, Clock* clock);
  ~CorrelateStage();

  // As DetectStage::Turn.
  Status Turn(Nanoseconds at_most);
  // Every partition that was given to this member, if any, has seen all its sources end, and told what
  // followed.
  bool finished() const;
  // Finishes what was read, and gives all back. To be called once, instead of Turn.
  Status Stop();
  // As of DetectStage.
  size_t owned() const;
  const Counts& counts() const { return counts_; }

 private:
  struct Owned {
    KafkaPartition name;
    std::unique_ptr<CorrelatePartition> fold;
    uint64_t told_to = 0;         // the group's: nothing that stands on records below is told again
    uint64_t sent = 0;            // the number of the last change that was sent
    uint64_t last_offset = 0;     // that the group was told
    uint64_t beyond_horizon = 0;  // as counted
    Nanoseconds step_began{0};
    bool seen_end = false;  // all that was there has been read, once
    bool stopped = false;
  };
  // What the writer is to have acknowledged before it counts as told.
  struct Pending {
    uint64_t number = 0;
    uint32_t tag = 0;
    uint64_t sequence = 0;
    uint64_t offset = 0;
  };

  Status TakeNews(Nanoseconds at_most);
  Status Open(const TopicReader::Given& given);
  Status Apply(const KafkaRecords::Record& record);
  Status CommitDue(bool now);
  Status CommitOne(uint32_t tag);
  Status TellAlerts(uint32_t tag);
  Status TakeAcknowledged();
  static GroupPosition PositionOf(const Owned& owned);
  Status GiveBack();
  void Tell(const std::string& text) const;
  void Count(PipelineFault fault) const;

  const Options options_;
  TopicReader* const reader_;
  TopicWriter* const writer_;
  RuleEpochs* const rules_;
  Clock* const clock_;
  Counts counts_;
  std::vector<std::unique_ptr<Owned>> owned_;  // by tag
  std::deque<Pending> pending_;
  uint64_t last_number_ = 0;  // of the writer
};

}  // namespace redthread
