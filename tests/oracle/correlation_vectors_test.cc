// The brute-force reference for correlations, held against the hand-written truths.
#include "tests/oracle/correlation_vectors.h"

#include <gtest/gtest.h>

#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_correlation.h"
#include "tests/oracle/slow_evaluator.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

// The events of a vector with the rules that match them, by the slow evaluator.
std::vector<SlowRecord> Detect(const RuleSet& rules, const std::vector<SlowJson>& events) {
  std::vector<SlowRecord> records;
  for (const SlowJson& event : events) {
    SlowRecord record;
    record.flat = SlowFlatten(event);
    record.time = SlowEventTime(record.flat);
    for (RuleIndex r = 0; r < rules.rules.size(); ++r) {
      const Result<SlowEvaluator> evaluator = SlowEvaluator::Compile(rules.rules[r], {});
      if (evaluator.ok() && evaluator->Matches(record.flat, {})) record.matches.push_back(r);
    }
    records.push_back(std::move(record));
  }
  return records;
}

TEST(CorrelationVectorsTest, BruteForceReferenceAgreesOn114Of114) {
  const std::optional<std::string> path = ReferencePath("oracle/vectors/correlation_vectors.ndjson");
  if (!path) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  const std::vector<CorrelationVector> vectors = ReadCorrelationVectors(*path);
  ASSERT_EQ(vectors.size(), kCorrelationVectors);
  size_t agreeing = 0;
  for (const CorrelationVector& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const RuleSet rules = LoadRulesFromText(vector.rules, "vector.yml", {});
    std::set<std::string> rejected;
    for (const RuleProblem& p : rules.problems) rejected.insert(p.rule_id);
    EXPECT_EQ(rejected, vector.rejected);
    const std::vector<SlowRecord> records = Detect(rules, vector.events);
    const std::vector<SlowAnswer> answers = SlowCorrelate(rules, records);
    std::multiset<CorrelationLine> hits, alerts;
    for (size_t i = 0; i < answers.size(); ++i) {
      const Correlation& c = rules.correlations[i];
      for (const SlowHit& hit : answers[i].hits) {
        hits.emplace(c.id, CorrelationGroupText(c.group_by, hit.group), FormatTimestamp({hit.end}),
                     hit.value ? CorrelationValueText(*hit.value) : "null");
      }
      for (const SlowAlert& alert : answers[i].alerts) {
        alerts.emplace(c.id, CorrelationGroupText(c.group_by, alert.group), FormatTimestamp({alert.time}),
                       "");
      }
    }
    EXPECT_EQ(hits, vector.hits);
    EXPECT_EQ(alerts, vector.alerts);
    if (rejected == vector.rejected && hits == vector.hits && alerts == vector.alerts) ++agreeing;
  }
  EXPECT_EQ(agreeing, kCorrelationVectors);
}

}  // namespace
}  // namespace redthread
