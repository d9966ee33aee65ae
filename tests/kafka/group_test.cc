// Members of a group, the writer and the dump of a topic on a real broker: what the stages rely on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ingest/kafka_group.h"
#include "ingest/kafka_producer.h"
#include "ingest/topic_dump.h"
#include "tests/support/kafka.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

template <typename Condition>
bool Until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

// A member, and all that it was told.
struct Member {
  std::unique_ptr<KafkaGroup> group;
  std::map<KafkaPartition, TopicReader::Given> held;
  std::vector<KafkaPartition> by_tag;
  std::map<KafkaPartition, std::vector<std::string>> read;
  std::map<KafkaPartition, int64_t> next;
  std::map<KafkaPartition, int64_t> ends;
  std::vector<std::string> not_committed;
  int rebalances = 0;
  bool asked_back = false;
  bool lost = false;
  Status trouble;

  // Reads what it is given from the committed position. What is asked for is kept until Yield.
  void Poll(milliseconds at_most = milliseconds(5)) {
    const TopicReader::News& news = group->Poll(at_most);
    for (const TopicReader::Given& given : news.given) {
      ++rebalances;
      held[given.partition] = given;
      const int64_t start = given.position.has_value() ? given.position->next_offset : given.low;
      next[given.partition] = start;
      if (start == 0) read[given.partition].clear();
      EXPECT_TRUE(group->Read(given.partition, start, static_cast<uint32_t>(by_tag.size())).ok());
      by_tag.push_back(given.partition);
    }
    for (const KafkaRecords::Record& record : news.records.records) {
      const KafkaPartition& partition = by_tag[record.tag];
      EXPECT_EQ(held.count(partition), 1U);
      EXPECT_EQ(record.offset, next[partition]) << partition.Path();
      next[partition] = record.offset + 1;
      read[partition].emplace_back(record.value);
    }
    for (const auto& [tag, offset] : news.records.at_end) ends[by_tag[tag]] = offset;
    for (const KafkaRecords::Failure& failure : news.records.failures) trouble = failure.status;
    if (news.not_committed.has_value()) not_committed.push_back(news.not_committed->message());
    if (news.records.lost.has_value()) trouble = *news.records.lost;
    asked_back = news.asked_back;
    lost |= news.lost;
  }
  std::vector<GroupPosition> Positions(const std::string& note = "") const {
    std::vector<GroupPosition> positions;
    for (const auto& [partition, given] : held) positions.push_back({partition, next.at(partition), note});
    return positions;
  }
  // As a stage that shuts down its work in order does.
  void Yield(const std::string& note = "") {
    const Status committed = group->CommitNow(Positions(note));
    EXPECT_TRUE(committed.ok()) << committed.message();
    GiveBack();
  }
  void GiveBack() {
    group->GiveBack();
    held.clear();
    asked_back = false;
  }
  size_t Count() const {
    size_t count = 0;
    for (const auto& [partition, records] : read) count += records.size();
    return count;
  }
};

class KafkaGroupTest : public testing::Test {
 protected:
  void SetUp() override {
    kafka_ = TestKafka::Shared();
    if (kafka_ == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
  }

  Member Join(const std::string& topic, std::function<void(KafkaGroup::Options*)> change = {}) {
    KafkaGroup::Options options;
    options.settings = {{kafka_->brokers()}, "group-of-" + topic, {}};
    options.topics = {topic};
    options.session_timeout = seconds(6);
    options.refresh_interval = milliseconds(100);
    if (change) change(&options);
    Result<std::unique_ptr<KafkaGroup>> group = KafkaGroup::Start(std::move(options));
    EXPECT_TRUE(group.ok()) << group.status().message();
    Member member;
    member.group = std::move(*group);
    return member;
  }
  static std::function<void(KafkaGroup::Options*)> Named(const std::string& name) {
    return [name](KafkaGroup::Options* o) { o->instance = name; };
  }
  // Numbers, to each partition from 0 on.
  void Produce(const std::string& topic, int partitions, int first, int count) {
    TestProducer producer(kafka_->brokers());
    for (int n = first; n < first + count; ++n)
      for (int p = 0; p < partitions; ++p) producer.Send(topic, p, std::to_string(n));
    producer.Flush();
  }
  static std::vector<std::string> Numbers(int first, int count) {
    std::vector<std::string> numbers;
    for (int n = first; n < first + count; ++n) numbers.push_back(std::to_string(n));
    return numbers;
  }

  TestKafka* kafka_ = nullptr;
};

TEST_F(KafkaGroupTest, AMemberIsGivenAllPartitionsAndReadsThemFromWhereItSays) {
  const std::string topic = kafka_->MakeTopic("alone", 3);
  Produce(topic, 3, 0, 100);
  kafka_->DeleteRecords(topic, 1, 40);
  Member member = Join(topic);
  EXPECT_TRUE(Until([&] {
    member.Poll();
    return member.ends.size() == 3;
  }));
  for (const auto& [partition, given] : member.held) {
    EXPECT_FALSE(given.position.has_value());
    EXPECT_EQ(given.low, partition.partition == 1 ? 40 : 0);
    EXPECT_EQ(member.read[partition],
              Numbers(static_cast<int>(given.low), 100 - static_cast<int>(given.low)));
    EXPECT_EQ(member.ends[partition], 100);
  }
  EXPECT_TRUE(Until([&] { return member.group->TakeView().value_or(KafkaView()).present.size() == 3; }));
}

TEST_F(KafkaGroupTest, PartitionsComeByPatternAndNotBeforeTheyAreAskedFor) {
  const std::string topic = kafka_->MakeTopic("pattern", 2);
  Produce(topic, 2, 0, 10);
  const auto joined = Join("^" + topic + "(\\.b)?$");
  std::vector<KafkaPartition> given;
  EXPECT_TRUE(Until([&] {
    for (const auto& g : joined.group->Poll(milliseconds(5)).given) given.push_back(g.partition);
    return given.size() == 2;
  }));
  EXPECT_EQ(joined.group->Read({topic, 7}, 0, 0).code(), StatusCode::kNotFound);
  ASSERT_TRUE(joined.group->Read({topic, 1}, 5, 4).ok());
  std::vector<std::string> read;
  bool at_end = false;
  EXPECT_TRUE(Until([&] {
    const auto& news = joined.group->Poll(milliseconds(5));
    for (const auto& record : news.records.records) {
      EXPECT_EQ(record.tag, 4U);
      read.emplace_back(record.value);
    }
    return at_end |= !news.records.at_end.empty();
  }));
  EXPECT_EQ(read, Numbers(5, 5));
  ASSERT_TRUE(joined.group->Read({topic, 0}, 9, 5).ok());
  read.clear();
  EXPECT_TRUE(Until([&] {
    for (const auto& record : joined.group->Poll(milliseconds(5)).records.records) {
      EXPECT_EQ(record.tag, 5U);
      read.emplace_back(record.value);
    }
    return !read.empty();
  }));
  EXPECT_EQ(read, Numbers(9, 1));

  // A topic that comes later is shared out anew with the others.
  kafka_->MakeTopicNamed(topic + ".b", 1);
  EXPECT_TRUE(Until([&] { return joined.group->Poll(milliseconds(5)).asked_back; }));
  joined.group->GiveBack();
  given.clear();
  EXPECT_TRUE(Until([&] {
    for (const auto& g : joined.group->Poll(milliseconds(5)).given) given.push_back(g.partition);
    return given.size() == 3;
  }));
}

TEST_F(KafkaGroupTest, ASecondMemberGoesOnWhereTheFirstHasCommittedWithItsNote) {
  const std::string topic = kafka_->MakeTopic("share", 4);
  Produce(topic, 4, 0, 50);
  const std::string note(4000, 'n');
  Member first = Join(topic);
  EXPECT_TRUE(Until([&] {
    first.Poll();
    return first.Count() == 200;
  }));
  Member second = Join(topic);
  EXPECT_TRUE(Until([&] {
    first.Poll();
    second.Poll();
    return first.asked_back;
  }));
  // As long as it is not given back, nobody else gets it.
  EXPECT_THAT(second.held, IsEmpty());
  EXPECT_EQ(first.group->Read({topic, 0}, 0, 0).code(), StatusCode::kUnavailable);
  first.Yield(note);
  EXPECT_TRUE(Until([&] {
    first.Poll();
    second.Poll();
    return first.held.size() == 2 && second.held.size() == 2;
  }));
  for (const Member* member : {&first, &second}) {
    for (const auto& [partition, given] : member->held) {
      ASSERT_TRUE(given.position.has_value());
      EXPECT_EQ(given.position->next_offset, 50);
      EXPECT_EQ(given.position->note, note);
    }
  }
  Produce(topic, 4, 50, 50);
  EXPECT_TRUE(Until([&] {
    first.Poll();
    second.Poll();
    return first.Count() + second.Count() == 400;
  }));
  for (const auto& [partition, given] : second.held) EXPECT_EQ(second.read[partition], Numbers(50, 50));
  EXPECT_THAT(first.not_committed, IsEmpty());
}

TEST_F(KafkaGroupTest, ACommitThatDoesNotWaitIsThereForTheNextMember) {
  const std::string topic = kafka_->MakeTopic("commit", 1);
  Produce(topic, 1, 0, 1000);
  {
    Member member = Join(topic);
    EXPECT_TRUE(Until([&] {
      member.Poll();
      member.group->Commit(member.Positions(std::to_string(member.Count())));
      return member.Count() == 1000;
    }));
    EXPECT_TRUE(member.group->CommitNow({}).ok());
    EXPECT_THAT(member.not_committed, IsEmpty());
    const Status too_long = member.group->CommitNow(member.Positions(std::string(5000, 'n')));
    EXPECT_EQ(too_long.code(), StatusCode::kUnavailable);
    EXPECT_THAT(too_long.message(), HasSubstr("OFFSET_METADATA_TOO_LARGE"));
  }
  Member next = Join(topic);
  EXPECT_TRUE(Until([&] {
    next.Poll();
    return next.held.size() == 1;
  }));
  const TopicReader::Given& given = next.held.begin()->second;
  ASSERT_TRUE(given.position.has_value());
  EXPECT_EQ(given.position->next_offset, 1000);
  EXPECT_EQ(given.position->note, "1000");
}

TEST_F(KafkaGroupTest, AMemberThatWasTakenForDeadCannotCommitAndIsTold) {
  const std::string topic = kafka_->MakeTopic("dead", 2);
  Produce(topic, 2, 0, 10);
  // Who does not poll is out, as who is stopped is; only sooner.
  Member slow = Join(
      topic, [](KafkaGroup::Options* o) { o->settings.properties = {{"max.poll.interval.ms", "6000"}}; });
  EXPECT_TRUE(Until([&] {
    slow.Poll();
    return slow.Count() == 20;
  }));
  Member other = Join(topic);
  EXPECT_TRUE(Until([&] {
    other.Poll();
    return other.Count() == 20;
  }));
  EXPECT_THAT(other.held, SizeIs(2));
  EXPECT_TRUE(other.group->CommitNow(other.Positions("other")).ok());
  slow.group->Commit({{{topic, 0}, 3, "slow"}});
  const Status refused = slow.group->CommitNow({{{topic, 1}, 3, "slow"}});
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_THAT(refused.message(), AnyOf(HasSubstr("ASSIGNMENT_LOST"), HasSubstr("UNKNOWN_MEMBER_ID"),
                                       HasSubstr("ILLEGAL_GENERATION")));
  EXPECT_TRUE(Until([&] {
    slow.Poll();
    return slow.lost;
  }));
  EXPECT_FALSE(slow.asked_back);
  EXPECT_THAT(slow.not_committed, SizeIs(1));
  slow.GiveBack();
  // It may come back, and finds what the other has committed.
  EXPECT_TRUE(Until([&] {
    slow.Poll();
    other.Poll();
    if (other.asked_back) other.Yield("other");
    return slow.held.size() == 1 && other.held.size() == 1;
  }));
  EXPECT_EQ(slow.held.begin()->second.position->note, "other");
}

TEST_F(KafkaGroupTest, AMemberThatWasStoppedCannotCommitWhenItGoesOn) {
  const std::string topic = kafka_->MakeTopic("stopped", 2);
  Produce(topic, 2, 0, 10);
  const pid_t child = fork();
  if (child == 0) {
    Member member = Join(topic);
    if (!Until([&] {
          member.Poll();
          return member.Count() == 20;
        }))
      _exit(10);
    raise(SIGSTOP);
    if (member.group->CommitNow(member.Positions("zombie")).code() != StatusCode::kUnavailable) _exit(11);
    if (!Until([&] {
          member.Poll();
          return member.lost;
        }))
      _exit(12);
    member.GiveBack();
    _exit(HasFailure() ? 13 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status)) << WEXITSTATUS(status);
  Member other = Join(topic);
  EXPECT_TRUE(Until([&] {
    other.Poll();
    return other.Count() == 20;
  }));
  EXPECT_TRUE(other.group->CommitNow(other.Positions("other")).ok());
  kill(child, SIGCONT);
  EXPECT_TRUE(Until([&] {
    other.Poll();
    if (other.asked_back) other.Yield("other");
    return waitpid(child, &status, WNOHANG) == child;
  }));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Until([&] {
    other.Poll();
    if (other.asked_back) other.Yield("other");
    return other.held.size() == 2;
  }));
  for (const auto& [partition, given] : other.held)
    EXPECT_EQ(given.position.value_or(GroupPosition{{}, 0, "other"}).note, "other");
}

TEST_F(KafkaGroupTest, AMemberWithANameComesBackWithoutTheOthersNoticing) {
  const std::string topic = kafka_->MakeTopic("named", 2);
  Produce(topic, 2, 0, 10);
  Member a = Join(topic, Named("a"));
  Member b = Join(topic, Named("b"));
  EXPECT_TRUE(Until([&] {
    for (Member* member : {&a, &b}) {
      member->Poll();
      if (member->asked_back) member->Yield();
    }
    return a.held.size() == 1 && b.held.size() == 1;
  }));
  EXPECT_TRUE(b.group->CommitNow(b.Positions("b was here")).ok());
  const KafkaPartition had = b.held.begin()->first;
  const int before = a.rebalances;
  const auto left = std::chrono::steady_clock::now();
  b.group.reset();
  b = Join(topic, Named("b"));
  EXPECT_TRUE(Until([&] {
    a.Poll();
    b.Poll();
    return b.held.size() == 1;
  }));
  EXPECT_LT(std::chrono::steady_clock::now() - left, seconds(4));
  EXPECT_EQ(b.held.begin()->first, had);
  EXPECT_EQ(b.held.begin()->second.position->note, "b was here");
  EXPECT_EQ(a.rebalances, before);
  EXPECT_FALSE(a.asked_back);
}

TEST_F(KafkaGroupTest, WhoseNameAnotherHasTakenIsOutAndJoinsAnewLater) {
  const std::string topic = kafka_->MakeTopic("fenced", 1);
  Produce(topic, 1, 0, 10);
  Member zombie = Join(topic, [](KafkaGroup::Options* o) {
    o->instance = "one";
    o->rejoin_after = milliseconds(500);
  });
  EXPECT_TRUE(Until([&] {
    zombie.Poll();
    return zombie.Count() == 10;
  }));
  Member heir = Join(topic, Named("one"));
  EXPECT_TRUE(Until([&] {
    heir.Poll();
    return heir.Count() == 10;
  }));
  EXPECT_EQ(zombie.group->CommitNow(zombie.Positions()).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(Until([&] {
    zombie.Poll();
    return zombie.lost;
  }));
  EXPECT_EQ(zombie.trouble.code(), StatusCode::kUnavailable);
  EXPECT_THAT(zombie.trouble.message(), AllOf(HasSubstr("`one`"), HasSubstr("FENCED_INSTANCE_ID")));
  EXPECT_TRUE(heir.group->CommitNow(heir.Positions("heir")).ok());
  heir.group.reset();
  zombie.GiveBack();
  EXPECT_TRUE(Until([&] {
    zombie.Poll();
    return zombie.held.size() == 1;
  }));
  EXPECT_EQ(zombie.held.begin()->second.position->note, "heir");
  EXPECT_TRUE(zombie.group->CommitNow(zombie.Positions("again")).ok());
}

TEST_F(KafkaGroupTest, APausedPartitionGoesOnWhereItWas) {
  const std::string topic = kafka_->MakeTopic("pause", 2);
  Produce(topic, 2, 0, 20'000);
  Member member = Join(topic, [](KafkaGroup::Options* o) { o->max_records = 100; });
  int pauses = 0;
  EXPECT_TRUE(Until([&] {
    member.Poll();
    const std::vector<std::string>& read = member.read[{topic, 0}];
    const size_t before = read.size();
    if (before / 2000 > static_cast<size_t>(pauses)) {
      member.group->Pause({topic, 0}, true);
      for (int i = 0; i < 3; ++i) member.Poll();
      EXPECT_EQ(read.size(), before);
      member.group->Pause({topic, 0}, false);
      ++pauses;
    }
    return member.Count() == 40'000;
  }));
  EXPECT_GE(pauses, 9);
  // Member saw to it that every offset came, once and in order.
}

TEST_F(KafkaGroupTest, WhatTheGroupRefusesIsTold) {
  const std::string topic = kafka_->MakeTopic("refused", 1);
  Member member =
      Join(topic, [](KafkaGroup::Options* o) { o->session_timeout = std::chrono::milliseconds(500); });
  EXPECT_TRUE(Until([&] {
    member.Poll();
    return !member.trouble.ok();
  }));
  EXPECT_THAT(member.trouble.message(), HasSubstr("INVALID_SESSION_TIMEOUT"));
  KafkaGroup::Options options;
  options.settings = {{kafka_->brokers()}, "g", {}};
  options.topics = {"^("};
  EXPECT_EQ(KafkaGroup::Start(options).status().code(), StatusCode::kInvalid);
}

// ---- the writer

class KafkaProducerTest : public KafkaGroupTest {
 protected:
  std::unique_ptr<KafkaProducer> Producer(std::function<void(KafkaProducer::Options*)> change = {}) {
    KafkaProducer::Options options;
    options.settings = {{kafka_->brokers()}, "", {}};
    if (change) change(&options);
    Result<std::unique_ptr<KafkaProducer>> producer = KafkaProducer::Start(std::move(options));
    EXPECT_TRUE(producer.ok()) << producer.status().message();
    return std::move(*producer);
  }
  // The values of each partition.
  std::map<int32_t, std::vector<std::string>> Dump(const std::string& topic) {
    std::map<int32_t, std::vector<std::string>> values;
    const auto next = ReadTopic(
        {{kafka_->brokers()}, "", {}}, topic,
        [&](const TopicRecord& record) {
          values[record.partition].emplace_back(record.value.value_or("tombstone"));
          return Status::Ok();
        },
        seconds(20));
    EXPECT_TRUE(next.ok()) << next.status().message();
    return values;
  }
};

TEST_F(KafkaProducerTest, WhatIsAcknowledgedIsThereWithAllThatWasSentBefore) {
  const std::string topic = kafka_->MakeTopic("written", 3);
  const auto producer = Producer();
  uint64_t last = 0;
  for (int n = 0; n < 3000; ++n) {
    const Result<uint64_t> number = producer->Send(topic, n % 3, n % 2 == 0 ? "key" : "", std::to_string(n));
    ASSERT_TRUE(number.ok()) << number.status().message();
    EXPECT_EQ(*number, static_cast<uint64_t>(n) + 1);
    const Result<uint64_t> acknowledged = producer->Acknowledged();
    ASSERT_TRUE(acknowledged.ok());
    EXPECT_GE(*acknowledged, last);
    EXPECT_LE(*acknowledged, *number);
    last = *acknowledged;
    if (n != 1500) continue;
    // In the middle: every record up to that number can be read.
    EXPECT_TRUE(Until([&] { return (last = *producer->Acknowledged()) > 1000; }));
    std::set<int> there;
    for (const auto& [partition, values] : Dump(topic))
      for (const std::string& value : values) there.insert(std::stoi(value));
    for (int i = 0; i < static_cast<int>(last); ++i) EXPECT_EQ(there.count(i), 1U) << i;
  }
  ASSERT_TRUE(producer->Flush(seconds(20)).ok());
  EXPECT_EQ(*producer->Acknowledged(), 3000U);
  const auto values = Dump(topic);
  for (int p = 0; p < 3; ++p) {
    std::vector<std::string> expected;
    for (int n = p; n < 3000; n += 3) expected.push_back(std::to_string(n));
    EXPECT_EQ(values.at(p), expected);
  }
}

TEST_F(KafkaProducerTest, ARecordThatATopicDoesNotAllowStopsItWithWhatToDo) {
  const std::string topic = kafka_->MakeTopic("small", 1, {{"max.message.bytes", "100000"}});
  const auto producer = Producer([](KafkaProducer::Options* o) { o->max_record_bytes = 1 << 20; });
  ASSERT_TRUE(producer->Send(topic, 0, "", "first").ok());
  ASSERT_TRUE(producer->Flush(seconds(20)).ok());
  std::string noise(200'000, ' ');  // that does not compress
  uint32_t random = 1;
  for (char& c : noise) c = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
  ASSERT_TRUE(producer->Send(topic, 0, "", noise).ok());
  Result<uint64_t> sent = producer->Send(topic, 0, "", "behind");
  const Status flushed = producer->Flush(seconds(20));
  EXPECT_EQ(flushed.code(), StatusCode::kLimit) << flushed.message();
  EXPECT_THAT(flushed.message(), AllOf(HasSubstr(topic + "/0"), HasSubstr("max.message.bytes")));
  EXPECT_FALSE(producer->Send(topic, 0, "", "later").ok());
  EXPECT_FALSE(producer->Acknowledged().ok());
  EXPECT_THAT(Dump(topic)[0], ElementsAre("first"));

  const auto other = Producer([](KafkaProducer::Options* o) { o->max_record_bytes = 1000; });
  EXPECT_EQ(other->Send(topic, 0, "", std::string(1001, 'x')).status().code(), StatusCode::kLimit);
}

TEST_F(KafkaProducerTest, ATopicOrPartitionThatIsNotThereStopsIt) {
  const std::string topic = kafka_->MakeTopic("there", 1);
  const std::pair<std::string, int> cases[] = {{"no-such-topic", 0}, {topic, 1}};
  for (const auto& [name, partition] : cases) {
    SCOPED_TRACE(name);
    const auto producer = Producer([](KafkaProducer::Options* o) {
      o->settings.properties = {{"topic.metadata.propagation.max.ms", "500"}};
    });
    Status status;
    EXPECT_TRUE(Until([&, n = name, p = partition] {
      if (const auto sent = producer->Send(n, p, "", "x"); !sent.ok()) status = sent.status();
      return !status.ok();
    }));
    EXPECT_EQ(status.code(), StatusCode::kNotFound) << status.message();
    EXPECT_THAT(status.message(), HasSubstr(name));
    EXPECT_FALSE(producer->Flush(seconds(1)).ok());
  }
}

TEST_F(KafkaProducerTest, SettingsAreForReadersAndWriters) {
  const std::string topic = kafka_->MakeTopic("settings", 1);
  const std::vector<std::pair<std::string, std::string>> both = {
      {"fetch.min.bytes", "1"}, {"batch.size", "100000"}, {"session.timeout.ms", "7000"}};
  const auto producer = Producer([&](KafkaProducer::Options* o) {
    o->settings.properties = both;
    o->settings.group = "g";
  });
  ASSERT_TRUE(producer->Send(topic, 0, "", "0").ok());
  EXPECT_TRUE(producer->Flush(seconds(20)).ok());
  // A broker that has just started may be asked twice, and that is told.
  for (const std::string& line : producer->TakeLog()) EXPECT_THAT(line, HasSubstr("retrying"));
  const auto joined = Join(topic, [&](KafkaGroup::Options* o) { o->settings.properties = both; });
  EXPECT_THAT(joined.group->Poll(milliseconds(50)).records.log, IsEmpty());
  for (const char* name : {"acks", "enable.idempotence", "message.timeout.ms", "transactional.id",
                           "group.instance.id", "partition.assignment.strategy", "retries"})
    EXPECT_THAT(KafkaPropertyProblem(name, "1"), HasSubstr("not yours to set")) << name;
  EXPECT_EQ(KafkaPropertyProblem("session.timeout.ms", "7000"), "");
}

// With a broker of its own, which it stops.
class KafkaProducerOutageTest : public KafkaProducerTest {
 protected:
  void SetUp() override {
    if (TestKafka::Shared() == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
    own_ = std::make_unique<TestKafka>(folder_.path() + "/kafka", 1);
    ASSERT_TRUE(own_->ok());
    kafka_ = own_.get();
  }
  TemporaryFolder folder_;
  std::unique_ptr<TestKafka> own_;
};

TEST_F(KafkaProducerOutageTest, GoesOnWhenBrokersAreBackWithoutLossOrRepetition) {
  const std::string topic = kafka_->MakeTopic("outage", 2);
  const auto producer = Producer([](KafkaProducer::Options* o) { o->max_queued_bytes = 200'000; });
  Member reader = Join(topic, [](KafkaGroup::Options* o) {
    o->instance = "r";
    o->rejoin_after = milliseconds(500);
  });
  std::atomic<bool> stop{false};
  std::atomic<int> sent{0};
  std::thread writing([&] {
    // So slow that the outage falls in between, and more than the queue holds in it.
    for (; !stop; ++sent) {
      const int n = sent;
      ASSERT_TRUE(producer->Send(topic, n % 2, "", std::to_string(n) + std::string(1000, '.')).ok());
      ASSERT_TRUE(producer->Acknowledged().ok());
      std::this_thread::sleep_for(milliseconds(1));
    }
  });
  const auto poll_until = [&](const std::function<bool()>& holds) {
    return Until([&] {
      reader.Poll();
      // An outage longer than the session timeout costs it its partitions.
      if (reader.lost || reader.asked_back) reader.GiveBack();
      reader.lost = false;
      return holds();
    });
  };
  EXPECT_TRUE(poll_until([&] { return reader.Count() > 100; }));
  const int before = sent;
  kafka_->Stop();
  // It waits with a full queue, and loses none of it.
  EXPECT_TRUE(Until([&, last = -1]() mutable {
    std::this_thread::sleep_for(milliseconds(300));
    return std::exchange(last, sent.load()) == sent;
  }));
  EXPECT_GT(sent, before);
  ASSERT_TRUE(kafka_->Start());
  const int after = sent;
  EXPECT_TRUE(Until([&] { return sent > after + 500; }));
  stop = true;
  writing.join();
  const Status flushed = producer->Flush(seconds(30));
  EXPECT_TRUE(flushed.ok()) << flushed.message();
  EXPECT_EQ(*producer->Acknowledged(), static_cast<uint64_t>(sent));
  EXPECT_TRUE(poll_until([&] { return reader.Count() == static_cast<size_t>(sent); }))
      << reader.trouble.message() << reader.lost << reader.asked_back << reader.Count() << " of " << sent;
  EXPECT_TRUE(poll_until([&] { return reader.group->CommitNow(reader.Positions("after")).ok(); }));
  for (const auto& [partition, values] : reader.read)
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(std::stoi(values[i]), static_cast<int>(2 * i) + partition.partition);
}

// ---- the dump

TEST_F(KafkaProducerTest, ADumpReadsATopicToItsEndAndGoesOnFromThere) {
  const std::string topic = kafka_->MakeTopic("dump", 3, {{"cleanup.policy", "compact"}});
  const auto producer = Producer();
  for (int n = 0; n < 10; ++n)
    ASSERT_TRUE(
        producer->Send(topic, n % 2, "key-" + std::to_string(n), n == 4 ? "" : std::to_string(n)).ok());
  ASSERT_TRUE(producer->Flush(seconds(20)).ok());
  const KafkaSettings settings{{kafka_->brokers()}, "", {}};
  std::vector<std::string> read;
  const auto visit = [&](const TopicRecord& record) {
    EXPECT_TRUE(record.written.has_value());
    read.push_back(std::to_string(record.partition) + "/" + std::to_string(record.offset) + " " +
                   std::string(record.key) + "=" + std::string(record.value.value_or("none")));
    return Status::Ok();
  };
  const Result<TopicOffsets> next = ReadTopic(settings, topic, visit, seconds(20));
  ASSERT_TRUE(next.ok()) << next.status().message();
  EXPECT_EQ(*next, (TopicOffsets{{0, 5}, {1, 5}, {2, 0}}));
  std::stable_sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return a[0] < b[0]; });
  EXPECT_THAT(read, ElementsAre("0/0 key-0=0", "0/1 key-2=2", "0/2 key-4=none", "0/3 key-6=6", "0/4 key-8=8",
                                "1/0 key-1=1", "1/1 key-3=3", "1/2 key-5=5", "1/3 key-7=7", "1/4 key-9=9"));

  read.clear();
  ASSERT_TRUE(producer->Send(topic, 2, "k", "new").ok());
  ASSERT_TRUE(producer->Flush(seconds(20)).ok());
  ASSERT_TRUE(ReadTopic(settings, topic, visit, seconds(20), *next).ok());
  EXPECT_THAT(read, ElementsAre("2/0 k=new"));
  EXPECT_EQ(ReadTopic(settings, topic, visit, seconds(20), {{0, 6}}).status().code(), StatusCode::kInvalid);
  const Status stopped =
      ReadTopic(settings, topic, [](const TopicRecord&) { return Status::Io("full"); }, seconds(20)).status();
  EXPECT_EQ(stopped.message(), "full");
  EXPECT_EQ(ReadTopic(settings, "no-such-topic", visit, seconds(20)).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace redthread
