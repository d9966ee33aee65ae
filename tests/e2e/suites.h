// The suites of the reference data: sets of correlations, the logs that they are made for, and orders in
// which those may arrive.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/record_reader.h"
#include "runtime/engine.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/oracle/dice.h"
#include "tests/oracle/reference_data.h"

namespace redthread {

// A set of correlations, and the logs that they are made for.
struct Suite {
  struct File {
    std::string path;
    nlohmann::json
        log_source;  // what the operator would say that it is: {"product": "linux", "service": ["sshd"]}
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
inline Strings Values(const nlohmann::json& log_source, const std::string& key) {
  const auto found = log_source.find(key);
  if (found == log_source.end()) return {};
  return found->is_array() ? found->get<Strings>() : Strings{found->get<std::string>()};
}

inline DeclaredLogSource Declared(const nlohmann::json& log_source) {
  return {Values(log_source, "product"), Values(log_source, "service"), Values(log_source, "category")};
}

inline nlohmann::json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

// The suites of the reference data, or the one that REDTHREAD_SUITE names.
inline std::vector<Suite> ReferenceSuites() {
  const char* only = std::getenv("REDTHREAD_SUITE");
  const std::string data = *ReferencePath("data/");
  const nlohmann::json manifest = ReadJson(data + "manifest.json");
  const nlohmann::json named = ReadJson(data + "correlation/suites.json");
  std::map<std::string, nlohmann::json> log_sources;
  for (const nlohmann::json& file : manifest["files"]) log_sources[file["path"]] = file["logsource"];
  std::vector<Suite> suites;
  for (const auto& [name, suite] : named.items()) {
    if (only != nullptr && name != only) continue;
    Suite& added = suites.emplace_back(Suite{name, data + suite["rules"].get<std::string>(), {}});
    for (const std::string path : suite["files"]) added.files.push_back({data + path, log_sources.at(path)});
  }
  return suites;
}

inline std::shared_ptr<const Engine> EngineOf(const Suite& suite) {
  Engine::Options options;
  options.rule_paths = {suite.rules};
  options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return *engine;
}

// The lines of all its files, with the times that they are judged by.
inline SuiteLines LinesOf(const Suite& suite, const std::shared_ptr<const Engine>& engine) {
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

// What a scan of the suite's own files gives.
inline std::string Scanned(const Suite& suite) {
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

// One order of arrival: each line up to the lateness behind its time, those without a time anywhere.
inline std::vector<const Line*> Arrivals(const SuiteLines& suite, Nanoseconds lateness, Dice* dice) {
  std::vector<std::pair<Timestamp, const Line*>> arrivals;
  for (const Line& line : suite.lines) {
    const Timestamp time = line.time.value_or(dice->Pick(suite.lines).time.value_or(Timestamp::Min()));
    const auto behind = Nanoseconds(dice->Below(static_cast<size_t>(lateness.count())));
    arrivals.emplace_back(line.time.has_value() ? time + behind : time, &line);
  }
  std::sort(arrivals.begin(), arrivals.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const Line*> lines;
  for (const auto& [time, line] : arrivals) lines.push_back(line);
  return lines;
}

}  // namespace redthread
