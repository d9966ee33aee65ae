// Over topics the answer is the scan's: for any number of partitions, and through any kill.
#include <gmock/gmock.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <set>

#include "ingest/kafka_admin.h"
#include "storage/event_store.h"
#include "storage/verify.h"
#include "tests/e2e/suites.h"
#include "tests/kafka/kafka_fixture.h"
#include "tests/oracle/reference_data.h"

namespace redthread {
namespace {

using testing::HasSubstr;

// The default of `correlate.lateness`.
constexpr Nanoseconds kLateness = std::chrono::minutes(5);

uint64_t Seed() {
  const char* text = std::getenv("REDTHREAD_SEED");
  return text == nullptr ? std::random_device{}() : std::strtoull(text, nullptr, 10);
}

int WantedKills() {
  const char* text = std::getenv("REDTHREAD_KAFKA_KILLS");
  return text == nullptr ? 12 : std::max(1, std::atoi(text));
}

class KafkaEqualityTest : public KafkaRunTest {};

TEST_F(KafkaEqualityTest, AnyNumberOfPartitionsGivesTheAnswerOfAScan) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  const Strings events = Events(20'000, kLateness, seed);
  const std::string scanned = Scanned(events);
  EXPECT_GT(CountLines(scanned, "6f1f1c5e"), 100U);
  for (const int partitions : {1, 3, 8}) {
    SCOPED_TRACE(std::to_string(partitions) + " partitions");
    std::filesystem::remove_all(Path("data"));
    const std::string topic = kafka_->MakeTopic("equal", partitions);
    Produce(topic, partitions, events, seed);
    Configure("[" + topic + "]");
    const BinaryRun run = UntilIdle();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("20,000 lines read"));
    EXPECT_TRUE(Live() == scanned);
    // Nothing is left, and it is not read again.
    const BinaryRun again = UntilIdle();
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("0 lines read"));
    EXPECT_TRUE(Live() == scanned);
  }
}

// Each line is kept once, under one position.
void ExpectEveryLineOnce(const Database& database, uint64_t lines) {
  std::set<std::pair<SourceId, uint64_t>> positions;
  std::set<std::string> texts;
  EventStore store;
  Damage damage;
  ASSERT_TRUE(store
                  .ForEach(
                      *database.Snapshot(), {},
                      [&](const StoredEvent& e) {
                        EXPECT_TRUE(positions.emplace(e.source, e.record.index).second);
                        EXPECT_TRUE(texts.emplace(e.record.raw).second);
                        return true;
                      },
                      &damage)
                  .ok());
  EXPECT_EQ(damage.rows, 0U);
  EXPECT_EQ(texts.size(), lines);
}

TEST_F(KafkaEqualityTest, EveryRecordCountsOnceThroughKills) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  std::cout << "REDTHREAD_SEED=" << seed << "\n";
  Dice dice(seed);
  const int partitions = 3;
  const std::string topic = kafka_->MakeTopic("killed", partitions);
  Configure("[" + topic + "]");
  Strings events;
  const auto produce = [&](size_t count) {
    // Beyond the lateness, too.
    const Strings more = Events(count, std::chrono::minutes(20), dice.Below(1'000'000));
    Produce(topic, partitions, more, dice.Below(1'000'000));
    events.insert(events.end(), more.begin(), more.end());
  };
  int kills = 0;
  uint64_t before = 0;
  for (int attempt = 0; kills < WantedKills(); ++attempt) {
    ASSERT_LT(attempt, WantedKills() * 10) << "only " << kills << " kills came while it was at work";
    produce(12'000);
    // Every second one dies next to a write: between two that belong together, if there were such.
    const bool at_write = attempt % 2 == 1;
    Strings environment = BinaryEnvironment();
    if (at_write)
      environment.push_back("REDTHREAD_CRASH_AT=" + std::string(dice.Chance(50) ? "before" : "after") +
                            "_commit:" + std::to_string(1 + dice.Below(3)));
    Process run(BinaryCommand({"run", "-q", "-c", Path("redthread.yml")}), environment);
    // It dies by itself, or as soon as it has got on, or a moment later; should it have nothing to do, soon.
    const auto begun = std::chrono::steady_clock::now();
    Until([&] {
      return run.HasEnded() || (!at_write && Records() > before) ||
             std::chrono::steady_clock::now() - begun > std::chrono::seconds(4);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(dice.Below(60)));
    run.Signal(SIGKILL);
    EXPECT_EQ(run.Wait().exit_code, -1);
    const uint64_t now = Records();
    ASSERT_GE(now, before) << "a position went back";
    kills += now > before && now < events.size() ? 1 : 0;
    before = now;
  }
  std::cout << kills << " kills at work, " << events.size() << " records\n";
  const BinaryRun last = UntilIdle();
  EXPECT_EQ(last.exit_code, 0) << last.err;
  const std::string scanned = Scanned(events);
  EXPECT_NE(scanned, "");
  EXPECT_TRUE(Live() == scanned);
  const std::unique_ptr<Database> database = OpenState();
  ASSERT_NE(database, nullptr);
  ExpectEveryLineOnce(*database, events.size());
  VerifyReport report;
  const Status verified = VerifyDatabase(*database->Snapshot(), &report);
  EXPECT_TRUE(verified.ok()) << verified.message();
}

TEST_F(KafkaEqualityTest, WhatComesWhileItRunsIsJudgedAsAScanDoes) {
  const Strings events = Events(6'000, kLateness, 7);
  const std::string topic = kafka_->MakeTopic("live", 3);
  Start({topic});
  for (size_t begin = 0; begin < events.size(); begin += 1'500)
    Produce(topic, 3,
            {events.begin() + static_cast<ptrdiff_t>(begin),
             events.begin() + static_cast<ptrdiff_t>(begin) + 1'500},
            begin);
  EXPECT_TRUE(Settles(events.size()));
  Stop();
  EXPECT_TRUE(status_.ok()) << status_.message();
  Configure("[" + topic + "]");
  EXPECT_EQ(UntilIdle().exit_code, 0);
  EXPECT_TRUE(Live() == Scanned(events));
}

// The suites of the reference data, each log source a topic, merged by time and displaced by less than the
// lateness. REDTHREAD_SUITE: only that one.
TEST_F(KafkaEqualityTest, TheReferenceSuitesGiveTheAnswerOfAScan) {
  if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
  const uint64_t seed = Seed();
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  Dice dice(seed);
  for (const Suite& suite : ReferenceSuites()) {
    if (suite.name != "ssh" && suite.name != "web" && suite.name != "windows") continue;
    SCOPED_TRACE(suite.name);
    const std::string scanned = redthread::Scanned(suite);
    EXPECT_NE(scanned, "");
    const SuiteLines lines = LinesOf(suite, EngineOf(suite));
    rules_ = suite.rules;
    for (const int partitions : {1, 3, 8}) {
      SCOPED_TRACE(std::to_string(partitions) + " partitions");
      std::filesystem::remove_all(Path("data"));
      const std::vector<const Line*> arrivals = Arrivals(lines, kLateness, &dice);
      Strings topics;
      for (size_t i = 0; i < lines.log_sources.size(); ++i)
        topics.push_back(kafka_->MakeTopic(suite.name, partitions));
      {
        TestProducer producer(kafka_->brokers());
        for (const Line* line : arrivals)
          producer.Send(topics[line->log_source],
                        static_cast<int>(dice.Below(static_cast<size_t>(partitions))), line->text);
      }
      Start({}, [&](Embedded::Options* options) {
        options->until_idle = true;
        const KafkaInput one = options->kafka[0];
        options->kafka.clear();
        for (size_t i = 0; i < topics.size(); ++i) {
          options->kafka.push_back(one);
          options->kafka.back().name += std::to_string(i);
          options->kafka.back().topics = {topics[i]};
          options->kafka.back().log_source = lines.log_sources[i];
        }
      });
      const Embedded::Report report = Finish();
      EXPECT_TRUE(status_.ok()) << status_.message();
      EXPECT_EQ(report.counts.records, lines.lines.size());
      Configure("[unused]");
      EXPECT_TRUE(Live() == scanned);
      for (const std::string& topic : topics) kafka_->DeleteTopic(topic);
    }
  }
}

}  // namespace
}  // namespace redthread
