// ConsumerClient: a librdkafka consumer, and what polling it brings. What KafkaConsumer, KafkaGroup and
// ReadTopic share. Private to the folder, as rdkafka.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ingest/kafka_consumer.h"
#include "ingest/rdkafka.h"

namespace redthread {

// One per thread.
class ConsumerClient {
 public:
  using Properties = std::vector<std::pair<std::string, std::string>>;
  // A partition that is read.
  struct Reading {
    uint32_t tag = 0;
    int64_t next_offset = 0;  // of the first record that has not come yet
    bool unreadable = false;  // KafkaRecords::Failure::unreadable has been told
  };

  ConsumerClient() = default;
  ~ConsumerClient() { Close(); }
  ConsumerClient(const ConsumerClient&) = delete;
  ConsumerClient& operator=(const ConsumerClient&) = delete;

  // Called from Poll and Close. Set before Open, or never.
  std::function<void(rd_kafka_resp_err_t, const rd_kafka_topic_partition_list_t&)> on_rebalance;
  std::function<void(rd_kafka_resp_err_t)> on_committed;

  // `defaults` is what the user's settings may change, `own` what they may not; some of `own` every client
  // has. Asks no broker yet. kInvalid: settings.
  Status Open(KafkaSettings settings, const Properties& defaults, const Properties& own);
  // Leaves the group, if it is in one. Nothing else is called any more.
  void Close();
  rd_kafka_t* get() const { return client_.get(); }

  // Lets through the records of a partition from that offset on. That librdkafka fetches them is the caller's
  // to do.
  void Expect(const KafkaPartition& partition, int64_t offset, uint32_t tag);
  // Whether it was expected.
  bool Forget(const KafkaPartition& partition);
  void ForgetAll();
  const std::map<KafkaPartition, Reading>& readings() const { return readings_; }

  // What has arrived, waiting at most so long for the first of it. Lives until the next call of one of these
  // two.
  KafkaRecords& Poll(Nanoseconds at_most, size_t max_records);
  // The same, as librdkafka has it, of all partitions and with failures; polled() has what it told besides.
  std::vector<RdMessage>& PollMessages(Nanoseconds at_most, size_t max_messages);
  KafkaRecords& polled() { return polled_; }

 private:
  void Take(RdMessage message);
  Reading* ReadingOf(const rd_kafka_message_t& message);
  size_t Fetch(int milliseconds, size_t max_messages);
  static void OnError(rd_kafka_t* client, int error, const char* reason, void* self);
  static void OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text);

  std::map<KafkaPartition, Reading> readings_;
  KafkaRecords polled_;
  std::vector<RdMessage> held_;  // what `polled_` points into
  std::vector<RdMessage> messages_;
  std::vector<rd_kafka_message_t*> fetched_;
  bool called_back_ = false;  // on_rebalance, since the beginning of this poll
  // Of the message before: neighbours are mostly of one partition.
  const rd_kafka_topic_t* last_topic_ = nullptr;
  int32_t last_partition_ = -1;
  Reading* last_reading_ = nullptr;

  RdKafka client_;
  RdQueue queue_;
};

}  // namespace redthread
