// Whole rule collections: SigmaHQ's, where the reference data stand beside the checkout, and our own packs.
#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "rules/rule_set.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

const char kSigma[] = REDTHREAD_REFERENCE_DIR "/data/sigma/sigma-rules-8eaafff1.tar.zst";
const char kRejected[] = REDTHREAD_REFERENCE_DIR "/data/rejected_rules.json";
const char* const kActive[] = {"rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder",
                               "rules-threat-hunting"};

// The text of every rule in the archive, by its path.
std::map<std::string, std::string> ReadArchive() {
  std::map<std::string, std::string> files;
  archive* a = archive_read_new();
  archive_read_support_format_tar(a);
  archive_read_support_filter_all(a);
  EXPECT_EQ(archive_read_open_filename(a, kSigma, 65536), ARCHIVE_OK) << archive_error_string(a);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
    std::string path = archive_entry_pathname(entry);
    if (path.size() < 4 || path.substr(path.size() - 4) != ".yml") continue;
    std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(a, text.data(), text.size()), static_cast<la_ssize_t>(text.size()));
    for (const char* folder : kActive) {
      const size_t at = path.find(std::string(folder) + "/");
      if (at == 0 || (at != std::string::npos && path[at - 1] == '/')) {
        files[path.substr(at)] = std::move(text);
        break;
      }
    }
  }
  archive_read_free(a);
  return files;
}

TEST(CorpusTest, AllOfSigmaHqLoadsAndOnlyPlaceholdersWait) {
  if (!fs::exists(kSigma)) GTEST_SKIP() << "no reference data: " << kSigma;
  TemporaryFolder folder;
  for (const auto& [path, text] : ReadArchive()) folder.Write(path, text);
  std::vector<std::string> paths;
  for (const char* name : kActive) paths.push_back(folder.path() + "/" + name);
  const RuleSet set = LoadRules(paths, {});
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
