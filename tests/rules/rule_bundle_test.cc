// A bundle of rules says the same wherever it is unpacked.
#include "rules/rule_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/rules/sigma_archive.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kRule[] = "title: T\nlogsource: {product: linux}\ndetection: {s: {a: b}, condition: s}\n";

RuleBundle BundleOf(const std::vector<std::string>& paths) {
  RuleBundle bundle;
  const Status status = ReadRuleFiles(paths, &bundle);
  EXPECT_TRUE(status.ok()) << status.message();
  return bundle;
}

std::string Encoded(const RuleBundle& bundle) {
  const Result<std::string> bytes = bundle.Encode();
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *bytes : "";
}

std::vector<std::string> Identities(const RuleSet& set) {
  std::vector<std::string> identities;
  for (const Rule& rule : set.rules) identities.push_back(rule.id + rule.content_hash);
  for (const Correlation& c : set.correlations) identities.push_back(c.id + c.content_hash);
  return identities;
}

// The rules of these paths, from the files and from a bundle that went through its bytes.
void ExpectSame(const std::vector<std::string>& paths, const SiteVariables& variables = {}) {
  RuleBundle bundle = BundleOf(paths);
  bundle.variables = variables;
  const Result<RuleBundle> decoded = RuleBundle::Decode(Encoded(bundle));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  const RuleSet files = LoadRules(paths, {variables}), bundled = LoadRules(*decoded);
  EXPECT_EQ(Identities(bundled), Identities(files));
  EXPECT_EQ(bundled.problems.size(), files.problems.size());
  EXPECT_EQ(bundled.warnings.size(), files.warnings.size());
  EXPECT_EQ(bundled.need_site_variables.size(), files.need_site_variables.size());
  EXPECT_EQ(bundled.failed_rules, files.failed_rules);
  EXPECT_GT(files.total(), 0U);
}

TEST(RuleBundleTest, TheShippedRulesAreTheSameFromABundle) {
  ExpectSame({REDTHREAD_SOURCE_DIR "/rules/packs"});
}

TEST(RuleBundleTest, AllOfSigmaHqIsTheSameFromABundle) {
  if (!std::filesystem::exists(SigmaArchive::kPath))
    GTEST_SKIP() << "no reference data: " << SigmaArchive::kPath;
  const TemporaryFolder folder;
  ExpectSame(SigmaArchive::Unpack(folder));
  ExpectSame(SigmaArchive::Unpack(folder), {{"Workstations", {"pc-*"}}, {"domain", {"a", "b"}}});
}

TEST(RuleBundleTest, WrongAndDoubledRulesAreCountedAsFromFiles) {
  const TemporaryFolder folder;
  folder.Write("a.yml", "title: [\n");
  folder.Write("b.yml", std::string(kRule) + "id: 11111111-1111-4111-8111-111111111111\n");
  folder.Write("sub/c.yaml", std::string(kRule) + "id: 11111111-1111-4111-8111-111111111111\n");
  folder.Write("sub/d.yml", "title: D\ndetection: {s: {a: b}, condition: t}\n");
  ExpectSame({folder.path()});
  ExpectSame({folder.path() + "/sub/", folder.path() + "/b.yml", folder.path()});
}

TEST(RuleBundleTest, WhereTheFolderLiesMakesNoDifference) {
  const TemporaryFolder here, there;
  for (const TemporaryFolder* folder : {&here, &there}) {
    folder->Write("pack/z.yml", kRule);
    folder->Write("pack/sub/a.yml", kRule);
    folder->Write("single.yml", kRule);
    folder->Write("pack/notes.txt", "no rule");
  }
  const RuleBundle bundle = BundleOf({here.path() + "/pack", here.path() + "/single.yml"});
  std::vector<std::string> names;
  for (const RuleBundle::File& file : bundle.rules) names.push_back(file.name);
  EXPECT_THAT(names, ElementsAre("sub/a.yml", "z.yml", "single.yml"));
  EXPECT_EQ(Encoded(bundle), Encoded(BundleOf({there.path() + "/pack//", there.path() + "/single.yml"})));
}

TEST(RuleBundleTest, EverythingThatDecidesChangesTheHash) {
  const RuleBundle bundle{{{"a.yml", kRule}}, {{"v", {"1"}}}, "log sources", "entities",
                          {"core"},           {"10.0.0.1"},   "sources",     {{"p.yml", "P"}}};
  const Result<RuleBundle> decoded = RuleBundle::Decode(Encoded(bundle));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, bundle);
  std::vector<RuleBundle> others(12, bundle);
  others[0].rules[0].text += "#";
  others[1].rules[0].name = "b.yml";
  others[2].variables["v"] = {"2"};
  others[3].log_sources += "#";
  others[4].entities += "#";
  others[5].profiles.emplace_back("extended");
  others[6].own_addresses.clear();
  others[7].sources.clear();
  others[8].pipelines[0].text += "#";
  others[9].times.lateness += std::chrono::seconds(1);
  others[10].times.late_horizon += std::chrono::seconds(1);
  others[11].times.fold += std::chrono::seconds(1);
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(RuleBundle::HashOf(Encoded(others[i])), RuleBundle::HashOf(Encoded(bundle))) << i;
  }
}

// Bundles of other versions of redthread lie in topics and are known by their hash.
TEST(RuleBundleTest, TheBytesOfVersionOneStayAsTheyAre) {
  const RuleBundle bundle{{{"a.yml", "A"}},
                          {{"v", {"1", ""}}},
                          "l",
                          "e",
                          {"core"},
                          {"10.0.0.1"},
                          "s",
                          {{"p", "P"}},
                          {Nanoseconds(0x81), Nanoseconds(2), Nanoseconds(3)}};
  const std::string bytes = Encoded(bundle);
  EXPECT_EQ(bytes, std::string("redthread rules\1\1\5a.yml\1A\1\1v\2\1"
                               "1\0\1l\1e\1\4core\1\10"
                               "10.0.0.1\1s\1\1p\1P\x81\1\2\3",
                               63));
  EXPECT_EQ(HexOf(RuleBundle::HashOf(bytes)), "358a2336fd384684e4bfb6515595b898");
}

TEST(RuleBundleTest, NeitherACutNorAForeignTextIsABundle) {
  const RuleBundle bundle{{{"a.yml", kRule}}, {{"v", {"1", "2"}}}, "l", "e", {"core"}, {}, "", {}};
  const std::string bytes = Encoded(bundle);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(RuleBundle::Decode(bytes.substr(0, n)).status().code(), StatusCode::kCorrupt) << n;
  }
  EXPECT_EQ(RuleBundle::Decode(bytes + "x").status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(RuleBundle::Decode(std::string(15, 'x') + "\1").status().code(), StatusCode::kCorrupt);
  std::string newer = bytes;
  newer[15] = 2;
  EXPECT_EQ(RuleBundle::Decode(newer).status().code(), StatusCode::kInvalid);
}

TEST(RuleBundleTest, PipelinesGoWithTheRules) {
  RuleBundle bundle{{{"a.yml", kRule}}, {}, "l", "e", {"core"}, {}, "", {}};
  bundle.pipelines = {{"p.yml", "transformations: [{type: field_name_mapping, mapping: {a: x}}]\n"}};
  const std::string bytes = Encoded(bundle);
  const Result<RuleBundle> decoded = RuleBundle::Decode(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, bundle);
  const RuleSet set = LoadRules(*decoded);
  ASSERT_EQ(set.rules.size(), 1U);
  EXPECT_EQ(set.rules[0].logic.searches[0].root.item.field, "x");
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(RuleBundle::Decode(bytes.substr(0, n)).status().code(), StatusCode::kCorrupt) << n;
}

TEST(RuleBundleTest, WhatCannotBeReadIsNamedAllOfIt) {
  const TemporaryFolder folder;
  folder.Write("good.yml", kRule);
  std::filesystem::create_symlink("nowhere", folder.path() + "/broken.yml");
  RuleBundle bundle;
  const Status status = ReadRuleFiles({folder.path(), folder.path() + "/missing"}, &bundle);
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr("broken.yml: the file cannot be read"));
  EXPECT_THAT(status.message(), HasSubstr("missing: no such file or folder"));
}

TEST(RuleBundleTest, MoreThan64MiBAreRefusedAndSayWhatToDo) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("a.yml", "");
  RuleBundle bundle;
  for (int i = 0; i < 5; ++i) {
    const std::string large = folder.Write("large" + std::to_string(i) + ".yml", "");
    std::filesystem::resize_file(large, size_t{15} << 20);
  }
  const Status status = ReadRuleFiles({folder.path()}, &bundle);
  EXPECT_EQ(status.code(), StatusCode::kLimit);
  EXPECT_THAT(status.message(), HasSubstr("over 64 MiB"));
  bundle = {};
  bundle.sources.resize(RuleBundle::kMaxBytes);
  EXPECT_EQ(bundle.Encode().status().code(), StatusCode::kLimit);
}

}  // namespace
}  // namespace redthread
