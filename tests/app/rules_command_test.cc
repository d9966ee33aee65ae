// redthread rules: what it prints, and the exit codes.
#include "app/rules_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/binary.h"

namespace redthread {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCmdRule =
    "title: Shell\n"
    "id: 11111111-1111-1111-1111-111111111111\n"
    "name: shell\n"
    "level: high\n"
    "tags: [attack.execution, attack.t1059.001]\n"
    "logsource: {product: windows, category: process_creation}\n"
    "detection:\n"
    "  selection: {Image|endswith: '\\cmd.exe'}\n"
    "  condition: selection\n";

// A folder of rule files for one test.
class RulesCommandTest : public testing::Test {
 protected:
  RulesCommandTest() {
    std::string name = testing::TempDir() + "redthread_rules_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~RulesCommandTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  std::string folder_;
};

TEST_F(RulesCommandTest, CheckEndsWithTheCounts) {
  Write("a.yml", kCmdRule);
  const BinaryRun run = RunBinary({"rules", "check", "-r", folder_});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "1 rules: 1 loaded, 0 need site variables, 0 failed\n");
  EXPECT_EQ(run.err, "");
  const BinaryRun verbose = RunBinary({"rules", "check", "-v", "-r", folder_});
  EXPECT_THAT(verbose.err, testing::MatchesRegex("[0-9.]+ s, [0-9.]+ [KMG]iB\n"));
}

TEST_F(RulesCommandTest, CheckTellsAllProblemsWithTheirPlacesAndExitsWithTwo) {
  Write("a.yml", kCmdRule);
  Write("b.yml",
        "title: B\nlogsource: {product: windows}\ndetection:\n  s: {Image|contians: x}\n  condition: s and "
        "t\n");
  Write("c.yml",
        "title: C\nlogsource: {product: windows}\ndetection:\n  s: {u|expand: '%admins%'}\n  condition: s\n");
  const BinaryRun run = RunBinary({"rules", "check", "-r", folder_});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "3 rules: 1 loaded, 1 need site variables, 1 failed\n");
  EXPECT_THAT(run.err, HasSubstr(folder_ + "/b.yml:4:13: "));
  EXPECT_THAT(run.err, HasSubstr(folder_ + "/b.yml:5:20: "));
  EXPECT_THAT(run.err, HasSubstr("`contains`"));

  Write("site.yaml.txt", "admins: [root]\n");
  const BinaryRun site =
      RunBinary({"rules", "check", "-r", folder_ + "/c.yml", "--variables", folder_ + "/site.yaml.txt"});
  EXPECT_EQ(site.exit_code, 0) << site.err;
  EXPECT_EQ(site.out, "1 rules: 1 loaded, 0 need site variables, 0 failed\n");
}

TEST_F(RulesCommandTest, PipelinesAreAppliedAndWhatTheyLeaveOutIsCounted) {
  Write("a.yml", kCmdRule);
  Write("b.yml", "title: B\nlogsource: {product: linux}\ndetection: {s: {a: b}, condition: s}\n");
  Write(
      "p.yaml.txt",
      "transformations:\n- {type: rule_failure, message: no Linux here, rule_conditions: [{type: logsource, "
      "product: linux}]}\nfinalizers: [{type: concat}]\n");
  const std::string pipeline = folder_ + "/p.yaml.txt";
  const BinaryRun run = RunBinary({"rules", "check", "-v", "-r", folder_, "--pipeline", pipeline});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "2 rules: 1 loaded, 0 need site variables, 1 left out by pipelines, 0 failed\n");
  EXPECT_THAT(run.err, HasSubstr("b.yml:1:1: warning: left out by a processing pipeline: no Linux here"));
  EXPECT_THAT(run.err, HasSubstr("p.yaml.txt:3:13: warning: `finalizers` put queries together"));

  Write("p.yaml.txt", "transformations: [{type: rule_failur}]\n");
  const BinaryRun bad = RunBinary({"rules", "check", "-r", folder_, "--pipeline", pipeline});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("p.yaml.txt:1:26: `rule_failur` is no transformation, did you mean "
                                 "`rule_failure`?"));
}

TEST_F(RulesCommandTest, ListFiltersByLevelTagAndProduct) {
  Write("a.yml", kCmdRule);
  const struct {
    std::vector<std::string> filter;
    bool listed;
  } cases[] = {
      {{}, true},
      {{"--level", "high"}, true},
      {{"--level", "low", "--level", "high"}, true},
      {{"--level", "low"}, false},
      {{"--tag", "attack.t1059"}, true},
      {{"--tag", "ATTACK.T1059.001"}, true},
      {{"--tag", "attack.t105"}, false},
      {{"--product", "windows"}, true},
      {{"--product", "linux"}, false},
  };
  for (const auto& c : cases) {
    std::vector<std::string> arguments = {"rules", "list", "-r", folder_};
    arguments.insert(arguments.end(), c.filter.begin(), c.filter.end());
    const BinaryRun run = RunBinary(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(!run.out.empty(), c.listed) << testing::PrintToString(c.filter);
    if (!c.listed) continue;
    const nlohmann::json record = nlohmann::json::parse(run.out);
    EXPECT_EQ(record["id"], "11111111-1111-1111-1111-111111111111");
    EXPECT_EQ(record["path"], folder_ + "/a.yml");
    EXPECT_EQ(record["logsource"],
              nlohmann::json({{"product", "windows"}, {"category", "process_creation"}}));
  }
  EXPECT_EQ(RunBinary({"rules", "list", "--level", "hihg"}).exit_code, 2);
}

TEST_F(RulesCommandTest, ShowFindsARuleByIdNameOrPath) {
  Write("a.yml", kCmdRule);
  for (const std::string& word : {std::string("11111111-1111-1111-1111-111111111111"), std::string("1111"),
                                  std::string("shell"), std::string("a.yml"), folder_ + "/a.yml"}) {
    const BinaryRun run = RunBinary({"rules", "show", "-r", folder_, word, "-o", "table"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, StartsWith("Shell\n  id          11111111-")) << word;
    EXPECT_THAT(run.out, HasSubstr("    selection: {Image|endswith: '\\cmd.exe'}\n"));
  }
  const BinaryRun missing = RunBinary({"rules", "show", "-r", folder_, "shel"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_EQ(missing.err, "redthread: there is no rule `shel`, did you mean `shell`?\n");
}

TEST_F(RulesCommandTest, TestRunsTheEventsBesideTheRule) {
  const std::string cmd =
      R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\cmd.exe"})";
  const std::string other =
      R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\a.exe"})";
  Write("a.yml", kCmdRule);
  const std::vector<std::string> test = {"rules", "test", "-r", folder_};
  BinaryRun run = RunBinary(test);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, HasSubstr("\"result\":\"untested\""));
  EXPECT_EQ(run.err, "1 rule file: 0 passed, 0 failed, 1 untested\n");

  Write("a.fire.ndjson", cmd + "\n\n" + cmd);
  Write("a.quiet.ndjson", other + "\r\n");
  run = RunBinary(test);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"result\":\"passed\",\"fire\":{\"events\":2,\"matched\":2},"
                                 "\"quiet\":{\"events\":1,\"matched\":0}"));

  Write("a.fire.ndjson", cmd + "\n" + other + "\nno json\n");
  Write("a.quiet.ndjson", other + "\n" + cmd + "\n");
  run = RunBinary(test);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr(folder_ + "/a.fire.ndjson:2:1: must match and does not\n"));
  EXPECT_THAT(run.err, HasSubstr(folder_ + "/a.fire.ndjson:3:1: cannot be read: "));
  EXPECT_THAT(
      run.err,
      HasSubstr(folder_ + "/a.quiet.ndjson:2:1: must not match and does, through selection (Image)\n"));
  EXPECT_THAT(run.err, EndsWith("1 rule file: 0 passed, 1 failed, 0 untested\n"));
}

TEST_F(RulesCommandTest, InstallComplainsAboutWhatIsNoArchive) {
  Write("x.zip", "this is no archive");
  const BinaryRun run = RunBinary({"rules", "install", folder_ + "/x.zip", "--into", folder_ + "/rules"});
  EXPECT_NE(run.exit_code, 0);
  EXPECT_THAT(run.err, StartsWith("redthread: "));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/rules/sigma"));
  EXPECT_NE(RunBinary({"rules", "install", folder_ + "/none.zip", "--into", folder_}).exit_code, 0);
}

TEST(RulesPackTest, WithoutRulesGivenTheShippedOnesAreUsedAndAMissingPlaceIsNamed) {
  EXPECT_THAT(RunBinary({"rules", "check"}).out, HasSubstr("0 failed\n"));
  const BinaryRun run = RunBinary({"rules", "check"}, {"REDTHREAD_SHARE_DIR=/nonexistent"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.err,
            "redthread: cannot find the shipped rules: looked in /nonexistent/rules for logsources.yml; set "
            "REDTHREAD_SHARE_DIR to the folder that has rules/\n");
}

constexpr const char* kCorrelation =
    "---\n"
    "title: Many shells\n"
    "name: many_shells\n"
    "level: critical\n"
    "correlation:\n"
    "  type: event_count\n"
    "  rules: [shell]\n"
    "  group-by: [User]\n"
    "  timespan: 10m\n"
    "  condition: {lt: 5}\n";

TEST_F(RulesCommandTest, CheckCountsCorrelationsAndNamesTheRulesTheyMute) {
  Write("a.yml", std::string(kCmdRule) + kCorrelation);
  const BinaryRun run = RunBinary({"rules", "check", "-r", folder_});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "2 rules: 2 loaded, 0 need site variables, 0 failed\n");
  EXPECT_THAT(run.err,
              HasSubstr("a.yml:1:1: `Shell` raises no alerts of its own, since the correlation `Many "
                        "shells` refers to it; write `generate: true` there if it shall\n"));
  Write("a.yml", std::string(kCmdRule) + kCorrelation + "  generate: true\n");
  EXPECT_EQ(RunBinary({"rules", "check", "-r", folder_}).err, "");
}

TEST_F(RulesCommandTest, ShowSaysWhetherACorrelationAnswersAtOnceAndWithWhatDelay) {
  Write("a.yml", std::string(kCmdRule) + kCorrelation);
  const BinaryRun text = RunBinary({"rules", "show", "many_shells", "-o", "table", "-r", folder_});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("  answers     by the watermark, at the end of each full 10m"));
  EXPECT_THAT(text.out, HasSubstr("delay: at most 10m"));
  const BinaryRun record = RunBinary({"rules", "show", "many_shells", "-o", "jsonl", "-r", folder_});
  const nlohmann::json rule = nlohmann::json::parse(record.out);
  EXPECT_EQ(rule["type"], "event_count");
  EXPECT_EQ(rule["answers"], "watermark");
  EXPECT_EQ(rule["delay_seconds"], 600);
  EXPECT_EQ(rule["condition"], "lt 5");
  const BinaryRun list = RunBinary({"rules", "list", "-o", "jsonl", "-r", folder_});
  EXPECT_THAT(list.out, HasSubstr("\"name\":\"many_shells\""));
}

// A shell of that user, `minute` minutes after ten.
std::string Shell(int minute, const std::string& user) {
  return R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\cmd.exe","User":")" +
         user + R"(","UtcTime":"2026-03-01 10:)" + (minute < 10 ? "0" : "") + std::to_string(minute) +
         ":00\"}\n";
}

TEST_F(RulesCommandTest, TestComparesTheAlertsOfCorrelationsWithThoseListed) {
  Write("a.yml", kCmdRule);
  Write("b.yml",
        "title: Shells\nname: shells\ncorrelation: {type: event_count, rules: [shell], group-by: [User], "
        "timespan: 10m, condition: {gte: 2}}\n---\n"
        "title: Quiet\nname: quiet\ncorrelation: {type: silence, rules: [shell], group-by: [User], "
        "timespan: 20m}\n");
  Write("b.events.ndjson",
        Shell(2, "eve") + Shell(40, "eve") + Shell(0, "eve") + Shell(5, "bob") + Shell(6, "bob"));
  const std::string all =
      R"({"rule": "shells", "time": "2026-03-01T10:06:00Z", "group": {"User": "bob"}, "count": 2})"
      "\n"
      R"({"rule": "Shells", "time": "2026-03-01 10:02:00", "group": {"User": "eve"}})"
      "\n\n"
      R"({"rule": "quiet", "group": {"User": "eve"}, "time": "2026-03-01T10:22:00Z", "ended": "2026-03-01T10:40:00Z"})"
      "\n"
      R"({"rule": "quiet", "group": {"User": "bob"}, "time": "2026-03-01T10:26:00Z", "last": "2026-03-01T10:06:00Z"})";
  Write("b.alerts.ndjson", all);
  const std::vector<std::string> test = {"rules", "test", "-r", folder_};
  BinaryRun run = RunBinary(test);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.err, "2 rule files: 1 passed, 0 failed, 1 untested\n");
  EXPECT_THAT(run.out, HasSubstr("\"alerts\":{\"expected\":4,\"raised\":4}"));

  const std::string path = folder_ + "/b.alerts.ndjson";
  const struct {
    std::string lines, complaint;
  } cases[] = {
      {all.substr(all.find('\n') + 1),
       path + ": raises an alert that is not listed: {\"rule\": \"shells\", \"time\": "
              "\"2026-03-01T10:06:00.000000000Z\", \"group\": {\"User\": \"bob\"}, \"count\": 2}\n"},
      {all + "\n" + R"({"rule": "shells", "time": "2026-03-01T10:40:00Z", "group": {"User": "eve"}})",
       path + ":6:1: must be raised and is not, at 2026-03-01T10:40:00.000000000Z for User eve\n"},
      {all + "\n" + all, path + ":6:1: must be raised and is not"},
      {R"({"rule": "shells", "time": "2026-03-01T10:06:00Z", "group": {"User": "bob"}, "count": 3})",
       path + ":1:1: `count` is 2, not 3\n"},
      {R"({"rule": "quiet", "group": {"User": "bob"}, "time": "2026-03-01T10:26:00Z", "ended": "2026-03-01T10:40:00Z"})",
       path + ":1:1: the silence has not ended\n"},
      {"", path + ": raises an alert that is not listed: "},
      {"no json", path + ":1:1: this is no JSON object\n"},
      {"[1]", path + ":1:1: this is no JSON object\n"},
      {R"({"rule": "shell", "time": "2026-03-01T10:06:00Z"})", path + ":1:1: `rule` must name a correlation"},
      {R"({"rule": "shells", "group": {"User": "bob"}})", path + ":1:1: no `time`, add"},
      {R"({"rule": "shells", "time": "2026-03-01T10:06:00Z"})", path + ":1:1: `group` must give"},
      {R"({"rule": "shells", "time": "2026-03-01T10:06:00Z", "group": {"User": 1}})",
       path + ":1:1: `group` must"},
      {R"({"rule": "shells", "time": "noon", "group": {"User": "bob"}})",
       path + ":1:1: `time` must be a time"},
      {R"({"rule": "shells", "time": "2026-03-01T10:06:00Z", "group": {"User": "bob"}, "cuont": 2})",
       path + ":1:1: `cuont` is unknown"},
  };
  for (const auto& c : cases) {
    Write("b.alerts.ndjson", c.lines);
    run = RunBinary(test);
    EXPECT_EQ(run.exit_code, 1) << c.lines;
    EXPECT_THAT(run.err, HasSubstr(c.complaint)) << c.lines;
  }
}

TEST_F(RulesCommandTest, TestOfACorrelationNeedsBothFilesAndEventsThatCanBeRead) {
  Write("b.yml", std::string(kCmdRule) + kCorrelation);
  Write("b.alerts.ndjson", "");
  const std::vector<std::string> test = {"rules", "test", "-r", folder_};
  EXPECT_THAT(RunBinary(test).err,
              HasSubstr("b.alerts.ndjson: no " + folder_ + "/b.events.ndjson for these"));
  Write("b.events.ndjson", "no json\n");
  EXPECT_THAT(RunBinary(test).err, HasSubstr("b.events.ndjson: record 0, byte "));
  std::filesystem::remove(folder_ + "/b.alerts.ndjson");
  EXPECT_THAT(RunBinary(test).err, HasSubstr("b.events.ndjson: no " + folder_ + "/b.alerts.ndjson says"));
  Write("b.yml", kCmdRule);
  Write("b.alerts.ndjson", "");
  EXPECT_THAT(RunBinary(test).err, HasSubstr("b.alerts.ndjson: the rule file has no correlation"));
}

}  // namespace
}  // namespace redthread
