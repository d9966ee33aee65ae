#include "ingest/consumer_client.h"

#include <algorithm>

#include "ingest/kafka_cluster.h"

namespace redthread {

namespace {

// What librdkafka holds that nobody has taken yet. Beyond that it fetches no more; before version 2.2 it then
// sleeps for up to a second, whatever is taken meanwhile, so there it must be what is used up in that time.
#if RD_KAFKA_VERSION >= 0x02020000
constexpr std::pair<const char*, const char*> kFetched[] = {{"queued.max.messages.kbytes", "32768"},
                                                            {"fetch.queue.backoff.ms", "10"}};
#else
constexpr std::pair<const char*, const char*> kFetched[] = {{"queued.max.messages.kbytes", "262144"}};
#endif

// Of librdkafka's log: emergencies to warnings. Source: syslog(3).
constexpr int kWarning = 4;

// A callback does not end librdkafka's waiting, so that waits are this short.
constexpr int64_t kMaxWaitMilliseconds = 50;

// What was fetched is not what was produced, or nothing that this version of the library can read.
bool IsUnreadable(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__BAD_MSG || error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || error == RD_KAFKA_RESP_ERR__UNDERFLOW;
}

}  // namespace

// ---- callbacks

void ConsumerClient::OnError(rd_kafka_t* client, int error, const char* reason, void* self) {
  auto* const own = static_cast<ConsumerClient*>(self);
  auto code = static_cast<rd_kafka_resp_err_t>(error);
  std::string detail = reason;
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512] = "";
    code = rd_kafka_fatal_error(client, text, sizeof text);
    detail = text;
  }
  // One broker of several that is away stops nothing by itself.
  const bool is_lost = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                       code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
  // That all are down is the consequence, not the reason, of what was said before.
  if (is_lost && (!own->polled_.lost.has_value() || code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
    own->polled_.lost = RdStatus("Kafka", code, detail);
}

void ConsumerClient::OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  if (level > kWarning) return;
  auto* const own = static_cast<ConsumerClient*>(rd_kafka_opaque(client));
  own->polled_.log.push_back(std::string(facility) + ": " + text);
}

// ---- the client

Status ConsumerClient::Open(KafkaSettings settings, const Properties& defaults, const Properties& own) {
  Properties properties(std::begin(kFetched), std::end(kFetched));
  properties.emplace_back("reconnect.backoff.max.ms", "5000");
#if RD_KAFKA_VERSION >= 0x02050000
  properties.emplace_back("enable.metrics.push", "false");
#endif
  for (const Properties& more : {defaults, settings.properties, own})
    properties.insert(properties.end(), more.begin(), more.end());
  for (const auto& [name, value] : {std::pair("enable.auto.commit", "false"),
                                    {"enable.auto.offset.store", "false"},
                                    {"auto.offset.reset", "error"},
                                    {"enable.partition.eof", "true"},
                                    {"check.crcs", "true"},
                                    {"log.queue", "true"}})
    properties.emplace_back(name, value);
  settings.properties = std::move(properties);
  Result<RdConf> conf = ConfOf(settings);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_error_cb(conf->get(), OnError);
  rd_kafka_conf_set_log_cb(conf->get(), OnLog);
  if (on_rebalance)
    rd_kafka_conf_set_rebalance_cb(conf->get(), [](rd_kafka_t*, rd_kafka_resp_err_t what,
                                                   rd_kafka_topic_partition_list_t* partitions, void* self) {
      auto* const own_client = static_cast<ConsumerClient*>(self);
      own_client->called_back_ = true;
      own_client->on_rebalance(what, *partitions);
    });
  if (on_committed)
    rd_kafka_conf_set_offset_commit_cb(
        conf->get(), [](rd_kafka_t*, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t*,
                        void* self) { static_cast<ConsumerClient*>(self)->on_committed(error); });
  Result<RdKafka> opened = ClientOf(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!opened.ok()) return opened.status();
  client_ = std::move(*opened);
  rd_kafka_poll_set_consumer(client_.get());
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  rd_kafka_set_log_queue(client_.get(), queue_.get());
  return Status::Ok();
}

void ConsumerClient::Close() {
  if (client_ == nullptr) return;
  polled_ = {};
  held_.clear();
  messages_.clear();
  queue_.reset();
  rd_kafka_consumer_close(client_.get());
  client_.reset();
}

// ---- reading

void ConsumerClient::Expect(const KafkaPartition& partition, int64_t offset, uint32_t tag) {
  readings_[partition] = {tag, offset};
}

bool ConsumerClient::Forget(const KafkaPartition& partition) { return readings_.erase(partition) > 0; }

void ConsumerClient::ForgetAll() { readings_.clear(); }

ConsumerClient::Reading* ConsumerClient::ReadingOf(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return nullptr;
  if (message.rkt == last_topic_ && message.partition == last_partition_) return last_reading_;
  last_topic_ = message.rkt;
  last_partition_ = message.partition;
  const auto found = readings_.find({rd_kafka_topic_name(message.rkt), message.partition});
  last_reading_ = found == readings_.end() ? nullptr : &found->second;
  return last_reading_;
}

void ConsumerClient::Take(RdMessage message) {
  Reading* const reading = ReadingOf(*message);
  if (reading == nullptr) {
    // What ails the group comes as a message of no partition. That a topic is not there, views tell.
    const bool of_group = on_rebalance && (message->rkt == nullptr || message->partition < 0) &&
                          message->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
                          message->err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (of_group) polled_.lost = RdStatus("Kafka", message->err, rd_kafka_message_errstr(message.get()));
    return;
  }
  if (reading->unreadable) return;
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: {
      if (message->offset < reading->next_offset) return;
      reading->next_offset = message->offset + 1;
      KafkaRecords::Record record = RecordOf(*message);
      record.tag = reading->tag;
      polled_.records.push_back(record);
      held_.push_back(std::move(message));
      return;
    }
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (message->offset >= reading->next_offset) polled_.at_end.emplace_back(reading->tag, message->offset);
      return;
    default:
      KafkaRecords::Failure failure{reading->tag,
                                    RdStatus("offset " + std::to_string(message->offset), message->err,
                                             rd_kafka_message_errstr(message.get()))};
      failure.offset_lost = message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
      failure.unreadable = IsUnreadable(message->err);
      reading->unreadable = failure.unreadable;
      polled_.failures.push_back(std::move(failure));
  }
}

size_t ConsumerClient::Fetch(int milliseconds, size_t max_messages) {
  fetched_.resize(max_messages);
  const ssize_t n =
      rd_kafka_consume_batch_queue(queue_.get(), milliseconds, fetched_.data(), fetched_.size());
  for (ssize_t i = 0; i < n; ++i) messages_.emplace_back(fetched_[static_cast<size_t>(i)]);
  return n > 0 ? static_cast<size_t>(n) : 0;
}

std::vector<RdMessage>& ConsumerClient::PollMessages(Nanoseconds at_most, size_t max_messages) {
  polled_ = {};
  held_.clear();
  messages_.clear();
  called_back_ = false;
  // librdkafka waits until it has as many as were asked for: so for one, then for what else is there.
  int64_t left = std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
  while (left > 0 && messages_.empty() && !called_back_) {
    const int64_t wait = std::min(left, kMaxWaitMilliseconds);
    Fetch(static_cast<int>(wait), 1);
    left -= wait;
  }
  if (messages_.size() < max_messages) Fetch(0, max_messages - messages_.size());
  polled_.drained = messages_.size() < max_messages;
  return messages_;
}

KafkaRecords& ConsumerClient::Poll(Nanoseconds at_most, size_t max_records) {
  last_topic_ = nullptr;
  for (RdMessage& message : PollMessages(at_most, max_records)) Take(std::move(message));
  messages_.clear();
  return polled_;
}

}  // namespace redthread
