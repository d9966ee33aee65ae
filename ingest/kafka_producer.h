// KafkaProducer: writes records to partitions, each once and in order, and gives none of them up.
//
// The producer is idempotent: what it sends again the brokers know. Records never time out, so there is no
// gap behind which others arrive. A record that the brokers refuse stops the producer instead.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/topic_log.h"

namespace redthread {

// One per thread; has threads of its own.
class KafkaProducer final : public TopicWriter {
 public:
  struct Options {
    KafkaSettings settings;
    // What the settings' properties may change.
    std::string compression = "lz4";
    Nanoseconds linger = std::chrono::milliseconds(20);  // how long a batch waits for more records

    // What they may not.
    size_t max_queued_bytes = size_t{64} << 20;  // of records that are not acknowledged
    size_t max_record_bytes = size_t{32} << 20;  // key and value; the topic must allow as much
  };

  // Asks no broker yet. kInvalid: settings.
  static Result<std::unique_ptr<KafkaProducer>> Start(Options options);
  // Does not wait: what was not acknowledged may have been written or not.
  ~KafkaProducer() override;
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  // An empty value is written as none, a tombstone; an empty key as no key.
  // While no broker answers, a full queue has it wait on and on. Failures, which then all calls return:
  // kLimit for a record that is too large; kNotFound for a topic or partition that is not there, which the
  // brokers are asked for half a minute (topic.metadata.propagation.max.ms); else as RdStatus.
  Result<uint64_t> Send(const std::string& topic, int32_t partition, std::string_view key,
                        std::string_view value) override;
  Result<uint64_t> Acknowledged() override;
  Status Flush(Nanoseconds at_most) override;

  // What librdkafka had to say since the last call, warnings and worse.
  std::vector<std::string> TakeLog();

 private:
  struct Client;
  explicit KafkaProducer(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace redthread
