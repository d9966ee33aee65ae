// KafkaGroup: a member of a consumer group, over the brokers.
//
// Of a group it takes what only the group can give: which partitions are this member's, and a place for
// positions that no other member can write to. Where reading goes on its user says, who has the positions
// too. Every rebalance takes all partitions back (the group's old protocol, assignor `range`): the
// cooperative ones that keep some are broken in librdkafka before 2.10.1. So that rebalances are rare,
// members have names (Options::instance): one that comes back by its name within the session timeout gets
// what it had, and the others hear nothing of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/topic_log.h"

namespace redthread {

// One per thread; has threads of its own, which tell the group that the member lives.
class KafkaGroup final : public TopicReader {
 public:
  struct Options {
    KafkaSettings settings;           // `group` is the group's name
    std::vector<std::string> topics;  // names and patterns, as TopicFilter's
    std::string instance;             // the member's name (group.instance.id), its own in the group; "": none
    // A member that is not heard of for so long is out. The brokers allow 6 s to 30 min, if not set up
    // otherwise.
    Nanoseconds session_timeout = std::chrono::seconds(10);
    // One that is out for good in librdkafka's eyes joins anew after so long. That another process has its
    // name is one reason, and then they take turns; a broker that restarts at the wrong moment is another.
    Nanoseconds rejoin_after = std::chrono::seconds(10);
    Nanoseconds refresh_interval = std::chrono::seconds(10);  // between looks at what topics there are
    size_t max_records = 4096;                                // of one Poll
  };

  // Joins by and by; asks no broker yet. kInvalid: settings, topics.
  static Result<std::unique_ptr<KafkaGroup>> Start(Options options);
  // Leaves the group at once; a member that has a name is waited for as long as the session timeout.
  ~KafkaGroup() override;
  KafkaGroup(const KafkaGroup&) = delete;
  KafkaGroup& operator=(const KafkaGroup&) = delete;

  // As TopicReader says, and:
  // - asked_back and lost are in every News until GiveBack.
  // - records.lost also says that the group does not take this member, and why.
  // - Given is told once the brokers have said how far the group has read, which may be later for some.
  // - It must be called every five minutes at the least, or the group takes the member for dead.
  const News& Poll(Nanoseconds at_most) override;
  // kNotFound: the partition is not given to this member. kUnavailable: it was, and is to be given back.
  Status Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) override;
  void Pause(const KafkaPartition& partition, bool paused) override;
  // One after another: while one is under way, the newest of later ones waits for it.
  void Commit(const std::vector<GroupPosition>& positions) override;
  // Waits for as long as the session timeout.
  Status CommitNow(const std::vector<GroupPosition>& positions) override;
  void GiveBack() override;
  std::optional<KafkaView> TakeView() override;

 private:
  struct Client;
  explicit KafkaGroup(std::unique_ptr<Client> client);
  Status Rejoin();
  std::unique_ptr<Client> client_;
};

}  // namespace redthread
