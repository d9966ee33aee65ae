#include "ingest/topic_dump.h"

#include <algorithm>

#include "ingest/consumer_client.h"
#include "ingest/kafka_cluster.h"

namespace redthread {

namespace {

constexpr size_t kMaxMessages = 4096;
constexpr auto kWait = std::chrono::milliseconds(100);

class TopicDump {
 public:
  TopicDump(const std::string& topic, const std::function<Status(const TopicRecord&)>& visit,
            Nanoseconds patience)
      : topic_(topic), visit_(visit), patience_(patience) {
    Progress();
  }

  Status Open(KafkaSettings settings) {
    if (settings.group.empty()) settings.group = "redthread";  // a consumer without one cannot be one
    return consumer_.Open(std::move(settings), {}, {});
  }
  Status Begin(const TopicOffsets& from);
  Status Read();
  TopicOffsets Next() const;

 private:
  struct Span {
    int64_t next = 0;
    int64_t end = 0;
  };

  void Progress() { deadline_ = std::chrono::steady_clock::now() + patience_; }
  bool IsLate() const { return std::chrono::steady_clock::now() >= deadline_; }
  Status Look(std::vector<KafkaOffsets>* found);
  Status Take(const rd_kafka_message_t& message);
  Status Finish(int32_t partition, Span* span);
  RdPartitions One(int32_t partition, int64_t offset) const {
    RdPartitions list(rd_kafka_topic_partition_list_new(1));
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset = offset;
    return list;
  }

  const std::string& topic_;
  const std::function<Status(const TopicRecord&)>& visit_;
  const Nanoseconds patience_;
  std::chrono::steady_clock::time_point deadline_;
  std::map<int32_t, Span> spans_;
  size_t unfinished_ = 0;
  Status trouble_;  // the last that librdkafka told
  ConsumerClient consumer_;
};

// All partitions with their offsets, once all of them have somebody who answers.
Status TopicDump::Look(std::vector<KafkaOffsets>* found) {
  const Result<TopicFilter> filter = TopicFilter::Of({topic_});
  if (!filter.ok()) return filter.status();
  for (;;) {
    KafkaView view = ViewCluster(consumer_.get(), *filter, {});
    if (view.status.ok() && !view.missing.empty())
      return Status::NotFound("there is no topic `" + topic_ + "`");
    if (view.status.ok() && view.unread.size() == view.present.size()) {
      *found = std::move(view.unread);
      return Status::Ok();
    }
    consumer_.PollMessages(kWait, 1);
    if (consumer_.polled().lost.has_value()) trouble_ = *consumer_.polled().lost;
    if (!trouble_.ok() && trouble_.code() == StatusCode::kDenied) return trouble_;
    if (!IsLate()) continue;
    if (!view.status.ok()) return trouble_.ok() ? view.status : trouble_;
    return Status::Unavailable(
        "nobody leads " + (view.leaderless.empty() ? "a partition of " + topic_ : view.leaderless[0].Path()));
  }
}

Status TopicDump::Begin(const TopicOffsets& from) {
  std::vector<KafkaOffsets> partitions;
  RT_RETURN_IF_ERROR(Look(&partitions));
  for (const KafkaOffsets& p : partitions) {
    const int32_t number = p.partition.partition;
    const auto start = from.find(number);
    Span span{p.low, p.high};
    if (start != from.end()) span.next = std::max(p.low, start->second);
    if (span.next > span.end)
      return Status::Invalid(p.partition.Path() + " ends at offset " + std::to_string(span.end) +
                             ", before offset " + std::to_string(span.next) +
                             ", up to which it was read: the topic was made again, or has lost records");
    spans_[number] = span;
    if (span.next == span.end) continue;
    ++unfinished_;
    const RdError error(rd_kafka_incremental_assign(consumer_.get(), One(number, span.next).get()));
    RT_RETURN_IF_ERROR(RdStatus("cannot read " + p.partition.Path(), error));
  }
  return Status::Ok();
}

// Others may go on to write what is not asked for.
Status TopicDump::Finish(int32_t partition, Span* span) {
  span->next = span->end;
  --unfinished_;
  const RdError error(rd_kafka_incremental_unassign(consumer_.get(), One(partition, 0).get()));
  return RdStatus("cannot leave a partition of " + topic_, error);
}

Status TopicDump::Take(const rd_kafka_message_t& message) {
  const auto found = message.rkt == nullptr ? spans_.end() : spans_.find(message.partition);
  if (found == spans_.end()) return Status::Ok();
  Span& span = found->second;
  if (span.next == span.end) return Status::Ok();
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
    return message.offset >= span.end ? Finish(message.partition, &span) : Status::Ok();
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return RdStatus("cannot read " + KafkaPartition{topic_, message.partition}.Path() + " at offset " +
                        std::to_string(message.offset),
                    message.err, rd_kafka_message_errstr(&message));
  if (message.offset < span.next) return Status::Ok();
  Progress();
  if (message.offset >= span.end) return Finish(message.partition, &span);
  TopicRecord record;
  record.partition = message.partition;
  record.offset = message.offset;
  record.written = RecordOf(message).written;
  record.key = {static_cast<const char*>(message.key), message.key_len};
  if (message.payload != nullptr)
    record.value = std::string_view(static_cast<const char*>(message.payload), message.len);
  RT_RETURN_IF_ERROR(visit_(record));
  span.next = message.offset + 1;
  if (span.next < span.end) return Status::Ok();
  return Finish(message.partition, &span);
}

Status TopicDump::Read() {
  Progress();
  while (unfinished_ > 0) {
    for (const RdMessage& message : consumer_.PollMessages(kWait, kMaxMessages))
      RT_RETURN_IF_ERROR(Take(*message));
    if (consumer_.polled().lost.has_value()) trouble_ = *consumer_.polled().lost;
    if (IsLate() && unfinished_ > 0)
      return trouble_.ok() ? Status::Unavailable("the brokers do not send the rest of topic " + topic_)
                           : trouble_;
  }
  return Status::Ok();
}

TopicOffsets TopicDump::Next() const {
  TopicOffsets next;
  for (const auto& [partition, span] : spans_) next[partition] = span.next;
  return next;
}

}  // namespace

Result<TopicOffsets> ReadTopic(const KafkaSettings& settings, const std::string& topic,
                               const std::function<Status(const TopicRecord&)>& visit, Nanoseconds patience,
                               TopicOffsets from) {
  TopicDump dump(topic, visit, patience);
  RT_RETURN_IF_ERROR(dump.Open(settings));
  RT_RETURN_IF_ERROR(dump.Begin(from));
  RT_RETURN_IF_ERROR(dump.Read());
  return dump.Next();
}

}  // namespace redthread
