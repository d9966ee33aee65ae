// What can go wrong between workers and brokers: each is told with what to do, counted, and cured.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "ingest/kafka_admin.h"
#include "runtime/pipeline_fault.h"
#include "runtime/raw_position.h"
#include "tests/kafka/pipeline_fixture.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr auto kPatience = std::chrono::seconds(60);

class PipelineFaultTest : public PipelineTest {
 protected:
  // Topics of the stages, a raw topic, and workers that tell metrics.
  void SetUp() override {
    PipelineTest::SetUp();
    if (IsSkipped()) return;
    failed_percent_ = 30;
    raw_ = kafka_->MakeTopic("faulty", 1);
    port_ = FreePort();
    ConfigurePipeline({{raw_}}, 1, Api());
  }
  std::string Api() const { return "api: {listen: \"127.0.0.1:" + std::to_string(port_) + "\"}\n"; }

  // "" while nobody listens.
  std::string Metrics() const {
    return RunProgram({"curl", "-s", "http://127.0.0.1:" + std::to_string(port_) + "/metrics"}, {}, "").out;
  }
  // The number behind that name and labels; -1 when it is not there.
  double Metric(const std::string& name) const {
    for (const std::string& line : SplitLines(Metrics())) {
      if (line.rfind(name + " ", 0) == 0) return std::stod(line.substr(name.size() + 1));
    }
    return -1;
  }
  double Faults(PipelineFault fault) const {
    return Metric(std::string("redthread_kafka_faults_total{fault=\"") +
                  kPipelineFaultNames[static_cast<size_t>(fault)] + "\"}");
  }
  template <typename Condition>
  static bool Comes(Condition condition) {
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
      if (condition()) return true;
    }
    return false;
  }
  // What was read again after a stage began again counts again.
  bool Reads(double records) const {
    return Comes([&] { return Metric("redthread_records_total") >= records; });
  }
  // The group of those that read the raw topic.
  std::unique_ptr<KafkaAdmin> Group() const {
    auto admin = KafkaAdmin::Open({{brokers_}, group() + "-detect-in0", {}});
    return admin.ok() ? std::move(*admin) : nullptr;
  }
  // Ends the worker, and reads the rest.
  void Finish(std::unique_ptr<Process> worker) {
    worker->Signal(SIGTERM);
    EXPECT_EQ(worker->Wait().exit_code, 0);
    RunToTheEnd(1);
  }
  // What a scan of these tells.
  std::string Scanned(const Strings& events) const {
    std::string lines;
    for (const std::string& event : events) lines += event + "\n";
    return RunBinary({"scan", "--canonical", "--rules", rules_, Write("scanned.ndjson", lines)}).out;
  }

  std::string raw_;
  uint16_t port_ = 0;
};

TEST_F(PipelineFaultTest, AWorkerTellsWhatItHasDone) {
  Produce(raw_, 1, Events(500, {}, 1));
  auto worker = StartWorker("a");
  EXPECT_TRUE(Reads(500));
  EXPECT_TRUE(Comes([&] { return Metric("redthread_alerts_told_total") > 0; }));
  EXPECT_TRUE(Comes([&] { return Metric("redthread_partitions{stage=\"correlate\"}") == 1; }));
  EXPECT_GT(Metric("redthread_detections_total"), 0);
  EXPECT_EQ(Metric("redthread_partitions{stage=\"detect\"}"), 1);
  for (size_t fault = 0; fault < kPipelineFaults; ++fault)
    EXPECT_EQ(Faults(static_cast<PipelineFault>(fault)), 0) << kPipelineFaultNames[fault];
  Finish(std::move(worker));
}

TEST_F(PipelineFaultTest, ATopicThatIsNotThereIsAwaited) {
  const std::string later = raw_ + "-later";
  ConfigurePipeline({{raw_}, {later}}, 1, Api());
  Produce(raw_, 1, Events(10, {}, 1));
  kafka_->DeleteTopic(later);  // `kafka init` has made it
  auto worker = StartWorker("a");
  EXPECT_TRUE(worker->Says("there is no topic `" + later + "`"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kTopic) > 0; }));
  EXPECT_TRUE(Reads(10));
  kafka_->MakeTopicNamed(later, 1);
  Produce(later, 1, Events(10, {}, 2));
  EXPECT_TRUE(Reads(20));
  Finish(std::move(worker));
}

TEST_F(PipelineFaultTest, ARecordThatNobodyButUsShouldHaveWrittenIsLeftOut) {
  const Strings events = Events(500, {}, 1);
  Produce(matches_, 1, {"no frame"});
  Produce(raw_, 1, events);
  auto worker = StartWorker("a");
  EXPECT_TRUE(worker->Says("is left out"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kRecord) > 0; }));
  EXPECT_TRUE(Reads(500));
  Finish(std::move(worker));
  EXPECT_EQ(Told(), Scanned(events));
}

TEST_F(PipelineFaultTest, AWorkerThatWakesUpAfterItsSessionHasNoPartAnyMore) {
  const Strings events = Events(1000, {}, 1);
  Produce(raw_, 1, Strings(events.begin(), events.begin() + 500));
  auto sleeper = StartWorker("a");
  EXPECT_TRUE(Reads(500));
  sleeper->Signal(SIGSTOP);
  Produce(raw_, 1, Strings(events.begin() + 500, events.end()));
  ConfigureWorker("other.yml", rule_paths_, "");
  auto other = StartWorker("b", {}, {}, "other.yml");
  EXPECT_TRUE(Comes([&] {
    return RunBinary({"kafka", "status", "-o", "jsonl", "-c", Path("other.yml")})
               .out.find(R"("read":1000)") != std::string::npos;
  }));
  sleeper->Signal(SIGCONT);
  EXPECT_TRUE(sleeper->Says("begins again"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kMembership) > 0; }));
  EXPECT_TRUE(Comes([&] { return Metric("redthread_stage_restarts_total{stage=\"detect\"}") > 0; }));
  other->Signal(SIGTERM);
  EXPECT_EQ(other->Wait().exit_code, 0);
  Finish(std::move(sleeper));
  EXPECT_EQ(Told(), Scanned(events));
}

TEST_F(PipelineFaultTest, ATopicMadeAgainIsReadFromItsFirstRecord) {
  Strings events = Events(100, {}, 1);
  Produce(raw_, 1, events);
  RunToTheEnd(1);
  kafka_->DeleteTopic(raw_);  // its group forgets how far it was read
  kafka_->MakeTopicNamed(raw_, 1);
  const Strings after = Events(300, {}, 2);
  Produce(raw_, 1, after);
  RunToTheEnd(1);
  events.insert(events.end(), after.begin(), after.end());
  EXPECT_EQ(Told(), Scanned(events));
  EXPECT_NE(Told(), "");
}

TEST_F(PipelineFaultTest, ATopicWhosePositionIsLostIsReadAgainAndCountsOnce) {
  const Strings events = Events(300, {}, 1);
  Produce(raw_, 1, events);
  RunToTheEnd(1);
  const std::string told = Told();
  ASSERT_TRUE(Group()->SetPositions({{{raw_, 0}, 0, RawPosition().Note()}}).ok());
  RunToTheEnd(1);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(told, Scanned(events));
}

TEST_F(PipelineFaultTest, OtherRecordsThanWereReadStopThePartitionUntilItIsReset) {
  Strings events = Events(100, {}, 1);
  Produce(raw_, 1, events);
  RunToTheEnd(1);
  const auto positions = Group()->ToldPositions({{raw_, 0}});
  ASSERT_TRUE(positions.ok() && positions->size() == 1);
  kafka_->DeleteTopic(raw_);
  kafka_->MakeTopicNamed(raw_, 1);
  const Strings after = Events(300, {}, 2);
  Produce(raw_, 1, after);
  // As after an unclean election: the group knows a position, and other records are there.
  ASSERT_TRUE(Group()->SetPositions({positions->begin()->second}).ok());
  auto worker = StartWorker("0");
  EXPECT_TRUE(worker->Says("is another one than was read"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kReplaced) > 0; }));
  const Strings reset = {"kafka", "reset", raw_ + "/0", "-c", Path("redthread.yml")};
  const BinaryRun refused = RunBinary(reset);
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.err, HasSubstr("end all workers first"));
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->Wait().exit_code, 0);
  const BinaryRun done = RunBinary(reset);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("it will be read from offset 0"));
  RunToTheEnd(1);
  events.insert(events.end(), after.begin(), after.end());
  EXPECT_EQ(Told(), Scanned(events));
  EXPECT_EQ(RunBinary(reset).exit_code, 2) << "it can be read on as it is";
}

TEST_F(PipelineFaultTest, RecordsDeletedBeforeTheyWereReadStopUntilItIsReset) {
  const Strings events = Events(300, {}, 1);
  Produce(raw_, 1, Strings(events.begin(), events.begin() + 100));
  RunToTheEnd(1);
  Produce(raw_, 1, Strings(events.begin() + 100, events.end()));
  kafka_->DeleteRecords(raw_, 0, 200);
  auto worker = StartWorker("0");
  EXPECT_TRUE(worker->Says("were deleted before they were read"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kOffset) > 0; }));
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->Wait().exit_code, 0);
  const BinaryRun done = RunBinary({"kafka", "reset", raw_ + "/0", "-c", Path("redthread.yml")});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  RunToTheEnd(1);
  Strings left(events.begin(), events.begin() + 100);
  left.insert(left.end(), events.begin() + 200, events.end());
  EXPECT_EQ(Told(), Scanned(left));
}

TEST_F(PipelineFaultTest, AFolderThatCannotBeWrittenIsTriedAgain) {
  const Strings events = Events(300, {}, 1);
  Produce(raw_, 1, events);
  // Where the folder of the first partition should be, there is a file.
  fs::create_directories(Path("worker-a"));
  const std::string folder = Path("worker-a") + "/" + matches_ + "-0";
  std::ofstream(folder) << "in the way";
  auto worker = StartWorker("a");
  EXPECT_TRUE(worker->Says("correlate begins again"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kState) > 0; }));
  EXPECT_TRUE(Reads(300)) << "detection does not wait for it";
  fs::remove(folder);
  EXPECT_TRUE(Comes([&] { return Metric("redthread_alerts_told_total") > 0; }));
  Finish(std::move(worker));
  EXPECT_EQ(Told(), Scanned(events));
}

class PipelineOutageTest : public PipelineFaultTest {
 protected:
  void SetUp() override {
    if (TestKafka::Shared() == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
    own_ = std::make_unique<TestKafka>(Path("kafka"), 1);
    ASSERT_TRUE(own_->ok());
    kafka_ = own_.get();
    rules_ = Write("sign_in.yml", kSignInRules);
    rule_paths_ = rules_;
    brokers_ = kafka_->brokers();
    failed_percent_ = 30;
    raw_ = kafka_->MakeTopic("faulty", 1);
    port_ = FreePort();
    ConfigurePipeline({{raw_}}, 1, Api());
  }
  std::unique_ptr<TestKafka> own_;
};

TEST_F(PipelineOutageTest, APasswordThatIsNotTakenAnyMoreIsToldUntilItIsAgain) {
  const Strings events = Events(600, {}, 1);
  Produce(raw_, 1, Strings(events.begin(), events.begin() + 300));
  SignIn("PLAIN");
  ConfigurePipeline({{raw_}}, 1, Api());
  auto worker = StartWorker("a");
  EXPECT_TRUE(Reads(300));
  kafka_->Stop();
  ASSERT_TRUE(kafka_->Start("changed"));
  EXPECT_TRUE(worker->Says("check `sasl.username` and `sasl.password`"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kCredentials) > 0; })) << Metrics();
  kafka_->Stop();
  ASSERT_TRUE(kafka_->Start());
  Produce(raw_, 1, Strings(events.begin() + 300, events.end()));
  EXPECT_TRUE(Reads(600)) << Metrics();
  Finish(std::move(worker));
  EXPECT_EQ(Told(), Scanned(events));
}

TEST_F(PipelineOutageTest, AWorkerThatIsNotLetInFromTheBeginningSaysSoAndWaits) {
  Produce(raw_, 1, Events(300, {}, 1));
  SignIn("PLAIN");
  ConfigurePipeline({{raw_}}, 1, Api());
  kafka_->Stop();
  ASSERT_TRUE(kafka_->Start("changed"));
  auto worker = StartWorker("a");
  EXPECT_TRUE(worker->Says("check `sasl.username` and `sasl.password`"));
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kCredentials) > 0; })) << Metrics();
  kafka_->Stop();
  ASSERT_TRUE(kafka_->Start());
  EXPECT_TRUE(Reads(300)) << Metrics();
  Finish(std::move(worker));
}

TEST_F(PipelineOutageTest, BrokersThatAreAwayAreAwaited) {
  const Strings events = Events(600, {}, 1);
  Produce(raw_, 1, Strings(events.begin(), events.begin() + 300));
  auto worker = StartWorker("a");
  EXPECT_TRUE(Reads(300));
  kafka_->Stop();
  EXPECT_TRUE(Comes([&] { return Faults(PipelineFault::kBrokers) > 0; }));
  ASSERT_TRUE(kafka_->Start());
  Produce(raw_, 1, Strings(events.begin() + 300, events.end()));
  EXPECT_TRUE(Reads(600)) << Metrics();
  std::cout << Metric("redthread_records_total") << " records read\n";
  Finish(std::move(worker));
  EXPECT_EQ(Told(), Scanned(events));
}

}  // namespace
}  // namespace redthread
