// Fast against slow: the detector and the slow evaluator must agree on events made out of the rules' own
// values. More of it: REDTHREAD_DIFFERENTIAL_PAIRS=1000000, another course of it: REDTHREAD_SEED=7.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <set>

#include "rules/rule_set.h"
#include "tests/oracle/constructs.h"
#include "tests/oracle/event_generator.h"
#include "tests/oracle/fast_engine.h"
#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_evaluator.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

constexpr size_t kDefaultPairs = 6000;
// Draws for one pair that shall match, until the slow evaluator says that one does.
constexpr int kDraws = 8;
// From this many pairs a rule on, each rule must have matched at least once.
constexpr size_t kPairsToReachEveryRule = 4;
// Rules that are compared besides the one the event was made for.
constexpr size_t kBystanders = 3;

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

LogSourceMap LogSources() {
  Result<LogSourceMap> map =
      LoadLogSourceMap(REDTHREAD_SOURCE_DIR "/rules/logsources.yml", {"core", "extended"});
  EXPECT_TRUE(map.ok()) << map.status().message();
  return map.ok() ? *map : LogSourceMap{};
}

class Differential {
 public:
  Differential(RuleSet rules, SiteVariables variables, uint64_t seed)
      : variables_(std::move(variables)),
        map_(LogSources()),
        rules_(std::make_shared<const RuleSet>(std::move(rules))),
        fast_(rules_, map_),
        dice_(seed),
        generator_(&dice_, variables_),
        matched_(rules_->rules.size()) {
    for (const Rule& rule : rules_->rules) {
      Result<SlowEvaluator> slow = SlowEvaluator::Compile(rule, variables_);
      EXPECT_TRUE(slow.ok()) << slow.status().message();
      slow_.push_back(std::move(slow).value());
    }
  }

  // One event made for one rule, compared on that rule, on all that the detector finds, and on a few others.
  void Pair(RuleIndex target) {
    const LogSourceFacts facts = DrawFacts(rules_->rules[target].log_source);
    const bool matching = dice_.Chance(75);
    std::string record;
    SlowJson flat;
    for (int draw = 0; draw < kDraws; ++draw) {
      const std::vector<FieldRenames> routes = SlowRoutes(rules_->rules[target].log_source, facts);
      record = WriteJson(generator_.Draw(rules_->rules[target], routes.at(0), matching), &dice_);
      flat = SlowFlatten(SlowJson::parse(record));
      if (!matching || SlowVerdict(target, flat, facts)) break;
    }
    fast_.Decode(record);
    const std::vector<RuleIndex> found = fast_.Match(facts);
    std::set<RuleIndex> compared(found.begin(), found.end());
    compared.insert(target);
    for (size_t i = 0; i < kBystanders; ++i) {
      compared.insert(static_cast<RuleIndex>(dice_.Below(rules_->rules.size())));
    }
    for (const RuleIndex rule : compared) {
      const bool fast = std::binary_search(found.begin(), found.end(), rule);
      const bool slow = SlowVerdict(rule, flat, facts);
      if (slow) matched_[rule] = true;
      if (rule == target && slow) ++matching_pairs_;
      if (fast != slow) Report(rule, fast, record, facts);
    }
    ++pairs_;
  }

  size_t pairs() const { return pairs_; }
  size_t matching_pairs() const { return matching_pairs_; }
  size_t differences() const { return differences_; }
  const RuleSet& rules() const { return *rules_; }
  std::vector<std::string> NeverMatched() const {
    std::vector<std::string> out;
    for (size_t i = 0; i < matched_.size(); ++i) {
      if (!matched_[i]) out.push_back(rules_->rules[i].id + " " + rules_->rules[i].title);
    }
    return out;
  }

 private:
  bool SlowVerdict(RuleIndex rule, const SlowJson& flat, const LogSourceFacts& facts) const {
    for (const FieldRenames& renames : SlowRoutes(rules_->rules[rule].log_source, facts)) {
      if (slow_[rule].Matches(flat, renames)) return true;
    }
    return false;
  }

  // Facts by which the rule comes to the event: now and then through a source with renames, or through two.
  LogSourceFacts DrawFacts(const LogSource& wanted) {
    LogSourceFacts facts;
    facts.products.push_back(wanted.product.empty() ? "some" : wanted.product);
    if (!wanted.service.empty()) facts.services.push_back(wanted.service);
    std::vector<FieldRenames> renames = {{}};
    for (const LogSourceMap::Category& category : map_.categories) {
      if (category.category == wanted.category && !category.renames.empty())
        renames.push_back(category.renames);
    }
    if (!wanted.category.empty()) {
      facts.categories.push_back({wanted.category, dice_.Pick(renames)});
      if (dice_.Chance(20)) facts.categories.push_back({wanted.category, dice_.Pick(renames)});
    }
    for (const LogSourceMap::Other& other : map_.others) {
      if (other.log_source.product == wanted.product) facts.renames = other.renames;
    }
    return facts;
  }

  void Report(RuleIndex rule, bool fast, const std::string& record, const LogSourceFacts& facts) {
    if (++differences_ > 10) return;
    const Rule& r = rules_->rules[rule];
    const std::string file = r.where.file == nullptr ? "" : *r.where.file;
    ADD_FAILURE() << "the detector says " << fast << ", the slow evaluator " << !fast << "\nrule " << r.id
                  << " (" << r.title << ", " << file << ":" << r.where.line << ")\nrenames of its categories "
                  << (facts.categories.empty() ? 0 : facts.categories[0].renames.size()) << "\n"
                  << record;
  }

  SiteVariables variables_;
  LogSourceMap map_;
  std::shared_ptr<const RuleSet> rules_;
  FastEngine fast_;
  Dice dice_;
  EventGenerator generator_;
  std::vector<SlowEvaluator> slow_;
  std::vector<bool> matched_;
  size_t pairs_ = 0;
  size_t matching_pairs_ = 0;
  size_t differences_ = 0;
};

void Compare(RuleSet rules, const SiteVariables& variables, size_t pairs) {
  ASSERT_GT(rules.rules.size(), 0U);
  const uint64_t seed = FromEnvironment("REDTHREAD_SEED", 20261122);
  Differential differential(std::move(rules), variables, seed);
  const size_t count = differential.rules().rules.size();
  // A stride without a common factor comes to every rule, and a short run to all kinds of them.
  size_t stride = count / 3 + 1;
  while (std::gcd(stride, count) != 1) ++stride;
  for (size_t i = 0; i < pairs; ++i) differential.Pair(static_cast<RuleIndex>(i * stride % count));
  std::cout << "seed " << seed << ": " << pairs << " pairs of " << count << " rules, "
            << differential.matching_pairs() << " match, " << differential.differences() << " differences\n";
  EXPECT_EQ(differential.differences(), 0U);
  EXPECT_GE(differential.matching_pairs() * 5, pairs) << "too few events match to prove much";
  if (pairs >= count * kPairsToReachEveryRule) {
    EXPECT_THAT(differential.NeverMatched(), testing::IsEmpty());
  }
}

SiteVariables PlaceholderValues(const std::vector<std::string>& folders) {
  // The corpus says only what its placeholders are called; any values will do.
  SiteVariables variables;
  for (size_t known = 1; variables.size() != known;) {  // a complaint names the first that is missing
    known = variables.size();
    for (const RuleProblem& problem : LoadRules(folders, {variables}).need_site_variables) {
      const size_t begin = problem.message.find('%');
      const size_t end = problem.message.find('%', begin + 1);
      if (end == std::string::npos) continue;
      variables[problem.message.substr(begin + 1, end - begin - 1)] = {"value-one", "VALUE*two"};
    }
  }
  return variables;
}

TEST(DifferentialTest, DetectorAgreesWithSlowEvaluatorOnEveryConstruct) {
  const SiteVariables variables = {{"servers", {"dc-01", "FS*.corp"}}, {"one", {"x"}}};
  RuleSet rules = LoadRulesFromText(kConstructs, "constructs.yml", {variables});
  for (const RuleProblem& problem : rules.problems) ADD_FAILURE() << problem.Render();
  Compare(std::move(rules), variables, FromEnvironment("REDTHREAD_DIFFERENTIAL_PAIRS", kDefaultPairs));
}

TEST(DifferentialTest, DetectorAgreesWithSlowEvaluatorOnTheSigmaCorpus) {
  const std::vector<std::string> folders = SigmaRuleFolders();
  if (folders.empty()) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  const SiteVariables variables = PlaceholderValues(folders);
  RuleSet rules = LoadRules(folders, {variables});
  EXPECT_TRUE(rules.problems.empty()) << rules.problems[0].Render();
  EXPECT_EQ(rules.rules.size(), 3780U);
  Compare(std::move(rules), variables, FromEnvironment("REDTHREAD_DIFFERENTIAL_PAIRS", kDefaultPairs));
}

}  // namespace
}  // namespace redthread
