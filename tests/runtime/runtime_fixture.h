// What the tests of runtime share: rules, maps and files in a folder of their own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "runtime/engine.h"

namespace redthread {

class RuntimeTest : public ::testing::Test {
 public:
  // A line of a Windows log, `minute` minutes after 2026-11-22T10:00.
  static std::string Line(int minute, const std::string& command, const std::string& host = "ws01") {
    const Timestamp time = *ParseTimestamp("2026-11-22T10:00:00Z") + std::chrono::minutes(minute);
    return R"({"@timestamp":")" + FormatTimestamp(time) +
           R"(","Channel":"Security","EventID":1234,"Computer":")" + host + R"(","Command":")" + command +
           "\"}\n";
  }

 protected:
  RuntimeTest() {
    // In memory where there is such a folder: every commit is synced.
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    std::string path = (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
                       std::string("/redthread-runtime-XXXXXX");
    folder_ = mkdtemp(path.data());
    engine_ = LoadEngine(
        "title: Low\nid: 00000000-0000-4000-8000-000000000001\nlevel: low\nlogsource: {product: windows}\n"
        "detection:\n  s: {Command|contains: alpha}\n  condition: s\n---\n"
        "title: High\nid: 00000000-0000-4000-8000-000000000002\nlevel: high\nlogsource: {product: windows}\n"
        "detection:\n  s: {Command|contains: bravo}\n  condition: s\n");
  }
  ~RuntimeTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  static std::shared_ptr<const Engine> LoadEngine(const std::string& yaml,
                                                  const RuleBundle::Times& times = {}) {
    auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "t.yml", {}));
    for (const RuleProblem& p : rules->problems) ADD_FAILURE() << p.Render();
    return EngineOf(std::move(rules), times);
  }

  static std::shared_ptr<const Engine> EngineOf(std::shared_ptr<const RuleSet> rules,
                                                const RuleBundle::Times& times = {}) {
    Engine::Options options;
    options.times = times;
    options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
    Result<std::shared_ptr<const Engine>> engine = Engine::Load(std::move(rules), options);
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    return engine.ok() ? *engine : nullptr;
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::app) << text;
  }

  std::string folder_;
  std::shared_ptr<const Engine> engine_;
};

}  // namespace redthread
