// Fast against slow: the detector and the slow evaluator must agree on real events that were changed toward
// the rules' own values. More of it: REDTHREAD_DIFFERENTIAL_PAIRS=1000000, another course of it:
// REDTHREAD_SEED=7.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "tests/oracle/differential_rules.h"

namespace redthread {
namespace {

constexpr size_t kDefaultPairs = 50000;
constexpr size_t kDefaultConstructPairs = 20000;
// From so many events a rule on, each rule must have matched at least once.
constexpr size_t kEventsToReachEveryRule = 20;

int Threads() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

std::vector<std::string> NeverMatched(const Differential& differential, const DifferentialTally& tally) {
  std::vector<std::string> out;
  for (size_t i = 0; i < tally.matched.size(); ++i) {
    const Rule& rule = differential.rules().rules[i];
    if (!tally.matched[i]) out.push_back(rule.id + " " + rule.title);
  }
  return out;
}

void Compare(const Differential& differential, size_t pairs) {
  const size_t count = differential.rules().rules.size();
  ASSERT_GT(count, 0U);
  const auto start = std::chrono::steady_clock::now();
  const DifferentialTally tally =
      differential.Run({.seed = DifferentialSeed(), .pairs = pairs, .threads = Threads()});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::vector<std::string> never = NeverMatched(differential, tally);
  std::cout << "seed " << DifferentialSeed() << ": " << tally.events << " events, " << tally.pairs
            << " pairs, " << tally.matching << " match (" << tally.matching * 100 / tally.pairs << " %), "
            << count - never.size() << " of " << count << " rules matched, " << tally.differences
            << " differences, " << seconds.count() << " s\n";
  for (const std::string& report : tally.reports) ADD_FAILURE() << report;
  EXPECT_EQ(tally.differences, 0U);
  EXPECT_GE(tally.matching * 5, tally.pairs) << "too few pairs match to prove much";
  if (tally.events >= count * kEventsToReachEveryRule) {
    EXPECT_THAT(never, testing::IsEmpty());
  }
}

TEST(DifferentialTest, DetectorAgreesWithSlowEvaluatorOnEveryConstruct) {
  Compare(OnConstructs(), FromEnvironment("REDTHREAD_DIFFERENTIAL_PAIRS", kDefaultConstructPairs));
}

TEST(DifferentialTest, DetectorAgreesWithSlowEvaluatorOnTheSigmaCorpus) {
  const std::optional<Differential> corpus = OnSigmaCorpus();
  if (!corpus) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  Compare(*corpus, FromEnvironment("REDTHREAD_DIFFERENTIAL_PAIRS", kDefaultPairs));
}

}  // namespace
}  // namespace redthread
