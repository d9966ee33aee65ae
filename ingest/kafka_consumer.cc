#include "ingest/kafka_consumer.h"

#include <algorithm>
#include <cstring>

#include "core/hash.h"
#include "ingest/cluster_watch.h"
#include "ingest/consumer_client.h"
#include "ingest/rdkafka.h"

namespace redthread {

std::string_view KafkaRecords::Record::text() const {
  std::string_view text = value;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

uint64_t FingerprintOf(const KafkaRecords::Record& record) {
  const Hash128 hash = HashBytes(record.value);
  uint64_t mark = 0;
  std::memcpy(&mark, hash.data(), sizeof mark);
  const int64_t written = record.written.has_value() ? (*record.written - Timestamp()).count() : 0;
  mark ^= static_cast<uint64_t>(written) * 0x9E3779B97F4A7C15u;
  return mark == 0 ? 1 : mark;
}

struct KafkaConsumer::Client {
  size_t max_records = 0;
  size_t telling = 0;  // commits of offsets under way
  bool told_telling_failed = false;
  ConsumerClient consumer;
  std::unique_ptr<ClusterWatch> watch;

  void OnTold(rd_kafka_resp_err_t error);
};

void KafkaConsumer::Client::OnTold(rd_kafka_resp_err_t error) {
  if (telling > 0) --telling;
  const bool failed = error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET;
  if (failed && !told_telling_failed)
    consumer.polled().log.push_back(
        RdStatus("Kafka does not take our positions, so its tools show no lag; nothing else depends on it",
                 error)
            .message());
  told_telling_failed = failed;
}

// ---- starting

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Start(Options options) {
  auto client = std::make_unique<Client>();
  Client* const own = client.get();
  own->max_records = options.max_records;
  own->consumer.on_committed = [own](rd_kafka_resp_err_t error) { own->OnTold(error); };
  RT_RETURN_IF_ERROR(own->consumer.Open(std::move(options.settings), {}, {}));
  own->watch = std::make_unique<ClusterWatch>(own->consumer.get(), std::move(options.topics),
                                              options.refresh_interval);
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(client)));
}

KafkaConsumer::KafkaConsumer(std::unique_ptr<Client> client) : client_(std::move(client)) {}

KafkaConsumer::~KafkaConsumer() {
  client_->watch.reset();
  client_->consumer.Close();
}

// ---- which partitions there are

std::optional<KafkaView> KafkaConsumer::TakeView() { return client_->watch->Take(); }

void KafkaConsumer::LookAgain() { client_->watch->LookAgain(); }

// ---- reading

Status KafkaConsumer::Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset =
      offset;
  const RdError error(rd_kafka_incremental_assign(client_->consumer.get(), list.get()));
  RT_RETURN_IF_ERROR(RdStatus("cannot read " + partition.Path(), error));
  client_->consumer.Expect(partition, offset, tag);
  client_->watch->SetRead(partition);
  return Status::Ok();
}

Status KafkaConsumer::Leave(const KafkaPartition& partition) {
  if (!client_->consumer.Forget(partition)) return Status::Ok();
  client_->watch->SetUnread(partition);
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
  return RdStatus("cannot leave " + partition.Path(),
                  RdError(rd_kafka_incremental_unassign(client_->consumer.get(), list.get())));
}

const KafkaRecords& KafkaConsumer::Poll() { return client_->consumer.Poll({}, client_->max_records); }

// ---- positions, for others to see

void KafkaConsumer::TellPositions(const std::vector<std::pair<KafkaPartition, int64_t>>& next_offsets) {
  if (next_offsets.empty()) return;
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(next_offsets.size())));
  for (const auto& [partition, offset] : next_offsets)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset =
        offset;
  if (rd_kafka_commit(client_->consumer.get(), list.get(), 1) == RD_KAFKA_RESP_ERR_NO_ERROR)
    ++client_->telling;
}

void KafkaConsumer::FinishTelling(Nanoseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (client_->telling > 0 && std::chrono::steady_clock::now() < deadline) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client_->consumer.get(), 50);
    if (message != nullptr) rd_kafka_message_destroy(message);
  }
}

}  // namespace redthread
