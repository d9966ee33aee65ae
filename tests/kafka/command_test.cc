// redthread kafka: init, check, status.
#include <gmock/gmock.h>

#include "app/kafka_topic_check.h"
#include "app/pipeline_topics.h"
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

TEST_F(KafkaCommandTest, InitAndCheckCoverOurOwnTopics) {
  const std::string name = "own-" + std::to_string(getpid());
  const auto configure = [&](const std::string& rest) {
    Write("redthread.yml", "version: 1\nkafka:\n  brokers: [\"" + brokers_ + "\"]\n  topics: {matches: " +
                               name + ".m, alerts: " + name + ".a, control: " + name + ".c}\n" + rest);
  };
  configure("  match_partitions: 3\n");
  const BinaryRun missing = Kafka({"check"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("`kafka`: there is no topic `" + name + ".c`"));
  const BinaryRun made = Kafka({"init"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("made topic " + name + ".m: 3 partitions, 1 copy"));
  EXPECT_THAT(made.err, HasSubstr("made topic " + name + ".a: 3 partitions, 1 copy"));
  EXPECT_THAT(made.err, HasSubstr("made topic " + name + ".c: 1 partition, 1 copy"));
  const BinaryRun good = Kafka({"check"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  ASSERT_EQ(Lines(good).size(), 3U) << good.out;
  for (const json& line : Lines(good)) EXPECT_THAT(line["findings"], IsEmpty()) << line;
  configure("  match_partitions: 4\ncorrelate: {late_horizon: 5d}\n");
  const BinaryRun changed = Kafka({"check"});
  EXPECT_EQ(changed.exit_code, 3);
  EXPECT_THAT(changed.out, HasSubstr("it has 3 partitions and kafka.match_partitions is 4"));
  EXPECT_THAT(changed.out, HasSubstr("set at least 864000000 (twice correlate.late_horizon)"));
}

TEST_F(KafkaCommandTest, StatusOfWorkersIsWhatTheirGroupsHaveRead) {
  const std::string raw = kafka_->MakeTopic("raw", 1), matches = kafka_->MakeTopic("matches", 1);
  Produce(raw, 1, Events(10, {}, 1));
  Produce(matches, 1, Events(3, {}, 1));
  const std::string group = "status-" + std::to_string(getpid());
  Write("redthread.yml", "version: 1\nkafka:\n  brokers: [\"" + brokers_ + "\"]\n  group: " + group +
                             "\n  topics: {matches: " + matches + "}\ncorrelate: {time_zone: UTC}\n" +
                             "sources: {logs: {type: kafka, topics: [" + raw + "]}}\n");
  const BinaryRun before = Kafka({"status"});
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_EQ(Lines(before).at(0)["state"], "unread");
  auto consumer = KafkaConsumer::Start({{{brokers_}, group + "-detect-logs", {}}, *TopicFilter::Of({raw})});
  ASSERT_TRUE(consumer.ok());
  (*consumer)->TellPositions({{{raw, 0}, 7}});
  (*consumer)->FinishTelling(std::chrono::seconds(10));
  const BinaryRun after = Kafka({"status"});
  ASSERT_EQ(Lines(after).size(), 2U) << after.out << after.err;
  EXPECT_EQ(Lines(after)[0]["read"], 7);
  EXPECT_EQ(Lines(after)[0]["lag"], 3);
  EXPECT_EQ(Lines(after)[0]["state"], "behind");
  EXPECT_EQ(Lines(after)[1]["source"], "kafka:");
  EXPECT_EQ(Lines(after)[1]["partition"], matches + "/0");
  EXPECT_EQ(Lines(after)[1]["lag"], 3);
  EXPECT_THAT(after.err, HasSubstr("6 records to be read\n"));
  EXPECT_EQ(Kafka({"reset", raw + "/0"}).exit_code, 2);
}

PipelineConfig OwnTopics() {
  PipelineConfig pipeline;
  pipeline.match_partitions = 4;
  pipeline.matches = "m";
  pipeline.alerts = "a";
  pipeline.control = "c";
  return pipeline;
}

TEST(PipelineTopicsTest, EachWayInWhichTheyCannotWorkIsAFinding) {
  const PipelineConfig pipeline = OwnTopics();
  const Nanoseconds horizon = std::chrono::hours(24);
  std::vector<KafkaTopic> all;
  for (const char* name : {"m", "a", "c"}) {
    const KafkaTopicPlan plan = PlanPipelineTopic(name, pipeline, 3, horizon);
    all.push_back({name, plan.partitions, 3, 3, {plan.properties.begin(), plan.properties.end()}});
  }
  for (const KafkaTopic& topic : all)
    EXPECT_THAT(CheckPipelineTopic(topic, all, pipeline, 3, horizon), IsEmpty()) << topic.name;
  const struct {
    size_t topic;
    const char* property;
    const char* value;  // of "partitions" the number of them
    const char* finding;
    bool is_problem;
  } cases[] = {
      {0, "partitions", "5", "it has 5 partitions and kafka.match_partitions is 4", true},
      {0, "retention.ms", "100000000", "set at least 172800000 (twice correlate.late_horizon)", true},
      {0, "max.message.bytes", "1048588", "max.message.bytes is 1048588", true},
      {0, "cleanup.policy", "compact", "cleanup.policy is compact", true},
      {0, "message.timestamp.type", "CreateTime", "set LogAppendTime", true},
      {1, "max.message.bytes", "1048588", "max.message.bytes is 1048588", true},
      {1, "partitions", "5", "it has 5 partitions and m 4", true},
      {1, "retention.ms", "604800000", "34560000000 are 400 days", false},
      {1, "cleanup.policy", "compact,delete", "set delete", true},
      {2, "partitions", "2", "only one partition has one", true},
      {2, "retention.ms", "604800000", "retention.ms is 604800000: which rules are in force", true},
      {2, "retention.bytes", "1000", "retention.bytes is 1000: which rules are in force", true},
      {2, "cleanup.policy", "compact", "cleanup.policy is compact", true},
  };
  for (const auto& c : cases) {
    KafkaTopic topic = all[c.topic];
    if (std::string(c.property) == "partitions") {
      topic.partitions = std::stoi(c.value);
    } else {
      topic.properties[c.property] = c.value;
    }
    const std::vector<TopicFinding> findings = CheckPipelineTopic(topic, all, pipeline, 3, horizon);
    ASSERT_EQ(findings.size(), 1U) << c.finding;
    EXPECT_THAT(findings[0].text, HasSubstr(c.finding));
    EXPECT_EQ(findings[0].is_problem, c.is_problem) << c.finding;
  }
}

TEST(PipelineTopicsTest, MatchesStayTwiceAsLongAsWhatMayComeLate) {
  const KafkaTopicPlan plan = PlanPipelineTopic("m", OwnTopics(), 1, std::chrono::hours(24 * 10));
  const std::map<std::string, std::string> properties(plan.properties.begin(), plan.properties.end());
  EXPECT_EQ(properties.at("retention.ms"), "1728000000");
  EXPECT_EQ(properties.at("max.message.bytes"), "33554432");
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
