// Explanations: the search identifiers that hold, and the fields that made them hold.
#include "correlate/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "correlate/detector.h"
#include "rules/rule_set.h"
#include "tests/correlate/decoded_event.h"

namespace redthread {
namespace {

// "selection(Image,User) other(keywords)"
std::string Explained(const std::string& detection, const std::string& json,
                      const FieldRenames& renames = {}) {
  auto rules = std::make_shared<const RuleSet>(
      LoadRulesFromText("title: t\nlogsource: {product: windows}\ndetection:\n" + detection, "t.yml", {}));
  for (const RuleProblem& p : rules->problems) ADD_FAILURE() << p.Render();
  if (rules->rules.size() != 1) return "";
  FieldTable fields;
  FactsTable facts;
  JsonDecoder::RegisterFields(&fields);
  for (const auto& [from, to] : renames) {
    fields.Add(from);
    fields.Add(to);
  }
  Detector detector(std::make_shared<const RuleProgram>(rules, LogSourceMap{}, &fields, &facts));
  const DecodedEvent event(fields, json);
  std::string out;
  for (const MatchedSelection& s :
       detector.Explain(*event, facts.Intern({.products = {"windows"}, .renames = renames}), 0)) {
    out += (out.empty() ? "" : " ") + s.name + "(";
    for (size_t i = 0; i < s.fields.size(); ++i) out += (i == 0 ? "" : ",") + s.fields[i];
    out += ")";
  }
  return out;
}

TEST(ExplainTest, NamesTheSelectionsThatHoldAndTheirFieldsOnce) {
  const std::string detection =
      "  selection:\n    Image|endswith: cmd.exe\n    CommandLine|contains|all: [a, b]\n"
      "  other:\n    User: root\n  filter:\n    User: backup\n  condition: (selection or other) and not "
      "filter\n";
  EXPECT_EQ(Explained(detection, R"({"Image":"cmd.exe","CommandLine":"ab","User":"alice"})"),
            "selection(CommandLine,Image)");
  EXPECT_EQ(Explained(detection, R"({"Image":"cmd.exe","CommandLine":"ab","User":"root"})"),
            "selection(CommandLine,Image) other(User)");
}

TEST(ExplainTest, AnEventThatDoesNotMatchHasNoExplanation) {
  EXPECT_EQ(Explained("  s: {F: x}\n  condition: s\n", R"({"F":"y"})"), "");
}

TEST(ExplainTest, AnAlternativeThatFailsLendsItsFieldsToNoOther) {
  EXPECT_EQ(Explained("  s:\n    - {A: x, B: y}\n    - {C: z}\n  condition: s\n",
                      R"({"A":"x","B":"not y","C":"z"})"),
            "s(C)");
}

TEST(ExplainTest, WordsWithoutAFieldAreCalledKeywords) {
  EXPECT_EQ(Explained("  s: [alpha, bravo]\n  condition: s\n", R"({"G":"a bravo"})"), "s(keywords)");
}

TEST(ExplainTest, ARenamedFieldKeepsTheNameThatTheRuleGivesIt) {
  EXPECT_EQ(Explained("  s: {Image: cmd.exe}\n  condition: s\n", R"({"NewProcessName":"cmd.exe"})",
                      {{"Image", "NewProcessName"}}),
            "s(Image)");
}

}  // namespace
}  // namespace redthread
