// KafkaConsumer: the records of the partitions that it is told to read, from the offsets that it is told.
//
// Which partitions there are it finds out by itself, in a thread that asks the cluster now and then; where
// each is read from, its user says, who keeps the positions. So there is no consumer group to be a member of,
// no rebalance, and no position of Kafka's that could be ahead of what is stored here: offsets are told to
// Kafka afterwards, and only so that its tools show lag.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"
#include "ingest/kafka_partition.h"
#include "ingest/kafka_settings.h"

namespace redthread {

// A partition that is there and not read yet, with the offsets of its first record and behind its last.
struct KafkaOffsets {
  KafkaPartition partition;
  int64_t low = 0;
  int64_t high = 0;
};

// What the cluster was found to hold at one look.
struct KafkaView {
  Status status;  // when it could not be asked: all else is empty then
  int brokers = 0;
  std::string cluster;                     // its id
  std::vector<KafkaPartition> present;     // all partitions of the topics wanted, in order
  std::vector<KafkaOffsets> unread;        // those of them that are not read
  std::vector<std::string> missing;        // topics named that are not there
  std::vector<KafkaPartition> leaderless;  // of those present: nobody can read them now
};

// What one Poll brought. Texts live until the next one.
struct KafkaRecords {
  struct Record {
    uint32_t tag = 0;  // Read's
    int64_t offset = 0;
    std::optional<Timestamp> written;  // by the broker's or the producer's clock, as the topic is set up
    std::string_view value;            // of a tombstone: empty
    bool appended = false;             // `written` is when the broker took it
    // The value without a line end, which belongs to how the producer wrote it, as that of a file does.
    std::string_view text() const;
  };
  struct Failure {
    uint32_t tag = 0;
    Status status;
    bool offset_lost = false;  // the offset is not there (any more): reading has stopped
    // Checksums are wrong, or what they protect makes no sense. Nothing of the partition comes any more until
    // it is left and read again: librdkafka's own position is not to be trusted from there on.
    bool unreadable = false;
  };
  std::vector<Record> records;                       // of a partition in order of offsets
  std::vector<std::pair<uint32_t, int64_t>> at_end;  // read up to that offset, which was the end then
  std::vector<Failure> failures;
  bool drained = false;  // nothing else was waiting
  // No broker can be reached, or none lets us in: what was at its end may not be any more.
  std::optional<Status> lost;
  std::vector<std::string> log;  // what librdkafka has to say, warnings and worse
};

// What is kept of the record that was read last, to know it again: of its text and when it was written; never
// 0.
uint64_t FingerprintOf(const KafkaRecords::Record& record);

// One per thread; has threads of its own.
class KafkaConsumer {
 public:
  struct Options {
    KafkaSettings settings;
    TopicFilter topics;
    Nanoseconds refresh_interval = std::chrono::seconds(10);  // between looks at what topics there are
    size_t max_records = 4096;                                // of one Poll
  };

  // Asks no broker yet: that one cannot be reached is told by views. kInvalid: settings.
  static Result<std::unique_ptr<KafkaConsumer>> Start(Options options);
  ~KafkaConsumer();
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  // The newest look at the cluster that was not taken yet.
  std::optional<KafkaView> TakeView();
  // Has the next look happen at once.
  void LookAgain();

  // Begins to read a partition at that offset. Its records carry `tag`.
  Status Read(const KafkaPartition& partition, int64_t offset, uint32_t tag);
  // Ends it; the next look finds it unread. Records that were on their way are dropped by Poll; read it again
  // only after one that has drained them.
  Status Leave(const KafkaPartition& partition);

  // What has arrived, without waiting.
  const KafkaRecords& Poll();

  // Tells Kafka how far was read, for its tools to show. Does not wait; failures come as log lines.
  void TellPositions(const std::vector<std::pair<KafkaPartition, int64_t>>& next_offsets);
  // Waits until what was told has arrived, or for so long.
  void FinishTelling(Nanoseconds at_most);

 private:
  struct Client;
  explicit KafkaConsumer(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace redthread
