// What the stages of the pipeline see of Kafka: TopicReader, a member of a consumer group with the partitions
// that it is given, and TopicWriter, records to partitions that the caller names.
//
// Interfaces, because every way in which a broker can delay, repeat and take away is also played through by a
// simulation. The real ones: kafka_group.h, kafka_producer.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "ingest/kafka_consumer.h"
#include "ingest/kafka_partition.h"

namespace redthread {

// How far a group has read a partition, as it lies with the group.
struct GroupPosition {
  KafkaPartition partition;
  int64_t next_offset = 0;
  std::string note;  // of ours, beside the offset and written together with it: ASCII, up to 4,096 bytes
};

// A member of a group. One per thread.
class TopicReader {
 public:
  // A partition that this member is to read from now on.
  struct Given {
    KafkaPartition partition;
    std::optional<GroupPosition> position;  // nothing: the group has never read it
    int64_t low = 0;                        // the offset of the first record that is there
  };
  // What one Poll brought. Texts live until the next one.
  struct News {
    std::vector<Given> given;  // none of them comes before Read was called for it
    // All partitions are to be given back: finish what was read, CommitNow, then GiveBack. Until then
    // nobody else gets them, for as long as the group waits.
    bool asked_back = false;
    // They are somebody else's already: nothing can be committed any more. Forget them, and GiveBack.
    bool lost = false;
    KafkaRecords records;                 // tags are Read's
    std::optional<Status> not_committed;  // what the group said to a Commit
  };

  virtual ~TopicReader() = default;

  // What has arrived, waiting at most so long for something to arrive.
  virtual const News& Poll(Nanoseconds at_most) = 0;

  // Begins to read a partition that was given. Its records carry `tag`.
  virtual Status Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) = 0;
  // Reads it no more for now, or again: a partition whose consumer cannot keep up with the others'.
  virtual void Pause(const KafkaPartition& partition, bool paused) = 0;

  // Tells the group how far was read. Only the member that a partition is given to can. Commit does not wait
  // (News::not_committed); CommitNow does, and fails with kUnavailable when the group does not take it.
  virtual void Commit(const std::vector<GroupPosition>& positions) = 0;
  virtual Status CommitNow(const std::vector<GroupPosition>& positions) = 0;

  // The answer to News::asked_back and News::lost.
  virtual void GiveBack() = 0;

  // All partitions of the topics that the group reads, whoever reads them, by the newest look at the cluster;
  // nothing when there was none since the last call.
  virtual std::optional<KafkaView> TakeView() = 0;
};

// Records to partitions, in the order of Send, each once: a record is never in a partition without all those
// that were sent to it before. One per thread.
class TopicWriter {
 public:
  virtual ~TopicWriter() = default;

  // Queues a record, and waits while too much is queued. Its number: 1, 2, ...
  virtual Result<uint64_t> Send(const std::string& topic, int32_t partition, std::string_view key,
                                std::string_view value) = 0;
  // The brokers have acknowledged every record up to that number. A record that cannot be delivered, ever,
  // is a failure, after which nothing more can be sent: begin again with a new writer.
  virtual Result<uint64_t> Acknowledged() = 0;
  // Waits until all records are acknowledged; kUnavailable when they are not within that time.
  virtual Status Flush(Nanoseconds at_most) = 0;
};

}  // namespace redthread
