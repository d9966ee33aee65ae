#include "tests/support/kafka.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ingest/kafka_admin.h"
#include "ingest/rdkafka.h"

namespace redthread {
namespace {

constexpr int kMilliseconds = 30'000;

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

RdKafka Client(rd_kafka_type_t type, const std::string& brokers,
               const std::vector<std::pair<std::string, std::string>>& properties = {}) {
  Result<RdConf> conf = ConfOf({{brokers}, "", properties});
  EXPECT_TRUE(conf.ok()) << conf.status().message();
  Result<RdKafka> client = ClientOf(type, std::move(*conf));
  EXPECT_TRUE(client.ok()) << client.status().message();
  return std::move(*client);
}

// Stops the shared broker with the program, however its tests end.
class StopAtEnd final : public testing::Environment {
 public:
  explicit StopAtEnd(std::unique_ptr<TestKafka>* kafka) : kafka_(kafka) {}
  void TearDown() override { kafka_->reset(); }

 private:
  std::unique_ptr<TestKafka>* kafka_;
};

}  // namespace

// ---- brokers

TestKafka* TestKafka::Shared() {
  static std::unique_ptr<TestKafka> kafka;
  static bool tried = false;
  if (!std::exchange(tried, true)) {
    kafka = std::make_unique<TestKafka>(REDTHREAD_BINARY_DIR "/kafka", 1);
    testing::AddGlobalTestEnvironment(new StopAtEnd(&kafka));  // GoogleTest owns it
  }
  return kafka != nullptr && kafka->ok() ? kafka.get() : nullptr;
}

TestKafka::TestKafka(const std::string& folder, int count) : folder_(folder), count_(count) {
  const bool runs = std::filesystem::exists(folder_ + "/brokers") && Script("status") == 0;
  if (!runs) {
    Script("clean");
    started_ = true;
  }
  Start();
}

TestKafka::~TestKafka() {
  if (started_) Script("clean");
}

int TestKafka::Script(const std::string& verb) const {
  const std::string command = "REDTHREAD_KAFKA_PORT=0 REDTHREAD_KAFKA_DIR='" + folder_ +
                              "' " REDTHREAD_SOURCE_DIR "/deploy/kafka-dev/kafka " + verb + " >&2";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void TestKafka::Stop() { EXPECT_EQ(Script("stop"), 0); }

void TestKafka::Kill(int broker) {
  const std::string text = FirstLine(folder_ + "/node-" + std::to_string(broker) + "/pid");
  const auto id = static_cast<pid_t>(std::atoi(text.c_str()));
  // Other numbers are not one process.
  ASSERT_GT(id, 1) << "broker " << broker;
  EXPECT_EQ(kill(id, SIGKILL), 0) << "broker " << broker;
}

bool TestKafka::Start(const std::string& password) {
  setenv("REDTHREAD_KAFKA_PASSWORD", password.c_str(), 1);
  if (Script("start " + std::to_string(count_)) != 0) return false;
  brokers_ = FirstLine(folder_ + "/brokers");
  sasl_ = FirstLine(folder_ + "/sasl");
  return true;
}

// ---- topics

std::string TestKafka::MakeTopic(const std::string& name, int partitions,
                                 const std::vector<std::pair<std::string, std::string>>& properties) {
  static int made = 0;
  const std::string topic = name + "-" + std::to_string(getpid()) + "-" + std::to_string(++made);
  MakeTopicNamed(topic, partitions, properties);
  return topic;
}

void TestKafka::MakeTopicNamed(const std::string& topic, int partitions,
                               const std::vector<std::pair<std::string, std::string>>& properties) {
  KafkaTopicPlan plan{topic, partitions};
  plan.properties = properties;
  plan.properties.emplace_back("message.timestamp.type", "LogAppendTime");
  Result<std::unique_ptr<KafkaAdmin>> admin = KafkaAdmin::Open({{brokers_}, "", {}});
  ASSERT_TRUE(admin.ok()) << admin.status().message();
  const Status made = (*admin)->Create({plan});
  ASSERT_TRUE(made.ok()) << made.message();
}

void TestKafka::AddPartitions(const std::string& topic, size_t partitions) {
  const RdKafka client = Client(RD_KAFKA_PRODUCER, brokers_);
  const RdQueue queue(rd_kafka_queue_new(client.get()));
  char why[256] = "";
  rd_kafka_NewPartitions_t* request = rd_kafka_NewPartitions_new(topic.c_str(), partitions, why, sizeof why);
  rd_kafka_CreatePartitions(client.get(), &request, 1, nullptr, queue.get());
  const RdEvent event(rd_kafka_queue_poll(queue.get(), kMilliseconds));
  rd_kafka_NewPartitions_destroy(request);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestKafka::DeleteTopic(const std::string& topic) {
  const RdKafka client = Client(RD_KAFKA_PRODUCER, brokers_);
  const RdQueue queue(rd_kafka_queue_new(client.get()));
  rd_kafka_DeleteTopic_t* deleted = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(client.get(), &deleted, 1, nullptr, queue.get());
  const RdEvent event(rd_kafka_queue_poll(queue.get(), kMilliseconds));
  rd_kafka_DeleteTopic_destroy(deleted);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestKafka::DeleteRecords(const std::string& topic, int partition, int64_t before) {
  const RdKafka client = Client(RD_KAFKA_PRODUCER, brokers_);
  const RdQueue queue(rd_kafka_queue_new(client.get()));
  const RdPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = before;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  rd_kafka_DeleteRecords(client.get(), &request, 1, nullptr, queue.get());
  const RdEvent event(rd_kafka_queue_poll(queue.get(), kMilliseconds));
  rd_kafka_DeleteRecords_destroy(request);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

// ---- the producer

struct TestProducer::Client {
  RdKafka client;
  int failed = 0;
  static void OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++static_cast<Client*>(self)->failed;
  }
};

TestProducer::TestProducer(const std::string& brokers) : client_(std::make_unique<Client>()) {
  Result<RdConf> conf = ConfOf({{brokers}, "", {{"enable.idempotence", "true"}, {"linger.ms", "2"}}});
  rd_kafka_conf_set_opaque(conf->get(), client_.get());
  rd_kafka_conf_set_dr_msg_cb(conf->get(), Client::OnDelivered);
  Result<RdKafka> client = ClientOf(RD_KAFKA_PRODUCER, std::move(*conf));
  EXPECT_TRUE(client.ok()) << client.status().message();
  client_->client = std::move(*client);
}

TestProducer::~TestProducer() { Flush(); }

void TestProducer::Send(const std::string& topic, int partition, const std::optional<std::string>& value) {
  for (;;) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(client_->client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                          RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_VALUE(value.has_value() ? const_cast<char*>(value->data()) : nullptr,
                                           value.has_value() ? value->size() : 0),
                          RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    ASSERT_EQ(error, RD_KAFKA_RESP_ERR__QUEUE_FULL);
    rd_kafka_poll(client_->client.get(), 100);
  }
}

void TestProducer::SendDressed(const std::string& topic, int partition, const std::string& value) {
  EXPECT_EQ(
      rd_kafka_producev(client_->client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                        RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                        RD_KAFKA_V_KEY("key", 3), RD_KAFKA_V_HEADER("trace", "\x00\xff", 2),
                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END),
      RD_KAFKA_RESP_ERR_NO_ERROR);
}

void TestProducer::Flush() {
  EXPECT_EQ(rd_kafka_flush(client_->client.get(), kMilliseconds), RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(client_->failed, 0) << "records were not delivered";
}

}  // namespace redthread
