// The order in which lines arrive decides nothing: read as they grow, in any order that keeps within the
// lateness and from any number of files, they lead to the alerts that a scan of the original files gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "runtime/embedded.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/e2e/suites.h"

namespace redthread {
namespace {

// Lines. Of longer suites only one split an order is read.
constexpr size_t kLongSuite = 5'000;

class ArrivalTest : public E2eTest {
 protected:
  // What stands in a data folder.
  std::string Standing(const std::string& data_dir) const {
    const std::string config = Write("standing.yml", "version: 1\ndata_dir: " + data_dir + "\n");
    const BinaryRun run = RunBinary({"alerts", "list", "--canonical", "-c", config});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }

  // Writes each line to one of `parts` files, chosen at random, of those of its log source.
  std::vector<FileInput> WriteParts(const SuiteLines& suite, const std::vector<const Line*>& arrivals,
                                    size_t parts, Dice* dice) const {
    std::vector<std::string> texts(suite.log_sources.size() * parts);
    for (const Line* line : arrivals)
      texts[line->log_source * parts + dice->Below(parts)] += line->text + "\n";
    std::vector<FileInput> inputs;
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string name = "in" + std::to_string(i);
      inputs.push_back({name, {Write(name + ".ndjson", texts[i])}, suite.log_sources[i / parts]});
    }
    return inputs;
  }

  // Reads the inputs to their end, in one go, into a new data folder.
  Embedded::Report Run(const std::shared_ptr<const Engine>& engine, std::vector<FileInput> inputs,
                       const std::string& data_dir, Dice* dice) {
    Embedded::Options options;
    options.data_dir = data_dir;
    options.inputs = std::move(inputs);
    options.until_idle = true;
    // Small ones, so that the watermark moves many times on the way.
    options.batch_bytes = size_t{2'000} << dice->Below(6);
    // In every other run, groups go to disk and come back.
    if (runs_++ % 2 == 0) options.group_memory_bytes = 20'000;
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine, options, &clock_);
    EXPECT_TRUE(embedded.ok()) << embedded.status().message();
    const std::atomic<bool> stop{false};
    const Status status = (*embedded)->Run(stop);
    EXPECT_TRUE(status.ok()) << status.message();
    return (*embedded)->report();
  }

  // The files as they are, each an input, one after another, by the command.
  BinaryRun RunInFileOrder(const Suite& suite, const std::string& data_dir, const std::string& correlate) {
    std::string yaml = "version: 1\ndata_dir: " + data_dir + "\n" + correlate + "rules: {paths: [" +
                       suite.rules + "]}\nsources:\n";
    for (size_t i = 0; i < suite.files.size(); ++i) {
      yaml += "  in" + std::to_string(i) + ": {type: file, path: " + suite.files[i].path +
              ", logsource: " + suite.files[i].log_source.dump() + "}\n";
    }
    return RunBinary({"run", "--until-idle", "-c", Write("in_order.yml", yaml)});
  }

  SystemClock clock_;
  size_t runs_ = 0;
};

// REDTHREAD_ARRIVALS: how many random orders of each suite; 1 by default. REDTHREAD_SUITE: only that one.
TEST_F(ArrivalTest, WhateverTheArrivalWithinLatenessTheAnswerIsTheScans) {
  if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
  const char* asked = std::getenv("REDTHREAD_ARRIVALS");
  const char* seeded = std::getenv("REDTHREAD_SEED");
  const size_t orders = asked == nullptr ? 1 : std::strtoul(asked, nullptr, 10);
  const uint64_t seed = seeded == nullptr ? std::random_device{}() : std::strtoull(seeded, nullptr, 10);
  SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
  Dice dice(seed);
  uint64_t withdrawn = 0, reloaded = 0;
  for (const Suite& suite : ReferenceSuites()) {
    SCOPED_TRACE(suite.name);
    const std::string scanned = Scanned(suite);
    EXPECT_NE(scanned, "");
    const std::shared_ptr<const Engine> engine = EngineOf(suite);
    const SuiteLines lines = LinesOf(suite, engine);
    std::vector<size_t> splits = {1, 2, 4, 7};
    for (size_t order = 0; order < orders; ++order) {
      // A long one takes seconds a run: another split each time.
      if (lines.lines.size() > kLongSuite) splits = {size_t{1} + dice.Below(7)};
      for (const size_t parts : splits) {
        SCOPED_TRACE("order " + std::to_string(order) + " in " + std::to_string(parts) + " parts");
        const std::vector<const Line*> arrivals = Arrivals(lines, RuleBundle::Times{}.lateness, &dice);
        const std::string data_dir = Path("data");
        std::filesystem::remove_all(data_dir);
        const Embedded::Report report =
            Run(engine, WriteParts(lines, arrivals, parts, &dice), data_dir, &dice);
        EXPECT_EQ(report.counts.records, lines.lines.size());
        EXPECT_EQ(report.correlation.late, 0U);
        withdrawn += report.correlation.withdrawn;
        reloaded += report.correlation.reloaded;
        ASSERT_EQ(Standing(data_dir), scanned);
      }
    }
  }
  EXPECT_GT(withdrawn, 0U) << "no order was hard";
  EXPECT_GT(reloaded, 0U) << "no group came back from disk";
}

// Years of records, file after file: most come long after the watermark has passed them.
TEST_F(ArrivalTest, TheWindowsSuiteInFileOrderConvergesWithARaisedHorizon) {
  if (!ReferencePath("data").has_value()) GTEST_SKIP() << "no reference data";
  const std::vector<Suite> suites = ReferenceSuites();
  const auto windows =
      std::find_if(suites.begin(), suites.end(), [](const Suite& s) { return s.name == "windows"; });
  if (windows == suites.end()) GTEST_SKIP() << "another suite is wanted";
  const std::string scanned = Scanned(*windows);
  EXPECT_NE(scanned, "");
  const BinaryRun raised = RunInFileOrder(*windows, Path("raised"), "correlate: {late_horizon: 90000d}\n");
  EXPECT_EQ(raised.exit_code, 0) << raised.err;
  EXPECT_EQ(Standing(Path("raised")), scanned);
  const BinaryRun usual = RunInFileOrder(*windows, Path("usual"), "");
  EXPECT_EQ(usual.exit_code, 0) << usual.err;
  EXPECT_NE(Standing(Path("usual")), scanned) << "nothing was late: the files are no case for this test";
}

}  // namespace
}  // namespace redthread
