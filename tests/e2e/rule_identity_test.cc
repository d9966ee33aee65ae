// A rule is what it decides: words may change, an answer may not.
#include <gmock/gmock.h>

#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

using nlohmann::json;

class RuleIdentityTest : public E2eTest {
 protected:
  RuleIdentityTest() {
    Write("log.ndjson", ProcessCreation("2026-01-01 10:00:00", "pc", "sh -enc mimikatz") + "\n");
    Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                               "\nsources: {log: {type: file, path: log.ndjson}}\nrules: {paths: [" + rules_ +
                               "]}\n");
  }
  std::string Answer(const std::string& rules) {
    Write("rules.yml", rules);
    const BinaryRun run = Scan({Path("log.ndjson"), "--canonical"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }
  std::string IdOfTheAlert(const std::string& rules) { return json::parse(Answer(rules))["id"]; }
  Strings AlertsAfterRunningWith(const std::string& rules) {
    Write("rules.yml", rules);
    const BinaryRun run = RunBinary({"run", "--until-idle", "-c", Path("redthread.yml")});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return SplitLines(RunBinary({"alerts", "list", "--canonical", "-c", Path("redthread.yml")}).out);
  }
};

std::string RuleWith(const std::string& words, const std::string& product, const std::string& value) {
  return "title: T\nid: r\n" + words + "logsource: {product: " + product +
         "}\ndetection: {selection: {CommandLine|contains: '" + value + "'}, condition: selection}\n";
}

TEST_F(RuleIdentityTest, TheAlertsOfARuleKeepTheirIdsWhileItDecidesTheSame) {
  const std::string id = IdOfTheAlert(RuleWith("", "windows", "enc"));
  const char* const words[] = {"level: critical\n", "tags: [attack.t1059]\n", "date: 2026-01-01\n",
                               "description: D\nauthor: A\nfalsepositives: [F]\n", "# comment\n"};
  for (const char* w : words) EXPECT_EQ(IdOfTheAlert(RuleWith(w, "windows", "enc")), id) << w;
  EXPECT_NE(IdOfTheAlert(RuleWith("", "windows", "-enc")), id);
  EXPECT_NE(IdOfTheAlert(RuleWith("", "windows, category: process_creation", "enc")), id);
  EXPECT_NE(IdOfTheAlert("title: F\nfilter: {rules: [r], selection: {User: x}, condition: not selection}\n"
                         "logsource: {product: windows}\n---\n" +
                         RuleWith("", "windows", "enc")),
            id);
}

TEST_F(RuleIdentityTest, OtherRulesDoNotChangeTheAnswerOfOne) {
  const std::string one = RuleWith("", "windows", "enc");
  const std::string answer = Answer(one);
  const std::string other =
      "title: O\nid: o\nlogsource: {product: linux}\n"
      "detection: {selection: {a: 1}, condition: selection}\n";
  EXPECT_EQ(Answer(other + "---\n" + one), answer);
  EXPECT_EQ(Answer(one + "---\n" + other), answer);
}

TEST_F(RuleIdentityTest, AnAlertGoesOnWhileItsRuleDecidesTheSameAndANewOneBeginsOtherwise) {
  const Strings first = AlertsAfterRunningWith(RuleWith("", "windows", "enc"));
  ASSERT_EQ(first.size(), 1u);
  const std::string more = ProcessCreation("2026-01-01 10:10:00", "pc", "sh -enc mimikatz") + "\n";
  Shell("printf '%s' '" + more + "' >> log.ndjson");
  const Strings reworded = AlertsAfterRunningWith(RuleWith("tags: [attack.t1059]\n", "windows", "enc"));
  ASSERT_EQ(reworded.size(), 1u);
  EXPECT_EQ(json::parse(reworded[0])["id"], json::parse(first[0])["id"]);
  EXPECT_EQ(json::parse(reworded[0])["count"], 2);
  Shell("printf '%s' '" + more + "' >> log.ndjson");
  const Strings changed = AlertsAfterRunningWith(RuleWith("", "windows", "-enc"));
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(json::parse(changed[0])["count"], 2);
  EXPECT_EQ(json::parse(changed[1])["count"], 1);
}

}  // namespace
}  // namespace redthread
