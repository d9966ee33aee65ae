// `run` under SIGKILL over the suites of the reference data, whose lines come in a random order within the
// lateness: in the end it has told what a scan of the original files tells.
#include "tests/crash/kill_fixture.h"
#include "tests/e2e/suites.h"

namespace redthread {
namespace {

class SuiteKillTest : public KillTest {
 protected:
  // Every log source has a file, to which its lines are added in their order.
  void Kill(const std::string& name) {
    if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
    const std::vector<Suite> suites = ReferenceSuites();
    const auto suite = std::find_if(suites.begin(), suites.end(), [&](auto& s) { return s.name == name; });
    if (suite == suites.end()) GTEST_SKIP() << "another suite is wanted";
    const uint32_t seed = Seed();
    SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
    std::cout << "REDTHREAD_SEED=" << seed << "\n";
    std::mt19937 random(seed);
    Dice dice(seed);
    const SuiteLines lines = LinesOf(*suite, EngineOf(*suite));
    const std::vector<const Line*> arrivals = Arrivals(lines, RuleBundle::Times{}.lateness, &dice);

    std::ofstream config(config_);
    config << "version: 1\ndata_dir: " << (folder_ / "data").string() << "\nrules: {paths: [" << suite->rules
           << "]}\nsources:\n";
    std::vector<std::ofstream> files;
    for (size_t i = 0; i < lines.log_sources.size(); ++i) {
      const std::string path = (folder_ / "in" / std::to_string(i)).string() + ".ndjson";
      config << "  in" << i << ": {type: file, path: " << path
             << ", logsource: " << LogSourceYaml(*suite, lines, i) << "}\n";
      files.emplace_back(path, std::ios::binary);
    }
    config.close();
    size_t written = 0;
    const auto write_to = [&](size_t end) {
      for (; written < std::min(end, arrivals.size()); ++written)
        files[arrivals[written]->log_source] << arrivals[written]->text << '\n';
      for (std::ofstream& file : files) file.flush();
    };
    const auto wanted = static_cast<size_t>(WantedKills(10));
    // Some hundred steps between two kills; and however slow the machine is, never more than this kill's
    // share of what is not read yet, so that something is left for the others.
    const double at_a_time = static_cast<double>(arrivals.size()) / (static_cast<double>(wanted) * 150);
    double due = 0;
    const auto grow = [&](int kills, uint64_t read) {
      const size_t share = (arrivals.size() - read) / (wanted - static_cast<size_t>(kills) + 1);
      due = std::min(due + at_a_time, static_cast<double>(read + share));
      write_to(std::min(static_cast<size_t>(due) + 1, arrivals.size() - 1));
    };
    KillAtWork(static_cast<int>(wanted), &random, grow, [&] { return arrivals.size(); });
    if (HasFatalFailure()) return;
    write_to(arrivals.size());
    ExpectTheAnswer(Scanned(*suite));
    EXPECT_EQ(Progress(), arrivals.size());
  }

  static std::string LogSourceYaml(const Suite& suite, const SuiteLines& lines, size_t i) {
    for (const Suite::File& file : suite.files) {
      if (Declared(file.log_source) == lines.log_sources[i]) return file.log_source.dump();
    }
    return "{}";
  }
};

TEST_F(SuiteKillTest, TheSshSuiteIsToldOnce) { Kill("ssh"); }
TEST_F(SuiteKillTest, TheWindowsSuiteIsToldOnce) { Kill("windows"); }

}  // namespace
}  // namespace redthread
