// What can go wrong with topics and brokers: it is told, with what to do, and nothing is lost or doubled.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/hash.h"
#include "ingest/kafka_admin.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KafkaTroubleTest : public KafkaRunTest {
 protected:
  // Of dead letters: index and reason.
  std::vector<std::pair<uint64_t, std::string>> DeadLetters() const {
    std::vector<std::pair<uint64_t, std::string>> letters;
    Damage damage;
    const std::unique_ptr<Database> database = OpenState();
    EXPECT_TRUE(ForEachDeadLetter(
                    *database->Snapshot(), std::nullopt,
                    [&](const StoredDeadLetter& letter) {
                      letters.emplace_back(letter.position.index, letter.reason);
                      return true;
                    },
                    &damage)
                    .ok());
    return letters;
  }
};

TEST_F(KafkaTroubleTest, RecordsThatCannotBeReadAreCountedAndTheOthersAreRead) {
  const std::string topic = kafka_->MakeTopic("poison", 1);
  const std::string good = Events(1, {}, 1)[0];
  {
    TestProducer producer(kafka_->brokers());
    producer.Send(topic, 0, std::nullopt);                         // 0: a tombstone
    producer.Send(topic, 0, "");                                   // 1
    producer.SendDressed(topic, 0, good + "\r\n");                 // 2: with key, header and line end
    producer.Send(topic, 0, "\xff\xfe\x00\x01");                   // 3: of no format
    producer.Send(topic, 0, R"({"EventID": 46)");                  // 4: broken off
    producer.Send(topic, 0, good + std::string(2000, ' ') + "x");  // 5: too long
    producer.Send(topic, 0, good);                                 // 6
  }
  Configure("[" + topic + "]", ", max_record: 1000B");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_THAT(run.err, HasSubstr("7 lines read"));
  EXPECT_THAT(run.err, HasSubstr("2 records of topics without a value"));
  EXPECT_THAT(Sources().at(0).next_index, 7U);
  EXPECT_EQ(Sources().at(0).path, topic + "/0");
  std::vector<uint64_t> dead;
  for (const auto& [index, reason] : DeadLetters()) dead.push_back(index);
  EXPECT_THAT(dead, ElementsAre(3, 4, 5));
  EXPECT_EQ(DeadLetters().back().second, "record too long");
  // The line end is none of the record's: record 2 has the evidence that a line of a file would have.
  EXPECT_THAT(RunBinary({"alerts", "list", "--canonical", "-c", Path("redthread.yml")}).out,
              HasSubstr(HexOf(HashBytes(good))));
}

TEST_F(KafkaTroubleTest, NewTopicsOfAPatternAndNewPartitionsAreTakenUp) {
  const std::string first = kafka_->MakeTopic("grow", 1);
  Produce(first, 1, Events(10, {}, 1));
  Start({"^grow-" + std::to_string(getpid()) + "-"});
  EXPECT_TRUE(Settles(10));
  const std::string second = kafka_->MakeTopic("grow", 2);
  Produce(second, 2, Events(10, {}, 2));
  EXPECT_TRUE(Settles(20));
  kafka_->AddPartitions(first, 3);
  Produce(first, 3, Events(30, {}, 3));
  EXPECT_TRUE(Settles(50));
  EXPECT_EQ(Sources().size(), 5U);
  EXPECT_EQ(Stop().counts.records, 50U);
  EXPECT_TRUE(status_.ok()) << status_.message();
}

TEST_F(KafkaTroubleTest, ATopicOfTwoSourcesIsReadOnce) {
  const std::string topic = kafka_->MakeTopic("shared", 1);
  Produce(topic, 1, Events(10, {}, 1));
  Start({topic}, [](Embedded::Options* options) {
    options->kafka.push_back(options->kafka[0]);
    options->kafka[1].name = "more";
    options->until_idle = true;
  });
  EXPECT_EQ(Finish().counts.records, 10U);
  EXPECT_THAT(Problems(), HasSubstr("leaves " + topic + "/0 to source"));
}

TEST_F(KafkaTroubleTest, ATopicThatIsNotThereIsToldAndReadOnceItIs) {
  const std::string topic = "later-" + std::to_string(getpid());
  Configure("[" + topic + "]");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 4) << run.err;
  EXPECT_THAT(run.err, HasSubstr("redthread kafka init"));
  Start({topic});
  EXPECT_TRUE(Told("there is no topic `" + topic + "`"));
  kafka_->MakeTopicNamed(topic, 1);
  Produce(topic, 1, Events(10, {}, 1));
  EXPECT_TRUE(Settles(10));
}

TEST_F(KafkaTroubleTest, RecordsDeletedBeforeTheyWereReadStopThatPartitionAlone) {
  const std::string topic = kafka_->MakeTopic("gap", 2);
  Produce(topic, 2, Events(40, {}, 1), 1);
  Configure("[" + topic + "]");
  EXPECT_EQ(UntilIdle().exit_code, 0);
  const std::vector<SourceState> before = Sources();
  TestProducer producer(kafka_->brokers());
  for (int i = 0; i < 10; ++i) {
    producer.Send(topic, 0, Events(1, {}, 1)[0]);
    producer.Send(topic, 1, Events(1, {}, 1)[0]);
  }
  producer.Flush();
  const uint64_t next = std::find_if(before.begin(), before.end(), [&](const SourceState& s) {
                          return s.path == topic + "/0";
                        })->next_index;
  kafka_->DeleteRecords(topic, 0, static_cast<int64_t>(next) + 4);
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("its records " + std::to_string(next) + " to " +
                                       std::to_string(next + 3) + " were deleted"),
                             HasSubstr("redthread kafka reset " + topic + "/0")));
  // The other was read on.
  EXPECT_EQ(Records(), 40U + 10U);

  const BinaryRun reset = RunBinary({"kafka", "reset", topic + "/0", "-c", Path("redthread.yml")});
  EXPECT_EQ(reset.exit_code, 0) << reset.err;
  const BinaryRun again = UntilIdle();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("6 lines read"));
}

TEST_F(KafkaTroubleTest, ATopicMadeAgainIsNotTakenForTheOldOne) {
  for (const size_t records : {3, 30}) {  // less than were read, and more
    SCOPED_TRACE(records);
    fs::remove_all(Path("data"));
    const std::string topic = kafka_->MakeTopic("again", 1);
    Produce(topic, 1, Events(10, {}, 1));
    Configure("[" + topic + "]");
    EXPECT_EQ(UntilIdle().exit_code, 0);
    kafka_->DeleteTopic(topic);
    kafka_->MakeTopicNamed(topic, 1);
    Produce(topic, 1, Events(records, {}, 2));
    for (int attempt = 0; attempt < 2; ++attempt) {
      const BinaryRun run = UntilIdle();
      EXPECT_EQ(run.exit_code, 5) << run.err;
      EXPECT_THAT(run.err, HasSubstr("it was made again"));
      EXPECT_EQ(Records(), 10U);
    }
    EXPECT_EQ(RunBinary({"kafka", "reset", topic + "/0", "-c", Path("redthread.yml")}).exit_code, 0);
    const BinaryRun run = UntilIdle();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(Sources().at(0).epoch, 1U);
    EXPECT_EQ(Sources().at(0).next_index, records);
  }
}

TEST_F(KafkaTroubleTest, ATopicMadeAgainWhileItIsReadIsTold) {
  const std::string topic = kafka_->MakeTopic("live-again", 1);
  Produce(topic, 1, Events(10, {}, 1));
  Start({topic});
  EXPECT_TRUE(Settles(10));
  kafka_->DeleteTopic(topic);
  EXPECT_TRUE(Told("is not there any more"));
  kafka_->MakeTopicNamed(topic, 1);
  Produce(topic, 1, Events(30, {}, 2));
  EXPECT_TRUE(Told("it was made again"));
  EXPECT_EQ(Records(), 10U);
  EXPECT_EQ(Stop().kafka.stopped, 1U);
}

TEST_F(KafkaTroubleTest, PartitionsAtTheirEndDoNotHoldTheWatermarkBack) {
  const std::string topic = kafka_->MakeTopic("quiet", 3);
  Configure("[" + topic + "]");
  Produce(topic, 1, {FailedSignIn()});
  Start({topic});
  EXPECT_TRUE(Settles(1));
  EXPECT_THAT(Live(), testing::Not(HasSubstr(kNotFollowed)));
  EXPECT_TRUE(Until([&] {
    clock_.Advance(std::chrono::minutes(1));
    return Live().find(kNotFollowed) != std::string::npos;
  }));
}

TEST_F(KafkaTroubleTest, APartitionThatIsStoppedHoldsTheWatermarkBack) {
  const std::string broken = kafka_->MakeTopic("broken", 1);
  const std::string whole = kafka_->MakeTopic("whole", 1);
  Produce(broken, 1, Events(10, {}, 1));
  Start({broken, whole});
  EXPECT_TRUE(Settles(10));
  Stop();
  kafka_->DeleteTopic(broken);
  kafka_->MakeTopicNamed(broken, 1);
  Start({broken, whole});
  EXPECT_TRUE(Told("is not read any more"));
  uint64_t records = 10;
  // Each is stored a look later at the least: what the clock is to do has been done by then.
  for (int minute = 0; minute < 15; ++minute) {
    Produce(whole, 1, {FailedSignIn()});
    EXPECT_TRUE(Settles(++records));
    clock_.Advance(std::chrono::minutes(1));
  }
  Stop();
  Configure("[" + whole + "]");
  EXPECT_THAT(Live(), testing::Not(HasSubstr(kNotFollowed)));
  // Without the broken one it is as ever.
  EXPECT_EQ(UntilIdle().exit_code, 0);
  EXPECT_THAT(Live(), HasSubstr(kNotFollowed));
}

TEST_F(KafkaTroubleTest, WrongCredentialsAreToldAndTheRightOnesRead) {
  const std::string topic = kafka_->MakeTopic("credentials", 1);
  Produce(topic, 1, Events(10, {}, 1));
  brokers_ = kafka_->sasl();
  const auto with = [this](const std::string& password) {
    return ", settings: {security.protocol: sasl_ssl, ssl.ca.location: \"" + kafka_->ca() +
           "\", sasl.mechanism: PLAIN, sasl.username: redthread, sasl.password: " + password + "}";
  };
  Configure("[" + topic + "]", with("guess"));
  const BinaryRun refused = UntilIdle();
  EXPECT_EQ(refused.exit_code, 4) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Authentication failed"),
                                 HasSubstr("check `sasl.username` and `sasl.password`")));
  Configure("[" + topic + "]", with("thread"));
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(Records(), 10U);
}

TEST_F(KafkaTroubleTest, ToolsOfKafkaSeeHowFarItHasRead) {
  const std::string topic = kafka_->MakeTopic("lag", 1);
  Produce(topic, 1, Events(10, {}, 1));
  Configure("[" + topic + "]", ", group: watchers");
  EXPECT_EQ(UntilIdle().exit_code, 0);
  const auto admin = KafkaAdmin::Open({{brokers_}, "watchers", {}});
  ASSERT_TRUE(admin.ok());
  const auto told = (*admin)->ToldPositions({{topic, 0}});
  ASSERT_TRUE(told.ok()) << told.status().message();
  ASSERT_EQ(told->size(), 1U);
  EXPECT_EQ(told->at({topic, 0}).next_offset, 10);
}

// With brokers of its own, which it stops and breaks.
class KafkaOutageTest : public KafkaRunTest {
 protected:
  void SetUp() override {
    if (TestKafka::Shared() == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
    own_ = std::make_unique<TestKafka>(Path("kafka"), 1);
    ASSERT_TRUE(own_->ok());
    kafka_ = own_.get();
    rules_ = Write("sign_in.yml", kSignInRules);
    brokers_ = kafka_->brokers();
  }
  void TearDown() override {
    Stop();
    own_.reset();
  }
  std::unique_ptr<TestKafka> own_;
};

TEST_F(KafkaOutageTest, BrokersMayBeAwayAtTheStartAndLater) {
  const std::string topic = kafka_->MakeTopic("outage", 2);
  const Strings events = Events(3'000, std::chrono::minutes(5), 1);
  const auto part = [&](size_t n) {
    return Strings(events.begin() + static_cast<ptrdiff_t>(n * 1000),
                   events.begin() + static_cast<ptrdiff_t>(n * 1000) + 1000);
  };
  Produce(topic, 2, part(0), 1);
  kafka_->Stop();
  Start({topic});
  EXPECT_TRUE(Told("check `brokers`"));
  EXPECT_EQ(Records(), 0U);
  ASSERT_TRUE(kafka_->Start());
  EXPECT_TRUE(Settles(1000));
  EXPECT_TRUE(Told("answer again"));
  Produce(topic, 2, part(1), 2);
  EXPECT_TRUE(Settles(2000));
  kafka_->Stop();
  ASSERT_TRUE(kafka_->Start());
  Produce(topic, 2, part(2), 3);
  EXPECT_TRUE(Settles(3000));
  EXPECT_EQ(Stop().counts.records, 3000U);
  EXPECT_TRUE(status_.ok()) << status_.message();
  Configure("[" + topic + "]");
  EXPECT_EQ(UntilIdle().exit_code, 0);
  EXPECT_TRUE(Live() == Scanned(events));
}

TEST_F(KafkaOutageTest, ARecordWhoseChecksumIsWrongIsNotSkippedInSilence) {
  const std::string topic = kafka_->MakeTopic("rot", 1);
  for (int batch = 0; batch < 3; ++batch)
    Produce(topic, 1, {Events(1, {}, 1)[0].insert(1, batch == 1 ? R"("Rotten":1,)" : "")});
  kafka_->Stop();
  for (const auto& entry : fs::recursive_directory_iterator(kafka_->folder())) {
    if (entry.path().extension() != ".log" || entry.path().parent_path().filename() != topic + "-0") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const size_t at = bytes.find("Rotten");
    ASSERT_NE(at, std::string::npos);
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    file << "Eaten!";
  }
  ASSERT_TRUE(kafka_->Start());
  Configure("[" + topic + "]");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 5) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("1 line read"), HasSubstr("failed CRC32C check"), HasSubstr("--from OFFSET")));
  EXPECT_EQ(Records(), 1U);
  // It is given up.
  EXPECT_EQ(RunBinary({"kafka", "reset", topic + "/0", "--from", "2", "-c", Path("redthread.yml")}).exit_code,
            0);
  const BinaryRun again = UntilIdle();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("1 line read"));
  EXPECT_EQ(Records(), 3U);
}

}  // namespace
}  // namespace redthread
