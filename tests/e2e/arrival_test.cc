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

#include "ingest/record_reader.h"
#include "runtime/embedded.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/oracle/dice.h"
#include "tests/oracle/reference_data.h"

namespace redthread {
namespace {

using nlohmann::json;

// Lines. Of longer suites only one split an order is read.
constexpr size_t kLongSuite = 5'000;

// A set of correlations, and the logs that they are made for.
struct Suite {
  struct File {
    std::string path;
    json log_source;  // what the operator would say that it is: {"product": "linux", "service": ["sshd"]}
  };
  std::string name;
  std::string rules;
  std::vector<File> files;
};

// A line of a suite.
struct Line {
  std::string text;
  size_t log_source = 0;  // of SuiteLines
  std::optional<Timestamp> time;
};

struct SuiteLines {
  std::vector<Line> lines;
  std::vector<DeclaredLogSource> log_sources;  // different ones
};

// A value that may stand alone for a list of one.
Strings Values(const json& log_source, const std::string& key) {
  const auto found = log_source.find(key);
  if (found == log_source.end()) return {};
  return found->is_array() ? found->get<Strings>() : Strings{found->get<std::string>()};
}

DeclaredLogSource Declared(const json& log_source) {
  return {Values(log_source, "product"), Values(log_source, "service"), Values(log_source, "category")};
}

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

// The suites of the reference data, or the one that REDTHREAD_SUITE names.
std::vector<Suite> ReferenceSuites() {
  const char* only = std::getenv("REDTHREAD_SUITE");
  const std::string data = *ReferencePath("data/");
  const json manifest = ReadJson(data + "manifest.json");
  const json named = ReadJson(data + "correlation/suites.json");
  std::map<std::string, json> log_sources;
  for (const json& file : manifest["files"]) log_sources[file["path"]] = file["logsource"];
  std::vector<Suite> suites;
  for (const auto& [name, suite] : named.items()) {
    if (only != nullptr && name != only) continue;
    Suite& added = suites.emplace_back(Suite{name, data + suite["rules"].get<std::string>(), {}});
    for (const std::string path : suite["files"]) added.files.push_back({data + path, log_sources.at(path)});
  }
  return suites;
}

class ArrivalTest : public E2eTest {
 protected:
  // What a scan of the suite's own files gives.
  static std::string Scanned(const Suite& suite) {
    Strings arguments = {"scan", "-q", "--canonical", "-r", suite.rules};
    for (const Suite::File& file : suite.files) {
      for (const char* key : {"product", "service", "category"}) {
        for (const std::string& value : Values(file.log_source, key))
          arguments.insert(arguments.end(), {"--logsource", key + ("=" + value) + "@" + file.path});
      }
      arguments.push_back(file.path);
    }
    const BinaryRun run = RunBinary(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }

  // What stands in a data folder.
  std::string Standing(const std::string& data_dir) const {
    const std::string config = Write("standing.yml", "version: 1\ndata_dir: " + data_dir + "\n");
    const BinaryRun run = RunBinary({"alerts", "list", "--canonical", "-c", config});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }

  static std::shared_ptr<const Engine> EngineOf(const Suite& suite) {
    Engine::Options options;
    options.rule_paths = {suite.rules};
    options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
    Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    return *engine;
  }

  // The lines of all its files, with the times that they are judged by.
  static SuiteLines LinesOf(const Suite& suite, const std::shared_ptr<const Engine>& engine) {
    SuiteLines found;
    Pipeline pipeline(engine);
    for (const Suite::File& file : suite.files) {
      const DeclaredLogSource declared = Declared(file.log_source);
      auto same = std::find(found.log_sources.begin(), found.log_sources.end(), declared);
      if (same == found.log_sources.end()) same = found.log_sources.insert(same, declared);
      const auto log_source = static_cast<size_t>(same - found.log_sources.begin());
      const uint32_t facts = engine->facts()->Declare(declared);
      Result<std::unique_ptr<RecordReader>> reader = RecordReader::Open(file.path, file.path, {});
      EXPECT_TRUE(reader.ok()) << reader.status().message();
      RecordBatch batch;
      for (Result<bool> more = true; more.ok() && *more;) {
        more = (*reader)->Next(&batch);
        EXPECT_TRUE(more.ok()) << more.status().message();
        for (const RecordBatch::Record& record : batch.records) {
          pipeline.Process(record.text(), facts, {}, {});
          Line& line = found.lines.emplace_back(Line{std::string(record.text()), log_source, {}});
          if (pipeline.event().time.has_value()) line.time = *pipeline.event().time;
        }
      }
    }
    return found;
  }

  // One order of arrival: each line up to the lateness behind its time, those without a time anywhere.
  static std::vector<const Line*> Arrivals(const SuiteLines& suite, Nanoseconds lateness, Dice* dice) {
    std::vector<std::pair<Timestamp, const Line*>> arrivals;
    for (const Line& line : suite.lines) {
      const Timestamp time = line.time.value_or(dice->Pick(suite.lines).time.value_or(Timestamp::Min()));
      const auto behind = Nanoseconds(dice->Below(static_cast<size_t>(lateness.count())));
      arrivals.emplace_back(line.time.has_value() ? time + behind : time, &line);
    }
    std::sort(arrivals.begin(), arrivals.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const Line*> lines;
    for (const auto& [time, line] : arrivals) lines.push_back(line);
    return lines;
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
  uint64_t withdrawn = 0;
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
        const std::vector<const Line*> arrivals = Arrivals(lines, Embedded::Options{}.lateness, &dice);
        const std::string data_dir = Path("data");
        std::filesystem::remove_all(data_dir);
        const Embedded::Report report =
            Run(engine, WriteParts(lines, arrivals, parts, &dice), data_dir, &dice);
        EXPECT_EQ(report.counts.records, lines.lines.size());
        EXPECT_EQ(report.correlation.late, 0U);
        withdrawn += report.correlation.withdrawn;
        ASSERT_EQ(Standing(data_dir), scanned);
      }
    }
  }
  EXPECT_GT(withdrawn, 0U) << "no order was hard";
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
