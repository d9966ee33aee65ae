// `run`: files in, alerts out, each once, whatever happens to the files and the process between.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "storage/database.h"
#include "storage/dead_letter_store.h"
#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class RunTest : public E2eTest {
 protected:
  RunTest() { Configure("logs/*.ndjson*"); }

  void Configure(const std::string& paths) {
    Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                               "\nsources:\n  log:\n    type: file\n    path: " + paths +
                               "\nrules: {paths: [" + rules_ + "]}\n");
  }
  Strings Command(Strings arguments) const {
    arguments.insert(arguments.end(), {"-c", Path("redthread.yml")});
    return arguments;
  }
  BinaryRun UntilIdle() const { return RunBinary(Command({"run", "--until-idle"})); }
  // The same, expected to go well; what it said.
  std::string ReadOn() const {
    const BinaryRun run = UntilIdle();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.err;
  }
  std::string Canonical() const { return RunBinary(Command({"alerts", "list", "--canonical"})).out; }
  std::string AllAlerts() const {
    return RunBinary(Command({"alerts", "list", "--limit", "0", "--min-level", "informational"})).out;
  }
  std::string ScanCanonical(const Strings& paths) const {
    Strings arguments = paths;
    arguments.emplace_back("--canonical");
    const BinaryRun run = Scan(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::app) << text;
  }
};

// Lines over two days, in no order, of a few hosts, so that folds grow, meet and end.
std::string Disorder(uint32_t seed, int lines) {
  std::mt19937 random(seed);
  const char* const kCommands[] = {"sh -enc QQ", "ls", "mimikatz"};
  std::string text;
  for (int i = 0; i < lines; ++i) {
    if (random() % 50 == 0) {
      text += R"({"Channel":"Security","EventID":1,"Computer":"pc1","CommandLine":"mimikatz at no time"})"
              "\n";
      continue;
    }
    char time[32];
    std::snprintf(time, sizeof time, "2026-01-%02d %02d:%02d:%02d", 1 + int(random() % 2), int(random() % 24),
                  int(random() % 60), int(random() % 60));
    text += ProcessCreation(time, "pc" + std::to_string(random() % 3), kCommands[random() % 3]) + "\n";
  }
  return text;
}

TEST_F(RunTest, GivesTheSameAnswerAsScanAndNothingMoreTheSecondTime) {
  for (int f = 0; f < 3; ++f) Write("logs/" + std::to_string(f) + ".ndjson", Disorder(f, 300));
  EXPECT_THAT(ReadOn(), HasSubstr("900 lines read, "));
  const std::string answer = Canonical();
  EXPECT_GT(SplitLines(answer).size(), 20u);
  EXPECT_EQ(answer, ScanCanonical({Path("logs")}));
  const std::string all = AllAlerts();
  EXPECT_THAT(ReadOn(), HasSubstr("0 lines read, 0 detections, 0 commits"));
  EXPECT_EQ(AllAlerts(), all);
}

TEST_F(RunTest, TheNumberOfJobsChangesNothing) {
  for (int f = 0; f < 4; ++f) Write("logs/" + std::to_string(f) + ".ndjson", Disorder(f, 2000));
  std::string all, canonical;
  for (const char* jobs : {"1", "2", "5"}) {
    SCOPED_TRACE(jobs);
    fs::remove_all(Path("data"));
    const BinaryRun run = RunBinary(Command({"run", "--until-idle", "--jobs", jobs}));
    ASSERT_EQ(run.exit_code, 0) << run.err;
    if (all.empty()) {
      all = AllAlerts();
      canonical = Canonical();
    }
    EXPECT_EQ(AllAlerts(), all) << "revisions too";
    EXPECT_EQ(Canonical(), canonical);
  }
  EXPECT_EQ(canonical, ScanCanonical({Path("logs")}));
  EXPECT_EQ(RunBinary(Command({"run", "--jobs", "0"})).exit_code, 2);
}

TEST_F(RunTest, KeepsTheSameEvidenceAsScanWhereThereIsTooMuch) {
  for (int f = 0; f < 3; ++f) {
    std::string text;
    for (int i = 0; i < 500; ++i) {
      text += ProcessCreation("2026-01-01 10:00:0" + std::to_string((f + i) % 3), "pc",
                              "sh -enc " + std::to_string(i % 400)) +
              "\n";
    }
    Write("logs/" + std::to_string(f) + ".ndjson", text);
  }
  ReadOn();
  const std::string answer = Canonical();
  EXPECT_EQ(json::parse(answer)["count"], 1500);
  EXPECT_EQ(json::parse(answer)["evidence"].size(), 100u);
  EXPECT_EQ(answer, ScanCanonical({Path("logs")}));
}

TEST_F(RunTest, LinesAddedBetweenRunsAreReadOnce) {
  std::string all;
  for (int round = 0; round < 5; ++round) {
    const std::string more = Disorder(100 + round, 60);
    all += more;
    if (round % 2 == 0) {
      Write("logs/a.ndjson", all);
    } else {
      Append("logs/a.ndjson", more);
    }
    EXPECT_THAT(ReadOn(), HasSubstr("\n60 lines read, "));
    ASSERT_EQ(Canonical(), ScanCanonical({Path("logs/a.ndjson")})) << round;
  }
}

TEST_F(RunTest, AFoldThatGrowsInALaterRunIsRevisedWhenItCloses) {
  Write("logs/a.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc QQ") + "\n");
  ReadOn();
  const json first = json::parse(AllAlerts());
  EXPECT_EQ(first["state"], "final");
  EXPECT_EQ(first["count"], 1);
  Append("logs/a.ndjson", ProcessCreation("2026-01-01 10:30:00", "pc", "sh -enc QQ") + "\n");
  ReadOn();
  const json second = json::parse(AllAlerts());
  EXPECT_EQ(second["id"], first["id"]);
  EXPECT_EQ(second["count"], 2);
  EXPECT_GT(second["revision"], first["revision"]) << "a sink would not hear of it";
}

TEST_F(RunTest, FilesRotatedBetweenRunsAreReadOnce) {
  const auto lines = [](int seed) { return Disorder(seed, 200); };
  Write("logs/a.ndjson", lines(1));
  ReadOn();
  // By renaming, what was written just before included.
  Append("logs/a.ndjson", lines(2));
  fs::rename(Path("logs/a.ndjson"), Path("logs/a.ndjson.1"));
  Write("logs/a.ndjson", lines(3));
  EXPECT_THAT(ReadOn(), HasSubstr("\n400 lines read, "));
  Write("all.ndjson", lines(1) + lines(2) + lines(3));
  EXPECT_EQ(Canonical(), ScanCanonical({Path("all.ndjson")}));
  // By copying and truncating, then compressing.
  fs::copy_file(Path("logs/a.ndjson"), Path("logs/a.ndjson.2"));
  Write("logs/a.ndjson", lines(4));
  Shell("gzip logs/a.ndjson.1");
  EXPECT_THAT(ReadOn(), HasSubstr("\n200 lines read, "));
  Write("all.ndjson", lines(1) + lines(2) + lines(3) + lines(4));
  EXPECT_EQ(Canonical(), ScanCanonical({Path("all.ndjson")}));
  EXPECT_THAT(ReadOn(), HasSubstr("\n0 lines read, "));
}

TEST_F(RunTest, AFileThatSeveralPatternsMatchIsReadOnce) {
  Write("logs/a.ndjson", Disorder(1, 200));
  Configure("[logs/a.ndjson, logs, logs/*.ndjson]");
  EXPECT_THAT(ReadOn(), HasSubstr("\n200 lines read, "));
  EXPECT_EQ(Canonical(), ScanCanonical({Path("logs")}));
  Append("logs/a.ndjson", Disorder(2, 10));
  EXPECT_THAT(ReadOn(), HasSubstr("\n10 lines read, "));
  EXPECT_EQ(Canonical(), ScanCanonical({Path("logs")}));
}

TEST_F(RunTest, AFileOfTwoSourcesIsReadForTheFirstAndTheOtherIsTold) {
  Write("logs/a.ndjson", Disorder(1, 200));
  Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                             "\nsources:\n  one: {type: file, path: logs/*.ndjson}\n"
                             "  two: {type: file, path: logs}\nrules: {paths: [" +
                             rules_ + "]}\n");
  const std::string told = ReadOn();
  EXPECT_THAT(told, HasSubstr("\n200 lines read, "));
  EXPECT_THAT(told, HasSubstr("warning: " + Path("logs/a.ndjson") +
                              ": source `two` leaves it to source `one`, which reads it already\n"));
  EXPECT_EQ(Canonical(), ScanCanonical({Path("logs")}));
}

TEST_F(RunTest, AlertsShowGivesBackTheRawLines) {
  const std::string odd = R"({"UtcTime":"2026-01-01 10:00:01","Channel":"Security", "EventID" : 4688,)"
                          R"("Computer":"pc","CommandLine":"caf\u00e9 -enc \u001b[2J"})";
  const std::string plain = ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc QQ");
  Write("logs/a.ndjson", JoinLines({plain, odd}));
  ReadOn();
  const std::string id = json::parse(AllAlerts())["id"];
  const json shown = json::parse(RunBinary(Command({"alerts", "show", id})).out);
  ASSERT_EQ(shown["lines"].size(), 2u);
  EXPECT_EQ(shown["lines"][0]["raw"], plain);
  EXPECT_EQ(shown["lines"][1]["raw"], odd);
  EXPECT_EQ(shown["evidence"][1]["source"], Path("logs/a.ndjson"));
  EXPECT_EQ(shown["evidence"][1]["position"], 1);
}

TEST_F(RunTest, WhatCannotBeReadIsKeptAsDeadLettersAndTheExitCodeSaysSo) {
  const std::string plain = ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc QQ");
  {
    std::ofstream file(Path("bad.ndjson"), std::ios::binary);
    file << plain << "\nno object\n"
         << plain.substr(0, plain.size() - 2) << "\n{\"UtcTime\":\"2026-01-01 "
         << "10:01:00\",\"Channel\":\"Security\",\"Computer\":\"pc\",\"CommandLine\":\"sh -enc QQ\",\"o\":\""
         << std::string(20 << 20, 'a') << "\"}\n"
         << plain << "\n";
  }
  Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") + "\nsources:\n  log:\n    type: file\n" +
                             "    path: bad.ndjson\n    logsource: {product: windows}\nrules: {paths: [" +
                             rules_ + "]}\n");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 5) << run.err;
  const json alert = json::parse(AllAlerts());
  EXPECT_EQ(alert["count"], 4) << "the beginnings of the damaged lines match";
  Database::Options options;
  options.path = Path("data/state");
  options.read_only = true;
  const Result<std::unique_ptr<Database>> database = Database::Open(options);
  ASSERT_TRUE(database.ok()) << database.status().message();
  Strings letters;
  Damage damage;
  ASSERT_TRUE(ForEachDeadLetter(
                  *(*database)->Snapshot(), std::nullopt,
                  [&](const StoredDeadLetter& letter) {
                    letters.push_back(std::to_string(letter.position.index) + " " + letter.reason + " " +
                                      std::to_string(letter.raw_size) + " " + letter.raw_prefix.substr(0, 9));
                    return true;
                  },
                  &damage)
                  .ok());
  EXPECT_EQ(letters, (Strings{"1 no known format 9 no object",
                              "2 string without an end " + std::to_string(plain.size() - 2) + R"( {"UtcTime)",
                              "3 line too long " + std::to_string((20 << 20) + 104) + R"( {"UtcTime)"}));
}

TEST_F(RunTest, ADamagedFileIsToldAndTheOthersAreRead) {
  Write("logs/a.ndjson", Disorder(1, 50));
  Write("logs/b.ndjson", Disorder(2, 5000));
  Shell("gzip logs/b.ndjson && head -c 20000 logs/b.ndjson.gz > cut && mv cut logs/b.ndjson.gz");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_EQ(CountLines(run.err, Path("logs/b.ndjson.gz") + ": gzip data end before their end at byte 20000"),
            1u)
      << run.err;
  // The same answer as scan's: what stands before the damage is read.
  EXPECT_EQ(Canonical(), Scan({Path("logs"), "--canonical"}).out);
}

TEST_F(RunTest, APatternThatMatchesNothingIsTold) {
  Configure("logs/*.json");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("warning: source `log`: nothing matches " + Path("logs/*.json") +
                                 " yet; it is awaited\n"));
}

TEST_F(RunTest, ABadRuleSetIsRefusedWhole) {
  Write("logs/a.ndjson", Disorder(1, 10));
  rules_ = Path("rules");
  Write("rules/good.yml", kRules);
  Write("rules/bad.yml",
        "title: x\nlogsource: {product: windows}\ndetection: {s: {a|foo: 1}, condition: s}\n");
  Configure("logs/*.ndjson");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("bad.yml:3:19: `foo` is no modifier"));
  EXPECT_FALSE(fs::exists(Path("data")));
}

TEST_F(RunTest, ABadConfigurationIsToldWhole) {
  Write("redthread.yml",
        "version: 1\ndata_dri: x\nsources:\n  a: {type: fil, path: x}\n"
        "correlate: {lateness: soon}\n");
  const BinaryRun run = UntilIdle();
  EXPECT_EQ(run.exit_code, 3);
  const Strings told = SplitLines(run.err);
  ASSERT_EQ(told.size(), 3u) << run.err;
  EXPECT_THAT(told[0], HasSubstr("redthread.yml:2:1: unknown key `data_dri`, did you mean `data_dir`?"));
  EXPECT_THAT(told[1], HasSubstr("redthread.yml:4:13: `fil` is not one of "));
  EXPECT_THAT(told[2], HasSubstr("redthread.yml:5:23: `soon` is not valid"));
  EXPECT_EQ(RunBinary({"run", "-c", Path("missing.yml")}).exit_code, 3);
}

TEST_F(RunTest, ASecondProcessIsToldWhoHoldsTheDataFolder) {
  Write("logs/a.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc QQ") + "\n");
  Process daemon(BinaryCommand(Command({"run"})), BinaryEnvironment());
  ASSERT_TRUE(daemon.Says("running with 2 rules"));
  const BinaryRun second = UntilIdle();
  EXPECT_EQ(second.exit_code, 4);
  EXPECT_THAT(second.err,
              HasSubstr(Path("data/state") + " is in use by process " + std::to_string(daemon.id()) + ";"));
  EXPECT_EQ(RunBinary(Command({"alerts", "list"})).exit_code, 0) << "readers are welcome";
}

TEST_F(RunTest, AStopSignalDrainsAndTheNextRunGoesOnBehindIt) {
  for (const int signal : {SIGTERM, SIGINT}) {
    SCOPED_TRACE(signal);
    const int before = signal == SIGTERM ? 0 : 4000;
    std::string lines;
    for (int i = 0; i < 4000; ++i) {
      lines += ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc " + std::to_string(before + i)) + "\n";
    }
    Append("log.ndjson", lines);
    Configure("log.ndjson");
    Process daemon(BinaryCommand(Command({"run"})), BinaryEnvironment());
    ASSERT_TRUE(daemon.Says("running with 2 rules"));
    daemon.Signal(signal);
    const BinaryRun run = daemon.Wait();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr(" lines read, "));
    ReadOn();
    EXPECT_EQ(json::parse(AllAlerts())["count"], before + 4000);
  }
}

}  // namespace
}  // namespace redthread
