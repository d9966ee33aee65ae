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

Status AskOffsets(rd_kafka_t* client, OffsetEnd which, int milliseconds,
                  rd_kafka_topic_partition_list_t* list) {
  if (list->cnt == 0) return Status::Ok();
  // Of the time that is asked for these two mean the ends, as in the protocol (ListOffsets).
  for (int i = 0; i < list->cnt; ++i)
    list->elems[i].offset = which == OffsetEnd::kFirst ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list, milliseconds);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  return RdStatus("cannot ask for offsets", error);
}

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
  const RdPartitions first(rd_kafka_topic_partition_list_new(static_cast<int>(view.present.size())));
  for (const KafkaPartition& p : view.present) {
    const bool answers =
        std::find(view.leaderless.begin(), view.leaderless.end(), p) == view.leaderless.end();
    if (known.count(p) == 0 && answers)
      rd_kafka_topic_partition_list_add(first.get(), p.topic.c_str(), p.partition);
  }
  const RdPartitions behind(rd_kafka_topic_partition_list_copy(first.get()));
  // Those that do not answer are looked at again the next time.
  if (!AskOffsets(client, OffsetEnd::kFirst, kAnswerMilliseconds, first.get()).ok() ||
      !AskOffsets(client, OffsetEnd::kBehindLast, kAnswerMilliseconds, behind.get()).ok())
    return view;
  for (int i = 0; i < first->cnt; ++i) {
    const rd_kafka_topic_partition_t& low = first->elems[i];
    const rd_kafka_topic_partition_t& high = behind->elems[i];
    if (low.err == RD_KAFKA_RESP_ERR_NO_ERROR && high.err == RD_KAFKA_RESP_ERR_NO_ERROR)
      view.unread.push_back({{low.topic, low.partition}, low.offset, high.offset});
  }
  return view;
}

}  // namespace redthread
