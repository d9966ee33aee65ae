// The whole way of the tour: sample logs, the shipped rules over them, and what comes out.
#include "app/demo_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/demo_logs.h"
#include "app/exit_code.h"
#include "app/tour.h"
#include "runtime/engine.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string TemporaryFolder() {
  std::string pattern = testing::TempDir() + "demo_command_XXXXXX";
  return mkdtemp(pattern.data());
}

class DemoCommandTest : public testing::Test {
 protected:
  // Runs the tour with standard output caught.
  int Run(const DemoOptions& options) {
    Messages messages(stderr, Terminal(), LogFormat::kText, Verbosity::kNormal);
    SystemClock clock;
    CommandContext context;
    context.messages = &messages;
    context.clock = &clock;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int exit_code = RunDemo(options, &context);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return exit_code;
  }
  std::string out_, err_;
};

TEST_F(DemoCommandTest, TellsTheAttackTheFaultAndWhatIsMissing) {
  EXPECT_EQ(Run({}), kExitDone);
  EXPECT_EQ(err_, "");
  for (const char* expected :
       {"They come down to 1 attack and 1 fault.", "1  An attack", "critical", "j.keller, from 203.0.113.147",
        "A fault, not an attack", "For 42 minutes.", "No Sysmon on the Windows computers.",
        "This holds for 20 computers.", "None of these addresses appears", "redthread scan"}) {
    EXPECT_THAT(out_, HasSubstr(expected));
  }
}

TEST_F(DemoCommandTest, KeepsTheLogsWhereItIsAskedTo) {
  const std::string folder = TemporaryFolder() + "/logs";
  EXPECT_EQ(Run({folder, 1}), kExitDone);
  EXPECT_TRUE(std::filesystem::exists(folder + "/fs01-windows.ndjson"));
  EXPECT_THAT(out_, HasSubstr("redthread scan " + folder));
  std::filesystem::remove_all(folder);
}

TEST_F(DemoCommandTest, PlaceThatCannotBeWrittenIsAnErrorWithItsName) {
  EXPECT_EQ(Run({"/proc/no-such-folder", 1}), kExitInput);
  EXPECT_EQ(out_, "");
  EXPECT_THAT(err_, HasSubstr("/proc/no-such-folder"));
}

TEST_F(DemoCommandTest, StoryIsTheSameInEveryMonthOfRoutine) {
  Engine::Options options;
  const std::string rules = REDTHREAD_SOURCE_DIR "/rules/";
  options.rule_paths = {rules + "packs", rules + "probes"};
  options.log_sources_path = rules + "logsources.yml";
  options.entities_path = rules + "entities.yml";
  const Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  for (const uint64_t seed : {2, 2026}) {
    const std::string folder = TemporaryFolder();
    DemoSummary logs;
    ASSERT_TRUE(WriteDemoLogs(folder, seed, &logs).ok());
    ScanOptions scan_options;
    scan_options.paths = {folder};
    scan_options.jobs = 2;
    Scan scan(*engine, scan_options);
    std::vector<Alert> alerts;
    const Status status = scan.Alerts(
        [&](const Alert& alert) {
          alerts.push_back(alert);
          return Status::Ok();
        },
        [](const ScanProgress&) {});
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(scan.report().counts.records, logs.lines);
    EXPECT_EQ(scan.report().counts.dead, 0u);

    const Tour tour = MakeTour((*engine)->rules(), alerts);
    ASSERT_THAT(tour.incidents, SizeIs(2)) << "seed " << seed;
    EXPECT_TRUE(tour.incidents[0].attack);
    EXPECT_EQ(tour.incidents[0].level, Level::kCritical);
    EXPECT_THAT(tour.incidents[0].entities.hosts, Contains("fs01"));
    EXPECT_GE(tour.incidents[0].steps.size(), 12u);
    EXPECT_FALSE(tour.incidents[1].attack);
    EXPECT_THAT(tour.incidents[1].steps, SizeIs(3));
    EXPECT_THAT(tour.attempts, SizeIs(2));
    // The quiet week, 5 to 11 October: nobody is disturbed.
    for (const Alert& alert : alerts) {
      const std::string day = FormatTimestamp(alert.first).substr(0, 10);
      if (day >= "2026-10-05" && day <= "2026-10-11") {
        EXPECT_LE(alert.level, Level::kLow) << alert.explain;
      }
    }
    std::filesystem::remove_all(folder);
  }
}

}  // namespace
}  // namespace redthread
