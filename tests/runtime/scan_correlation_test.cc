// Correlations through the whole of a scan: files, decoder, detector, sorter, correlator.
#include "runtime/scan_correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "runtime/scan.h"
#include "tests/oracle/correlation_generator.h"
#include "tests/oracle/correlation_vectors.h"
#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_correlation.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ScanCorrelationTest : public RuntimeTest {
 protected:
  ScanOptions OptionsFor(const std::vector<SlowJson>& events) {
    std::string text;
    for (const SlowJson& event : events) text += event.dump() + "\n";
    return OptionsForText(text);
  }
  ScanOptions OptionsForText(const std::string& text) {
    ScanOptions options;
    options.paths = {Write("events.ndjson", text)};
    options.log_sources = {*ParseLogSourceFlag("product=test")};
    options.jobs = 1;
    return options;
  }

  std::vector<HitRow> Hits(const std::shared_ptr<const Engine>& engine, const ScanOptions& options) {
    std::vector<HitRow> hits;
    Scan scan(engine, options);
    const Status status = scan.Hits(
        [&hits](const HitRow& hit) {
          hits.push_back(hit);
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    report_ = scan.report();
    return hits;
  }

  std::vector<Alert> Alerts(const std::shared_ptr<const Engine>& engine, const ScanOptions& options) {
    std::vector<Alert> alerts;
    Scan scan(engine, options);
    const Status status = scan.Alerts(
        [&alerts](const Alert& alert) {
          alerts.push_back(alert);
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    report_ = scan.report();
    return alerts;
  }

  ScanReport report_;
};

std::string GroupText(const AlertGroup& group) {
  std::vector<std::string> names, values;
  for (const auto& [name, value] : group) {
    names.push_back(name);
    values.push_back(value);
  }
  return CorrelationGroupText(names, values);
}

TEST_F(ScanCorrelationTest, AgreesOn114Of114HandWrittenTruths) {
  const std::optional<std::string> path = ReferencePath("oracle/vectors/correlation_vectors.ndjson");
  if (!path) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  const std::vector<CorrelationVector> vectors = ReadCorrelationVectors(*path);
  ASSERT_EQ(vectors.size(), kCorrelationVectors);
  size_t agreeing = 0;
  for (const CorrelationVector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(vector.rules, "v.yml", {}));
    std::set<std::string> rejected;
    for (const RuleProblem& p : rules->problems) rejected.insert(p.rule_id);
    const std::shared_ptr<const Engine> engine = EngineOf(rules);
    const ScanOptions options = OptionsFor(vector.events);
    std::multiset<CorrelationLine> hits, alerts;
    for (const HitRow& hit : Hits(engine, options)) {
      hits.emplace(hit.correlation->id, GroupText(hit.group), FormatTimestamp(hit.end),
                   hit.value ? CorrelationValueText(*hit.value) : "null");
    }
    for (const Alert& alert : Alerts(engine, options)) {
      if (alert.correlation)
        alerts.emplace(alert.rule_id, GroupText(alert.group), FormatTimestamp(alert.time), "");
    }
    EXPECT_EQ(rejected, vector.rejected);
    EXPECT_EQ(hits, vector.hits);
    EXPECT_EQ(alerts, vector.alerts);
    if (rejected == vector.rejected && hits == vector.hits && alerts == vector.alerts) ++agreeing;
  }
  EXPECT_EQ(agreeing, kCorrelationVectors);
}

// What is compared of a hit, and of an alert.
using HitLine = std::tuple<std::string, std::string, int64_t, std::optional<double>>;
using AlertLine =
    std::tuple<std::string, std::string, int64_t, int64_t, int64_t, size_t, std::optional<int64_t>>;

std::optional<int64_t> EndOf(const Alert& alert) {
  return alert.ended.has_value() ? std::optional(alert.ended->ns) : std::nullopt;
}

// REDTHREAD_CORRELATION_STREAMS: how many.
TEST_F(ScanCorrelationTest, RandomStreamsAgreeWithTheBruteForceReference) {
  const char* asked = std::getenv("REDTHREAD_CORRELATION_STREAMS");
  const size_t streams = asked != nullptr ? std::strtoul(asked, nullptr, 10) : 1'000;
  constexpr size_t kStreamsOfARuleSet = 4;
  std::map<CorrelationType, size_t> hits_of;
  size_t alerts_found = 0, chained = 0, expected = 0;
  for (size_t n = 0, seed = 0; n < streams; ++seed) {
    Dice dice(seed);
    const std::string yaml = RandomCorrelationRules(&dice);
    const auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "r.yml", {}));
    if (!rules->problems.empty()) continue;  // every name is negated
    const std::shared_ptr<const Engine> engine = EngineOf(rules);
    for (size_t i = 0; i < kStreamsOfARuleSet; ++i, ++n) {
      const std::vector<SlowJson> events = AreOfHours(yaml) && dice.Chance(70)
                                               ? RandomRegularEvents(&dice)
                                               : RandomCorrelationEvents(&dice, dice.Chance(10) ? 120 : 40);
      ScanOptions options = OptionsFor(events);
      // Tiny windows go through the file.
      if (dice.Chance(50)) options.window = {1 + dice.Below(400), 1 + dice.Below(800), folder_};
      std::multiset<HitLine> hits, expected_hits;
      std::multiset<AlertLine> alerts, expected_alerts;
      for (const HitRow& hit : Hits(engine, options)) {
        hits.emplace(hit.correlation->id, GroupText(hit.group), hit.end.ns, hit.value);
        ++hits_of[hit.correlation->type];
        if (hit.correlation->height > 0) ++chained;
        if (hit.correlation->expected) ++expected;
      }
      for (const Alert& a : Alerts(engine, options)) {
        if (!a.correlation) continue;
        alerts.emplace(a.rule_id, GroupText(a.group), a.time.ns, a.first.ns, a.last.ns, a.count, EndOf(a));
        ++alerts_found;
      }
      const std::vector<SlowRecord> records = SlowRecords(*rules, events);
      const std::vector<SlowAnswer> answers = SlowCorrelate(*rules, records);
      for (size_t c = 0; c < answers.size(); ++c) {
        const Correlation& correlation = rules->correlations[c];
        const auto group = [&](const std::vector<std::string>& key) {
          return CorrelationGroupText(correlation.group_by, key);
        };
        for (const SlowHit& hit : answers[c].hits) {
          expected_hits.emplace(correlation.id, group(hit.group), hit.end, hit.value);
        }
        for (const SlowAlert& a : answers[c].alerts) {
          expected_alerts.emplace(correlation.id, group(a.group), a.time, a.first, a.last, a.count, a.ended);
        }
      }
      ASSERT_EQ(hits, expected_hits) << "seed " << seed << "\n" << yaml << "\n" << SlowJson(events);
      ASSERT_EQ(alerts, expected_alerts) << "seed " << seed << "\n" << yaml << "\n" << SlowJson(events);
    }
  }
  EXPECT_THAT(hits_of, SizeIs(10)) << "some type never fired";
  for (const auto& [type, count] : hits_of) EXPECT_GT(count, streams / 50) << CorrelationTypeName(type);
  EXPECT_GT(alerts_found, streams);
  EXPECT_GT(chained, streams / 10);
  EXPECT_GT(expected, streams / 50);
}

}  // namespace
}  // namespace redthread
