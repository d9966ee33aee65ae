// redthread kafka: init, check, status.
#include <gmock/gmock.h>

#include "app/kafka_topic_check.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KafkaCommandTest : public KafkaRunTest {
 protected:
  BinaryRun Kafka(Strings arguments) const {
    arguments.insert(arguments.begin(), "kafka");
    arguments.insert(arguments.end(), {"-c", Path("redthread.yml")});
    return RunBinary(arguments);
  }
  static std::vector<json> Lines(const BinaryRun& run) {
    std::vector<json> lines;
    for (const std::string& line : SplitLines(run.out)) lines.push_back(json::parse(line));
    return lines;
  }
};

TEST_F(KafkaCommandTest, InitMakesWhatIsMissingAndCheckIsContentWithIt) {
  const std::string topic = "init-" + std::to_string(getpid());
  Configure("[" + topic + "]");
  const BinaryRun missing = Kafka({"check"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("there is no topic `" + topic + "`"));
  const BinaryRun made = Kafka({"init", "--partitions", "4"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("made topic " + topic + ": 4 partitions, 1 copy"));
  const BinaryRun again = Kafka({"init"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("all its topics are there"));
  const BinaryRun good = Kafka({"check"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  ASSERT_EQ(Lines(good).size(), 1U) << good.out;
  EXPECT_EQ(Lines(good)[0]["partitions"], 4);
  EXPECT_THAT(Lines(good)[0]["findings"], IsEmpty());
  EXPECT_EQ(Kafka({"init", "--retention", "soon"}).exit_code, 2);
}

TEST_F(KafkaCommandTest, CheckSaysWhatIsWrongWithATopicOfOthers) {
  const std::string topic =
      kafka_->MakeTopic("theirs", 1, {{"cleanup.policy", "compact"}, {"retention.ms", "1000"}});
  Configure("[" + topic + "]");
  const BinaryRun run = Kafka({"check"});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.out, HasSubstr("cleanup.policy is compact"));
  EXPECT_THAT(run.out, HasSubstr("retention.ms is 1000"));
}

TEST_F(KafkaCommandTest, StatusShowsWhatIsReadAndWhatIsNot) {
  const std::string topic = kafka_->MakeTopic("status", 2);
  Produce(topic, 1, Events(10, {}, 1));
  Configure("[" + topic + "]");
  const BinaryRun before = Kafka({"status"});
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_EQ(Lines(before).at(0)["state"], "unread");
  EXPECT_EQ(Lines(before).at(0)["lag"], 10);
  EXPECT_EQ(UntilIdle().exit_code, 0);
  Produce(topic, 1, Events(5, {}, 2));
  const BinaryRun after = Kafka({"status"});
  ASSERT_EQ(Lines(after).size(), 2U) << after.out;
  const json first = Lines(after)[0];
  EXPECT_EQ(first["partition"], topic + "/0");
  EXPECT_EQ(first["end"], 15);
  EXPECT_EQ(first["read"], 10);
  EXPECT_EQ(first["lag"], 5);
  EXPECT_EQ(first["state"], "behind");
  EXPECT_TRUE(first.contains("watermark"));
  EXPECT_EQ(Lines(after)[1]["lag"], 0);
  EXPECT_THAT(after.err, HasSubstr("5 records to be read; of the partitions, " + topic + "/0 holds"));
}

TEST_F(KafkaCommandTest, ResetLeavesAloneWhatCanBeReadOn) {
  const std::string topic = kafka_->MakeTopic("whole", 1);
  Produce(topic, 1, Events(10, {}, 1));
  Configure("[" + topic + "]");
  EXPECT_EQ(UntilIdle().exit_code, 0);
  const BinaryRun refused = Kafka({"reset", topic + "/0"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("can be read on as it is"));
  EXPECT_EQ(Kafka({"reset", topic}).exit_code, 2);
  EXPECT_EQ(Kafka({"reset", topic + "/0", "--from", "11"}).exit_code, 2);
  EXPECT_EQ(Kafka({"reset", topic + "/7"}).exit_code, 2);
  EXPECT_EQ(Kafka({"reset", topic + "/0", "--force"}).exit_code, 0);
  EXPECT_THAT(UntilIdle().err, HasSubstr("10 lines read"));
}

TEST_F(KafkaCommandTest, BrokersThatDoNotAnswerAreExitCodeFour) {
  brokers_ = "127.0.0.1:" + std::to_string(FreePort());
  Configure("[logs]");
  const BinaryRun run = Kafka({"check"});
  EXPECT_EQ(run.exit_code, 4) << run.err;
  EXPECT_THAT(run.err, HasSubstr("check `brokers`"));
}

TEST(KafkaTopicCheckTest, EachWayToLoseRecordsIsAFinding) {
  const KafkaTopicPlan plan = PlanTopic("t", 3, 3, std::chrono::hours(24 * 7));
  KafkaTopic good{"t", 3, 3, 3, {plan.properties.begin(), plan.properties.end()}};
  const Nanoseconds needed = std::chrono::hours(24);
  EXPECT_THAT(CheckTopic(good, 3, needed), IsEmpty());
  const struct {
    const char* name;
    const char* value;
    const char* finding;
    bool is_problem;
  } cases[] = {
      {"cleanup.policy", "compact,delete", "cleanup.policy", true},
      {"message.timestamp.type", "CreateTime", "message.timestamp.type", true},
      {"retention.ms", "86399999", "retention.ms", true},
      {"retention.bytes", "1000", "retention.bytes", false},
      {"unclean.leader.election.enable", "true", "unclean.leader", true},
      {"min.insync.replicas", "1", "min.insync.replicas is 1", true},
      {"min.insync.replicas", "3", "nobody can write", false},
  };
  for (const auto& c : cases) {
    KafkaTopic topic = good;
    topic.properties[c.name] = c.value;
    const std::vector<TopicFinding> findings = CheckTopic(topic, 3, needed);
    ASSERT_EQ(findings.size(), 1U) << c.name;
    EXPECT_THAT(findings[0].text, HasSubstr(c.finding));
    EXPECT_EQ(findings[0].is_problem, c.is_problem) << c.name;
  }
  good.properties["retention.ms"] = "-1";
  EXPECT_THAT(CheckTopic(good, 3, needed), IsEmpty());
  good.copies_in_sync = 2;
  EXPECT_EQ(CheckTopic(good, 3, needed).size(), 1U);
}

}  // namespace
}  // namespace redthread
