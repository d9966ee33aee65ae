#include "tests/e2e/reference_suites.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "ingest/record_reader.h"
#include "tests/oracle/reference_data.h"
#include "tests/support/binary.h"

namespace redthread {

namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

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

}  // namespace

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

std::string ScannedSuite(const Suite& suite) {
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

std::shared_ptr<const Engine> EngineOf(const Suite& suite) {
  Engine::Options options;
  options.rule_paths = {suite.rules};
  options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return *engine;
}

SuiteLines LinesOf(const Suite& suite, const std::shared_ptr<const Engine>& engine) {
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
        SuiteLine& line = found.lines.emplace_back(SuiteLine{std::string(record.text()), log_source, {}});
        if (pipeline.event().time.has_value()) line.time = *pipeline.event().time;
      }
    }
  }
  return found;
}

std::vector<const SuiteLine*> Arrivals(const SuiteLines& suite, Nanoseconds lateness, Dice* dice) {
  std::vector<std::pair<Timestamp, const SuiteLine*>> arrivals;
  for (const SuiteLine& line : suite.lines) {
    const Timestamp time = line.time.value_or(dice->Pick(suite.lines).time.value_or(Timestamp::Min()));
    const auto behind = Nanoseconds(dice->Below(static_cast<size_t>(lateness.count())));
    arrivals.emplace_back(line.time.has_value() ? time + behind : time, &line);
  }
  std::sort(arrivals.begin(), arrivals.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const SuiteLine*> lines;
  for (const auto& [time, line] : arrivals) lines.push_back(line);
  return lines;
}

}  // namespace redthread
