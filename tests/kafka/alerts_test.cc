// redthread alerts over the topic that workers write.
#include <gmock/gmock.h>

#include "core/record.h"
#include "runtime/control_topic.h"
#include "storage/alert_store.h"
#include "tests/kafka/kafka_fixture.h"

namespace redthread {
namespace {

using testing::HasSubstr;
using testing::Not;

class AlertsTopicTest : public KafkaRunTest {
 protected:
  void SetUp() override {
    KafkaRunTest::SetUp();
    if (kafka_ == nullptr) return;
    alerts_topic_ = kafka_->MakeTopic("alerts", 3);
    control_topic_ = kafka_->MakeTopic("control", 1);
    Write("workers.yml", "version: 1\nkafka: {brokers: [\"" + brokers_ +
                             "\"], topics: {alerts: " + alerts_topic_ + ", control: " + control_topic_ +
                             "}}\nrules: {paths: [/no/such/rules]}\n");
  }
  BinaryRun Alerts(Strings arguments, const std::string& config = "workers.yml") const {
    arguments.insert(arguments.begin(), "alerts");
    arguments.insert(arguments.end(), {"-c", Path(config)});
    return RunBinary(arguments);
  }
  // What one process over a file concludes, as workers would write it: revised, by owners and by one that is
  // behind.
  size_t WriteAlerts() {
    const std::unique_ptr<Database> database = OpenState();
    Damage damage;
    TestProducer producer(kafka_->brokers());
    size_t n = 0;
    const auto write = [&](const Alert& alert) {
      const int partition = static_cast<int>(n++ % 3);
      const auto send = [&](const Alert& revision, uint64_t at) {
        producer.Send(alerts_topic_, partition, TopicAlertRecord(revision, at));
      };
      Alert before = alert;
      before.state = AlertState::kEarly;
      before.count += 1;
      send(before, 1);
      send(alert, 5);
      send(before, 3);
      return true;
    };
    EXPECT_TRUE(ForEachAlert(*database->Snapshot(), {}, write, &damage).ok());
    producer.Flush();
    return n;
  }

  std::string alerts_topic_, control_topic_;
};

TEST_F(AlertsTopicTest, TheyAreShownAsThoseOfOneProcess) {
  const Strings events = Events(3000, std::chrono::seconds(2), 7);
  Write("embedded.yml",
        "version: 1\ndata_dir: " + Path("data") + "\nrules: {paths: [" + rules_ +
            "]}\nsources: {logs: {type: file, path: " + Write("events.ndjson", JoinLines(events)) + "}}\n");
  ASSERT_EQ(RunBinary({"run", "--until-idle", "-c", Path("embedded.yml")}).exit_code, 0);
  ASSERT_GT(WriteAlerts(), 10U);
  const std::string scanned = Scanned(events);
  EXPECT_NE(scanned, "");
  EXPECT_EQ(Alerts({"list", "--canonical"}).out, scanned);
  const Strings list = {"list", "--limit", "0", "-o", "jsonl"};
  EXPECT_EQ(Alerts(list).out, Alerts(list, "embedded.yml").out);

  const std::string id = nlohmann::json::parse(SplitLines(Alerts(list).out).at(0))["id"];
  const BinaryRun shown = Alerts({"show", id.substr(0, 12), "-o", "table"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr(id));
  EXPECT_THAT(shown.out, Not(HasSubstr("no longer kept")));
  const auto json = nlohmann::json::parse(Alerts({"show", id, "-o", "jsonl"}).out);
  EXPECT_EQ(json["lines"].size(), 0U);

  const BinaryRun without = Alerts({"explain", id});
  EXPECT_EQ(without.exit_code, 0);
  EXPECT_THAT(without.err, HasSubstr("no rules are in force yet"));
  RuleBundle bundle;
  ASSERT_TRUE(ReadRuleFiles({rules_}, &bundle).ok());
  ControlTopic control({{{brokers_}, "", {}}, control_topic_}, &clock_);
  ASSERT_TRUE(control.Propose(*bundle.Encode(), 1, false).ok());
  const BinaryRun explained = Alerts({"explain", id});
  EXPECT_EQ(explained.out, Alerts({"explain", id}, "embedded.yml").out);
}

TEST_F(AlertsTopicTest, WhatIsNotThereOrCannotBeReadIsTold) {
  const BinaryRun empty = Alerts({"list"});
  EXPECT_EQ(empty.exit_code, 0) << empty.err;
  EXPECT_EQ(empty.out, "");
  TestProducer producer(kafka_->brokers());
  producer.Send(alerts_topic_, 1, "nonsense");
  producer.Flush();
  const BinaryRun damaged = Alerts({"list"});
  EXPECT_EQ(damaged.exit_code, 5);
  EXPECT_THAT(damaged.err,
              HasSubstr("1 alert could not be read: " + alerts_topic_ + "/1, record 0: it is no JSON"));
  EXPECT_EQ(Alerts({"show", "0a"}).exit_code, 2);
  Write("workers.yml", "version: 1\nkafka: {brokers: [\"" + brokers_ + "\"], topics: {alerts: not-made}}\n");
  const BinaryRun missing = Alerts({"list"});
  EXPECT_EQ(missing.exit_code, 5);
  EXPECT_THAT(missing.err, HasSubstr("not-made"));
}

}  // namespace
}  // namespace redthread
