// Correlations as a user meets them: the scenarios of tests/scenarios, in `scan` and in `run`, records,
// muting.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/e2e/e2e_fixture.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::SizeIs;

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class CorrelationE2eTest : public E2eTest {
 protected:
  // What `run` says of the file events.ndjson, started over, in canonical form. Late lines may be very late.
  std::string RunCanonical(const std::string& rules) {
    fs::remove_all(Path("data"));
    const std::string config =
        Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                   "\nsources:\n  log: {type: file, path: " + Path("events.ndjson") +
                                   "}\ncorrelate: {late_horizon: 90000d}\nrules: {paths: [" + rules + "]}\n");
    const BinaryRun run = RunBinary({"run", "-q", "--until-idle", "-c", config});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return RunBinary({"alerts", "list", "--canonical", "-c", config}).out;
  }

  static std::vector<json> Records(const BinaryRun& run) {
    EXPECT_EQ(run.exit_code, 0) << run.err;
    std::vector<json> records;
    for (const std::string& line : SplitLines(run.out)) records.push_back(json::parse(line));
    return records;
  }
};

// A scenario: rules.yml, events.ndjson, and in alerts.ndjson every alert that must come of them, no more.
TEST_F(CorrelationE2eTest, EveryScenarioGivesItsAlertsInAnyOrderOfItsLines) {
  size_t scenarios = 0;
  for (const fs::directory_entry& folder : fs::directory_iterator(REDTHREAD_SOURCE_DIR "/tests/scenarios")) {
    SCOPED_TRACE(folder.path().filename());
    ++scenarios;
    Strings expected = SplitLines(ReadAll(folder.path() / "alerts.ndjson"));
    for (std::string& line : expected) line = json::parse(line).dump();
    ASSERT_FALSE(expected.empty());
    Strings lines = SplitLines(ReadAll(folder.path() / "events.ndjson"));
    std::mt19937 random(7);
    std::string canonical;
    for (int order = 0; order < 3; ++order) {
      const std::string events = Write("events.ndjson", JoinLines(lines));
      const Strings arguments = {"scan", events, "-r", (folder.path() / "rules.yml").string(), "-o", "jsonl"};
      Strings found;
      for (const json& alert : Records(RunBinary(arguments))) {
        json line = {{"rule", alert["rule"]["title"]},
                     {"group", alert["group"]},
                     {"time", alert["time"]},
                     {"count", alert["count"]}};
        if (alert.contains("ended")) line["ended"] = alert["ended"];
        found.push_back(line.dump());
        EXPECT_EQ(alert["correlation"], true);
        EXPECT_EQ(alert["state"], "final");
        EXPECT_EQ(alert["evidence"].size(), alert["count"]);
      }
      EXPECT_EQ(found, expected);
      Strings in_canonical_form = arguments;
      in_canonical_form.emplace_back("--canonical");
      const std::string answer = RunBinary(in_canonical_form).out;
      if (order > 0) {
        EXPECT_EQ(answer, canonical);
      }
      canonical = answer;
      EXPECT_EQ(RunCanonical((folder.path() / "rules.yml").string()), canonical);
      std::shuffle(lines.begin(), lines.end(), random);
    }
  }
  EXPECT_GE(scenarios, 8U);
}

constexpr char kRepeated[] =
    "---\ntitle: Repeated\nid: 33333333-3333-4333-8333-333333333333\nlevel: critical\ntags: [attack.t1]\n"
    "correlation:\n  type: value_avg\n  rules: [11111111-1111-4111-8111-111111111111]\n  group-by: "
    "[Computer]\n"
    "  timespan: 10m\n  condition: {field: Size, gte: 2}\n";

std::string Sized(const std::string& time, int size) {
  return R"({"UtcTime":")" + time +
         R"(","Channel":"Security","EventID":4688,"Computer":"pc1","CommandLine":"sh -enc QQ","Size":)" +
         std::to_string(size) + "}";
}

TEST_F(CorrelationE2eTest, HitsAndAlertsHaveTheDocumentedForm) {
  Write("rules.yml", std::string(kRules) + kRepeated);
  const std::string log =
      Write("a.ndjson", JoinLines({Sized("2026-01-02 00:00:00", 1), Sized("2026-01-02 00:01:00", 4),
                                   Sized("2026-01-02 00:02:00.5", 4)}));
  const BinaryRun hits = Scan({log, "--hits", "-o", "jsonl"});
  EXPECT_EQ(
      hits.out,
      R"({"kind":"hit","correlation":true,"rule":{"id":"33333333-3333-4333-8333-333333333333","title":"Repeated",)"
      R"("level":"critical","tags":["attack.t1"]},"group":{"Computer":"pc1"},)"
      R"("window_end":"2026-01-02T00:01:00.000000000Z","value":2.5})"
      "\n"
      R"({"kind":"hit","correlation":true,"rule":{"id":"33333333-3333-4333-8333-333333333333","title":"Repeated",)"
      R"("level":"critical","tags":["attack.t1"]},"group":{"Computer":"pc1"},)"
      R"("window_end":"2026-01-02T00:02:00.500000000Z","value":3})"
      "\n");
  const std::vector<json> alerts = Records(Scan({log, "-o", "jsonl"}));
  ASSERT_THAT(alerts, SizeIs(1)) << "the rule referred to raises none of its own";
  EXPECT_EQ(alerts[0]["time"], "2026-01-02T00:01:00.000000000Z");
  EXPECT_EQ(alerts[0]["first"], "2026-01-02T00:00:00.000000000Z");
  EXPECT_EQ(alerts[0]["last"], "2026-01-02T00:02:00.500000000Z");
  EXPECT_EQ(alerts[0]["count"], 3);
  EXPECT_EQ(alerts[0]["evidence"][1], json({{"source", log},
                                            {"position", 1},
                                            {"rule", kEncodedCommand},
                                            {"time", "2026-01-02T00:01:00.000000000Z"}}));
  EXPECT_EQ(alerts[0]["explain"],
            "Repeated: value_avg 2.5 within 10m (Size gte 2), Computer pc1; 3 matches from "
            "2026-01-02T00:00:00.000000000Z to 2026-01-02T00:02:00.500000000Z");
}

TEST_F(CorrelationE2eTest, MutedRulesAlertAgainWithGenerateAndAlwaysShowTheirDetections) {
  const std::string log =
      Write("a.ndjson", JoinLines({Sized("2026-01-02 00:00:00", 1), Sized("2026-01-02 00:01:00", 4)}));
  Write("rules.yml", std::string(kRules) + kRepeated);
  EXPECT_THAT(Records(Scan({log, "--detections"})), SizeIs(2));
  const BinaryRun summary = Scan({log, "--summary", "-o", "jsonl"});
  EXPECT_EQ(CountLines(summary.out, "\"count\":2"), 1U) << summary.out;
  EXPECT_EQ(CountLines(summary.out, "\"count\":1"), 1U) << "one alert of the correlation";
  EXPECT_EQ(CountLines(Scan({log, "-o", "jsonl"}).out, kEncodedCommand + std::string("\",\"title")), 0U);
  Write("rules.yml", std::string(kRules) + kRepeated + "  generate: true\n");
  EXPECT_EQ(CountLines(Scan({log, "-o", "jsonl"}).out, kEncodedCommand + std::string("\",\"title")), 1U);
}

TEST_F(CorrelationE2eTest, ALevelLeavesOutAlertsNotWhatTheyAreMadeOf) {
  Write("rules.yml", std::string(kRules) + kRepeated);  // a critical one over a high one
  const std::string log =
      Write("a.ndjson", JoinLines({Sized("2026-01-02 00:00:00", 1), Sized("2026-01-02 00:01:00", 4)}));
  EXPECT_THAT(Records(Scan({log, "--min-level", "critical"})), SizeIs(1));
  EXPECT_THAT(Records(Scan({log, "--min-level", "critical", "--hits"})), SizeIs(1));
  EXPECT_EQ(Scan({log, "--fail-on", "critical"}).exit_code, 1);
}

TEST_F(CorrelationE2eTest, WhatTakesNoPartIsCounted) {
  Write("rules.yml", std::string(kRules) + kRepeated);
  const std::string log = Write(
      "a.ndjson",
      JoinLines(
          {R"({"UtcTime":"2026-01-02 00:00:00","Channel":"Security","EventID":4688,"CommandLine":"x -enc y","Size":3})",
           R"({"Channel":"Security","EventID":4688,"Computer":"pc1","CommandLine":"x -enc y","Size":3})"}));
  const BinaryRun run = Scan({log});
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("1 detection without a time, which correlations leave out"));
  EXPECT_THAT(run.err, HasSubstr("1 match took no part in a correlation, for lack of a field of its group"));
}

TEST_F(CorrelationE2eTest, RunAlertsAsScanDoesAndItsMutedRulesDoNot) {
  const std::string rules = Write("rules.yml", std::string(kRules) + kRepeated);
  const std::string log =
      Write("events.ndjson", JoinLines({Sized("2026-01-02 00:00:00", 1), Sized("2026-01-02 00:01:00", 4)}));
  const std::string scanned = RunBinary({"scan", log, "-r", rules, "--canonical"}).out;
  EXPECT_EQ(CountLines(scanned, "33333333"), 1U) << scanned;
  EXPECT_EQ(RunCanonical(rules), scanned);
}

TEST_F(CorrelationE2eTest, AnAlertIsExplainedAsATimeline) {
  const std::string waiting =
      "---\ntitle: Alone\nid: 44444444-4444-4444-8444-444444444444\nlevel: high\ncorrelation:\n  type: "
      "temporal\n"
      "  rules: [11111111-1111-4111-8111-111111111111, 33333333-3333-4333-8333-333333333333]\n"
      "  group-by: [Computer]\n  timespan: 30s\n"
      "  condition: 11111111-1111-4111-8111-111111111111 and not 33333333-3333-4333-8333-333333333333\n";
  const std::string rules = Write("rules.yml", std::string(kRules) + kRepeated + waiting);
  Write("events.ndjson", JoinLines({Sized("2026-01-02 00:00:00", 1), Sized("2026-01-02 00:01:00", 4)}));
  const std::string canonical = RunCanonical(rules);
  const auto explain = [&](const std::string& rule) {
    for (const std::string& line : SplitLines(canonical)) {
      const json alert = json::parse(line);
      if (alert["rule"] != rule && alert.dump().find(rule) == std::string::npos) continue;
      const std::string id = alert["id"];
      const BinaryRun run = RunBinary({"alerts", "explain", id.substr(0, 12), "-c", Path("redthread.yml")});
      EXPECT_EQ(run.exit_code, 0) << run.err;
      return run.out;
    }
    return std::string();
  };
  const std::string average = explain("33333333-3333-4333-8333-333333333333");
  EXPECT_THAT(average, HasSubstr("2026-01-01T23:51:00.000000000Z  the window of its first hit opens\n"));
  EXPECT_THAT(average, HasSubstr("2026-01-02T00:01:00.000000000Z  2  "));
  EXPECT_THAT(average, HasSubstr("2026-01-02T00:01:00.000000000Z  the alert: Size gte 2 holds within 10m\n"));
  EXPECT_THAT(average, HasSubstr("final: it was judged when no earlier event could come any more"));
  const std::string alone = explain("44444444-4444-4444-8444-444444444444");
  EXPECT_THAT(alone, HasSubstr("2026-01-02T00:00:30.000000000Z  until here waited for "
                               "33333333-3333-4333-8333-333333333333, which did not come\n"));
}

}  // namespace
}  // namespace redthread
