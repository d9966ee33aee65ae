// `redthread sources replay`: what could not be read counts once it can be, as if it had been read at first.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ReplayTest : public E2eTest {
 protected:
  ReplayTest() { rules_ = Write("all.yml", WithManyProcesses(4, "5m")); }

  // `second`: the format of the second of two sources, each a file.
  void Configure(const std::string& second, const std::string& more = "correlate: {late_horizon: 90000d}\n") {
    const std::string windows = ", logsource: {product: windows}";
    config_ =
        Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                   "\nsources:\n  a: {type: file, path: " + Path("a.log") + windows +
                                   "}\n  b: {type: file, path: " + Path("b.log") + ", format: " + second +
                                   windows + "}\n" + more + "rules: {paths: [" + rules_ + "]}\n");
  }
  // Several of each, with a match of every rule in each file, and a correlation over both.
  void WriteLogs(const std::string& more_in_b = "") {
    Strings a, b;
    for (int n = 0; n < 3; ++n) {
      const std::string minute = "2026-01-02 03:0" + std::to_string(n);
      a.push_back(ProcessCreation(minute + ":00", "pc-1", "cmd.exe"));
      b.push_back(ProcessCreation(minute + ":30", "pc-1", n == 1 ? "powershell -enc AAAA" : "mimikatz.exe"));
    }
    a.push_back(ProcessCreation("2026-01-02 04:30:00", "pc-1", "mimikatz.exe"));
    Write("a.log", JoinLines(a));
    Write("b.log", JoinLines(b) + more_in_b);
  }
  BinaryRun Run() const { return RunBinary({"run", "-q", "--until-idle", "-c", config_}); }
  BinaryRun Replay(Strings arguments = {}) const {
    arguments.insert(arguments.begin(), {"sources", "replay", "-c", config_});
    return RunBinary(arguments);
  }
  std::string Letters() const {
    return RunBinary({"sources", "dead-letters", "-q", "-o", "jsonl", "-c", config_}).out;
  }
  std::string Alerts(Strings arguments = {}) const {
    arguments.insert(arguments.begin(),
                     {"alerts", "list", "-q", "--min-level", "informational", "-c", config_});
    return RunBinary(arguments).out;
  }
  std::string Scanned() const {
    return RunBinary({"scan", "-q", "--canonical", "-r", rules_, "--logsource", "product=windows",
                      Path("a.log"), Path("b.log")})
        .out;
  }

  std::string config_;
};

TEST_F(ReplayTest, WhatCanBeReadAfterAFixLeadsToTheAlertsOfAScan) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  EXPECT_EQ(SplitLines(Letters()).size(), 3U);
  // By its text alone: once, at a time that nobody knows, on nobody.
  EXPECT_THAT(Alerts({"--canonical"}), HasSubstr("\"time\":null"));

  Configure("auto");
  const std::string expected = Scanned();
  EXPECT_EQ(SplitLines(expected).size(), 4U) << expected;
  EXPECT_NE(Alerts({"--canonical"}), expected);
  EXPECT_EQ(SplitLines(Letters()).size(), 3U) << "nothing is read again by itself";
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 0) << replay.err;
  EXPECT_THAT(replay.err, HasSubstr("3 records read after all, 0 still not"));
  const json record = json::parse(replay.out);
  EXPECT_EQ(record["source"], Path("b.log"));
  EXPECT_EQ(record["read"], 3);
  EXPECT_EQ(record["detections"], 6);
  EXPECT_EQ(Letters(), "");
  EXPECT_EQ(Alerts({"--canonical"}), expected);
  EXPECT_EQ(Run().exit_code, 0);
  EXPECT_EQ(Alerts({"--canonical"}), expected);

  int withdrawn = 0;
  for (const std::string& line : SplitLines(Alerts({"-o", "jsonl"}))) {
    const json alert = json::parse(line);
    withdrawn += alert["time"].is_null() && alert["state"] == "withdrawn";
  }
  EXPECT_EQ(withdrawn, 1) << "what the text alone had matched made way for the event";
}

TEST_F(ReplayTest, ASecondReplayAddsNothing) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  // What still cannot be read is matched by its text every time, and counts once.
  EXPECT_EQ(Replay().exit_code, 5);
  const std::string unread = Alerts({"-o", "jsonl"});
  EXPECT_EQ(Replay().exit_code, 5);
  EXPECT_EQ(Alerts({"-o", "jsonl"}), unread);

  Configure("auto");
  EXPECT_EQ(Replay().exit_code, 0);
  const std::string alerts = Alerts({"-o", "jsonl"});
  const BinaryRun again = Replay();
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, "");
  EXPECT_THAT(again.err, HasSubstr("0 records read after all, 0 still not; 0 alerts new or changed"));
  EXPECT_EQ(Alerts({"-o", "jsonl"}), alerts);
}

TEST_F(ReplayTest, WhatStillCannotBeReadStaysWithTheReasonOfToday) {
  WriteLogs("{\"cut\":\"sho\nno format at all\x1b[31m\n");
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  std::map<std::string, std::string> before;
  for (const std::string& line : SplitLines(Letters())) {
    const json letter = json::parse(line);
    before[letter["raw"]] = letter["reason"];
  }
  EXPECT_EQ(before.size(), 5U);
  Configure("auto");
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 5);
  EXPECT_THAT(replay.err, HasSubstr("3 records read after all, 2 still not"));
  EXPECT_EQ(json::parse(replay.out)["unread"], 2);
  const Strings letters = SplitLines(Letters());
  ASSERT_EQ(letters.size(), 2U);
  for (const std::string& line : letters) {
    const json letter = json::parse(line);
    EXPECT_NE(letter["reason"], before.at(letter["raw"])) << line;
  }
  EXPECT_EQ(json::parse(letters[0])["record"], 3);
  EXPECT_EQ(json::parse(letters[0])["reason"], json::parse(replay.out)["reason"]);
  const std::string list = RunBinary({"sources", "list", "-q", "-o", "jsonl", "-c", config_}).out;
  EXPECT_THAT(list, HasSubstr("\"dead_letters\":2"));
  // Of what is cut short the beginning counts, here as in a scan.
  EXPECT_EQ(Alerts({"--canonical"}), Scanned());
}

TEST_F(ReplayTest, ADryRunTellsTheSameAndChangesNothing) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  Configure("auto");
  const std::string alerts = Alerts({"-o", "jsonl"});
  const std::string letters = Letters();
  const BinaryRun dry = Replay({"--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_THAT(dry.err, HasSubstr("3 records would be read, 0 still not"));
  EXPECT_EQ(Alerts({"-o", "jsonl"}), alerts);
  EXPECT_EQ(Letters(), letters);
  EXPECT_EQ(Replay().out, dry.out);
}

TEST_F(ReplayTest, OnlyTheSourcesThatAreAskedForAreReadAgain) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  Configure("auto");
  EXPECT_EQ(Replay({"--source", "a.log"}).out, "");
  EXPECT_EQ(SplitLines(Letters()).size(), 3U);
  EXPECT_EQ(Replay({"--source", "b.log"}).exit_code, 0);
  EXPECT_EQ(Letters(), "");
}

TEST_F(ReplayTest, ARunThatHoldsTheFolderIsNamed) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  Process run(BinaryCommand({"run", "-c", config_}), BinaryEnvironment());
  EXPECT_TRUE(run.Says("running with"));
  Configure("auto");
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 4);
  EXPECT_THAT(replay.err,
              HasSubstr("is in use by process " + std::to_string(run.id()) + "; stop that one first"));
  EXPECT_EQ(Replay({"--dry-run"}).exit_code, 0) << "which only looks";
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait().exit_code, 0);
  EXPECT_EQ(Replay().exit_code, 0);
}

TEST_F(ReplayTest, MatchesBeyondTheHorizonAreToldAndTheRestCounts) {
  WriteLogs();
  // The present is days later.
  Write("a.log", ProcessCreation("2026-01-08 00:00:00", "pc-2", "cmd.exe") + "\n");
  const std::string hour = "correlate: {late_horizon: 1h}\n";
  Configure("xml", hour);
  EXPECT_EQ(Run().exit_code, 5);
  Configure("auto", hour);
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 0) << replay.err;
  EXPECT_THAT(replay.err, HasSubstr("3 matches came later than correlate.late_horizon"));
  EXPECT_EQ(Alerts({"--canonical"}), Scanned()) << "there are too few for the correlation";
}

TEST_F(ReplayTest, ABadRuleIsRefusedBeforeAnythingIsRead) {
  WriteLogs();
  Configure("xml");
  EXPECT_EQ(Run().exit_code, 5);
  Configure("auto");
  Write("all.yml", "title: no detection\n");
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 2);
  EXPECT_THAT(replay.err, HasSubstr("nothing is read again"));
  EXPECT_EQ(SplitLines(Letters()).size(), 3U);
}

TEST_F(ReplayTest, WithoutDataTheFolderIsNamedAndNotMade) {
  Configure("auto");
  const BinaryRun replay = Replay();
  EXPECT_EQ(replay.exit_code, 5);
  EXPECT_THAT(replay.err, HasSubstr("there is nothing in " + Path("data")));
  EXPECT_NE(access(Path("data").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace redthread
