// Embedded: files in, alerts out, exactly once, whatever the steps are.
#include "runtime/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "core/record.h"
#include "runtime/scan.h"
#include "storage/alert_store.h"
#include "storage/dead_letter_store.h"
#include "storage/outbox.h"
#include "tests/runtime/state_fixture.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EmbeddedTest : public StateTest {
 protected:
  EmbeddedTest() : clock_(*ParseTimestamp("2026-11-23T00:00:00Z")) {
    std::filesystem::create_directory(Path("logs"));
  }

  Embedded::Options Options() const {
    Embedded::Options options;
    options.data_dir = Path("data");
    options.inputs = {{"logs", {Path("logs")}, {}}};
    options.until_idle = true;
    return options;
  }

  // One whole run until there is nothing left to read.
  Embedded::Report Run(Embedded::Options options) {
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, std::move(options), &clock_);
    EXPECT_TRUE(embedded.ok()) << embedded.status().message();
    if (!embedded.ok()) return {};
    const std::atomic<bool> stop{false};
    const Status status = (*embedded)->Run(stop);
    EXPECT_TRUE(status.ok()) << status.message();
    return (*embedded)->report();
  }

  std::vector<std::string> Scanned() const {
    std::vector<std::string> lines;
    Scan scan(engine_, {.paths = {Path("logs")}});
    const Status status = scan.Alerts(
        [&lines](const Alert& alert) {
          AppendCanonicalAlert(alert, &lines.emplace_back());
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  std::vector<SourceState> Sources() const {
    std::vector<SourceState> sources;
    Damage damage;
    EXPECT_TRUE(ForEachSource(
                    *OpenState()->Snapshot(),
                    [&sources](const SourceState& s) {
                      sources.push_back(s);
                      return true;
                    },
                    &damage)
                    .ok());
    return sources;
  }

  // Everything stored that a user could tell apart: sources, raw lines, alerts of every revision, outbox,
  // dead letters.
  std::string Content() const {
    const std::unique_ptr<Database> database = OpenState();
    const auto snapshot = database->Snapshot();
    std::ostringstream out;
    Damage damage;
    const auto all = [&out](const auto&... parts) {
      ((out << parts << '|'), ...);
      out << '\n';
      return true;
    };
    const auto source = [&](const SourceState& s) {
      return all("source", s.id, s.path, s.epoch, s.next_index, s.cursor, s.watermark.value_or(kNoTime).ns,
                 s.greatest_time.value_or(kNoTime).ns, s.last_heard->ns, s.dead_letters);
    };
    EXPECT_TRUE(ForEachSource(*snapshot, source, &damage).ok());
    // How lines are packed into blocks, and so the order of reading them, is nothing to a user.
    std::set<std::string> events;
    const auto event = [&](const StoredEvent& e) {
      std::ostringstream line;
      line << e.source << '|' << e.epoch << '|' << e.record.index << '|' << e.record.arrival.ns << '|'
           << e.record.time.value_or(kNoTime).ns << '|' << e.record.raw;
      EXPECT_TRUE(events.insert(line.str()).second);
      return true;
    };
    EXPECT_TRUE(EventStore().ForEach(*snapshot, {}, event, &damage).ok());
    for (const std::string& line : events) all("event", line);
    const auto alert = [&](const Alert& a) {
      std::string json;
      AppendAlertRecord(a, &json);
      return all("alert", json);
    };
    EXPECT_TRUE(ForEachAlert(*snapshot, {}, alert, &damage).ok());
    const auto item = [&](const OutboxItem& i) {
      return all("told", i.sequence, i.alert_id, i.revision, static_cast<int>(i.state));
    };
    EXPECT_TRUE(ForEachOutboxItem(*snapshot, 0, item, &damage).ok());
    const auto letter = [&](const StoredDeadLetter& l) {
      return all("letter", l.position.source, l.position.epoch, l.position.index, l.arrival.ns, l.reason,
                 l.offset, l.raw_size, l.raw_prefix);
    };
    EXPECT_TRUE(ForEachDeadLetter(*snapshot, std::nullopt, letter, &damage).ok());
    const Result<std::optional<Timestamp>> watermark = GetStageWatermark(*snapshot);
    EXPECT_TRUE(watermark.ok());
    all("watermark", watermark->value_or(kNoTime).ns);
    EXPECT_EQ(damage.rows, 0u);
    return out.str();
  }

  ReplayClock clock_;
};

TEST_F(EmbeddedTest, WhatRunFindsIsWhatScanFinds) {
  std::string one, two;
  for (int i = 0; i < 500; ++i) {
    one += Line(i, i % 5 == 0 ? "alpha" : "quiet", "host" + std::to_string(i % 3));
    two += Line(499 - i, i % 70 == 0 ? "bravo" : "quiet");
  }
  Write("logs/one.ndjson", one);
  Write("logs/two.ndjson", two);
  const Embedded::Report report = Run(Options());
  EXPECT_EQ(report.counts.records, 1000u);
  EXPECT_EQ(report.detections, 108u);
  EXPECT_FALSE(report.input_lost);
  EXPECT_EQ(Standing(), Scanned());
  EXPECT_GT(Standing().size(), 3u);
}

TEST_F(EmbeddedTest, ASecondRunReadsOnlyWhatIsNew) {
  Write("logs/a.ndjson", Line(0, "alpha") + Line(300, "alpha"));
  EXPECT_EQ(Run(Options()).counts.records, 2u);
  EXPECT_EQ(Run(Options()).counts.records, 0u);
  Append("logs/a.ndjson", Line(310, "alpha") + Line(320, "bravo"));
  Write("logs/b.ndjson", Line(20, "alpha"));
  const Embedded::Report third = Run(Options());
  EXPECT_EQ(third.counts.records, 3u);
  EXPECT_EQ(third.detections, 3u);
  EXPECT_EQ(Standing(), Scanned());
}

TEST_F(EmbeddedTest, HowTheRunIsCutIntoStepsChangesNothing) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += Line(i * 7 % 300, i % 4 == 0 ? "alpha" : "quiet");
  Write("logs/a.ndjson", text);
  for (const uint64_t commit_records : {uint64_t{1}, uint64_t{1'000'000}}) {
    std::filesystem::remove_all(Path("data"));
    Embedded::Options options = Options();
    options.commit_records = commit_records;
    Run(std::move(options));
    EXPECT_EQ(Standing(), Scanned()) << commit_records;
  }
}

// A few hundred lines of a few hosts over three days, in disorder, some of them broken.
std::string Disorder(std::mt19937* random, int lines) {
  std::string text;
  const auto dice = [random](uint32_t sides) { return static_cast<int>((*random)() % sides); };
  const char* const kCommands[] = {"alpha", "quiet", "bravo", "quiet", "alpha bravo"};
  for (; lines > 0; --lines) {
    if (dice(40) == 0) text += dice(2) == 0 ? "no json\n" : "\n";
    std::string line =
        RuntimeTest::Line(dice(3 * 24 * 60), kCommands[dice(5)], "host" + std::to_string(dice(4)));
    if (dice(50) == 0) line = line.substr(0, line.size() / 2) + "\n";
    text += line;
  }
  return text;
}

// The first line that differs, as it is in both.
std::string FirstDifference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a), lines_b(b);
  for (std::string x, y;;) {
    const bool more_a = bool(std::getline(lines_a, x)), more_b = bool(std::getline(lines_b, y));
    if (!more_a && !more_b) return "";
    if (more_a != more_b || x != y) return (more_a ? x : "no line") + "\n" + (more_b ? y : "no line");
  }
}

// Files grow, come and are rotated between runs; batches and steps are of many sizes. Whatever the number of
// workers, every row is the same, the revisions of alerts and their order included.
TEST_F(EmbeddedTest, TheNumberOfWorkersChangesNothing) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::string expected;
    for (const int jobs : {1, 2, 5}) {
      SCOPED_TRACE(jobs);
      std::filesystem::remove_all(Path("data"));
      std::filesystem::remove_all(Path("logs"));
      std::filesystem::create_directory(Path("logs"));
      std::mt19937 random(seed);
      clock_ = ReplayClock(*ParseTimestamp("2026-11-23T00:00:00Z"));
      for (int round = 0; round < 4; ++round) {
        for (const char* file : {"logs/a.ndjson", "logs/b.ndjson", "logs/c.ndjson"}) {
          if (random() % 4 != 0) Append(file, Disorder(&random, static_cast<int>(random() % 150)));
        }
        if (round == 2 && std::filesystem::exists(Path("logs/a.ndjson")))
          std::filesystem::rename(Path("logs/a.ndjson"), Path("logs/a.ndjson.1"));
        Embedded::Options options = Options();
        options.jobs = jobs;
        options.batch_bytes = 300 + random() % 3000;
        options.commit_records = 1 + random() % 200;
        Run(std::move(options));
        clock_.Advance(std::chrono::minutes(random() % 600));
      }
      const std::string content = Content();
      if (jobs == 1) {
        expected = content;
        EXPECT_EQ(Standing(), Scanned());
        EXPECT_NE(content.find("\"late\":true"), std::string::npos) << "nothing that order could change";
      }
      EXPECT_EQ(FirstDifference(content, expected), "");
    }
  }
}

TEST_F(EmbeddedTest, WhatIsLateIsStillSoAfterARestart) {
  Write("logs/a.ndjson", Line(0, "quiet") + Line(600, "quiet"));
  Run(Options());
  // In the order of reading: in time, late, and in a file that was not there before, late too.
  Append("logs/a.ndjson", Line(700, "alpha", "intime") + Line(60, "alpha", "late"));
  Run(Options());
  Write("logs/b.ndjson", Line(120, "alpha", "newcomer") + Line(1000, "alpha", "ahead"));
  Run(Options());
  const std::string content = Content();
  for (const std::string line : {R"({"host":"intime"},"late":false)", R"({"host":"late"},"late":true)",
                                 R"({"host":"newcomer"},"late":true)", R"({"host":"ahead"},"late":false)"}) {
    const std::string host = line.substr(0, line.find('}') + 1);
    const std::string late = line.substr(line.find(",") + 1);
    bool found = false;
    std::istringstream lines(content);
    for (std::string l; std::getline(lines, l);)
      found |=
          l.starts_with("alert|") && l.find(host) != std::string::npos && l.find(late) != std::string::npos;
    EXPECT_TRUE(found) << line << "\n" << content;
  }
}

// A file that has not been read yet may hold anything: nothing is late and nothing final before it.
TEST_F(EmbeddedTest, AFileFoundAtTheStartHoldsTheWatermarkUntilItIsRead) {
  std::string much;
  for (int i = 0; i < 200; ++i) much += Line(i * 10, "quiet");
  Write("logs/a.ndjson", much);
  Write("logs/b.ndjson", much + Line(3, "alpha"));
  Embedded::Options options = Options();
  options.inputs = {{"one", {Path("logs/a.ndjson")}, {}}, {"two", {Path("logs/b.ndjson")}, {}}};
  options.batch_bytes = 256;
  engine_ = LoadEngine(kLowAndHigh, {.lateness = std::chrono::hours(48)});
  Run(std::move(options));
  EXPECT_NE(Content().find(R"("late":false)"), std::string::npos);
  std::filesystem::remove_all(Path("data"));
  // The small one's old line comes after most of the large one, which is therefore no measure of it.
  Write("logs/b.ndjson", Line(3, "alpha"));
  options = Options();
  options.batch_bytes = 1 << 20;
  engine_ = LoadEngine(kLowAndHigh, {.lateness = {}});
  Run(std::move(options));
  EXPECT_NE(Content().find(R"("late":false)"), std::string::npos) << Content();
}

// Both sets match every line, so each line shows which one it was run with.
TEST_F(EmbeddedTest, NewRulesBeginAtABatchAndNoLineIsMissedOrMatchedByBoth) {
  const auto rules = [](const std::string& id) {
    return "title: " + id + "\nid: " + id + "\nlogsource: {product: windows}\n" +
           "detection: {s: {Command: alpha}, condition: s}\n";
  };
  constexpr uint64_t kLines = 600;
  std::string text;
  for (uint64_t i = 0; i < kLines; ++i) text += Line(0, "alpha");
  for (const int jobs : {1, 2, 5}) {
    SCOPED_TRACE(jobs);
    std::filesystem::remove_all(Path("data"));
    Write("logs/a.ndjson", text);
    std::shared_ptr<const Engine> one = LoadEngine(rules("one")), two = LoadEngine(rules("two"));
    const std::weak_ptr<const Engine> old = one;
    engine_ = std::move(one);
    Embedded::Options options = Options();
    options.jobs = jobs;
    options.batch_bytes = 2000;
    int asked = 0;
    bool gone = false;
    options.next_engine = [&]() -> std::shared_ptr<const Engine> {
      if (++asked == 30) engine_.reset();
      if (asked == 31) gone = old.expired();
      return asked == 30 ? two : nullptr;
    };
    Run(std::move(options));
    EXPECT_TRUE(gone) << "the old set is still held";
    std::map<std::string, Alert> alerts;
    Damage damage;
    ASSERT_TRUE(ForEachAlert(
                    *OpenState()->Snapshot(), {},
                    [&](const Alert& a) { return alerts.emplace(a.rule_id, a).second; }, &damage)
                    .ok());
    ASSERT_EQ(alerts.size(), 2u);
    EXPECT_EQ(alerts["one"].count + alerts["two"].count, kLines);
    EXPECT_GT(alerts["one"].count, 20u);
    EXPECT_GT(alerts["two"].count, 20u);
    for (const Evidence& e : alerts["one"].evidence) EXPECT_LT(e.position.index, alerts["one"].count);
    for (const Evidence& e : alerts["two"].evidence) EXPECT_GE(e.position.index, alerts["one"].count);
    EXPECT_EQ(alerts["one"].state, AlertState::kFinal) << "its rule is gone, its fold ends";
  }
}

// The clock stands still here, so no step ends by time.
TEST_F(EmbeddedTest, AStepEndsWithANewAlertAndElseOnlyWhenItIsLongEnough) {
  Write("logs/a.ndjson", Line(0, "quiet"));
  Run(Options());
  // The first one sets the source up; each below reads one batch.
  Write("logs/b.ndjson", Line(0, "alpha"));
  EXPECT_EQ(Run(Options()).commits, 2u) << "the alert, then its end";
  Write("logs/c.ndjson", Line(1, "quiet"));
  EXPECT_EQ(Run(Options()).commits, 1u);
  EXPECT_EQ(Run(Options()).commits, 0u) << "nothing new, nothing written";
}

TEST_F(EmbeddedTest, EverySourceKnowsHowFarItWasReadAndItsTimes) {
  const std::string text = Line(0, "quiet") + Line(90, "quiet") + Line(30, "quiet");
  Write("logs/a.ndjson", text);
  Run(Options());
  const std::vector<SourceState> sources = Sources();
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].path, Path("logs/a.ndjson"));
  EXPECT_EQ(sources[0].next_index, 3u);
  EXPECT_EQ(sources[0].cursor, text.size());
  EXPECT_EQ(sources[0].last_heard, clock_.Now());
  EXPECT_EQ(sources[0].greatest_time, ParseTimestamp("2026-11-22T11:30:00Z"));
  EXPECT_EQ(sources[0].watermark, ParseTimestamp("2026-11-22T11:25:00Z"));
}

TEST_F(EmbeddedTest, WhatCannotBeReadIsCountedAndKept) {
  Write("logs/a.ndjson", "no json at all\n\n" + Line(0, "alpha") + R"({"Command":"alpha","cut":"sho)" + "\n");
  const Embedded::Report report = Run(Options());
  EXPECT_EQ(report.counts.records, 4u);
  EXPECT_EQ(report.counts.dead, 1u);
  EXPECT_EQ(report.counts.blank, 1u);
  EXPECT_EQ(report.counts.damaged, 1u);
  EXPECT_TRUE(report.input_lost);
  std::vector<std::string> kept;
  Damage damage;
  ASSERT_TRUE(ForEachDeadLetter(
                  *OpenState()->Snapshot(), std::nullopt,
                  [&kept](const StoredDeadLetter& letter) {
                    kept.push_back(std::to_string(letter.position.index) + " " + letter.raw_prefix);
                    return true;
                  },
                  &damage)
                  .ok());
  EXPECT_THAT(kept, ElementsAre("0 no json at all", R"(3 {"Command":"alpha","cut":"sho)"));
  EXPECT_EQ(Sources().at(0).dead_letters, 2u);
}

TEST_F(EmbeddedTest, AStopCommitsWhatWasRead) {
  Write("logs/a.ndjson", Line(0, "alpha"));
  Embedded::Options options = Options();
  options.until_idle = false;
  Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, options, &clock_);
  ASSERT_TRUE(embedded.ok()) << embedded.status().message();
  const std::atomic<bool> stop{true};
  ASSERT_TRUE((*embedded)->Run(stop).ok());
  embedded = Status::NotFound("closed");
  EXPECT_EQ(Run(Options()).counts.records, 1u) << "nothing had been read before the stop";
}

TEST_F(EmbeddedTest, TheSecondProcessOverOneDataFolderIsRefused) {
  const Result<std::unique_ptr<Embedded>> first = Embedded::Open(engine_, Options(), &clock_);
  ASSERT_TRUE(first.ok());
  const Result<std::unique_ptr<Embedded>> second = Embedded::Open(engine_, Options(), &clock_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
}

TEST_F(EmbeddedTest, ADataFolderThatCannotBeMadeIsNamed) {
  Embedded::Options options = Options();
  options.data_dir = Write("file", "") + "/data";
  const Result<std::unique_ptr<Embedded>> opened = Embedded::Open(engine_, options, &clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.status().message(), HasSubstr("file/data"));
}

}  // namespace
}  // namespace redthread
