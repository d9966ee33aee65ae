// ClusterWatch: asks a cluster now and then what it holds, in a thread of its own. Private to the folder, as
// rdkafka.h.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "ingest/kafka_cluster.h"

namespace redthread {

// Thread-safe.
class ClusterWatch {
 public:
  // Looks at once, then every `interval`; after a look that failed sooner. `client` lives longer.
  ClusterWatch(rd_kafka_t* client, TopicFilter topics, Nanoseconds interval);
  // Waits for the look under way.
  ~ClusterWatch();
  ClusterWatch(const ClusterWatch&) = delete;
  ClusterWatch& operator=(const ClusterWatch&) = delete;

  // The newest look that was not taken yet.
  std::optional<KafkaView> Take();
  // Has the next look happen at once.
  void LookAgain();

  // Which partitions views do not call unread.
  void SetRead(const KafkaPartition& partition);
  void SetUnread(const KafkaPartition& partition);
  void SetAllUnread();

 private:
  void Look();

  rd_kafka_t* const client_;
  const TopicFilter topics_;
  const Nanoseconds interval_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable look_;
  std::set<KafkaPartition> reading_;
  std::optional<KafkaView> view_;
  bool look_now_ = true;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace redthread
