// KafkaAdmin: what a cluster holds and how its topics are set up; makes topics. For commands, not for the
// pipeline: each call waits for an answer.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "ingest/kafka_consumer.h"
#include "ingest/kafka_settings.h"
#include "ingest/topic_log.h"

namespace redthread {

// A topic to be made.
struct KafkaTopicPlan {
  std::string name;
  int partitions = 1;
  int copies = -1;  // replication factor; -1: as the brokers are set up
  std::vector<std::pair<std::string, std::string>> properties;  // "retention.ms", ...
};

// A topic as it is.
struct KafkaTopic {
  std::string name;
  int partitions = 0;
  int copies = 0;          // the least of its partitions
  int copies_in_sync = 0;  // the same of those that are up to date
  std::map<std::string, std::string> properties;
};

// One per thread.
class KafkaAdmin {
 public:
  // Asks no broker yet. kInvalid: settings.
  static Result<std::unique_ptr<KafkaAdmin>> Open(const KafkaSettings& settings);
  ~KafkaAdmin();
  KafkaAdmin(const KafkaAdmin&) = delete;
  KafkaAdmin& operator=(const KafkaAdmin&) = delete;

  // All that these topics hold, as unread. Errors: kUnavailable, kDenied with the reason that the brokers
  // gave.
  Result<KafkaView> View(const TopicFilter& topics);
  // How topics that are there are set up. Errors: as of View; kDenied without the right to ask.
  Result<std::vector<KafkaTopic>> Describe(const std::vector<std::string>& topics);
  // Makes them all, or says which not and why; kInvalid when there is one already.
  Status Create(const std::vector<KafkaTopicPlan>& topics);
  // Removes topics, with what they hold. The first that cannot be removed is the error; the others are gone.
  Status Delete(const std::vector<std::string>& topics);
  // FingerprintOf the record at that offset; nothing when there is none (any more). Waits for it up to ten
  // seconds, then kUnavailable.
  Result<std::optional<uint64_t>> FingerprintAt(const KafkaPartition& partition, int64_t offset);
  // How far Kafka was told that the settings' group has read: for those partitions of which it was.
  Result<std::map<KafkaPartition, GroupPosition>> ToldPositions(
      const std::vector<KafkaPartition>& partitions);
  // Sets how far the settings' group has read, all or, at an error, perhaps some. kUnavailable while the
  // group has members.
  Status SetPositions(const std::vector<GroupPosition>& positions);
  // Which member of that group reads a partition now: its name, else its host.
  Result<std::map<KafkaPartition, std::string>> Owners(const std::string& group);

 private:
  struct Client;
  Status AwaitTopics(const std::vector<KafkaTopicPlan>& plans);
  explicit KafkaAdmin(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace redthread
