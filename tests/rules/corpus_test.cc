// Whole rule collections: SigmaHQ's, where the reference data stand beside the checkout, and our own packs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "rules/rule_set.h"
#include "tests/rules/sigma_archive.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

const char kRejected[] = REDTHREAD_REFERENCE_DIR "/data/rejected_rules.json";
TEST(CorpusTest, AllOfSigmaHqLoadsAndOnlyPlaceholdersWait) {
  if (!fs::exists(SigmaArchive::kPath)) GTEST_SKIP() << "no reference data: " << SigmaArchive::kPath;
  const TemporaryFolder folder;
  const RuleSet set = LoadRules(SigmaArchive::Unpack(folder), {});
  for (const RuleProblem& p : set.problems) ADD_FAILURE() << p.Render();
  EXPECT_EQ(set.total(), 3780u);
  EXPECT_EQ(set.rules.size(), 3755u);
  EXPECT_EQ(set.failed_rules, 0u);

  std::set<std::string> waiting, expected;
  for (const RuleProblem& p : set.need_site_variables) waiting.insert(p.rule_id);
  const nlohmann::json rejected = nlohmann::json::parse(std::ifstream(kRejected));
  for (auto i = rejected.begin(); i != rejected.end(); ++i) expected.insert(i.key());
  EXPECT_EQ(waiting, expected);

  std::set<std::string> hashes;
  for (const Rule& rule : set.rules) hashes.insert(rule.content_hash);
  EXPECT_GT(hashes.size(), 3700u) << "different rules have different hashes";
}

TEST(CorpusTest, TheShippedPacksLoadAndSpeakToTheOwner) {
  const RuleSet set = LoadRules({REDTHREAD_SOURCE_DIR "/rules/packs"}, {});
  for (const RuleProblem& p : set.problems) ADD_FAILURE() << p.Render();
  for (const RuleProblem& p : set.warnings) ADD_FAILURE() << p.Render();
  EXPECT_GE(set.rules.size(), 20u);
  for (const Rule& rule : set.rules) {
    EXPECT_FALSE(rule.owner_what.empty()) << *rule.where.file;
    EXPECT_FALSE(rule.owner_do.empty()) << *rule.where.file;
  }
}

}  // namespace
}  // namespace redthread
