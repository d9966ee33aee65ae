// `sources replay` under SIGKILL, before and after every commit: what it leads to is the same, and counts
// once.
#include "tests/crash/kill_fixture.h"
#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

constexpr int kLines = 3500;

class ReplayKillTest : public KillTest {
 protected:
  void Configure(const std::string& format) {
    std::ofstream(config_) << "version: 1\ndata_dir: " << (folder_ / "data").string()
                           << "\nsources:\n  log: {type: file, path: " << (folder_ / "in").string()
                           << "/log.ndjson, format: " << format
                           << ", logsource: {product: windows}}\ncorrelate: {late_horizon: 90000d}\n"
                           << "rules: {paths: [" << (folder_ / "rules.yml").string() << "]}\n";
  }
  void WriteLog() {
    std::ofstream(folder_ / "rules.yml") << WithManyProcesses(20, "1m");
    std::ofstream log(folder_ / "in" / "log.ndjson");
    const Timestamp begin = *ParseTimestamp("2026-10-01T00:00:00Z");
    for (int n = 0; n < kLines; ++n) {
      const char* command = n % 700 == 3 ? "a -enc b" : n % 900 == 5 ? "mimikatz" : "cmd";
      log << R"({"@timestamp":")" << FormatTimestamp(begin + std::chrono::seconds(n) * (n % 7 + 1))
          << R"(","Channel":"Security","EventID":4688,"Computer":"pc-)" << n % 20 << R"(","CommandLine":")"
          << command << "\"}\n";
    }
  }
  void Restore() {
    fs::remove_all(folder_ / "data");
    fs::copy(folder_ / "before", folder_ / "data", fs::copy_options::recursive);
  }
  std::string Alerts() {
    return Run({"alerts", "list", "-q", "-o", "jsonl", "--min-level", "informational", "--limit", "0", "-c",
                config_});
  }
};

TEST_F(ReplayKillTest, WhereverItIsKilledAnotherReplayCompletesItAndEachLetterCountsOnce) {
  WriteLog();
  Configure("xml");
  int status = 0;
  waitpid(Start({"run", "-q", "-c", config_, "--until-idle"}, folder_ / "run"), &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 5);
  fs::rename(folder_ / "data", folder_ / "before");
  Configure("auto");

  Restore();
  const std::vector<std::string> replay = {"sources", "replay", "-q", "-c", config_};
  Run(replay);
  const std::string expected = Alerts();
  const std::string scanned = Run({"scan", "-q", "--canonical", "--logsource", "product=windows", "-r",
                                   (folder_ / "rules.yml").string(), (folder_ / "in").string()});
  ASSERT_FALSE(scanned.empty());
  ExpectTheAnswer(scanned);

  int kills = 0;
  for (const char* point : {"before_commit:", "after_commit:"}) {
    for (int n = 1;; ++n) {
      SCOPED_TRACE(point + std::to_string(n));
      Restore();
      waitpid(Start(replay, folder_ / "replay", point + std::to_string(n)), &status, 0);
      if (WIFEXITED(status)) break;  // there were fewer
      ++kills;
      Run(replay);
      EXPECT_TRUE(Alerts() == expected);
      ExpectEveryRevisionToldOnce();
      EXPECT_EQ(Run({"sources", "dead-letters", "-c", config_}), "");
      ExpectTheAnswer(scanned);
    }
  }
  EXPECT_GE(kills, 2 * (kLines / 1000));
}

}  // namespace
}  // namespace redthread
