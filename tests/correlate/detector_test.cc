// Detector: which rules run on which events, and that the prefilter only ever skips what cannot match.
#include "correlate/detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/rule_set.h"
#include "tests/oracle/fast_engine.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const LogSourceFacts kWindows = {.products = {"windows"}, .services = {"security"}};

// The titles of the rules that match, in order.
class Rules {
 public:
  explicit Rules(const std::string& yaml) {
    auto rules = std::make_shared<RuleSet>(LoadRulesFromText(yaml, "t.yml", {}));
    for (const RuleProblem& p : rules->problems) ADD_FAILURE() << p.Render();
    rules_ = rules;
    engine_ = std::make_unique<FastEngine>(
        rules_, LogSourceMap{.categories = {{.category = "process_creation",
                                             .renames = {{"Image", "NewProcessName"}}}}});
  }
  std::vector<std::string> Match(const std::string& json, const LogSourceFacts& facts = kWindows) {
    engine_->Decode(json);
    std::vector<std::string> titles;
    for (const RuleIndex rule : engine_->Match(facts)) titles.push_back(rules_->rules[rule].title);
    return titles;
  }
  const Detector::Counters& counters() const { return engine_->counters(); }

 private:
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<FastEngine> engine_;
};

std::string RuleText(const std::string& title, const std::string& log_source, const std::string& selection,
                     const std::string& condition = "s") {
  return "title: " + title + "\nlogsource: " + log_source + "\ndetection:\n  s:\n    " + selection +
         "\n  condition: " + condition + "\n---\n";
}

std::string OnWindows(const std::string& title, const std::string& selection,
                      const std::string& condition = "s") {
  return RuleText(title, "{product: windows}", selection, condition);
}

TEST(DetectorTest, ARuleRunsWhereItsWholeLogSourceFits) {
  Rules rules(RuleText("product", "{product: windows}", "F: x") +
              RuleText("service", "{product: windows, service: security}", "F: x") +
              RuleText("other service", "{product: windows, service: system}", "F: x") +
              RuleText("other product", "{product: linux}", "F: x") +
              RuleText("category", "{category: process_creation}", "F: x") +
              RuleText("both", "{product: windows, category: process_creation}", "F: x"));
  EXPECT_THAT(rules.Match(R"({"F":"x"})"), ElementsAre("product", "service"));
  EXPECT_THAT(
      rules.Match(R"({"F":"x"})", {.products = {"windows"}, .categories = {{"process_creation", {}}}}),
      ElementsAre("product", "category", "both"));
  EXPECT_THAT(rules.Match(R"({"F":"x"})", {}), IsEmpty());
  EXPECT_THAT(rules.Match(R"({"F":"x"})", {.products = {"linux", "windows"}}),
              ElementsAre("product", "other product"));
}

TEST(DetectorTest, ARuleWithoutALogSourceNeverRuns) {
  Rules rules("title: t\nlogsource: {definition: anything}\ndetection:\n  s: {F: x}\n  condition: s\n");
  EXPECT_THAT(rules.Match(R"({"F":"x"})"), IsEmpty());
  EXPECT_THAT(rules.Match(R"({"F":"x"})", {}), IsEmpty());
}

TEST(DetectorTest, ARuleSeesTheRenamesOfItsCategoryAndMatchesOnceThroughTwo) {
  Rules rules(RuleText("renamed", "{category: process_creation}", "Image|endswith: cmd.exe") +
              RuleText("plain", "{product: windows}", "Image|endswith: cmd.exe"));
  LogSourceFacts facts = {.products = {"windows"},
                          .categories = {{"process_creation", {{"Image", "NewProcessName"}}}}};
  EXPECT_THAT(rules.Match(R"({"NewProcessName":"C:\\cmd.exe"})", facts), ElementsAre("renamed"));
  EXPECT_THAT(rules.Match(R"({"Image":"C:\\cmd.exe"})", facts), ElementsAre("plain"));
  facts.categories.push_back({"process_creation", {}});
  EXPECT_THAT(rules.Match(R"({"NewProcessName":"C:\\cmd.exe","Image":"C:\\cmd.exe"})", facts),
              ElementsAre("renamed", "plain"));
}

TEST(DetectorTest, TheEventIdIsTakenForANumberHoweverItIsWritten) {
  Rules rules(OnWindows("4688", "EventID: 4688") + OnWindows("text", "EventID: '4688'") +
              OnWindows("4689", "EventID: 4689") + OnWindows("either", "EventID: [4688, 4689]") +
              OnWindows("not", "EventID: 4688", "not s") + OnWindows("above", "EventID|gt: 4688") +
              OnWindows("like", "EventID: '468*'") + OnWindows("none", "EventID: null") +
              OnWindows("none of ours", "F: x"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688})"), ElementsAre("4688", "text", "either", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":"4688"})"), ElementsAre("4688", "text", "either", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688.0})"), ElementsAre("4688", "text", "either", "like"));
  // As a number it is 4688, as a text it is not.
  EXPECT_THAT(rules.Match(R"({"EventID":"04688"})"), ElementsAre("4688", "either"));
  EXPECT_THAT(rules.Match(R"({"EventID":"+4688"})"), ElementsAre("4688", "either"));
  EXPECT_THAT(rules.Match(R"({"EventID":4689})"), ElementsAre("4689", "either", "not", "above", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":4687})"), ElementsAre("not", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":99999})"), ElementsAre("not", "above"));
  EXPECT_THAT(rules.Match(R"({"EventID":99999999999999999999})"), ElementsAre("not", "above"));
  EXPECT_THAT(rules.Match(R"({"EventID":[4688,4689]})"),
              ElementsAre("4688", "text", "4689", "either", "above", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":4689,"EventID":4688})"),
              ElementsAre("4688", "text", "4689", "either", "above", "like"));
  EXPECT_THAT(rules.Match(R"({"EventID":null})"), ElementsAre("not", "none"));
  EXPECT_THAT(rules.Match(R"({"EventID":"abc"})"), ElementsAre("not"));
  EXPECT_THAT(rules.Match(R"({"EventID":[4688,null]})"), ElementsAre("4688", "text", "either", "like"));
  EXPECT_THAT(rules.Match(R"({"F":"x"})"), ElementsAre("not", "none", "none of ours"));
}

TEST(DetectorTest, AnEventIdThatARuleWritesWithAFractionIsStillThatNumber) {
  Rules rules(OnWindows("fraction", "EventID: 4688.0") + OnWindows("text", "EventID: 004688") +
              OnWindows("fraction as text", "EventID: '4688.0'") + OnWindows("above", "EventID|gt: 4687.5"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688})"), ElementsAre("fraction", "above"));
  EXPECT_THAT(rules.Match(R"({"EventID":"4688"})"), ElementsAre("fraction", "above"));
  EXPECT_THAT(rules.Match(R"({"EventID":"004688"})"), ElementsAre("fraction", "text", "above"));
}

TEST(DetectorTest, TheHourOfAnEventIdIsOddButDecidedLikeAnyOther) {
  Rules rules(OnWindows("hour", "EventID|hour: 1") + OnWindows("named", "EventID: 4688"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688})"), ElementsAre("hour", "named"));  // 01:18:08 of the first day
}

TEST(DetectorTest, ARenamedEventIdDecidesNothing) {
  Rules rules(OnWindows("4688", "EventID: 4688"));
  const LogSourceFacts facts = {.products = {"windows"}, .renames = {{"EventID", "NewProcessName"}}};
  EXPECT_THAT(rules.Match(R"({"EventID":1,"NewProcessName":"4688"})", facts), ElementsAre("4688"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688,"NewProcessName":"1"})", facts), IsEmpty());
}

TEST(DetectorTest, AFilterTakesAwayWhatItNames) {
  Rules rules(
      "title: t\nid: 0d05f8b2-3c3c-4f4e-9c0e-0c7f1d3a0001\nlogsource: {product: windows}\n"
      "detection:\n  s: {F: x}\n  condition: s\n---\n"
      "title: f\nlogsource: {product: windows}\nfilter:\n  rules: [0d05f8b2-3c3c-4f4e-9c0e-0c7f1d3a0001]\n"
      "  known: {User: backup}\n  condition: not known\n");
  EXPECT_THAT(rules.Match(R"({"F":"x","User":"alice"})"), ElementsAre("t"));
  EXPECT_THAT(rules.Match(R"({"F":"x","User":"Backup"})"), IsEmpty());
}

// One rule of each shape, and for each way in which it can hold one event that takes this way alone: what the
// prefilter asks for must be there in all of them.
TEST(DetectorTest, EveryWayInWhichARuleCanHoldPassesThePrefilter) {
  const struct {
    const char* selection;
    const char* condition;
    std::vector<const char*> events;
  } kCases[] = {
      {"F: [alpha, '*bravo*', 'char?lie*']",
       "s",
       {R"({"F":"ALPHA"})", R"({"F":"x bravo y"})", R"({"F":"char1lie"})"}},
      {"F|contains|all: [alpha, bravo]", "s", {R"({"F":"bravo alpha"})", R"({"F":["alpha","bravo"]})"}},
      {"F|re: (alpha|brav[o0])", "s", {R"({"F":"alpha"})", R"({"F":"bravo"})", R"({"F":"brav0"})"}},
      {"F|re|i: task", "s", {R"({"F":"TASK"})", R"({"F":"taſk"})", R"({"F":"tas\u212a"})"}},
      {"F: 1000", "s", {R"({"F":1000})", R"({"F":1e3})", R"({"F":"01000.00"})", R"({"F":"+1000"})"}},
      {"F: -5", "s", {R"({"F":-5})", R"({"F":"-05"})", R"({"F":-5.0})"}},
      {"F: 1000000000000000", "s", {R"({"F":1000000000000000})", R"({"F":1e15})"}},
      {"F: 10000000000000000", "s", {R"({"F":10000000000000000})", R"({"F":1e16})"}},
      {"F: 1.5", "s", {R"({"F":1.5})", R"({"F":"1.50"})", R"({"F":15e-1})"}},
      {"F: true", "s", {R"({"F":true})", R"({"F":"True"})"}},
      {"F: [alpha, null]", "s", {R"({"F":"alpha"})", R"({"F":null})", R"({"G":1})", R"({"F":[]})"}},
      {"F: ['', alpha]", "s", {R"({"F":""})", R"({"F":"alpha"})"}},
      {"F: ['*', alpha]", "s", {R"({"F":"whatever"})"}},
      {"F|contains: ['ÄRGER', 'x']", "s", {R"({"F":"ärger"})", R"({"F":"xylophone"})"}},
      {"F: 'größe*kelvin'", "s", {R"({"F":"GRÖßE KELVIN"})", R"({"F":"größe \u212aelvin"})"}},
      {"F|cased|contains: Alpha", "s", {R"({"F":"an Alpha"})"}},
      {"F|windash|contains: ' -enc '",
       "s",
       {R"({"F":"x -enc y"})", R"({"F":"x /enc y"})", R"({"F":"x –enc y"})"}},
      {"F|base64offset|contains: http://",
       "s",
       {R"({"F":"aHR0cDovL"})", R"({"F":"h0dHA6Ly"})", R"({"F":"odHRwOi8v"})"}},
      {"- [alpha, bravo]", "s", {R"({"G":"alpha"})", R"({"G":{"H":["bravo"]}})"}},
      {"F|fieldref: G", "s", {R"({"F":"a","G":"A"})"}},
      {"F|exists: false", "s", {R"({"G":1})"}},
      {"F|neq: alpha", "s", {R"({"F":"bravo"})", R"({"G":1})"}},
      {"F: alpha", "not s", {R"({"F":"bravo"})", R"({"G":1})"}},
      {"F|contains: alpha", "not (not s)", {R"({"F":"an alpha"})"}},
      {"F|cidr: 10.0.0.0/8", "s", {R"({"F":"10.1.2.3"})"}},
  };
  for (const auto& c : kCases) {
    Rules rules(OnWindows("t", c.selection, c.condition) + OnWindows("named", "EventID: 4688"));
    for (const char* event : c.events) {
      EXPECT_THAT(rules.Match(event), ElementsAre("t")) << c.selection << " on " << event;
    }
  }
}

TEST(DetectorTest, ABranchThatTheEventIdRulesOutAsksForNothing) {
  Rules rules(
      "title: t\nlogsource: {product: windows}\ndetection:\n"
      "  a: {EventID: 1, Image|endswith: alpha.exe}\n  b: {EventID: 4688, NewProcessName|endswith: "
      "bravo.exe}\n"
      "  condition: a or b\n");
  EXPECT_THAT(rules.Match(R"({"EventID":1,"Image":"alpha.exe"})"), ElementsAre("t"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688,"NewProcessName":"bravo.exe"})"), ElementsAre("t"));
  EXPECT_THAT(rules.Match(R"({"EventID":4688,"Image":"alpha.exe"})"), IsEmpty());
  EXPECT_THAT(rules.Match(R"({"EventID":[1,4688],"NewProcessName":"bravo.exe"})"), ElementsAre("t"));
}

TEST(DetectorTest, OfAThousandRulesOnlyThoseWhoseLiteralStandsInTheEventAreEvaluated) {
  std::string yaml;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    yaml += OnWindows("r" + n, "CommandLine|contains: malware-" + n + "-tool");
  }
  Rules rules(yaml);
  for (int i = 0; i < 1000; ++i) rules.Match(R"({"CommandLine":"svchost.exe -k netsvcs","EventID":1})");
  EXPECT_EQ(rules.counters().rules, 1'000'000u);
  EXPECT_EQ(rules.counters().candidates, 0u);
  EXPECT_THAT(rules.Match(R"({"CommandLine":"a MALWARE-17-tool and malware-230-tool"})"),
              ElementsAre("r17", "r230"));
  EXPECT_EQ(rules.counters().candidates, 2u);
  EXPECT_EQ(rules.counters().matches, 2u);
}

TEST(DetectorTest, RulesOfOtherEventIdsCostNothing) {
  std::string yaml;
  for (int i = 0; i < 1000; ++i)
    yaml += OnWindows("r" + std::to_string(i), "{EventID: " + std::to_string(i + 1) + ", F|contains: x}");
  Rules rules(yaml);
  EXPECT_THAT(rules.Match(R"({"EventID":17,"F":"x"})"), ElementsAre("r16"));
  EXPECT_EQ(rules.counters().rules, 1u);
  EXPECT_THAT(rules.Match(R"({"EventID":5000,"F":"x"})"), IsEmpty());
  EXPECT_EQ(rules.counters().rules, 1u);
}

}  // namespace
}  // namespace redthread
