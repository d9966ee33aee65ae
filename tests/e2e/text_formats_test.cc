// Text logs as a user meets them: `scan` and `run` on lines as they stand in /var/log, with nothing
// configured.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/e2e_fixture.h"
#include "tests/oracle/reference_data.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr char kTextRules[] = R"(title: Failed login
id: 11111111-1111-4111-8111-111111111111
name: failed
level: low
logsource: {product: linux, service: sshd}
detection: {selection: {ssh_event: failed}, condition: selection}
---
title: Password guessing
id: 22222222-2222-4222-8222-222222222222
level: high
correlation:
  type: event_count
  rules: [failed]
  group-by: [src_ip]
  timespan: 1m
  condition: {gte: 3}
---
title: Not found
id: 33333333-3333-4333-8333-333333333333
level: low
logsource: {category: webserver}
detection: {selection: {sc-status: 404, cs-uri-query|contains: 'x='}, condition: selection}
---
title: Any word
id: 44444444-4444-4444-8444-444444444444
level: low
logsource: {product: linux}
detection: {keywords: [needle], condition: keywords}
)";

class TextFormatsE2eTest : public E2eTest {
 protected:
  TextFormatsE2eTest() { rules_ = Write("rules.yml", kTextRules); }

  // Lines of sshd, one a second, of a web server, and of neither, in one file.
  static std::string Log(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i) {
      char line[200];
      std::snprintf(
          line, sizeof line,
          "Dec %2d %02d:%02d:%02d web01 sshd[%d]: Failed password for root from 192.0.2.%d port 22 ssh2\n",
          1 + i / 86'400 % 28, i / 3600 % 24, i / 60 % 60, i % 60, 1000 + i, i % 3);
      text += line;
      if (i % 5 == 0)
        text += "192.0.2.1 - - [17/May/2015:10:05:0" + std::to_string(i % 10) +
                " +0000] \"GET /a?x=" + std::to_string(i) + " HTTP/1.1\" 404 5 \"-\" \"-\"\n";
      if (i % 11 == 0) text += "\tat some.java.Trace\n";
    }
    return text;
  }
  void Touch(const std::string& name, const std::string& time) const {
    Shell("touch -d '" + time + "' " + name);
  }
};

TEST_F(TextFormatsE2eTest, TheAnswerIsTheSameOnOneThreadAndOnFour) {
  Write("auth.log", Log(30'000));
  Touch("auth.log", "2017-01-05T00:00:00Z");
  for (const char* form : {"--detections", "--canonical", "--hits"}) {
    const BinaryRun one = Scan({Path("auth.log"), "--jobs", "1", "--time-zone", "UTC", form});
    const BinaryRun four = Scan({Path("auth.log"), "--jobs", "4", "--time-zone", "UTC", form});
    EXPECT_EQ(one.exit_code, 5) << one.err;  // the traces are no log lines
    EXPECT_GT(one.out.size(), 1000u);
    EXPECT_EQ(one.out, four.out);
    EXPECT_EQ(one.err, four.err);
    EXPECT_THAT(one.err, HasSubstr("no known format"));
  }
}

TEST_F(TextFormatsE2eTest, RunFindsWhatScanFinds) {
  Write("auth.log", Log(2'000));
  Touch("auth.log", "2017-01-05T00:00:00Z");
  const std::string config =
      Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                 "\nsources:\n  log: {type: file, path: " + Path("auth.log") +
                                 ", time_zone: Europe/Berlin}\ncorrelate: {late_horizon: 90000d}\n" +
                                 "alerts: {min_level: informational}\nrules: {paths: [" + rules_ + "]}\n");
  const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", config});
  EXPECT_EQ(run.exit_code, 5) << run.err;
  const BinaryRun scan = Scan({Path("auth.log"), "--time-zone", "Europe/Berlin", "--canonical"});
  EXPECT_GT(scan.out.size(), 1000u);
  EXPECT_THAT(scan.out, HasSubstr("2016-11-30T23:00:0"));
  EXPECT_EQ(RunBinary({"alerts", "list", "--canonical", "-c", config}).out, scan.out);
}

TEST_F(TextFormatsE2eTest, RunSaysWhichYearItTook) {
  Write("auth.log", "Dec 31 23:00:00 h app: needle\nJan  2 01:00:00 h app: needle\n");
  Touch("auth.log", "2017-01-03T00:00:00Z");
  const std::string config =
      Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                 "\nsources:\n  log: {type: file, path: " + Path("auth.log") +
                                 "}\nrules: {paths: [" + rules_ + "]}\n");
  const BinaryRun run = RunBinary({"run", "--until-idle", "-c", config});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("2 lines without a year: taken to be of 2016 to 2017"));
}

TEST_F(TextFormatsE2eTest, SaysWhichYearItTookAndTakesTheOneItIsGiven) {
  Write("auth.log", "Dec 31 23:00:00 h app: needle\nJan  2 01:00:00 h app: needle\n");
  Touch("auth.log", "2017-01-03T00:00:00Z");
  const BinaryRun taken = Scan({Path("auth.log"), "--time-zone", "UTC", "--detections"});
  EXPECT_THAT(taken.err, HasSubstr("2 lines without a year: taken to be of 2016 to 2017"));
  EXPECT_THAT(taken.out, HasSubstr(R"("time":"2016-12-31T23:00:00.000000000Z")"));
  EXPECT_THAT(taken.out, HasSubstr(R"("time":"2017-01-02T01:00:00.000000000Z")"));
  const BinaryRun given = Scan({Path("auth.log"), "--time-zone", "+01:00", "--year", "2005", "--detections"});
  EXPECT_THAT(given.err, Not(HasSubstr("without a year")));
  EXPECT_THAT(given.out, HasSubstr(R"("time":"2005-12-31T22:00:00.000000000Z")"));
}

TEST_F(TextFormatsE2eTest, AFormatMayBeLocked) {
  Write("x.log", "Dec 31 23:00:00 h app: needle\n{\"message\":\"needle\"}\n");
  const BinaryRun run =
      Scan({Path("x.log"), "--format", "syslog", "--logsource", "product=linux", "--detections"});
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, HasSubstr("record 1, byte 0: not in the format of its source; searched as text only"));
  EXPECT_EQ(CountLines(run.out, "needle"), 2u);
  EXPECT_EQ(Scan({Path("x.log"), "--format", "cobol"}).exit_code, 2);
  EXPECT_EQ(Scan({Path("x.log"), "--time-zone", "Europe/Atlantis"}).exit_code, 2);
}

// Requests through a proxy, lines in a collector's JSON, a table of audit events: by one answer in `scan` and
// `run`, whatever they came in.
TEST_F(TextFormatsE2eTest, WhatTravelledWithinSomethingElseGivesTheSameAnswerInRun) {
  const std::string rules = Write("within.yml", R"(title: not found
name: not_found
logsource: {category: webserver}
detection: {selection: {sc-status: 404}, condition: selection}
---
title: many not found
level: high
correlation: {type: event_count, rules: [not_found], group-by: [c-ip], timespan: 1m, condition: {gte: 2}}
---
title: multi-factor off
level: high
logsource: {product: m365, service: audit}
detection: {selection: {Operation: Disable Strong Authentication.}, condition: selection}
)");
  std::string log;
  for (int i = 0; i < 4; ++i) {
    const std::string line = "10.0.0.1 - - [17/May/2015:10:05:0" + std::to_string(i) +
                             " +0000] \"GET /a HTTP/1.1\" 404 5 \"-\" \"-\" \"198.51.100.9, 192.0.2." +
                             std::to_string(i % 2) + "\"";
    log +=
        i < 2 ? line + "\n" : json({{"message", line}, {"@timestamp", "2015-05-17T11:00:00Z"}}).dump() + "\n";
  }
  Write("access.log", log);
  Write("audit.csv",
        "CreationDate,UserIds,Operations,AuditData\r\n2015-05-17T10:05:00,a,b,\"{\r\n\"\"CreationTime\"\":"
        "\"\"2015-05-17T10:05:00\"\",\"\"Operation\"\":\"\"Disable Strong "
        "Authentication.\"\",\"\"UserId\"\":\"\"a\"\","
        "\"\"Workload\"\":\"\"AzureActiveDirectory\"\"}\"\r\n");
  const BinaryRun scan = RunBinary({"scan", Path("access.log"), Path("audit.csv"), "-r", rules,
                                    "--trusted-proxy", "10.0.0.0/8", "--canonical"});
  EXPECT_EQ(scan.exit_code, 0) << scan.err;
  EXPECT_EQ(SplitLines(scan.out).size(), 3u) << scan.out;
  EXPECT_THAT(scan.out, HasSubstr(R"("c-ip":"192.0.2.0")"));
  EXPECT_THAT(scan.out, HasSubstr(R"("c-ip":"192.0.2.1")"));
  const std::string config =
      Write("within_config.yml",
            "version: 1\ndata_dir: " + Path("data") + "\nsources:\n  log: {type: file, path: [" +
                Path("access.log") + ", " + Path("audit.csv") +
                "], trusted_proxies: [10.0.0.0/8]}\ncorrelate: {late_horizon: 90000d}\nrules: {paths: [" +
                rules + "]}\n");
  const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", config});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(RunBinary({"alerts", "list", "--canonical", "-c", config}).out, scan.out);
  EXPECT_EQ(RunBinary({"scan", Path("access.log"), "-r", rules, "--trusted-proxy", "proxy"}).exit_code, 2);
}

// ---- real logs and their parsed twins

struct Twin {
  const char* suite;
  const char* raw;
  const char* parsed;
  Strings flags;    // for the raw one
  Strings sources;  // what both are declared to be
};

// (rule, group, time) of every hit or alert; of an alert also from when to when, and how many.
Strings Found(const BinaryRun& run) {
  EXPECT_EQ(run.exit_code, 0) << run.err;
  Strings found;
  for (const std::string& line : SplitLines(run.out)) {
    json record = json::parse(line);
    for (const char* key : {"id", "evidence", "explain"}) record.erase(key);
    found.push_back(record.dump());
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST_F(TextFormatsE2eTest, RawLogsGiveWhatTheirParsedTwinsGive) {
  const auto data = ReferencePath("data");
  if (!data.has_value()) GTEST_SKIP() << "no reference data";
  const auto declared = [](const Strings& sources) {
    Strings flags;
    for (const std::string& source : sources) flags.insert(flags.end(), {"--logsource", source});
    return flags;
  };
  const Strings linux_log = {"product=linux", "service=syslog", "service=auth", "service=sshd"};
  const Twin twins[] = {
      {"ssh",
       "raw/loghub/OpenSSH.log.zst",
       "events/syslog/loghub_openssh.ndjson.zst",
       {"--year", "2016"},
       linux_log},
      {"syslog_linux",
       "raw/loghub/Linux.log.zst",
       "events/syslog/loghub_linux.ndjson.zst",
       {"--year", "2005"},
       linux_log},
      {"web", "raw/apache_access.log.zst", "events/web/apache_access.ndjson.zst", {}, {"category=webserver"}},
  };
  for (const Twin& twin : twins) {
    SCOPED_TRACE(twin.suite);
    const std::string rules = *data + "/correlation/" + twin.suite + "/rules.yml";
    const auto scan = [&](const char* file, Strings flags, const Strings& form) {
      flags.insert(flags.begin(),
                   {"scan", *data + "/" + file, "-r", rules, "-o", "jsonl", "--time-zone", "UTC"});
      flags.insert(flags.end(), form.begin(), form.end());
      return Found(RunBinary(flags));
    };
    for (const Strings& form : {Strings{"--hits"}, Strings{}}) {
      const Strings expected = scan(twin.parsed, declared(twin.sources), form);
      EXPECT_GT(expected.size(), 100u);
      Strings flags = twin.flags;
      // Nothing declared, where content alone says what a whole log is. One line of Linux.log is gdm's, which
      // no content can make one of sshd.
      if (std::string(twin.suite) == "syslog_linux") {
        const Strings more = declared(twin.sources);
        flags.insert(flags.end(), more.begin(), more.end());
      }
      EXPECT_EQ(scan(twin.raw, flags, form), expected);
    }
  }
}

}  // namespace
}  // namespace redthread
