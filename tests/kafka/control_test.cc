// The control topic on a real broker: workers agree which rules are in force.
#include "runtime/control_topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/kafka.h"

namespace redthread {
namespace {

using testing::HasSubstr;

class ControlTopicTest : public testing::Test {
 protected:
  void SetUp() override {
    kafka_ = TestKafka::Shared();
    if (kafka_ == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
    topic_ = kafka_->MakeTopic("control", 1, {{"retention.ms", "-1"}, {"cleanup.policy", "delete"}});
  }
  ControlTopic Worker() { return ControlTopic({{{kafka_->brokers()}, "", {}}, topic_}, &clock_); }

  // Of about that size, not to be compressed to nothing.
  static std::string Bundle(const std::string& name, size_t size = 0) {
    RuleBundle bundle;
    bundle.rules = {{name, "title: " + name}};
    for (uint64_t i = 0; bundle.sources.size() < size; ++i)
      bundle.sources += HexOf(HashBytes(name + std::to_string(i)));
    return *bundle.Encode();
  }

  TestKafka* kafka_ = nullptr;
  std::string topic_;
  SystemClock clock_;
};

TEST_F(ControlTopicTest, WhatOneProposesAllOthersFind) {
  ControlTopic first = Worker(), second = Worker();
  const std::string a = Bundle("a", size_t{3} << 20), b = Bundle("b");
  ASSERT_TRUE(second.Refresh().ok());
  EXPECT_FALSE(second.log().current().has_value());
  const Result<RuleStanding> proposed = first.Propose(a, 1, false);
  ASSERT_TRUE(proposed.ok()) << proposed.status().message();
  EXPECT_EQ(*proposed, RuleStanding::kInForce);
  ASSERT_TRUE(second.Refresh().ok());
  EXPECT_EQ(second.log().current(), first.log().current());
  EXPECT_EQ(*second.log().BundleOf(RuleBundle::HashOf(a))->Encode(), a);
  EXPECT_EQ(*second.Propose(b, 1, false), RuleStanding::kInForce);
  EXPECT_EQ(*first.Propose(a, 1, false), RuleStanding::kReplaced) << "it is behind";
  EXPECT_EQ(first.log().current()->number, 2U);
  EXPECT_EQ(*first.Propose(a, 1, true), RuleStanding::kInForce);
  ControlTopic late = Worker();
  ASSERT_TRUE(late.Refresh().ok());
  EXPECT_EQ(late.log().epochs(), first.log().epochs());
  EXPECT_EQ(late.log().current()->number, 3U);
  ASSERT_TRUE(late.Refresh().ok()) << "with nothing new";
}

TEST_F(ControlTopicTest, OfWorkersThatStartAtOnceAllComeToTheSame) {
  std::vector<std::thread> threads;
  std::vector<RuleStanding> standings(4, RuleStanding::kNew);
  for (size_t i = 0; i < standings.size(); ++i) {
    threads.emplace_back([&, i] {
      ControlTopic worker = Worker();
      const Result<RuleStanding> standing =
          worker.Propose(Bundle(i % 2 == 0 ? "even" : "odd", 700'000), 1, false);
      EXPECT_TRUE(standing.ok()) << standing.status().message();
      if (standing.ok()) standings[i] = *standing;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const RuleStanding standing : standings)
    EXPECT_TRUE(standing == RuleStanding::kInForce || standing == RuleStanding::kReplaced);
  ControlTopic reader = Worker();
  ASSERT_TRUE(reader.Refresh().ok());
  EXPECT_EQ(reader.log().epochs().size(), 2U) << "each set of rules had its turn, and no more";
  EXPECT_EQ(reader.log().counts().unreadable, 0U);
}

TEST_F(ControlTopicTest, ATopicThatIsNotThereOrHasNoOrderIsRefused) {
  topic_ = "no-control-topic";
  EXPECT_EQ(Worker().Refresh().code(), StatusCode::kNotFound);
  topic_ = kafka_->MakeTopic("control", 2);
  const Status status = Worker().Propose(Bundle("a"), 1, false).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr("several partitions"));
}

}  // namespace
}  // namespace redthread
