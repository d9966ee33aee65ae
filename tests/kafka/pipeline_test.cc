// Workers that share the work tell what a scan tells: for any number of workers and partitions, and whatever
// of their folders is lost.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "ingest/kafka_admin.h"
#include "ingest/kafka_settings.h"
#include "runtime/control_rules.h"
#include "tests/kafka/pipeline_fixture.h"
#include "tests/oracle/reference_data.h"

namespace redthread {
namespace {

using testing::HasSubstr;

// The default of `correlate.lateness`.
constexpr Nanoseconds kLateness = std::chrono::minutes(5);

// How many partitions of matches, and workers. All of them: REDTHREAD_PIPELINES=all.
std::vector<std::pair<int, int>> Shapes() {
  const char* text = std::getenv("REDTHREAD_PIPELINES");
  if (kSanitized) return {{3, 2}};
  if (text == nullptr || std::string(text) != "all") return {{1, 1}, {3, 2}, {8, 3}};
  std::vector<std::pair<int, int>> shapes;
  for (const int partitions : {1, 3, 8}) {
    for (const int workers : {1, 2, 3}) shapes.emplace_back(partitions, workers);
  }
  return shapes;
}

class PipelineEqualityTest : public PipelineTest {
 protected:
  // Lines in the order of their arrival, each to a partition by chance; every log source is a topic.
  void Produce(const std::vector<const Line*>& arrivals, const Strings& topics, int partitions, Dice* dice) {
    TestProducer producer(kafka_->brokers());
    for (const Line* line : arrivals)
      producer.Send(topics[line->log_source], static_cast<int>(dice->Below(static_cast<size_t>(partitions))),
                    line->text);
  }
  void ExpectEqual(const Suite& suite, const std::string& scanned) {
    EXPECT_NE(scanned, "");
    const uint64_t seed = Seed();
    SCOPED_TRACE(suite.name + ", REDTHREAD_SEED=" + std::to_string(seed));
    Dice dice(seed);
    const SuiteLines lines = LinesOf(suite, EngineOf(suite));
    for (const auto& [partitions, workers] : Shapes()) {
      SCOPED_TRACE(std::to_string(partitions) + " partitions, " + std::to_string(workers) + " workers");
      for (int n = 0; n < 3; ++n) std::filesystem::remove_all(Path("worker-" + std::to_string(n)));
      std::vector<Source> sources;
      Strings topics;
      for (size_t i = 0; i < lines.log_sources.size(); ++i) {
        topics.push_back(kafka_->MakeTopic(suite.name, partitions));
        std::string log_source = "{}";
        for (const Suite::File& file : suite.files) {
          if (Declared(file.log_source) == lines.log_sources[i]) log_source = file.log_source.dump();
        }
        sources.push_back({topics.back(), log_source});
      }
      Produce(Arrivals(lines, kLateness, &dice), topics, partitions, &dice);
      ConfigurePipeline(sources, partitions);
      const auto begun = std::chrono::steady_clock::now();
      RunToTheEnd(workers);
      const auto took = std::chrono::steady_clock::now() - begun;
      const std::string told = Told();
      EXPECT_TRUE(told == scanned);
      std::cout << suite.name << ", " << partitions << " partitions, " << workers
                << " workers: " << HexOf(HashBytes(told)) << " of "
                << std::count(told.begin(), told.end(), '\n') << " alerts, "
                << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
      for (const std::string& topic : topics) kafka_->DeleteTopic(topic);
    }
  }
  void ExpectSuite(const std::string& name) {
    if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
    for (const Suite& suite : ReferenceSuites()) {
      if (suite.name != name) continue;
      rule_paths_ = suite.rules;
      ExpectEqual(suite, redthread::Scanned(suite));
    }
  }
};

TEST_F(PipelineEqualityTest, TheSshSuite) { ExpectSuite("ssh"); }
TEST_F(PipelineEqualityTest, TheWebSuite) { ExpectSuite("web"); }
TEST_F(PipelineEqualityTest, TheWindowsSuite) { ExpectSuite("windows"); }

// All rules of SigmaHQ over the Windows recordings.
TEST_F(PipelineEqualityTest, TheWholeCorpusOverWindowsEvents) {
  if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
  rule_paths_.clear();
  Strings arguments = {"scan", "-q", "--canonical"};
  for (const std::string& folder : SigmaRuleFolders()) {
    rule_paths_ += (rule_paths_.empty() ? "" : ", ") + folder;
    arguments.insert(arguments.end(), {"-r", folder});
  }
  Suite suite{"evtx", rules_, {}};
  const nlohmann::json manifest = ReadJson(*ReferencePath("data/manifest.json"));
  for (const nlohmann::json& file : manifest["files"]) {
    const std::string path = file["path"];
    if (!path.starts_with("events/evtx/") || !path.ends_with(".ndjson.zst")) continue;
    suite.files.push_back({*ReferencePath("data/" + path), file["logsource"]});
    for (const char* key : {"product", "service", "category"}) {
      for (const std::string& value : Values(file["logsource"], key))
        arguments.insert(arguments.end(),
                         {"--logsource", key + ("=" + value) + "@" + suite.files.back().path});
    }
    arguments.push_back(suite.files.back().path);
  }
  const BinaryRun scanned = RunBinary(arguments);
  EXPECT_EQ(scanned.exit_code, 0) << scanned.err;
  ExpectEqual(suite, scanned.out);
}

TEST_F(PipelineEqualityTest, RolesApartGiveTheSameAnswer) {
  const Strings events = Events(6'000, kLateness, 7);
  const std::string topic = kafka_->MakeTopic("roles", 3);
  KafkaRunTest::Produce(topic, 3, events);
  ConfigurePipeline({{topic}}, 3);
  auto detect = StartWorker("detect", {"--role", "detect"});
  auto correlate = StartWorker("correlate", {"--role", "correlate"});
  EXPECT_TRUE(Until([&] { return Told() != ""; }));
  // What comes while they run, too.
  const Strings more = Events(2'000, kLateness, 8);
  KafkaRunTest::Produce(topic, 3, more);
  detect->Signal(SIGTERM);
  EXPECT_EQ(detect->Wait().exit_code, 0);
  correlate->Signal(SIGTERM);
  EXPECT_EQ(correlate->Wait().exit_code, 0);
  detect = StartWorker("detect", {"--role", "detect", "--until-idle"});
  correlate = StartWorker("correlate", {"--role", "correlate", "--until-idle"});
  EXPECT_EQ(detect->Wait().exit_code, 0);
  EXPECT_EQ(correlate->Wait().exit_code, 0);
  Strings all = events;
  all.insert(all.end(), more.begin(), more.end());
  const std::string scanned = Scanned(all);
  EXPECT_NE(scanned, "");
  EXPECT_TRUE(Told() == scanned);
}

TEST_F(PipelineEqualityTest, OverTlsAndWithAPasswordTheAnswerIsTheSame) {
  const Strings events = Events(3'000, kLateness, 9);
  const std::string topic = kafka_->MakeTopic("secured", 2);
  KafkaRunTest::Produce(topic, 2, events);
  SignIn(HasScramOfKafka4() ? "SCRAM-SHA-512" : "PLAIN");
  ConfigurePipeline({{topic}}, 2);
  RunToTheEnd(2);
  const std::string scanned = Scanned(events);
  EXPECT_NE(scanned, "");
  EXPECT_EQ(Difference(scanned, Told()), "");
}

TEST_F(PipelineEqualityTest, TheTourIsTheSame) {
  const BinaryRun scanned = RunBinary({"-q", "demo"});
  const BinaryRun read = RunBinary({"-q", "demo", "--kafka", kafka_->brokers()});
  EXPECT_EQ(read.exit_code, 0) << read.err;
  // The line that says how long it took.
  const auto without_time = [](const std::string& text) {
    const size_t at = text.find("lines from");
    return text.substr(0, at) + text.substr(text.find('\n', at));
  };
  EXPECT_EQ(without_time(read.out), without_time(scanned.out));
  EXPECT_NE(scanned.out, "");
}

TEST_F(PipelineEqualityTest, StatusShowsWhoReadsWhatAndWhatIsAwaited) {
  const std::string topic = kafka_->MakeTopic("status", 2);
  KafkaRunTest::Produce(topic, 2, Events(500, {}, 3));
  ConfigurePipeline({{topic}}, 2);
  const auto worker = StartWorker("0");
  const auto status = [&] { return RunBinary({"kafka", "status", "-c", Path("redthread.yml")}); };
  EXPECT_TRUE(Until([&] {
    const std::string out = status().out;
    size_t done = 0;
    for (size_t at = 0; (at = out.find("\"state\":\"at its end\"", at)) != std::string::npos; ++at) ++done;
    return done == 4 && out.find("\"owner\":\"/127.0.0.1\"") != std::string::npos;
  })) << status().out;
  const std::string out = status().out;
  EXPECT_THAT(out, HasSubstr("\"watermark\":\"2026-"));
  EXPECT_THAT(out, HasSubstr(matches_ + "/1"));
}

// The folder of a worker is a cache.
TEST_F(PipelineEqualityTest, AFolderLostUnderLoadIsMadeAgainFromTheTopic) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  const std::string topic = kafka_->MakeTopic("lost", 3);
  ConfigurePipeline({{topic}}, 3);
  Strings events;
  const auto produce = [&] {
    const Strings more = Events(20'000, kLateness, seed + events.size());
    KafkaRunTest::Produce(topic, 3, more, seed + events.size());
    events.insert(events.end(), more.begin(), more.end());
  };
  produce();
  auto worker = StartWorker("0");
  // Before the group knows of anything that was read, there is nothing to be made again.
  EXPECT_TRUE(Until([&] {
    const auto admin = KafkaAdmin::Open({{brokers_}, group() + "-correlate", {}});
    const auto read = (*admin)->ToldPositions({{matches_, 0}, {matches_, 1}, {matches_, 2}});
    return read.ok() && std::any_of(read->begin(), read->end(),
                                    [](const auto& position) { return position.second.next_offset > 0; });
  }));
  for (int times = 0; times < 3; ++times) {
    produce();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    worker->Signal(SIGKILL);
    worker->Wait();
    std::filesystem::remove_all(Path("worker-0"));
    worker = StartWorker("0");
    EXPECT_TRUE(worker->Says("it is made again from"));
  }
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->Wait().exit_code, 0);
  std::filesystem::remove_all(Path("worker-0"));
  const auto begun = std::chrono::steady_clock::now();
  RunToTheEnd(1);
  const auto took = std::chrono::steady_clock::now() - begun;
  std::cout << "made again and read to the end in "
            << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
  EXPECT_TRUE(Told() == Scanned(events));
}

TEST_F(PipelineEqualityTest, SighupPutsTheRulesBesideAWorkerInForce) {
  const std::string topic = kafka_->MakeTopic("sighup", 1);
  rule_paths_ = Write("changing.yml", kSignInRules);
  ConfigurePipeline({{topic}}, 1);
  ControlTopic control({{{brokers_}, "", {}}, control_}, &clock_);
  const auto epoch = [&] {
    EXPECT_TRUE(control.Refresh().ok());
    return control.log().current().has_value() ? control.log().current()->number : 0;
  };
  const auto worker = StartWorker("0");
  EXPECT_TRUE(Until([&] { return epoch() == 1; }));
  Write("changing.yml", kSignInRules + OtherRules(1));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_EQ(epoch(), 1U) << "nothing was asked for";
  worker->Signal(SIGHUP);
  EXPECT_TRUE(Until([&] { return epoch() == 2; }));
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->Wait().exit_code, 0);
}

// A worker that is configured in another way takes part all the same: it goes by what is in force.
TEST_F(PipelineEqualityTest, TheTimesOfCorrelationAreThoseInForceWhateverStandsBesideAWorker) {
  failed_percent_ = 30;
  const std::string topic = kafka_->MakeTopic("times", 2);
  const Strings events = Events(3'000, kLateness, 11);
  const std::string fold = "alerts: {fold: 2s}\n";
  ConfigurePipeline({{topic}}, 2);
  RunToTheEnd(1);
  ConfigureWorker("redthread.yml", rule_paths_, fold);
  RunToTheEnd(1);
  KafkaRunTest::Produce(topic, 2, events);
  ConfigureWorker("redthread.yml", rule_paths_, "");
  RunToTheEnd(2);

  std::string lines;
  for (const std::string& event : events) lines += event + "\n";
  Write("file.yml", "version: 1\ndata_dir: " + Path("embedded") + "\nrules: {paths: [" + rule_paths_ +
                        "]}\ncorrelate: {time_zone: UTC}\nsources: {in: {type: file, path: " +
                        Write("events.ndjson", lines) + "}}\n" + fold);
  const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", Path("file.yml")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const BinaryRun alerts = RunBinary({"alerts", "list", "--canonical", "-c", Path("file.yml")});
  EXPECT_EQ(Difference(alerts.out, Told()), "");
  EXPECT_TRUE(alerts.out != Scanned(events)) << "another fold makes other alerts";
}

// More changes than rules are kept of: what was read with the first ones is read again all the same.
TEST_F(PipelineEqualityTest, AFolderLostAfterManyChangesOfRulesIsMadeAgain) {
  const std::string topic = kafka_->MakeTopic("changes", 2);
  const Strings events = Events(4'000, kLateness, 3);
  KafkaRunTest::Produce(topic, 2, events);
  rule_paths_ = Write("changing.yml", kSignInRules);
  ConfigurePipeline({{topic}}, 2);
  RunToTheEnd(1);
  for (int changes = 1; changes <= 26; ++changes) {
    Write("changing.yml", kSignInRules + OtherRules(changes));
    Engine::Options options;
    options.rule_paths = {rule_paths_};
    options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
    const Result<RuleBundle> bundle = Engine::Bundle(options);
    ASSERT_TRUE(bundle.ok());
    ControlTopic control({{{brokers_}, "", {}}, control_}, &clock_);
    ASSERT_TRUE(control.Propose(*bundle->Encode(), kDetectVersion, false).ok());
  }
  const std::string scanned = Scanned(events);
  EXPECT_NE(scanned, "");
  RunToTheEnd(1);
  EXPECT_EQ(Difference(scanned, OfTheTest(Told())), "");
  std::filesystem::remove_all(Path("worker-0"));
  RunToTheEnd(1);
  EXPECT_EQ(Difference(scanned, OfTheTest(Told())), "");
}

}  // namespace
}  // namespace redthread
