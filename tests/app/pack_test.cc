// The shipped rules, each against the events beside it: NAME.fire.ndjson, which it must match line by line,
// and NAME.quiet.ndjson, which it must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/tour.h"
#include "core/decoder.h"
#include "runtime/engine.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

const char* const kRules = REDTHREAD_SOURCE_DIR "/rules/";

std::shared_ptr<const Engine> LoadPack() {
  Engine::Options options;
  options.rule_paths = {std::string(kRules) + "packs", std::string(kRules) + "probes"};
  options.log_sources_path = std::string(kRules) + "logsources.yml";
  options.entities_path = std::string(kRules) + "entities.yml";
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  return engine.ok() ? *engine : nullptr;
}

std::vector<std::string> LinesOf(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class PackTest : public testing::Test {
 protected:
  void SetUp() override {
    engine_ = LoadPack();
    ASSERT_NE(engine_, nullptr);
    pipeline_ = std::make_unique<Pipeline>(engine_);
  }

  bool Matches(const std::string& line, const Rule& rule) {
    std::string padded = line + std::string(Decoder::kPadding, '\0');
    pipeline_->Process(std::string_view(padded).substr(0, line.size()), FactsTable::kNotDeclared, Position(),
                       Timestamp{});
    EXPECT_TRUE(pipeline_->event().time.has_value()) << line;
    const std::vector<RuleIndex>& matches = pipeline_->matches();
    return std::any_of(matches.begin(), matches.end(),
                       [&](RuleIndex i) { return &engine_->rules().rules[i] == &rule; });
  }

  std::shared_ptr<const Engine> engine_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PackTest, EveryRuleLoadsAndTellsItsOwnerWhatToDo) {
  const RuleSet& rules = engine_->rules();
  for (const RuleProblem& problem : rules.problems) ADD_FAILURE() << problem.Render();
  for (const RuleProblem& problem : rules.warnings) ADD_FAILURE() << problem.Render();
  EXPECT_TRUE(rules.need_site_variables.empty());
  std::set<std::string> ids;
  size_t shipped = 0;
  for (const Rule& rule : rules.rules) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id << " stands twice";
    EXPECT_EQ(rule.id.size(), 36u) << rule.title;
    EXPECT_FALSE(rule.owner_what.empty()) << rule.title;
    EXPECT_FALSE(rule.owner_meaning.empty()) << rule.title;
    EXPECT_FALSE(rule.owner_harmless.empty()) << rule.title;
    EXPECT_THAT(rule.owner_do.size(), testing::AllOf(testing::Ge(1u), testing::Le(5u))) << rule.title;
    if (IsProbe(rule)) continue;
    ++shipped;
    EXPECT_FALSE(rule.false_positives.empty()) << rule.title;
    EXPECT_NE(rule.level, Level::kInformational) << rule.title;
  }
  EXPECT_GE(shipped, 20u);
}

TEST_F(PackTest, EveryRuleFiresOnItsEventsAndIsQuietOnTheOthers) {
  for (const Rule& rule : engine_->rules().rules) {
    if (IsProbe(rule)) continue;
    fs::path base = *rule.where.file;
    base.replace_extension();
    const std::vector<std::string> fire = LinesOf(base.string() + ".fire.ndjson");
    const std::vector<std::string> quiet = LinesOf(base.string() + ".quiet.ndjson");
    EXPECT_FALSE(fire.empty()) << base;
    EXPECT_FALSE(quiet.empty()) << base;
    for (const std::string& line : fire) EXPECT_TRUE(Matches(line, rule)) << base << "\n" << line;
    for (const std::string& line : quiet) EXPECT_FALSE(Matches(line, rule)) << base << "\n" << line;
  }
}

TEST_F(PackTest, EveryFileOfEventsStandsBesideARule) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(std::string(kRules) + "packs")) {
    if (entry.path().extension() != ".ndjson") continue;
    fs::path rule = entry.path();
    rule.replace_extension().replace_extension(".yml");
    EXPECT_TRUE(fs::exists(rule)) << entry.path();
  }
}

}  // namespace
}  // namespace redthread
