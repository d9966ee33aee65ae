// `run` takes up changed rules while it runs: by watching them, and by SIGHUP.
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class ReloadTest : public E2eTest {
 protected:
  ReloadTest() {
    rules_ = Path("rules");
    WriteRule("one");
    Write("log.ndjson", "");
  }

  void Configure(const std::string& reload) {
    Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                               "\nsources: {log: {type: file, path: log.ndjson}}\nrules: {paths: [" + rules_ +
                               "], reload: " + reload + "}\n");
  }
  Strings Command(Strings arguments) const {
    arguments.insert(arguments.end(), {"-c", Path("redthread.yml")});
    return arguments;
  }
  // A rule of that name that matches every line.
  void WriteRule(const std::string& name) {
    Write("rules/" + name + ".yml", "title: " + name + "\nid: " + name +
                                        "\nlevel: high\nlogsource: {product: windows}\n"
                                        "detection: {s: {CommandLine|contains: sh}, condition: s}\n");
  }
  void AppendLines(int lines) {
    std::ofstream file(Path("log.ndjson"), std::ios::app | std::ios::binary);
    for (; lines > 0; --lines) file << ProcessCreation("2026-01-01 10:00:00", "pc", "sh") << "\n";
  }

  // What stands or is early, by rule.
  std::map<std::string, json> Alerts() const {
    std::map<std::string, json> alerts;
    for (const std::string& line : SplitLines(RunBinary(Command({"alerts", "list", "--limit", "0"})).out)) {
      const json alert = json::parse(line);
      alerts[alert["rule"]["id"]] = alert;
    }
    return alerts;
  }
  // Waits until the daemon has stored that many matches of the rule.
  bool Counts(const std::string& rule, int count) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      std::map<std::string, json> alerts = Alerts();
      if (alerts.count(rule) > 0 && alerts[rule]["count"] == count) return true;
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
  }
};

TEST_F(ReloadTest, WatchedRulesAreTakenUpBadOnesAreNotAndFoldsOfRemovedOnesEnd) {
  Configure("watch");
  Process daemon(BinaryCommand(Command({"run"})), BinaryEnvironment());
  ASSERT_TRUE(daemon.Says("running with 1 rule,"));
  AppendLines(2);
  ASSERT_TRUE(Counts("one", 2));
  // A bad set is refused whole: the good rule of it too.
  WriteRule("two");
  Write("rules/bad.yml",
        "title: bad\nlogsource: {product: windows}\ndetection: {s: {a|foo: 1}, condition: s}\n");
  ASSERT_TRUE(daemon.Says("the changed rule set is refused, the old one goes on: 1 problem"));
  ASSERT_TRUE(daemon.Says("bad.yml:3:19: `foo` is no modifier"));
  AppendLines(3);
  ASSERT_TRUE(Counts("one", 5));
  EXPECT_EQ(Alerts().count("two"), 0u);
  // Made good, and the first rule goes while its fold is open.
  std::filesystem::remove(Path("rules/bad.yml"));
  std::filesystem::remove(Path("rules/one.yml"));
  ASSERT_TRUE(daemon.Says("rules reloaded: 1 rules: 1 loaded"));
  AppendLines(4);
  ASSERT_TRUE(Counts("two", 4));
  EXPECT_EQ(Alerts()["one"]["count"], 5);
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait().exit_code, 0);
  ASSERT_EQ(RunBinary(Command({"run", "--until-idle"})).exit_code, 0);
  for (const char* rule : {"one", "two"}) EXPECT_EQ(Alerts()[rule]["state"], "final") << rule;
}

TEST_F(ReloadTest, AHangupLoadsRulesThatAreNotWatched) {
  Configure("never");
  Process daemon(BinaryCommand(Command({"run", "--jobs", "3"})), BinaryEnvironment());
  ASSERT_TRUE(daemon.Says("running with 1 rule,"));
  AppendLines(10);
  ASSERT_TRUE(Counts("one", 10));
  WriteRule("two");
  daemon.Signal(SIGHUP);
  ASSERT_TRUE(daemon.Says("rules reloaded: 2 rules: 2 loaded"));
  AppendLines(7);
  ASSERT_TRUE(Counts("one", 17)) << "a rule that is in both sets goes on with its fold";
  ASSERT_TRUE(Counts("two", 7));
  daemon.Signal(SIGTERM);
  const BinaryRun run = daemon.Wait();
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, HasSubstr("\n17 lines read, 24 detections"));
}

}  // namespace
}  // namespace redthread
