// redthread alerts, over a real database that a daemon could have left.
#include "app/alerts_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/alert_view.h"
#include "app/time_argument.h"
#include "core/hash.h"
#include "storage/alert_store.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "storage/state_transaction.h"
#include "tests/support/binary.h"

namespace redthread {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kSecond = 1'000'000'000;
constexpr Timestamp kTen{1'795'341'600 * kSecond};  // 2026-11-22T10:00:00Z

class AlertsCommandTest : public testing::Test {
 protected:
  AlertsCommandTest() {
    std::string name = testing::TempDir() + "redthread_alerts_XXXXXX";
    folder_ = mkdtemp(name.data());
    Database::Options options;
    options.path = DatabasePath(folder_);
    database_ = std::move(Database::Open(options).value());
  }
  ~AlertsCommandTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  // One alert, `minutes` after ten, with one line of evidence.
  void Put(const std::string& id, Level level, AlertState state, int minutes, const std::string& raw) {
    StateTransaction transaction(database_.get());
    const SourceState source = FindOrAddSource(&transaction, "identity", "auth.log").value();
    const Timestamp time = kTen + std::chrono::minutes(minutes);
    const EventRecord record{records_, time, time, raw};
    ASSERT_TRUE(events_.Append(&transaction, source.id, 0, {&record, 1}).ok());
    Alert alert;
    alert.id = id;
    alert.level = level;
    alert.state = state;
    alert.rule_id = "rule-" + id;
    alert.rule_title = "Title of " + id;
    alert.group = {{"host", "web01"}, {"user", "al\x1b[31mice"}};
    alert.time = alert.first = alert.last = time;
    alert.count = 1;
    alert.evidence = {{time, alert.rule_id, "auth.log", {source.id, 0, records_, 0}, HashBytes(raw)}};
    alert.explain = "It happened.";
    ASSERT_TRUE(PutAlert(&transaction, alert).ok());
    ASSERT_TRUE(transaction.Commit().ok());
    ++records_;
  }

  BinaryRun Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "alerts");
    arguments.insert(arguments.end(), {"--data-dir", folder_});
    return RunBinary(arguments);
  }

  std::vector<std::string> Ids(const std::vector<std::string>& arguments) {
    const BinaryRun run = Run(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::vector<std::string> ids;
    for (size_t begin = 0; begin < run.out.size();) {
      const size_t end = run.out.find('\n', begin);
      ids.push_back(nlohmann::json::parse(run.out.substr(begin, end - begin))["id"]);
      begin = end + 1;
    }
    return ids;
  }

  std::string folder_;
  std::unique_ptr<Database> database_;  // stays open for writing: the command reads beside the daemon
  EventStore events_;
  uint64_t records_ = 0;
};

using Strings = std::vector<std::string>;

TEST_F(AlertsCommandTest, ListSelectsByTimeLevelAndStateNewestFirst) {
  Put("a1", Level::kLow, AlertState::kFinal, 0, "x");
  Put("b2", Level::kHigh, AlertState::kEarly, 1, "y");
  Put("c3", Level::kCritical, AlertState::kFinal, 2, "z");
  EXPECT_EQ(Ids({"list", "--min-level", "informational"}), (Strings{"c3", "b2", "a1"}));
  EXPECT_EQ(Ids({"list", "--min-level", "high"}), (Strings{"c3", "b2"}));
  EXPECT_EQ(Ids({"list", "--state", "final"}), (Strings{"c3"}));
  EXPECT_EQ(Ids({"list", "--state", "early", "--state", "withdrawn"}), (Strings{"b2"}));
  EXPECT_EQ(Ids({"list", "--since", "2026-11-22T10:01:00Z"}), (Strings{"c3", "b2"}));
  EXPECT_EQ(Ids({"list", "--until", "2026-11-22T10:01:00Z", "--min-level", "low"}), (Strings{"b2", "a1"}));
  EXPECT_EQ(Ids({"list", "--until", "2026-11-22"}), Strings{});
}

TEST_F(AlertsCommandTest, WhatIsBelowTheLeastLevelOfTheConfigurationIsCounted) {
  Put("a1", Level::kLow, AlertState::kFinal, 0, "x");
  Put("b2", Level::kMedium, AlertState::kFinal, 1, "y");
  const BinaryRun run = Run({"list", "-q"});
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1);
  EXPECT_EQ(run.err, "1 alert below medium left out (use --min-level informational)\n");
  EXPECT_EQ(Run({"list", "--min-level", "high"}).err, "") << "who asks for a level knows what is left out";
}

TEST_F(AlertsCommandTest, ACutListSaysSo) {
  for (int i = 0; i < 3; ++i) Put("a" + std::to_string(i), Level::kHigh, AlertState::kFinal, i, "x");
  const BinaryRun cut = Run({"list", "--limit", "2", "-q"});
  EXPECT_EQ(std::count(cut.out.begin(), cut.out.end(), '\n'), 2);
  EXPECT_EQ(cut.err, "showing 2 of 3 (use --limit 0)\n");
  const BinaryRun all = Run({"list", "--limit", "0"});
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 3);
  EXPECT_EQ(all.err, "");
}

TEST_F(AlertsCommandTest, TheCanonicalFormHoldsFinalAlertsInTheOrderOfComparison) {
  Put("b", Level::kLow, AlertState::kFinal, 1, "x");
  Put("a", Level::kLow, AlertState::kFinal, 1, "y");
  Put("c", Level::kLow, AlertState::kFinal, 0, "z");
  Put("d", Level::kLow, AlertState::kEarly, 0, "w");
  EXPECT_EQ(Ids({"list", "--canonical"}), (Strings{"c", "a", "b"}));
  EXPECT_EQ(Run({"list", "--canonical", "--limit", "1"}).exit_code, 2);
  EXPECT_EQ(Run({"list", "--canonical", "--state", "final"}).exit_code, 2);
}

TEST_F(AlertsCommandTest, ShowGivesTheEvidenceWithItsRawLines) {
  Put("3f9a2c", Level::kHigh, AlertState::kFinal, 0, "Accepted password for root \x1b[2J");
  const BinaryRun text = Run({"show", "3f9", "-o", "table"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("Title of 3f9a2c\n  id          3f9a2c\n  level       high\n"));
  EXPECT_THAT(text.out, HasSubstr("  user        al\\x1b[31mice\n"));
  EXPECT_THAT(text.out, HasSubstr("\nEvidence\n  2026-11-22 10:00:00Z  auth.log:0\n"
                                  "    Accepted password for root \\x1b[2J\n"));
  const nlohmann::json record = nlohmann::json::parse(Run({"show", "3f9a2c"}).out);
  EXPECT_EQ(record["kind"], "alert");
  EXPECT_EQ(record["lines"][0]["raw"], "Accepted password for root \x1b[2J");
  EXPECT_EQ(record["lines"][0]["position"], 0);
}

TEST_F(AlertsCommandTest, ASilenceThatIsOverSaysHowLongItLasted) {
  Put("3f9a2c", Level::kHigh, AlertState::kFinal, 0, "the last line");
  {
    StateTransaction transaction(database_.get());
    Alert alert = GetAlert(transaction, "3f9a2c").value();
    alert.ended = kTen + std::chrono::minutes(192);
    ++alert.revision;
    ASSERT_TRUE(PutAlert(&transaction, alert).ok());
    ASSERT_TRUE(transaction.Commit().ok());
  }
  EXPECT_THAT(Run({"list", "-o", "table"}).out,
              HasSubstr("Title of 3f9a2c (silent for 3 h 12 min, heard again)"));
  EXPECT_THAT(Run({"show", "3f9", "-o", "table"}).out,
              HasSubstr("  ended       2026-11-22T13:12:00.000000000Z, heard again after 3 h 12 min\n"));
  EXPECT_THAT(Run({"explain", "3f9"}).out,
              HasSubstr("  2026-11-22T13:12:00.000000000Z  heard again: silent for 3 h 12 min\n"));
  const nlohmann::json record = nlohmann::json::parse(Run({"list"}).out);
  EXPECT_EQ(record["ended"], "2026-11-22T13:12:00.000000000Z");
  EXPECT_EQ(record["lasted_seconds"], 11'520);
  EXPECT_FALSE(nlohmann::json::parse(Run({"list", "--canonical"}).out).contains("ended"));
}

TEST_F(AlertsCommandTest, AnAlertThatOnlyTheClockHasSeenSaysSo) {
  Put("3f9a2c", Level::kHigh, AlertState::kEarly, 0, "the last line");
  EXPECT_FALSE(nlohmann::json::parse(Run({"list"}).out).contains("cause"));
  {
    StateTransaction transaction(database_.get());
    Alert alert = GetAlert(transaction, "3f9a2c").value();
    alert.by_clock = true;
    ++alert.revision;
    ASSERT_TRUE(PutAlert(&transaction, alert).ok());
    ASSERT_TRUE(transaction.Commit().ok());
  }
  EXPECT_EQ(nlohmann::json::parse(Run({"list"}).out)["cause"], "clock");
  EXPECT_THAT(Run({"show", "3f9", "-o", "table"}).out, HasSubstr("early, revision 2, by the clock alone\n"));
  EXPECT_THAT(Run({"explain", "3f9"}).out, HasSubstr("early: by the clock alone"));
}

TEST_F(AlertsCommandTest, AnIdThatIsUnknownOrMeansSeveralIsAComplaint) {
  Put("3f9a2c", Level::kHigh, AlertState::kFinal, 0, "x");
  Put("3f9b00", Level::kHigh, AlertState::kFinal, 0, "x");
  for (const char* id : {"77", "3f9"}) {
    const BinaryRun run = Run({"show", id});
    EXPECT_EQ(run.exit_code, 2) << id;
    EXPECT_THAT(run.err, StartsWith("redthread: ")) << id;
    EXPECT_EQ(run.out, "");
  }
}

TEST(AlertsWithoutDataTest, AFolderWithoutDataIsNamed) {
  const BinaryRun run = RunBinary({"alerts", "list", "--data-dir", "/nonexistent"});
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_EQ(run.err,
            "redthread: there is nothing in /nonexistent yet: `redthread run` keeps what it finds there; "
            "name another "
            "folder with --data-dir\n");
}

TEST(TimeArgumentTest, SpansDatesAndTimesAreReadAndAllElseIsRefused) {
  const struct {
    const char* text;
    const char* time;
  } good[] = {
      {"24h", "2026-11-21T10:00:00.000000000Z"},
      {"2026-11-20", "2026-11-20T00:00:00.000000000Z"},
      {"2026-11-20T01:02:03Z", "2026-11-20T01:02:03.000000000Z"},
      {"2026-11-20 01:02:03+01:00", "2026-11-20T00:02:03.000000000Z"},
  };
  for (const auto& c : good) {
    const Result<Timestamp> time = ParseTimeArgument("--since", c.text, kTen);
    ASSERT_TRUE(time.ok()) << c.text;
    EXPECT_EQ(FormatTimestamp(*time), c.time);
  }
  for (const char* bad : {"", "24", "24 h", "yesterday", "1795341600", "2026-13-01", "2026-11-22x"}) {
    const Status status = ParseTimeArgument("--since", bad, kTen).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalid) << bad;
    EXPECT_THAT(status.message(), StartsWith("--since: `" + std::string(bad) + "` is no time, write "));
  }
  EXPECT_EQ(ParseTimeRange("1h", "2h", kTen).status().message(), "--until lies before --since");
}

}  // namespace
}  // namespace redthread
