// Scan: the same answer in the same order whatever the number of workers and the memory.
#include "runtime/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/record.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

using testing::HasSubstr;

class ScanTest : public RuntimeTest {
 protected:
  std::vector<std::string> Detections(const ScanOptions& options) {
    std::vector<std::string> lines;
    Scan scan(engine_, options);
    const Status status = scan.Detections(
        [&lines](const DetectionRow& row) {
          lines.emplace_back(row.json);
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    report_ = scan.report();
    return lines;
  }

  std::vector<Alert> Alerts(const ScanOptions& options) {
    std::vector<Alert> alerts;
    Scan scan(engine_, options);
    const Status status = scan.Alerts(
        [&alerts](const Alert& alert) {
          alerts.push_back(alert);
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    report_ = scan.report();
    return alerts;
  }

  ScanReport report_;
};

TEST_F(ScanTest, OutputIsTheSameForAnyNumberOfWorkersAndAnyMemory) {
  // Equal records in several files, so that ties must be broken.
  for (int file = 0; file < 5; ++file) {
    std::string text;
    for (int i = 0; i < 2000; ++i)
      text += Line(i % 300, i % 3 == 0 ? "alpha" : "alpha bravo", i % 7 ? "a" : "b");
    Write("log" + std::to_string(file) + ".ndjson", text);
  }
  const std::vector<std::string> expected = Detections({.paths = {folder_}});
  EXPECT_EQ(expected.size(), 5u * 3333);
  std::vector<std::string> alerts;
  for (const Alert& alert : Alerts({.paths = {folder_}})) AppendAlertRecord(alert, &alerts.emplace_back());
  EXPECT_GT(alerts.size(), 2u);
  for (const int jobs : {2, 5}) {
    for (const size_t max_sort_bytes : {size_t{50'000}, size_t{64} << 20}) {
      const ScanOptions options{.paths = {folder_}, .jobs = jobs, .max_sort_bytes = max_sort_bytes};
      EXPECT_EQ(Detections(options), expected) << jobs << " workers, " << max_sort_bytes << " bytes";
      std::vector<std::string> again;
      for (const Alert& alert : Alerts(options)) AppendAlertRecord(alert, &again.emplace_back());
      EXPECT_EQ(again, alerts) << jobs << " workers, " << max_sort_bytes << " bytes";
    }
  }
}

TEST_F(ScanTest, DetectionsComeByTimeAndAlertsFold) {
  Write("a.ndjson", Line(30, "alpha") + Line(0, "bravo") + Line(200, "alpha"));
  Write("b.ndjson", Line(10, "alpha") + "\n" + Line(10, "nothing"));
  const std::vector<std::string> detections = Detections({.paths = {folder_}});
  ASSERT_EQ(detections.size(), 4u);
  EXPECT_THAT(detections[0], HasSubstr("10:00:00"));
  EXPECT_THAT(detections[1], HasSubstr("b.ndjson"));
  EXPECT_THAT(detections[2], HasSubstr("10:30:00"));
  EXPECT_EQ(report_.counts.records, 6u);
  EXPECT_EQ(report_.counts.blank, 1u);
  EXPECT_EQ(report_.inputs, 2u);
  EXPECT_FALSE(report_.input_lost);

  const std::vector<Alert> alerts = Alerts({.paths = {folder_}});
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[0].rule_title, "High");
  EXPECT_EQ(alerts[1].count, 2u);
  EXPECT_EQ(alerts[1].state, AlertState::kFinal);
  EXPECT_EQ(alerts[2].count, 1u);
  EXPECT_EQ(report_.by_rule, (std::vector<uint64_t>{3, 1}));
}

TEST_F(ScanTest, RulesBelowTheLevelAreNotCounted) {
  Write("a.ndjson", Line(0, "alpha") + Line(0, "bravo"));
  EXPECT_EQ(Detections({.paths = {folder_}, .min_level = Level::kMedium}).size(), 1u);
  EXPECT_EQ(report_.detections, 1u);
}

TEST_F(ScanTest, WhatCannotBeReadIsToldAndTheRestIsRead) {
  Write("a.ndjson", Line(0, "alpha") + "no json\n" + Line(1, "alpha"));
  EXPECT_EQ(Detections({.paths = {Path("missing.ndjson"), Path("a.ndjson")}}).size(), 2u);
  EXPECT_TRUE(report_.input_lost);
  EXPECT_EQ(report_.counts.dead, 1u);
  EXPECT_EQ(report_.problem_count, 2u);
  ASSERT_EQ(report_.problems.size(), 2u);
  EXPECT_THAT(report_.problems[0], HasSubstr("missing.ndjson"));
  EXPECT_THAT(report_.problems[1], HasSubstr("record 1"));
}

TEST_F(ScanTest, ProblemsAreCountedBeyondThoseThatAreShown) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "no json " + std::to_string(i) + "\n";
  Write("a.ndjson", text);
  Write("b.ndjson", "no json\n");
  Detections({.paths = {folder_}, .jobs = 3});
  EXPECT_EQ(report_.problem_count, 5001u);
  ASSERT_EQ(report_.problems.size(), 11u) << "a few of each input";
  EXPECT_THAT(report_.problems[9], HasSubstr("a.ndjson: record 9,"));
  EXPECT_THAT(report_.problems[10], HasSubstr("b.ndjson: record 0,"));
  Detections({.paths = {folder_}, .jobs = 3, .problems_an_input = 10'000});
  ASSERT_EQ(report_.problems.size(), ScanReport::kMaxProblems);
  EXPECT_THAT(report_.problems[0], HasSubstr("record 0,"));
  EXPECT_THAT(report_.problems.back(), HasSubstr("record 999,"));
}

TEST_F(ScanTest, ResultsThatCannotBeKeptEndTheScanWithAnError) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += Line(i, "alpha");
  Write("a.ndjson", text);
  Scan scan(engine_, {.paths = {folder_}, .jobs = 2, .max_sort_bytes = 1000});
  setenv("TMPDIR", "/nowhere/at/all", 1);
  const Status status = scan.Alerts([](const Alert&) { return Status::Ok(); }, nullptr);
  unsetenv("TMPDIR");
  EXPECT_EQ(status.code(), StatusCode::kIo);
}

TEST_F(ScanTest, AVisitorsErrorIsTheScansError) {
  Write("a.ndjson", Line(0, "alpha"));
  Scan scan(engine_, {.paths = {folder_}});
  const Status status =
      scan.Detections([](const DetectionRow&) { return Status::Unavailable("the pipe is closed"); }, nullptr);
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

TEST_F(ScanTest, ProgressReachesTheWholeOfTheInput) {
  const std::string path = Write("a.ndjson", Line(0, "alpha"));
  Scan scan(engine_, {.paths = {path}});
  uint64_t bytes = 0, total = 0, ticks = 0;
  ASSERT_TRUE(scan.Summary([&](const ScanProgress& p) {
                    bytes = p.input_bytes;
                    total = p.total_input_bytes;
                    ++ticks;
                  })
                  .ok());
  EXPECT_EQ(bytes, std::filesystem::file_size(path));
  EXPECT_EQ(total, bytes);
  EXPECT_GE(ticks, 1u);
  EXPECT_EQ(scan.report().by_rule[0], 1u);
}

TEST_F(ScanTest, ADeclaredLogSourceHoldsForTheInputsThatItsGlobNames) {
  const std::string line = R"({"Command":"alpha"})"
                           "\n";
  Write("yes.ndjson", line);
  Write("no.ndjson", line);
  const Result<LogSourceFlag> flag = ParseLogSourceFlag("product=Windows@*/yes.*");
  ASSERT_TRUE(flag.ok());
  const std::vector<std::string> found = Detections({.paths = {folder_}, .log_sources = {*flag}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("yes.ndjson"));
  EXPECT_EQ(report_.timeless, 1u);
}

TEST(LogSourceFlagTest, IsAKeyAValueAndPerhapsAGlob) {
  const Result<LogSourceFlag> flag = ParseLogSourceFlag("service=SSHD@/var/log/a=b@c*");
  ASSERT_TRUE(flag.ok());
  EXPECT_EQ(flag->key, LogSourceFlag::Key::kService);
  EXPECT_EQ(flag->value, "sshd");
  EXPECT_EQ(flag->glob, "/var/log/a=b@c*");
  for (const char* bad : {"", "product", "=x", "vendor=x", "product=", "product=@x", "product=x@"}) {
    const Result<LogSourceFlag> refused = ParseLogSourceFlag(bad);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalid);
    EXPECT_THAT(refused.status().message(), HasSubstr("key=value"));
  }
}

}  // namespace
}  // namespace redthread
