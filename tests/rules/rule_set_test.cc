#include "rules/rule_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rules/condition.h"
#include "tests/rules/describe.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RuleSet Load(const std::string& yaml) { return LoadRulesFromText(yaml, "r.yml", {}); }

std::vector<std::string> Rendered(const std::vector<RuleProblem>& problems) {
  std::vector<std::string> lines;
  for (const RuleProblem& p : problems) lines.push_back(p.Render());
  return lines;
}

constexpr char kRule[] = R"(title: Whoami run
id: 11111111-1111-4111-8111-111111111111
name: whoami
status: test
description: Somebody asks who they are
author: A
license: DRL 1.1
references:
  - https://example.org/
date: 2024-01-02
modified: 2024/02/03
tags: [attack.discovery, attack.t1033]
logsource:
  product: Windows
  category: process_creation
  definition: 'needs command lines'
detection:
  selection:
    Image|endswith: '\whoami.exe'
  filter_a:
    User: admin
  condition: selection and not 1 of filter_*
falsepositives:
  - Administrators
level: high
redthread:
  what: Somebody asked a computer who they are.
  meaning: Intruders do this first.
  do: [Ask the user, Look for more]
  harmless: Support staff
)";

TEST(RuleSetTest, ReadsEverythingARuleSays) {
  const RuleSet set = Load(kRule);
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  EXPECT_THAT(Rendered(set.warnings), IsEmpty());
  ASSERT_THAT(set.rules, SizeIs(1));
  const Rule& rule = set.rules[0];
  EXPECT_EQ(rule.id, "11111111-1111-4111-8111-111111111111");
  EXPECT_EQ(rule.name, "whoami");
  EXPECT_EQ(rule.title, "Whoami run");
  EXPECT_EQ(rule.status, "test");
  EXPECT_EQ(rule.description, "Somebody asks who they are");
  EXPECT_EQ(rule.author, "A");
  EXPECT_EQ(rule.license, "DRL 1.1");
  EXPECT_EQ(rule.date, "2024-01-02");
  EXPECT_EQ(rule.modified, "2024/02/03");
  EXPECT_EQ(rule.level, Level::kHigh);
  EXPECT_THAT(rule.tags, ElementsAre("attack.discovery", "attack.t1033"));
  EXPECT_THAT(rule.references, ElementsAre("https://example.org/"));
  EXPECT_THAT(rule.false_positives, ElementsAre("Administrators"));
  EXPECT_EQ(rule.log_source, (LogSource{"windows", "process_creation", ""})) << "keys are folded";
  EXPECT_EQ(rule.owner_what, "Somebody asked a computer who they are.");
  EXPECT_EQ(rule.owner_meaning, "Intruders do this first.");
  EXPECT_THAT(rule.owner_do, ElementsAre("Ask the user", "Look for more"));
  EXPECT_THAT(rule.owner_harmless, ElementsAre("Support staff"));
  EXPECT_EQ(rule.content_hash.size(), 16u);
  EXPECT_EQ(*rule.where.file, "r.yml");
  EXPECT_EQ(rule.where.line, 1);
  ASSERT_THAT(rule.logic.searches, SizeIs(2));
  EXPECT_EQ(rule.logic.searches[0].name, "selection");
  EXPECT_EQ(ConditionText(rule.logic.condition, {"selection", "filter_a"}), "selection and not filter_a");
  const DetectionItem& item = rule.logic.searches[0].root.item;
  EXPECT_EQ(item.where.line, 19);
  EXPECT_EQ(item.where.column, 5);
  EXPECT_EQ(item.raw_values[0].where.column, 21);
}

TEST(RuleSetTest, TheIdFallsBackToNameTitleAndPath) {
  const std::string detection = "logsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n";
  EXPECT_EQ(Load("name: n\ntitle: t\n" + detection).rules[0].id, "n");
  EXPECT_EQ(Load("title: t\n" + detection).rules[0].id, "t");
  EXPECT_EQ(Load(detection).rules[0].id, "r.yml");
}

TEST(RuleSetTest, AListOfConditionsIsAnOr) {
  const RuleSet set = Load(
      "title: t\nlogsource: {product: p}\ndetection:\n  a: {F: 1}\n  b: {F: 2}\n  condition:\n    - a and "
      "b\n    - b\n");
  ASSERT_THAT(set.rules, SizeIs(1));
  EXPECT_EQ(ConditionText(set.rules[0].logic.condition, {"a", "b"}), "a and b or b");
}

TEST(RuleSetTest, JsonIsYamlToo) {
  const RuleSet set = Load(
      R"({"title": "t", "logsource": {"product": "p"}, "detection": {"s": {"F|contains": "a\\b"}, "condition": "s"}})");
  ASSERT_THAT(set.rules, SizeIs(1)) << Rendered(set.problems)[0];
  EXPECT_EQ(Describe(set.rules[0].logic.searches[0].root), "F: pattern *a\\b*");
}

TEST(RuleSetTest, AllProblemsOfARuleAreReportedAtOnce) {
  const RuleSet set = Load(
      "title: t\n"
      "id: x\n"
      "status: stabel\n"
      "level: hihg\n"
      "logsource:\n"
      "  produkt: windows\n"
      "detection:\n"
      "  selection:\n"
      "    A|contian: 1\n"
      "    B|re: '('\n"
      "    C|cidr: x\n"
      "  condition: selektion and 1 of filter_*\n"
      "redthread:\n"
      "  meening: x\n");
  EXPECT_THAT(set.rules, IsEmpty());
  EXPECT_EQ(set.failed_rules, 1u);
  EXPECT_THAT(
      Rendered(set.problems),
      ElementsAre(HasSubstr("r.yml:3:9: `stabel` is no status, did you mean `stable`?"),
                  HasSubstr("r.yml:4:8: `hihg` is no level, did you mean `high`?"),
                  HasSubstr("r.yml:6:3: `produkt` is no key of `logsource`, did you mean `product`?"),
                  HasSubstr("r.yml:9:7: `contian` is no modifier, did you mean `contains`?"),
                  HasSubstr("r.yml:10:11: this regular expression does not compile under RE2"),
                  HasSubstr("r.yml:11:13: `x` is no network"),
                  HasSubstr("r.yml:12:14: `selektion` is no search of this rule, did you mean `selection`?"),
                  HasSubstr("r.yml:14:3: `meening` is no key of `redthread`, did you mean `meaning`?")));
  for (const RuleProblem& p : set.problems) EXPECT_EQ(p.rule_id, "x");
}

TEST(RuleSetTest, ProblemsOfWholeDocumentsNameTheRemedy) {
  const struct {
    const char* yaml;
    const char* message;
  } kCases[] = {
      {"- a\n", "r.yml:1:1: the document is no map"},
      {"just text\n", "r.yml:1:1: the document is no map"},
      {"title: t\n", "r.yml:1:1: the document is no rule"},
      {"title: t\ndetections: {s: {F: 1}, condition: s}\n",
       "r.yml:2:1: `detections` is no key of a rule, did you mean `detection`?"},
      {"action: global\ntitle: t\n", "r.yml:1:9: collections with `action` (Sigma 1) are not supported"},
      {"title: t\ncorrelation: x\n", "r.yml:2:14: `correlation` must be a map"},
      {"title: t\ndetection: x\n", "r.yml:2:12: `detection` must be a map"},
      {"title: t\ndetection: {s: {F: 1}}\n", "r.yml:2:12: no `condition`"},
      {"title: t\ndetection: {s: {F: 1}, condition: }\n", "r.yml:2:35: no `condition`"},
      {"title: t\ndetection: {s: {F: 1}, condition: []}\n", "r.yml:2:35: an empty list of conditions"},
      {"title: t\ndetection: {s: {F: 1}, condition: [[s]]}\n", "a condition must be text"},
      {"title: [t]\ndetection: {s: {F: 1}, condition: s}\n", "r.yml:1:8: `title` must be text, not a list"},
      {"title: t\ntags: {a: b}\ndetection: {s: {F: 1}, condition: s}\n",
       "r.yml:2:7: `tags` must be text, not a map"},
      {"title: t\nlogsource: windows\ndetection: {s: {F: 1}, condition: s}\n",
       "r.yml:2:12: `logsource` must be a map"},
      {"title: t\ndetection:\n  s: {F: 1}\n  condition: >\n    s and\n    not f\n",
       "r.yml:4:14: `f` is no search of this rule, it has s (at character 11 of the text)"},
      {"title: t\ndetection:\n  s: {F: 1}\n  s: {F: 2}\n  condition: s\n", "r.yml:4:3: duplicate key `s`"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.yaml);
    const RuleSet set = Load(c.yaml);
    EXPECT_THAT(set.rules, IsEmpty());
    EXPECT_EQ(set.failed_rules, 1u);
    ASSERT_THAT(set.problems, SizeIs(1));
    EXPECT_THAT(set.problems[0].Render(), HasSubstr(c.message));
  }
}

TEST(RuleSetTest, WarnsOfWhatLoadsButDoesNotDoWhatItsAuthorHopes) {
  const RuleSet set = Load(
      "titel: x\n"
      "title: t\n"
      "falsepositive: [x]\n"
      "x_own_key: anything\n"
      "date: yesterday\n"
      "detection:\n"
      "  timeframe: 5m\n"
      "  s: {F: 1}\n"
      "  unused: {F: 2}\n"
      "  condition: s\n");
  EXPECT_THAT(set.rules, SizeIs(1));
  EXPECT_THAT(
      Rendered(set.warnings),
      ::testing::UnorderedElementsAre(
          HasSubstr("r.yml:1:1: `titel` is no key of Sigma and is ignored, did you mean `title`?"),
          HasSubstr("r.yml:3:1: `falsepositive` is no key"), HasSubstr("r.yml:5:7: `yesterday` is no date"),
          HasSubstr("r.yml:1:1: the rule names no log source"),
          HasSubstr("r.yml:7:14: `timeframe` has no effect"),
          HasSubstr("r.yml:9:3: the condition does not use `unused`")));
}

TEST(RuleSetTest, ADuplicateIdNamesBothPlaces) {
  const std::string rule = "title: t\nid: a\nlogsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n";
  const RuleSet set = Load(rule + "---\n" + rule);
  EXPECT_THAT(set.rules, SizeIs(1));
  EXPECT_THAT(
      Rendered(set.problems),
      ElementsAre("r.yml:6:1: the id `a` belongs already to r.yml:1:1, give this one an id of its own"));
}

TEST(RuleSetTest, ABrokenDocumentLeavesTheOthers) {
  const std::string rule = "title: t\nlogsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n";
  const RuleSet set =
      Load("id: a\n" + rule + "---\nid: b\nx: *y\n" + rule + "---\nid: c\n" + rule + "---\nid: [\n");
  ASSERT_THAT(set.rules, SizeIs(2));
  EXPECT_EQ(set.rules[0].id, "a");
  EXPECT_EQ(set.rules[1].id, "c");
  EXPECT_EQ(set.failed_rules, 2u);
  EXPECT_EQ(set.total(), 4u);
  EXPECT_EQ(set.problems[0].rule_id, "b");
}

TEST(RuleSetTest, EmptyDocumentsAreNoRules) {
  const RuleSet set = Load("---\n---\n{}\n---\n# nothing\n");
  EXPECT_EQ(set.total(), 0u);
  EXPECT_THAT(set.problems, IsEmpty());
}

// ---- files and folders

TEST(RuleSetTest, FoldersAreReadInSortedOrderAndOnlyYaml) {
  TemporaryFolder folder;
  const auto rule = [](const std::string& id) {
    return "title: t\nid: " + id + "\nlogsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n";
  };
  folder.Write("b/2.yaml", rule("b2"));
  folder.Write("b/1.yml", rule("b1") + "---\n" + rule("b1b"));
  folder.Write("a.yml", rule("a"));
  folder.Write("a.fire.ndjson", "{\"F\": 1}\n");
  folder.Write("a.events.ndjson", "{\"F\": 1}\n");
  folder.Write("README.md", "text");
  const RuleSet set = LoadRules({folder.path()}, {});
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  ASSERT_THAT(set.rules, SizeIs(4));
  EXPECT_EQ(set.rules[0].id, "a");
  EXPECT_EQ(set.rules[1].id, "b1");
  EXPECT_EQ(set.rules[2].id, "b1b");
  EXPECT_EQ(set.rules[3].id, "b2");
  EXPECT_EQ(*set.rules[3].where.file, folder.path() + "/b/2.yaml");
  EXPECT_EQ(LoadRules({folder.path(), folder.path() + "/a.yml"}, {}).rules.size(), 4u)
      << "no file is read twice";
}

TEST(RuleSetTest, WhatCannotBeReadIsAProblemAndTheRestGoesOn) {
  TemporaryFolder folder;
  folder.Write("a.yml", "title: t\nlogsource: {product: p}\ndetection: {s: {F: 1}, condition: s}\n");
  std::filesystem::create_directory(folder.path() + "/folder.yml");
  std::filesystem::create_symlink("/nowhere/at/all", folder.path() + "/broken.yml");
  ASSERT_EQ(mkfifo((folder.path() + "/pipe.yml").c_str(), 0600), 0);
  const RuleSet set = LoadRules({folder.path() + "/missing", folder.path()}, {});
  EXPECT_THAT(set.rules, SizeIs(1));
  EXPECT_EQ(set.failed_rules, 3u);
  EXPECT_THAT(
      Rendered(set.problems),
      ElementsAre(folder.path() + "/missing: no such file or folder, check the path",
                  HasSubstr("pipe.yml: no regular file"), HasSubstr("broken.yml: the file cannot be read")));
}

TEST(RuleSetTest, SiteVariablesAreListsOrSingleValues) {
  TemporaryFolder folder;
  folder.Write("site.yml", "Servers: [dc01, 'dc*']\nDomain: corp\nPort: 443\nNone: []\n");
  const Result<SiteVariables> variables = LoadSiteVariables(folder.path() + "/site.yml");
  ASSERT_TRUE(variables.ok()) << variables.status().message();
  EXPECT_THAT(variables->at("Servers"), ElementsAre("dc01", "dc*"));
  EXPECT_THAT(variables->at("Domain"), ElementsAre("corp"));
  EXPECT_THAT(variables->at("Port"), ElementsAre("443"));
  EXPECT_THAT(variables->at("None"), IsEmpty());
  folder.Write("bad.yml", "A: {b: c}\nB: [[x]]\n");
  const Status bad = LoadSiteVariables(folder.path() + "/bad.yml").status();
  EXPECT_EQ(bad.code(), StatusCode::kInvalid);
  EXPECT_THAT(bad.message(), HasSubstr("bad.yml:1:4: the value of `A` must be text, not a map"));
  EXPECT_THAT(bad.message(), HasSubstr("bad.yml:2:5: the value of `B` must be text, not a list"));
  EXPECT_EQ(LoadSiteVariables(folder.path() + "/none.yml").status().code(), StatusCode::kNotFound);
}

// ---- filters

constexpr char kFilterTarget[] = R"(title: r
id: r1
name: rule_one
logsource: {product: windows, category: process_creation}
detection: {s: {F: 1}, condition: s}
)";

std::string Filter(const std::string& log_source, const std::string& rules) {
  return "---\ntitle: f\nid: f1\nlogsource: " + log_source + "\nfilter:\n" + rules +
         "  selection:\n    User|startswith: adm_\n  condition: not selection\n";
}

TEST(FilterTest, AppliesWhereLogSourceAndRulesFit) {
  const struct {
    const char* log_source;
    const char* rules;
    bool applies;
  } kCases[] = {
      {"{product: windows, category: process_creation}", "", true},
      {"{product: Windows}", "  rules: any\n", true},
      {"{product: windows}", "  rules: [any]\n", true},
      {"{}", "  rules: [r1]\n", true},
      {"{product: windows}", "  rules: [x, rule_one]\n", true},
      {"{product: windows}", "  rules: r1\n", true},
      {"{product: windows}", "  rules: [other]\n", false},
      {"{product: windows}", "  rules: []\n", false},
      {"{product: linux}", "  rules: [r1]\n", false},
      {"{product: windows, service: security}", "", false},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(std::string(c.log_source) + " " + c.rules);
    const RuleSet set = Load(kFilterTarget + Filter(c.log_source, c.rules));
    EXPECT_THAT(Rendered(set.problems), IsEmpty());
    ASSERT_THAT(set.rules, SizeIs(1));
    EXPECT_EQ(set.total(), 1u) << "a filter is no rule";
    EXPECT_THAT(set.rules[0].filters, SizeIs(c.applies ? 1 : 0));
    EXPECT_THAT(set.warnings, SizeIs(c.applies ? 0 : 1));
  }
}

TEST(FilterTest, AFilterMayStandBeforeItsRuleAndHasLogicOfItsOwn) {
  const RuleSet set = Load(Filter("{product: windows}", "").substr(4) + "---\n" + kFilterTarget);
  ASSERT_THAT(set.rules, SizeIs(1));
  ASSERT_THAT(set.rules[0].filters, SizeIs(1));
  const RuleFilter& filter = set.rules[0].filters[0];
  EXPECT_EQ(filter.id, "f1");
  EXPECT_EQ(Describe(filter.logic->searches[0].root), "User: pattern adm_*");
  EXPECT_EQ(ConditionText(filter.logic->condition, {"selection"}), "not selection");
}

TEST(FilterTest, BadFiltersAreRefusedWithTheirPlace) {
  const RuleSet set =
      Load("title: f\nfilter:\n  s: {F|conains: 1}\n  condition: [s, not s]\n---\ntitle: g\nfilter: x\n");
  EXPECT_EQ(set.failed_rules, 2u);
  EXPECT_THAT(Rendered(set.problems),
              ElementsAre(HasSubstr("r.yml:3:9: `conains` is no modifier, did you mean `contains`?"),
                          HasSubstr("r.yml:4:14: a filter has one condition"),
                          HasSubstr("r.yml:7:9: `filter` must be a map")));
}

TEST(FilterTest, AFilterThatLacksSiteVariablesIsNotAppliedAndSaysSo) {
  const RuleSet set = Load(std::string(kFilterTarget) +
                           "---\ntitle: f\nfilter:\n  s: {U|expand: '%Admins%'}\n  condition: not s\n");
  ASSERT_THAT(set.rules, SizeIs(1));
  EXPECT_THAT(set.rules[0].filters, IsEmpty());
  EXPECT_THAT(Rendered(set.warnings),
              ElementsAre(HasSubstr("this filter is not applied, it needs values for %Admins%")));
}

// ---- the hash of what decides

std::string HashOf(const std::string& yaml, const SiteVariables& variables = {}) {
  RuleLoadOptions options;
  options.variables = variables;
  const RuleSet set = LoadRulesFromText(yaml, "r.yml", options);
  return set.rules.empty() ? "none" : set.rules[0].content_hash;
}

TEST(ContentHashTest, ChangesWithWhatDecidesAndOnlyThen) {
  const std::string base =
      "title: t\nlogsource: {product: p, category: c}\ndetection:\n  a:\n    F: [x, y]\n    G|contains|all: "
      "1\n  b: {H: 2}\n"
      "  condition: a and not b\n";
  const struct {
    const char* what;
    std::string yaml;
    bool same;
  } kCases[] = {
      {"other words", "# comment\ntitle: u\nid: other\nlevel: high\ntags: [x]\n" + base.substr(9), true},
      {"keys in another order",
       "title: t\ndetection:\n  condition:  a  and not b\n  b: {H: 2}\n  a:\n    G|contains|all: 1\n    F: "
       "[x, y]\n"
       "logsource: {category: C, product: P}\n",
       true},
      {"a value", base.substr(0, base.find("[x")) + "[x, z]" + base.substr(base.find("]\n    G") + 1), false},
      {"a value's type", base.substr(0, base.find(": 1")) + ": '1'" + base.substr(base.find(": 1") + 3),
       false},
      {"a modifier", base.substr(0, base.find("|all")) + base.substr(base.find("|all") + 4), false},
      {"the condition", base.substr(0, base.find("a and")) + "a and b\n", false},
      {"the log source",
       "title: t\nlogsource: {product: q, category: c}\n" + base.substr(base.find("detection")), false},
      {"a filter", base + "---\ntitle: f\nfilter: {s: {U: 1}, condition: not s}\n", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(HashOf(c.yaml) == HashOf(base), c.same) << c.what;
    EXPECT_NE(HashOf(c.yaml), "none") << c.what;
  }
}

TEST(ContentHashTest, ChangesWithTheValuesOfThePlaceholdersItUses) {
  const std::string yaml =
      "title: t\nlogsource: {product: p}\ndetection: {s: {F|expand: '%A%'}, condition: s}\n";
  const std::string hash = HashOf(yaml, {{"A", {"x"}}});
  EXPECT_EQ(HashOf(yaml, {{"A", {"x"}}, {"B", {"y"}}}), hash);
  EXPECT_NE(HashOf(yaml, {{"A", {"x", "z"}}}), hash);
}

}  // namespace
}  // namespace redthread
