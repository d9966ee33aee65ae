// redthread rules coverage: which rules can fire on the events that came, and what keeps the others from it.
#include "app/coverage_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/binary.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A firm that collects the Security log, with process creations but without command lines, and one Linux
// server's sshd.
constexpr char kEvents[] =
    R"({"Channel":"Security","EventID":4688,"TimeCreated":"2026-01-01T00:00:00Z","NewProcessName":"C:\\a.exe","CommandLine":"","SubjectUserName":"x"}
{"Channel":"Security","EventID":4688,"TimeCreated":"2026-01-01T00:00:01Z","NewProcessName":"C:\\b.exe","CommandLine":null}
{"Channel":"Security","EventID":4624,"TimeCreated":"2026-01-01T00:00:02Z","LogonType":3,"TargetUserName":"x"}
Jan  1 00:00:03 srv sshd[1]: Failed password for root from 203.0.113.7 port 22 ssh2
)";

// `detection` on one line.
std::string Rule(const std::string& id, const std::string& source, const std::string& detection) {
  return "title: T " + id + "\nid: " + id + "\nname: " + id + "\nlogsource: " + source +
         "\ndetection: " + detection + "\n---\n";
}

class CoverageCommandTest : public testing::Test {
 protected:
  BinaryRun Run(const std::string& rules, const std::vector<std::string>& more = {"-o", "jsonl"}) {
    std::vector<std::string> command = {
        "rules",  "coverage", folder_.Write("events.log", kEvents), "-r", folder_.Write("r.yml", rules),
        "--year", "2026"};
    command.insert(command.end(), more.begin(), more.end());
    return RunBinary(command);
  }

  // Of each rule its reason and what is missing: "fields CommandLine"; "" when it can fire.
  std::map<std::string, std::string> Reasons(const std::string& rules) {
    const BinaryRun run = Run(rules);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::map<std::string, std::string> reasons;
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json record = nlohmann::json::parse(line);
      std::string reason;
      if (!record["can_fire"]) {
        reason = record["reason"];
        for (const auto& name : record["missing"]) reason += " " + name.get<std::string>();
      }
      reasons[record["rule"]["id"]] = reason;
    }
    return reasons;
  }

  const TemporaryFolder folder_;
};

TEST_F(CoverageCommandTest, EachRuleIsJudgedByTheLogSourcesEventsAndFieldsThatCame) {
  const char* process = "{product: windows, category: process_creation}";
  const char* security = "{product: windows, service: security}";
  const struct {
    const char* source;
    const char* detection;
    const char* reason;
  } kCases[] = {
      {process, "{s: {Image|endswith: '\\zzz.exe'}, condition: s}", ""},
      {process, "{s: {CommandLine|contains: x}, condition: s}", "fields CommandLine"},
      {process, "{s: {Image: x, CommandLine|contains: x}, condition: s}", "fields CommandLine"},
      {process, "{s: [{Image: x}, {CommandLine|contains: x}], condition: s}", ""},
      {process, "{s: [{Company: x}, {CommandLine: x}], condition: s}", "fields CommandLine Company"},
      {process, "{s: {Image: x}, f: {CommandLine: x}, condition: s and not f}", ""},
      {process, "{s: {Company: null}, condition: s}", ""},
      {process, "{s: {Company|exists: false}, condition: s}", ""},
      {process, "{s: {Company|neq: x}, condition: s}", ""},
      {process, "{s: {Company|exists: true}, condition: s}", "fields Company"},
      {process, "{s: {CommandLine: ''}, condition: s}", ""},
      {process, "{s: {CommandLine|exists: true}, condition: s}", ""},
      {process, "{s: {Image|fieldref: Company}, condition: s}", "fields Company"},
      {process, "{s: [anything], condition: s}", ""},
      {process, "{a: {Company: x}, b: {ParentImage: y, Product: z}, condition: a and b}", "fields Company"},
      {security, "{s: {EventID: 4624, LogonType: 9}, condition: s}", ""},
      {security, "{s: {EventID: [4663, 4656], ObjectName: x}, condition: s}", "event 4656 4663"},
      {security, "{s: {EventID: 4624, IpAddress: x}, condition: s}", "fields IpAddress"},
      {"{product: windows, service: sysmon}", "{s: {EventID: 1}, condition: s}", "log_source"},
      {"{product: windows, category: image_load}", "{s: {Image: x}, condition: s}", "log_source"},
      {"{product: linux, service: sshd}", "{s: [zzz], condition: s}", ""},
      {"{product: linux, service: auditd}", "{s: {type: x}, condition: s}", "log_source"},
      {"{product: aws, service: cloudtrail}", "{s: {a: x}, condition: s}", "log_source"},
  };
  std::string rules;
  for (size_t i = 0; i < std::size(kCases); ++i)
    rules += Rule("r" + std::to_string(i), kCases[i].source, kCases[i].detection);
  const std::map<std::string, std::string> reasons = Reasons(rules);
  ASSERT_EQ(reasons.size(), std::size(kCases));
  for (size_t i = 0; i < std::size(kCases); ++i)
    EXPECT_EQ(reasons.at("r" + std::to_string(i)), kCases[i].reason)
        << kCases[i].source << kCases[i].detection;
}

TEST_F(CoverageCommandTest, AFilterIsPartOfTheRule) {
  const auto reasons =
      Reasons(Rule("r", "{product: windows, category: process_creation}", "{s: {Image: x}, condition: s}") +
              "title: F\nid: f\nlogsource: {}\nfilter: {rules: any, s: {Company: x}, condition: s}\n");
  EXPECT_EQ(reasons.at("r"), "fields Company");
}

TEST_F(CoverageCommandTest, ACorrelationNeedsItsRules) {
  const std::string rules =
      Rule("good", "{product: linux, service: sshd}", "{s: [x], condition: s}") +
      Rule("bad", "{product: aws}", "{s: [x], condition: s}") +
      "title: C1\nid: any\ncorrelation: {type: event_count, rules: [good, bad], timespan: 1m, condition: "
      "{gte: 2}}\n---\n"
      "title: C2\nid: all\ncorrelation: {type: temporal, rules: [good, bad], timespan: 1m}\n---\n"
      "title: C3\nid: over\nname: over\ncorrelation: {type: event_count, rules: [bad], timespan: 1m, "
      "condition: {gte: 2}}\n---\n"
      "title: C4\nid: above\ncorrelation: {type: event_count, rules: [over], timespan: 1m, condition: {gte: "
      "2}}\n";
  const auto reasons = Reasons(rules);
  EXPECT_EQ(reasons.at("any"), "");
  EXPECT_EQ(reasons.at("all"), "rules bad");
  EXPECT_EQ(reasons.at("over"), "rules bad");
  EXPECT_EQ(reasons.at("above"), "rules over");
}

TEST_F(CoverageCommandTest, ReasonsAreGroupedTheBiggestFirstWithWhatToDo) {
  std::string rules;
  for (const char* id : {"a", "b", "c"})
    rules += Rule(id, "{product: windows, category: image_load}", "{s: {Image: x}, condition: s}");
  for (const char* id : {"d", "e"})
    rules += Rule(id, "{product: windows, category: process_creation}",
                  "{s: {CommandLine|contains: x}, condition: s}");
  rules += Rule("f", "{product: windows, service: security}", "{s: {EventID: 4663}, condition: s}");
  rules += Rule("g", "{product: windows, service: security}", "{s: {EventID: 4624}, condition: s}");
  const BinaryRun run = Run(rules, {"-o", "table"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(
      run.out,
      HasSubstr("7 rules over 4 events: 1 can fire, 5 cannot, 1 wait for events that were not seen\n"));
  const size_t sysmon = run.out.find("      3  Sysmon is not collected\n         -> install Sysmon");
  const size_t lines = run.out.find(
      "      2  windows/process_creation (event 4688) never has CommandLine\n         -> turn on \"Include "
      "command "
      "line in process creation events\"");
  const size_t objects = run.out.find(
      "      1  windows/security: event 4663 was not seen\n         -> turn on the audit policy \"Audit File "
      "System\"");
  ASSERT_NE(sysmon, std::string::npos) << run.out;
  ASSERT_NE(lines, std::string::npos) << run.out;
  ASSERT_NE(objects, std::string::npos) << run.out;
  EXPECT_LT(sysmon, lines);
  EXPECT_LT(lines, objects);
  EXPECT_THAT(run.out, Not(HasSubstr("T d")));
  EXPECT_THAT(Run(rules, {"-o", "table", "-v"}).out, HasSubstr("T d"));
}

TEST_F(CoverageCommandTest, WhatEveryWorkerSawCounts) {
  std::string events;
  for (int i = 0; i < 20000; ++i)
    events += R"({"Channel":"Security","EventID":4688,"NewProcessName":"C:\\a.exe"})"
              "\n";
  events += R"({"Channel":"Security","EventID":4688,"NewProcessName":"C:\\a.exe","CommandLine":"a"})"
            "\n";
  const std::string rules = folder_.Write("r.yml", Rule("r", "{product: windows, category: process_creation}",
                                                        "{s: {CommandLine: b}, condition: s}"));
  for (const char* jobs : {"1", "3"}) {
    const BinaryRun run = RunBinary({"rules", "coverage", folder_.Write("many.ndjson", events), "-r", rules,
                                     "--jobs", jobs, "-o", "table"});
    EXPECT_THAT(run.out, HasSubstr("1 rule over 20,001 events: 1 can fire, 0 cannot")) << jobs;
  }
}

TEST_F(CoverageCommandTest, WithoutFilesItLooksAtWhatRunKeeps) {
  folder_.Write("events.log", kEvents);
  folder_.Write(
      "r.yml",
      Rule("lines", "{product: windows, category: process_creation}", "{s: {CommandLine: x}, condition: s}") +
          Rule("image", "{product: windows, category: process_creation}",
               "{s: {Image|endswith: '\\a.exe'}, condition: s}") +
          Rule("declared", "{product: linux, service: mine}", "{s: [Failed], condition: s}"));
  const std::string config = folder_.Write(
      "c.yml",
      "version: 1\ndata_dir: data\nsources: {e: {type: file, path: events.log, logsource: {service: mine}}}\n"
      "rules: {paths: [r.yml]}\n");
  EXPECT_EQ(RunBinary({"rules", "coverage", "-c", config}).exit_code, 5) << "nothing is kept yet";
  EXPECT_EQ(RunBinary({"run", "-c", config, "--until-idle"}).exit_code, 0);
  const BinaryRun run = RunBinary({"rules", "coverage", "-c", config, "-o", "table"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("3 rules over 4 events: 2 can fire, 1 cannot, 0 wait"));
  EXPECT_THAT(run.out, HasSubstr("never has CommandLine"));
  EXPECT_THAT(run.err, HasSubstr("4 lines of 1 source in "));
  EXPECT_EQ(RunBinary({"rules", "coverage", "-c", config, "--year", "2026"}).exit_code, 2);
}

TEST_F(CoverageCommandTest, WhatRunKeepsIsReadAsRunReadIt) {
  folder_.Write(
      "access.log",
      "10.0.0.9 - - [22/Nov/2026:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\" \"192.0.2.1\"\n");
  folder_.Write("r.yml", Rule("behind", "{category: webserver}", "{s: {proxy-ip: 10.0.0.9}, condition: s}"));
  const std::string config = folder_.Write("c.yml",
                                           "version: 1\ndata_dir: data\nsources: {e: {type: file, path: "
                                           "access.log, trusted_proxies: 10.0.0.0/8}}\n"
                                           "rules: {paths: [r.yml]}\n");
  EXPECT_EQ(RunBinary({"run", "-c", config, "--until-idle"}).exit_code, 0);
  const BinaryRun run = RunBinary({"rules", "coverage", "-c", config, "-o", "jsonl"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr(R"("can_fire":true,"matches":1)"))
      << "a field that only a trusted proxy has";
}

TEST_F(CoverageCommandTest, ExitCodesAreThoseOfScan) {
  const std::string rule = Rule("r", "{product: aws}", "{s: [x], condition: s}");
  EXPECT_EQ(Run(rule + "title: broken\n").exit_code, 2);
  EXPECT_EQ(RunBinary({"rules", "coverage", folder_.path() + "/none", "-r", folder_.Write("r.yml", rule)})
                .exit_code,
            5);
}

}  // namespace
}  // namespace redthread
