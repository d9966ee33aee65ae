#include "ingest/kafka_consumer.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/hash.h"
#include "ingest/kafka_cluster.h"
#include "ingest/rdkafka.h"

namespace redthread {

namespace {

// What librdkafka holds that nobody has taken yet; it fetches no more beyond that.
constexpr const char* kMaxFetchedKib = "16384";

// Of librdkafka's log: emergencies to warnings. Source: syslog(3).
constexpr int kWarning = 4;

// What was fetched is not what was produced, or nothing that this version of the library can read.
bool IsUnreadable(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__BAD_MSG || error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || error == RD_KAFKA_RESP_ERR__UNDERFLOW;
}

}  // namespace

uint64_t FingerprintOf(const KafkaRecords::Record& record) {
  const Hash128 hash = HashBytes(record.value);
  uint64_t mark = 0;
  std::memcpy(&mark, hash.data(), sizeof mark);
  const int64_t written = record.written.has_value() ? (*record.written - Timestamp()).count() : 0;
  mark ^= static_cast<uint64_t>(written) * 0x9E3779B97F4A7C15u;
  return mark == 0 ? 1 : mark;
}

struct KafkaConsumer::Client {
  Options options;
  KafkaRecords polled;
  std::vector<RdMessage> held;  // what `polled` points into
  std::vector<rd_kafka_message_t*> taken;
  std::map<KafkaPartition, uint32_t> tags;  // of partitions that are read
  std::set<uint32_t> broken;                // of those that were unreadable
  size_t telling = 0;                       // commits of offsets under way
  bool told_telling_failed = false;

  std::mutex mutex;  // guards what follows
  std::condition_variable look;
  std::set<KafkaPartition> reading;
  std::optional<KafkaView> view;
  bool look_now = true;
  bool stopping = false;

  // Of these the last is gone first: its thread is joined before.
  RdKafka client;
  RdQueue queue;
  std::thread looking;

  Status Open();
  void Look();
  void TakeMessage(RdMessage message);
  std::optional<uint32_t> TagOf(const rd_kafka_message_t& message);
  static void OnError(rd_kafka_t* client, int error, const char* reason, void* self);
  static void OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text);
  static void OnTold(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* offsets,
                     void* self);

  // Of the message before, in `taken`: neighbours are mostly of one partition.
  const rd_kafka_topic_t* last_topic = nullptr;
  int32_t last_partition = -1;
  std::optional<uint32_t> last_tag;
};

// ---- callbacks: they run in Poll

void KafkaConsumer::Client::OnError(rd_kafka_t* client, int error, const char* reason, void* self) {
  auto* const own = static_cast<Client*>(self);
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
  if (is_lost && (!own->polled.lost.has_value() || code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN))
    own->polled.lost = RdStatus("Kafka", code, detail);
}

void KafkaConsumer::Client::OnLog(const rd_kafka_t* client, int level, const char* facility,
                                  const char* text) {
  if (level > kWarning) return;
  auto* const own = static_cast<Client*>(rd_kafka_opaque(client));
  own->polled.log.push_back(std::string(facility) + ": " + text);
}

void KafkaConsumer::Client::OnTold(rd_kafka_t*, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t*,
                                   void* self) {
  auto* const own = static_cast<Client*>(self);
  if (own->telling > 0) --own->telling;
  const bool failed = error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET;
  if (failed && !own->told_telling_failed)
    own->polled.log.push_back(
        RdStatus("Kafka does not take our positions, so its tools show no lag; nothing else depends on it",
                 error)
            .message());
  own->told_telling_failed = failed;
}

// ---- starting

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Start(Options options) {
  auto client = std::make_unique<Client>();
  client->options = std::move(options);
  RT_RETURN_IF_ERROR(client->Open());
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(client)));
}

KafkaConsumer::KafkaConsumer(std::unique_ptr<Client> client) : client_(std::move(client)) {
  Client* const own = client_.get();
  own->looking = std::thread([own] { own->Look(); });
}

KafkaConsumer::~KafkaConsumer() {
  {
    const std::lock_guard lock(client_->mutex);
    client_->stopping = true;
  }
  client_->look.notify_all();
  client_->looking.join();
  client_->polled = {};
  client_->held.clear();
  client_->queue.reset();
  rd_kafka_consumer_close(client_->client.get());
}

Status KafkaConsumer::Client::Open() {
  KafkaSettings settings = options.settings;
  // What the user may change, then what he may not.
  settings.properties.insert(settings.properties.begin(), {{"queued.max.messages.kbytes", kMaxFetchedKib},
                                                           {"reconnect.backoff.max.ms", "5000"}});
#if RD_KAFKA_VERSION >= 0x02050000
  settings.properties.insert(settings.properties.begin(), {"enable.metrics.push", "false"});
#endif
  for (const auto& [name, value] : {std::pair("enable.auto.commit", "false"),
                                    {"enable.auto.offset.store", "false"},
                                    {"auto.offset.reset", "error"},
                                    {"enable.partition.eof", "true"},
                                    {"check.crcs", "true"},
                                    {"log.queue", "true"}})
    settings.properties.emplace_back(name, value);
  Result<RdConf> conf = ConfOf(settings);
  if (!conf.ok()) return conf.status();
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_error_cb(conf->get(), OnError);
  rd_kafka_conf_set_log_cb(conf->get(), OnLog);
  rd_kafka_conf_set_offset_commit_cb(conf->get(), OnTold);
  Result<RdKafka> opened = ClientOf(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!opened.ok()) return opened.status();
  client = std::move(*opened);
  rd_kafka_poll_set_consumer(client.get());
  queue.reset(rd_kafka_queue_get_consumer(client.get()));
  rd_kafka_set_log_queue(client.get(), queue.get());
  return Status::Ok();
}

// ---- which partitions there are: in a thread of its own

void KafkaConsumer::Client::Look() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    look_now = false;
    const std::set<KafkaPartition> known = reading;
    lock.unlock();
    KafkaView found = ViewCluster(client.get(), options.topics, known);
    lock.lock();
    // Meanwhile some may have begun to be read.
    std::erase_if(found.unread, [this](const KafkaOffsets& o) { return reading.count(o.partition) > 0; });
    const bool failed = !found.status.ok();
    view = std::move(found);
    const auto wait = failed ? std::min<Nanoseconds>(options.refresh_interval, std::chrono::seconds(1))
                             : options.refresh_interval;
    look.wait_for(lock, wait, [this] { return stopping || look_now; });
  }
}

std::optional<KafkaView> KafkaConsumer::TakeView() {
  const std::lock_guard lock(client_->mutex);
  return std::exchange(client_->view, std::nullopt);
}

void KafkaConsumer::LookAgain() {
  {
    const std::lock_guard lock(client_->mutex);
    client_->look_now = true;
  }
  client_->look.notify_all();
}

// ---- reading

Status KafkaConsumer::Read(const KafkaPartition& partition, int64_t offset, uint32_t tag) {
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset =
      offset;
  const RdError error(rd_kafka_incremental_assign(client_->client.get(), list.get()));
  RT_RETURN_IF_ERROR(RdStatus("cannot read " + partition.Path(), error));
  client_->tags[partition] = tag;
  client_->broken.erase(tag);
  const std::lock_guard lock(client_->mutex);
  client_->reading.insert(partition);
  if (client_->view.has_value())
    std::erase_if(client_->view->unread, [&](const KafkaOffsets& o) { return o.partition == partition; });
  return Status::Ok();
}

Status KafkaConsumer::Leave(const KafkaPartition& partition) {
  if (client_->tags.erase(partition) == 0) return Status::Ok();
  {
    const std::lock_guard lock(client_->mutex);
    client_->reading.erase(partition);
  }
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition);
  return RdStatus("cannot leave " + partition.Path(),
                  RdError(rd_kafka_incremental_unassign(client_->client.get(), list.get())));
}

std::optional<uint32_t> KafkaConsumer::Client::TagOf(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return std::nullopt;
  if (message.rkt == last_topic && message.partition == last_partition) return last_tag;
  last_topic = message.rkt;
  last_partition = message.partition;
  const auto found = tags.find({rd_kafka_topic_name(message.rkt), message.partition});
  last_tag = found == tags.end() ? std::nullopt : std::optional(found->second);
  return last_tag;
}

void KafkaConsumer::Client::TakeMessage(RdMessage message) {
  const std::optional<uint32_t> tag = TagOf(*message);
  if (!tag.has_value() || broken.count(*tag) > 0) return;
  switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: {
      KafkaRecords::Record record = RecordOf(*message);
      record.tag = *tag;
      polled.records.push_back(record);
      held.push_back(std::move(message));
      return;
    }
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      polled.at_end.emplace_back(*tag, message->offset);
      return;
    default:
      KafkaRecords::Failure failure{*tag, RdStatus("offset " + std::to_string(message->offset), message->err,
                                                   rd_kafka_message_errstr(message.get()))};
      failure.offset_lost = message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
      failure.unreadable = IsUnreadable(message->err);
      if (failure.unreadable) broken.insert(*tag);
      polled.failures.push_back(std::move(failure));
  }
}

const KafkaRecords& KafkaConsumer::Poll() {
  Client& own = *client_;
  own.polled = {};
  own.held.clear();
  own.last_topic = nullptr;
  own.taken.resize(own.options.max_records);
  const ssize_t n = rd_kafka_consume_batch_queue(own.queue.get(), 0, own.taken.data(), own.taken.size());
  for (ssize_t i = 0; i < n; ++i) own.TakeMessage(RdMessage(own.taken[static_cast<size_t>(i)]));
  own.polled.drained = n < static_cast<ssize_t>(own.taken.size());
  return own.polled;
}

// ---- positions, for others to see

void KafkaConsumer::TellPositions(const std::vector<std::pair<KafkaPartition, int64_t>>& next_offsets) {
  if (next_offsets.empty()) return;
  const RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(next_offsets.size())));
  for (const auto& [partition, offset] : next_offsets)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)->offset =
        offset;
  if (rd_kafka_commit(client_->client.get(), list.get(), 1) == RD_KAFKA_RESP_ERR_NO_ERROR) ++client_->telling;
}

void KafkaConsumer::FinishTelling(Nanoseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (client_->telling > 0 && std::chrono::steady_clock::now() < deadline) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client_->client.get(), 50);
    if (message != nullptr) rd_kafka_message_destroy(message);
  }
}

}  // namespace redthread
