// The consumer on a real broker: what it finds, what it reads, what it says when something is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "ingest/kafka_admin.h"
#include "ingest/kafka_consumer.h"
#include "tests/support/kafka.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KafkaConsumerTest : public testing::Test {
 protected:
  void SetUp() override {
    kafka_ = TestKafka::Shared();
    if (kafka_ == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
  }

  std::unique_ptr<KafkaConsumer> Start(const std::vector<std::string>& topics,
                                       std::function<void(KafkaConsumer::Options*)> change = {}) {
    KafkaConsumer::Options options;
    options.settings = {{kafka_->brokers()}, "consumer-test", {}};
    options.topics = *TopicFilter::Of(topics);
    options.refresh_interval = std::chrono::milliseconds(50);
    if (change) change(&options);
    Result<std::unique_ptr<KafkaConsumer>> consumer = KafkaConsumer::Start(std::move(options));
    EXPECT_TRUE(consumer.ok()) << consumer.status().message();
    return std::move(*consumer);
  }

  template <typename Condition>
  static bool Until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  static KafkaView ViewThat(KafkaConsumer* consumer, const std::function<bool(const KafkaView&)>& holds) {
    KafkaView view;
    EXPECT_TRUE(Until([&] {
      const std::optional<KafkaView> taken = consumer->TakeView();
      if (taken.has_value()) view = *taken;
      return taken.has_value() && holds(view);
    })) << view.status.message();
    return view;
  }
  static std::vector<std::string> Paths(const std::vector<KafkaPartition>& partitions) {
    std::vector<std::string> paths;
    for (const KafkaPartition& p : partitions) paths.push_back(p.Path());
    return paths;
  }

  TestKafka* kafka_ = nullptr;
};

TEST_F(KafkaConsumerTest, ReadsFromTheOffsetThatItIsToldToTheEnd) {
  const std::string topic = kafka_->MakeTopic("read", 2);
  TestProducer producer(kafka_->brokers());
  for (const char* text : {"a", "b", "c"}) producer.Send(topic, 0, text);
  producer.Send(topic, 1, "x");
  producer.Send(topic, 1, std::nullopt);
  producer.SendDressed(topic, 1, "z");
  producer.Flush();

  const auto consumer = Start({topic});
  const KafkaView view = ViewThat(consumer.get(), [](const KafkaView& v) { return v.unread.size() == 2; });
  EXPECT_THAT(view.cluster, testing::SizeIs(22));
  EXPECT_EQ(view.unread[0].high, 3);
  ASSERT_TRUE(consumer->Read({topic, 0}, 1, 10).ok());
  ASSERT_TRUE(consumer->Read({topic, 1}, 0, 11).ok());
  std::vector<std::string> read[2];
  std::vector<std::pair<uint32_t, int64_t>> ends;
  EXPECT_TRUE(Until([&] {
    const KafkaRecords& polled = consumer->Poll();
    for (const KafkaRecords::Record& r : polled.records) {
      EXPECT_TRUE(r.written.has_value());
      read[r.tag - 10].push_back(std::to_string(r.offset) + std::string(r.value));
    }
    ends.insert(ends.end(), polled.at_end.begin(), polled.at_end.end());
    return ends.size() == 2;
  }));
  EXPECT_THAT(read[0], ElementsAre("1b", "2c"));
  EXPECT_THAT(read[1], ElementsAre("0x", "1", "2z"));
  EXPECT_THAT(ends, testing::UnorderedElementsAre(std::pair(10u, 3), std::pair(11u, 3)));
}

TEST_F(KafkaConsumerTest, FindsTopicsByPatternAlsoThoseThatComeLater) {
  const std::string first = kafka_->MakeTopic("logs.a", 1);
  const std::string other = kafka_->MakeTopic("metrics", 1);
  const auto consumer = Start({"^logs\\.[ab]-" + std::to_string(getpid())});
  KafkaView view = ViewThat(consumer.get(), [](const KafkaView& v) { return v.status.ok(); });
  EXPECT_THAT(Paths(view.present), ElementsAre(first + "/0"));
  ASSERT_TRUE(consumer->Read({first, 0}, 0, 0).ok());
  const std::string second = kafka_->MakeTopic("logs.b", 2);
  view = ViewThat(consumer.get(), [](const KafkaView& v) { return v.unread.size() == 2; });
  EXPECT_THAT(Paths(view.present), ElementsAre(first + "/0", second + "/0", second + "/1"));
}

TEST_F(KafkaConsumerTest, NamesTopicsThatAreNotThere) {
  const auto consumer = Start({"no-such-topic"});
  const KafkaView view = ViewThat(consumer.get(), [](const KafkaView& v) { return v.status.ok(); });
  EXPECT_THAT(view.missing, ElementsAre("no-such-topic"));
  EXPECT_THAT(view.present, IsEmpty());
}

TEST_F(KafkaConsumerTest, AnOffsetOutOfRangeIsAFailureAndNoJump) {
  const std::string topic = kafka_->MakeTopic("range", 1);
  TestProducer producer(kafka_->brokers());
  for (int i = 0; i < 5; ++i) producer.Send(topic, 0, "x");
  producer.Flush();
  kafka_->DeleteRecords(topic, 0, 3);
  for (const int64_t offset : {1, 9}) {
    const auto consumer = Start({topic});
    ASSERT_TRUE(consumer->Read({topic, 0}, offset, 0).ok());
    bool lost = false;
    EXPECT_TRUE(Until([&] {
      const KafkaRecords& polled = consumer->Poll();
      EXPECT_THAT(polled.records, IsEmpty());
      for (const KafkaRecords::Failure& failure : polled.failures) lost |= failure.offset_lost;
      return lost;
    })) << offset;
  }
}

TEST_F(KafkaConsumerTest, TellsKafkaHowFarItHasRead) {
  const std::string topic = kafka_->MakeTopic("told", 2);
  {
    const auto consumer = Start({topic});
    consumer->TellPositions({{{topic, 1}, 42}});
    consumer->FinishTelling(std::chrono::seconds(20));
    EXPECT_THAT(consumer->Poll().log, IsEmpty());
  }
  Result<std::unique_ptr<KafkaAdmin>> admin = KafkaAdmin::Open({{kafka_->brokers()}, "consumer-test", {}});
  ASSERT_TRUE(admin.ok());
  const auto positions = (*admin)->ToldPositions({{topic, 0}, {topic, 1}});
  ASSERT_TRUE(positions.ok()) << positions.status().message();
  ASSERT_EQ(positions->size(), 1U);
  EXPECT_EQ(positions->at({topic, 1}).next_offset, 42);
}

TEST_F(KafkaConsumerTest, SaysThatNoBrokerAnswers) {
  const auto consumer = Start({"t"}, [](KafkaConsumer::Options* o) {
    o->settings.brokers = {"127.0.0.1:" + std::to_string(FreePort())};
  });
  std::optional<Status> lost;
  EXPECT_TRUE(Until([&] {
    if (const auto& polled = consumer->Poll(); polled.lost.has_value()) lost = polled.lost;
    return lost.has_value();
  }));
  EXPECT_EQ(lost->code(), StatusCode::kUnavailable);
  EXPECT_THAT(lost->message(), HasSubstr("check `brokers`"));
}

TEST_F(KafkaConsumerTest, SignsInOverTlsWithTheRightPasswordAndSaysWhenItIsWrong) {
  const std::string topic = kafka_->MakeTopic("sasl", 1);
  const auto with = [&](const std::string& mechanism, const std::string& password) {
    return Start({topic}, [&](KafkaConsumer::Options* o) {
      o->settings.brokers = {kafka_->sasl()};
      o->settings.properties = {{"security.protocol", "sasl_ssl"},
                                {"ssl.ca.location", kafka_->ca()},
                                {"sasl.mechanism", mechanism},
                                {"sasl.username", "redthread"},
                                {"sasl.password", password}};
    });
  };
  const auto refusal = [&](const std::string& mechanism, const std::string& password) {
    const auto refused = with(mechanism, password);
    std::optional<Status> lost;
    EXPECT_TRUE(Until([&] {
      if (const auto& polled = refused->Poll(); polled.lost.has_value()) lost = polled.lost;
      return lost.has_value() && lost->code() == StatusCode::kDenied;
    })) << (lost.has_value() ? lost->message() : "");
    return lost.has_value() ? lost->message() : "";
  };
  ViewThat(with("PLAIN", "thread").get(), [](const KafkaView& v) { return v.unread.size() == 1; });
  EXPECT_THAT(refusal("PLAIN", "guess"), HasSubstr("sasl.password"));
  if (HasScramOfKafka4()) {
    ViewThat(with("SCRAM-SHA-512", "thread").get(), [](const KafkaView& v) { return v.unread.size() == 1; });
    EXPECT_THAT(refusal("SCRAM-SHA-512", "guess"), HasSubstr("sasl.password"));
  } else {
    EXPECT_THAT(refusal("SCRAM-SHA-512", "thread"), HasSubstr("it takes 2.6.1"));
  }
}

TEST(KafkaSettingsTest, PropertiesAreCheckedByTheLibraryItself) {
  EXPECT_EQ(KafkaPropertyProblem("fetch.min.bytes", "100"), "");
  EXPECT_EQ(KafkaPropertyProblem("sasl.mechanism", "SCRAM-SHA-512"), "");
  EXPECT_THAT(KafkaPropertyProblem("fetch.min.byte", "100"), HasSubstr("fetch.min.byte"));
  EXPECT_THAT(KafkaPropertyProblem("fetch.min.bytes", "many"), HasSubstr("fetch.min.bytes"));
  EXPECT_THAT(KafkaPropertyProblem("enable.auto.commit", "true"), HasSubstr("not yours to set"));
  EXPECT_EQ(KafkaSettingsProblem({{"127.0.0.1:1"}, "g", {{"fetch.min.bytes", "1"}}}), "");
  EXPECT_NE(KafkaSettingsProblem(
                {{"127.0.0.1:1"}, "g", {{"security.protocol", "ssl"}, {"ssl.ca.location", "/no/such.pem"}}}),
            "");
}

TEST(KafkaSettingsTest, TopicsAreNamesOrPatterns) {
  const auto filter = TopicFilter::Of({"logs", "^win-[0-9]+$"});
  ASSERT_TRUE(filter.ok());
  for (const char* topic : {"logs", "win-7"}) EXPECT_TRUE(filter->Matches(topic)) << topic;
  for (const char* topic : {"logs2", "win-", "xwin-7", "__consumer_offsets"})
    EXPECT_FALSE(filter->Matches(topic)) << topic;
  EXPECT_FALSE(TopicFilter::Of({"^."})->Matches("__consumer_offsets"));
  for (const char* topic : {"", "a b", "^(", "a/b"}) EXPECT_FALSE(TopicFilter::Of({topic}).ok()) << topic;
}

TEST(KafkaIdentityTest, SurvivesBeingWritten) {
  const KafkaIdentity identity{"4L6g3nShT-eMCtK--X86sw", {"logs.a_b-c", 12}};
  EXPECT_EQ(identity.Encode(), "kafka:4L6g3nShT-eMCtK--X86sw:12:logs.a_b-c");
  EXPECT_EQ(KafkaIdentity::Decode(identity.Encode()), identity);
  for (const char* text :
       {"", "kafka:", "kafka:c:1:", "kafka:c:x:t", "kafka:c:-1:t", "kafka:c:1", "file:1:2:3"})
    EXPECT_FALSE(KafkaIdentity::Decode(text).has_value()) << text;
}

}  // namespace
}  // namespace redthread
