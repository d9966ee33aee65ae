// Embedded: files in, alerts out, exactly once, whatever the steps are.
#include "runtime/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/record.h"
#include "runtime/scan.h"
#include "storage/alert_store.h"
#include "storage/dead_letter_store.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EmbeddedTest : public RuntimeTest {
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

  std::unique_ptr<Database> OpenState() const {
    Result<std::unique_ptr<Database>> opened =
        Database::Open({.path = Path("data/state"), .create = false, .read_only = true});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(*opened) : nullptr;
  }

  // What stands, in the canonical form.
  std::vector<std::string> Standing() const {
    std::vector<std::string> lines;
    Damage damage;
    const Status status = ForEachAlert(
        *OpenState()->Snapshot(), {},
        [&lines](const Alert& alert) {
          if (alert.state == AlertState::kFinal) AppendCanonicalAlert(alert, &lines.emplace_back());
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(lines.begin(), lines.end());
    return lines;
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
