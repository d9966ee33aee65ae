// The hand-written truths on single events: each is one rule, one event and whether it matches, or that the
// rule must be refused.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>

#include "rules/rule_set.h"
#include "tests/oracle/fast_engine.h"
#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_evaluator.h"

namespace redthread {
namespace {

constexpr size_t kVectors = 244;

struct Vector {
  std::string name;  // "17: pattern is anchored"
  std::string rule;  // a whole rule file; JSON is YAML
  SlowJson event;
  std::string expected;  // "true", "false" or "reject"
};

std::vector<Vector> ReadVectors(const std::string& path) {
  std::vector<Vector> vectors;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const SlowJson v = SlowJson::parse(line);
    SlowJson rule = {{"title", v.at("note")},
                     {"id", "00000000-0000-4000-8000-000000000000"},
                     {"logsource", {{"product", "vectors"}}},
                     {"detection", v.at("detection")}};
    const SlowJson& expect = v.at("expect");
    vectors.push_back({std::to_string(v.at("n").get<int>()) + ": " + v.at("note").get<std::string>(),
                       rule.dump(1), v.at("event"),
                       expect.is_string() ? expect.get<std::string>() : expect.dump()});
  }
  return vectors;
}

// Decides one loaded rule on one event.
using Engine = std::function<std::string(const RuleSet& rules, const SlowJson& event)>;

// How many vectors come out as written; the others are named.
size_t CountAgreeing(const std::vector<Vector>& vectors, const Engine& engine) {
  size_t agreeing = 0;
  for (const Vector& vector : vectors) {
    const RuleSet rules = LoadRulesFromText(vector.rule, "vector.yml", {});
    const bool refused = rules.rules.empty();
    if (refused) {
      EXPECT_GT(rules.problems.size() + rules.need_site_variables.size(), 0U) << vector.name;
    }
    const std::string found = refused ? "reject" : engine(rules, vector.event);
    const std::string why = rules.problems.empty() ? "" : rules.problems[0].Render();
    EXPECT_EQ(found, vector.expected) << vector.name << "\n"
                                      << vector.rule << "\n"
                                      << vector.event << "\n"
                                      << why;
    if (found == vector.expected) ++agreeing;
  }
  return agreeing;
}

std::string FastVerdict(const RuleSet& rules, const SlowJson& event) {
  FastEngine engine(std::make_shared<const RuleSet>(rules), {});
  engine.Decode(event.dump());
  return engine.Match({.products = {"vectors"}}).empty() ? "false" : "true";
}

std::string SlowVerdict(const RuleSet& rules, const SlowJson& event) {
  const Result<SlowEvaluator> evaluator = SlowEvaluator::Compile(rules.rules[0], {});
  if (!evaluator.ok()) return evaluator.status().message();
  return evaluator->Matches(event, {}) ? "true" : "false";
}

class VectorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> path = ReferencePath("oracle/vectors/vectors.ndjson");
    if (!path) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
    vectors_ = ReadVectors(*path);
    ASSERT_EQ(vectors_.size(), kVectors) << *path;
  }
  std::vector<Vector> vectors_;
};

TEST_F(VectorsTest, DetectorAgreesOn244Of244) { EXPECT_EQ(CountAgreeing(vectors_, FastVerdict), kVectors); }

TEST_F(VectorsTest, SlowEvaluatorAgreesOn244Of244) {
  EXPECT_EQ(CountAgreeing(vectors_, SlowVerdict), kVectors);
}

}  // namespace
}  // namespace redthread
