#include "ingest/kafka_producer.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "ingest/rdkafka.h"

namespace redthread {

namespace {

// How long one wait for room in the queue is.
constexpr int kWaitMilliseconds = 100;

// More than memory has room for, of records of any size.
constexpr const char* kMaxQueuedRecords = "1000000";
constexpr size_t kMaxLogLines = 1000;

// Of librdkafka's log: emergencies to warnings. Source: syslog(3).
constexpr int kWarning = 4;

// Lines of the log about settings that are no news: of readers, and that a property of ours is experimental.
bool IsExpected(const std::string& line) {
  return IsForeignProperty(line) ||
         line.find("enable.gapless.guarantee is experimental") != std::string::npos;
}

// What is only the consequence of another failure.
bool IsConsequence(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__FATAL || error == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE ||
         error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

}  // namespace

struct KafkaProducer::Client {
  Options options;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;     // all up to this number
  std::deque<bool> outstanding;  // of acknowledged + 1 and on: whether each is
  Status failure;                // for ever
  bool failure_is_reason = false;
  Status trouble;  // the last that librdkafka has told and may get over
  std::vector<std::string> log;
  RdKafka client;

  Status Open();
  void Fail(Status status, bool is_reason);
  void OnDelivered(const rd_kafka_message_t& message);
  void OnError(rd_kafka_resp_err_t error, const char* reason);
  Status Refusal(const std::string& topic, int32_t partition, rd_kafka_resp_err_t error,
                 const std::string& detail) const;
};

// ---- starting

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::Start(Options options) {
  auto client = std::make_unique<Client>();
  client->options = std::move(options);
  RT_RETURN_IF_ERROR(client->Open());
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(client)));
}

Status KafkaProducer::Client::Open() {
  KafkaSettings settings = options.settings;
  settings.group.clear();
  const auto linger = std::chrono::duration_cast<std::chrono::milliseconds>(options.linger).count();
  settings.properties.insert(settings.properties.begin(), {{"compression.codec", options.compression},
                                                           {"linger.ms", std::to_string(linger)},
                                                           {"reconnect.backoff.max.ms", "5000"}});
#if RD_KAFKA_VERSION >= 0x02050000
  settings.properties.insert(settings.properties.begin(), {"enable.metrics.push", "false"});
#endif
  const size_t kib = std::max<size_t>(1, options.max_queued_bytes >> 10);
  for (const auto& [name, value] : {std::pair<std::string, std::string>("enable.idempotence", "true"),
                                    {"enable.gapless.guarantee", "true"},
                                    {"acks", "all"},
                                    {"max.in.flight.requests.per.connection", "5"},
                                    {"message.timeout.ms", "0"},
                                    {"message.max.bytes", std::to_string(options.max_record_bytes)},
                                    {"queue.buffering.max.kbytes", std::to_string(kib)},
                                    {"queue.buffering.max.messages", kMaxQueuedRecords},
                                    {"log.queue", "true"}})
    settings.properties.emplace_back(name, value);
  Result<RdConf> conf = ConfOf(settings);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    static_cast<Client*>(self)->OnDelivered(*message);
  });
  rd_kafka_conf_set_error_cb(conf->get(), [](rd_kafka_t*, int error, const char* reason, void* self) {
    static_cast<Client*>(self)->OnError(static_cast<rd_kafka_resp_err_t>(error), reason);
  });
  rd_kafka_conf_set_log_cb(
      conf->get(), [](const rd_kafka_t* rk, int level, const char* facility, const char* text) {
        auto* const own = static_cast<Client*>(rd_kafka_opaque(rk));
        std::string line = std::string(facility) + ": " + text;
        const bool is_news = level <= kWarning && !IsExpected(line) && own->log.size() < kMaxLogLines;
        if (is_news) own->log.push_back(std::move(line));
      });
  Result<RdKafka> opened = ClientOf(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!opened.ok()) return opened.status();
  client = std::move(*opened);
  rd_kafka_set_log_queue(client.get(), nullptr);  // into the one that rd_kafka_poll serves
  return Status::Ok();
}

KafkaProducer::KafkaProducer(std::unique_ptr<Client> client) : client_(std::move(client)) {}

KafkaProducer::~KafkaProducer() {
  rd_kafka_purge(client_->client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

// ---- what becomes of records: callbacks, which run in rd_kafka_poll

void KafkaProducer::Client::Fail(Status status, bool is_reason) {
  if (!failure.ok() && (failure_is_reason || !is_reason)) return;
  failure = std::move(status);
  failure_is_reason = is_reason;
  // Nothing that was sent after it is to be written without it.
  rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

void KafkaProducer::Client::OnDelivered(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    // Its own text is no text here: of a message that was sent, librdkafka 2.0.2 takes the value for one.
    Fail(Refusal(rd_kafka_topic_name(message.rkt), message.partition, message.err, ""),
         !IsConsequence(message.err));
    return;
  }
  const uint64_t number = reinterpret_cast<uintptr_t>(message._private);
  outstanding[number - acknowledged - 1] = false;
  while (!outstanding.empty() && !outstanding.front()) {
    outstanding.pop_front();
    ++acknowledged;
  }
}

void KafkaProducer::Client::OnError(rd_kafka_resp_err_t error, const char* reason) {
  if (error != RD_KAFKA_RESP_ERR__FATAL) {
    trouble = RdStatus("Kafka", error, reason);
    return;
  }
  char text[512] = "";
  const rd_kafka_resp_err_t why = rd_kafka_fatal_error(client.get(), text, sizeof text);
  Fail(RdStatus("Kafka", why, text), !IsConsequence(why));
}

Status KafkaProducer::Client::Refusal(const std::string& topic, int32_t partition, rd_kafka_resp_err_t error,
                                      const std::string& detail) const {
  const std::string path = KafkaPartition{topic, partition}.Path();
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return Status::Limit("a record for " + path +
                           " is larger than the topic allows; set its `max.message.bytes` to " +
                           std::to_string(options.max_record_bytes) + " (kafka-configs)");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return Status::NotFound("there is no topic `" + topic + "` to write to; make it");
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Status::NotFound("there is no partition " + path +
                              " to write to; give the topic as many partitions");
    default:
      return RdStatus("cannot write to " + path, error, detail);
  }
}

// ---- records

Result<uint64_t> KafkaProducer::Send(const std::string& topic, int32_t partition, std::string_view key,
                                     std::string_view value) {
  Client& own = *client_;
  if (own.failure.ok() && key.size() + value.size() > own.options.max_record_bytes)
    own.Fail(Status::Limit("a record of " + std::to_string(key.size() + value.size()) + " bytes for topic " +
                           topic + ": more than the " + std::to_string(own.options.max_record_bytes) +
                           " that are allowed"),
             true);
  while (own.failure.ok()) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        own.client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
        RD_KAFKA_V_VALUE(value.empty() ? nullptr : const_cast<char*>(value.data()), value.size()),
        RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(static_cast<uintptr_t>(own.sent + 1))), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      own.outstanding.push_back(true);
      return ++own.sent;
    }
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
      rd_kafka_poll(own.client.get(), kWaitMilliseconds);
    else
      own.Fail(own.Refusal(topic, partition, error, ""), !IsConsequence(error));
  }
  // The reason may be under way still.
  rd_kafka_poll(own.client.get(), 0);
  return own.failure;
}

Result<uint64_t> KafkaProducer::Acknowledged() {
  rd_kafka_poll(client_->client.get(), 0);
  if (!client_->failure.ok()) return client_->failure;
  return client_->acknowledged;
}

Status KafkaProducer::Flush(Nanoseconds at_most) {
  Client& own = *client_;
  const auto milliseconds =
      std::min<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(at_most).count(), INT32_MAX);
  if (own.failure.ok()) rd_kafka_flush(own.client.get(), static_cast<int>(milliseconds));
  const Result<uint64_t> acknowledged = Acknowledged();
  if (!acknowledged.ok()) return acknowledged.status();
  if (*acknowledged == own.sent) return Status::Ok();
  return Status::Unavailable(std::to_string(own.sent - *acknowledged) + " records are not acknowledged" +
                             (own.trouble.ok() ? "" : ": " + own.trouble.message()));
}

std::vector<std::string> KafkaProducer::TakeLog() { return std::exchange(client_->log, {}); }

}  // namespace redthread
