// The brute-force reference for correlations, held against the hand-written truths.
#include "tests/oracle/correlation_vectors.h"

#include <gtest/gtest.h>

#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_correlation.h"

namespace redthread {
namespace {

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
    const std::vector<SlowRecord> records = SlowRecords(rules, vector.events);
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
