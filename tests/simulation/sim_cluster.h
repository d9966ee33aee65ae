// SimCluster: a Kafka cluster in memory, on a clock that stands until it is told to go on, as hostile as a
// real one may be and not more: every delay, repetition and loss that the protocol allows, by dice.
//
//   groups     members are asked to give back before partitions move; one that does not poll for a session's
//              time is expelled, and learns of it when it polls again. Only who holds a partition can commit
//   producers  records wait in the client, reach their partitions in order, and are acknowledged later; those
//              of a client that died may still arrive, a beginning of each partition's
//   clients    break at any call, as a process that is killed there: what it did before stays
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "ingest/topic_log.h"
#include "tests/oracle/dice.h"

namespace redthread {

struct SimRecord {
  std::string key, value;
  Timestamp written;
};

class SimReader;

class SimCluster {
 public:
  static constexpr Nanoseconds kSession = std::chrono::seconds(10);

  // Both outlive the cluster.
  SimCluster(Dice* dice, ReplayClock* clock) : dice_(dice), clock_(clock) {}

  void MakeTopic(const std::string& topic, int partitions);
  void Append(const KafkaPartition& partition, std::string_view key, std::string_view value);
  const std::deque<SimRecord>& Log(const KafkaPartition& partition) const { return logs_.at(partition); }
  std::vector<KafkaPartition> PartitionsOf(const std::vector<std::string>& topics) const;

  // Lets time's consequences happen: sessions end, delayed records arrive, partitions are given.
  void Settle();

  Dice* dice() const { return dice_; }
  ReplayClock* clock() const { return clock_; }

 private:
  friend class SimReader;
  friend class SimWriter;
  struct Member {
    SimReader* reader = nullptr;  // null: its process is gone
    Nanoseconds polled{0};
    std::set<KafkaPartition> holds;
    bool asked = false;
  };
  struct Group {
    std::vector<std::string> topics;
    std::map<uint64_t, Member> members;  // by number, never used again
    bool preparing = false;              // partitions are collected, to be given anew
    std::map<KafkaPartition, GroupPosition> positions;
  };
  void Assign(Group* group);

  Dice* dice_;
  ReplayClock* clock_;
  std::map<KafkaPartition, std::deque<SimRecord>> logs_;
  std::map<std::string, Group> groups_;
  uint64_t next_member_ = 1;
  struct Delayed {
    Nanoseconds at{0};
    KafkaPartition partition;
    std::string key, value;
  };
  std::deque<Delayed> delayed_;
};

// What a client's process has in common: when it breaks.
struct SimProcess {
  int calls_left = -1;  // of its clients, until it breaks; -1: it does not
  bool broken = false;
  // False when it has just broken, or long ago.
  bool Call() {
    if (calls_left > 0 && --calls_left == 0) broken = true;
    return !broken;
  }
};

class SimReader final : public TopicReader {
 public:
  // Changes what is read, on its way: for mutants. May be empty.
  using Filter = std::function<std::string(const KafkaPartition&, const std::string& value)>;

  // Joins the group. All outlive the reader.
  SimReader(SimCluster* cluster, SimProcess* process, const std::string& group,
            const std::vector<std::string>& topics, Filter filter = {});
  // Leaves it, if everything was given back; else the group finds out.
  ~SimReader() override;

  const News& Poll(Nanoseconds at_most) override;
  Status Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) override;
  void Pause(const KafkaPartition& partition, bool paused) override;
  void Commit(const std::vector<GroupPosition>& positions) override;
  Status CommitNow(const std::vector<GroupPosition>& positions) override;
  void GiveBack() override;
  std::optional<KafkaView> TakeView() override;

 private:
  friend class SimCluster;
  struct Reading {
    uint32_t tag = 0;
    uint64_t next = 0;
    bool paused = false;
    bool told_end = false;
  };
  SimCluster::Group& group() { return cluster_->groups_[name_]; }
  bool expelled() { return group().members.count(member_) == 0; }
  void Fetch();

  SimCluster* cluster_;
  SimProcess* process_;
  std::string name_;
  uint64_t member_;
  Filter filter_;
  News news_;
  std::vector<Given> given_;  // not told yet
  std::map<KafkaPartition, Reading> reading_;
  std::deque<std::string> texts_;  // of the last Poll
  bool viewed_ = false;
};

class SimWriter final : public TopicWriter {
 public:
  SimWriter(SimCluster* cluster, SimProcess* process) : cluster_(cluster), process_(process) {}
  // Some of what is under way may still arrive.
  ~SimWriter() override;

  Result<uint64_t> Send(const std::string& topic, int32_t partition, std::string_view key,
                        std::string_view value) override;
  Result<uint64_t> Acknowledged() override;
  Status Flush(Nanoseconds at_most) override;

 private:
  struct UnderWay {
    uint64_t number = 0;
    std::string key, value;
  };
  // Lets up to so many records reach their partitions.
  void Arrive(size_t count);

  SimCluster* cluster_;
  SimProcess* process_;
  uint64_t last_ = 0;
  std::map<KafkaPartition, std::deque<UnderWay>> under_way_;
  std::set<uint64_t> arrived_;      // and not acknowledged
  std::set<uint64_t> outstanding_;  // not acknowledged
};

}  // namespace redthread
