#include "ingest/kafka_cluster.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace redthread {

namespace {

struct FreeId {
  void operator()(char* id) const { std::free(id); }
};

Status Ask(rd_kafka_t* client, RdMetadata* metadata) {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 1, nullptr, &answer, kAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return RdStatus("no broker answers", error);
  metadata->reset(answer);
  return Status::Ok();
}

void ViewTopic(const rd_kafka_metadata_topic_t& topic, KafkaView* view) {
  for (int i = 0; i < topic.partition_cnt; ++i) {
    view->present.push_back({topic.topic, topic.partitions[i].id});
    if (topic.partitions[i].leader < 0) view->leaderless.push_back(view->present.back());
  }
}

}  // namespace

Status AddPosition(const GroupPosition& position, rd_kafka_topic_partition_list_t* list) {
  rd_kafka_topic_partition_t* const p =
      rd_kafka_topic_partition_list_add(list, position.partition.topic.c_str(), position.partition.partition);
  p->offset = position.next_offset;
  if (position.note.empty()) return Status::Ok();
  p->metadata = std::malloc(position.note.size());  // the list frees it
  if (p->metadata == nullptr) return Status::Limit("no memory for the note of a position");
  p->metadata_size = position.note.size();
  std::memcpy(p->metadata, position.note.data(), p->metadata_size);
  return Status::Ok();
}

KafkaRecords::Record RecordOf(const rd_kafka_message_t& message) {
  KafkaRecords::Record record;
  record.offset = message.offset;
  record.value = {static_cast<const char*>(message.payload), message.len};
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t milliseconds = rd_kafka_message_timestamp(&message, &type);
  constexpr int64_t kMost = INT64_MAX / 1'000'000;
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && milliseconds >= 0 && milliseconds < kMost)
    record.written = Timestamp() + std::chrono::milliseconds(milliseconds);
  record.appended = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
  return record;
}

KafkaView ViewCluster(rd_kafka_t* client, const TopicFilter& topics, const std::set<KafkaPartition>& known) {
  KafkaView view;
  RdMetadata metadata;
  view.status = Ask(client, &metadata);
  if (!view.status.ok()) return view;
  const std::unique_ptr<char, FreeId> cluster(rd_kafka_clusterid(client, kAnswerMilliseconds));
  if (cluster == nullptr) {
    view.status = Status::Unavailable("the brokers do not say which cluster they are");
    return view;
  }
  view.cluster = cluster.get();
  view.brokers = metadata->broker_cnt;
  view.missing = topics.names();
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || !topics.Matches(topic.topic)) continue;
    std::erase(view.missing, topic.topic);
    ViewTopic(topic, &view);
  }
  std::sort(view.present.begin(), view.present.end());
  for (const KafkaPartition& p : view.present) {
    const bool answers =
        std::find(view.leaderless.begin(), view.leaderless.end(), p) == view.leaderless.end();
    if (known.count(p) > 0 || !answers) continue;
    KafkaOffsets offsets{p};
    // One that does not answer is looked at again the next time.
    if (rd_kafka_query_watermark_offsets(client, p.topic.c_str(), p.partition, &offsets.low, &offsets.high,
                                         kAnswerMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR)
      view.unread.push_back(std::move(offsets));
  }
  return view;
}

}  // namespace redthread
