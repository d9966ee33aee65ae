// Whatever happens to the workers, what they have told in the end is what a scan tells.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "tests/simulation/sim_pipeline.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: Failed sign-in of one user
id: aaaaaaaa-0000-4000-8000-000000000001
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625, TargetUserName: user1}
  condition: selection
level: medium
---
title: Sign-in
name: sign_in
id: aaaaaaaa-0000-4000-8000-000000000002
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624}
  condition: selection
---
title: Failed sign-in
name: failed
id: aaaaaaaa-0000-4000-8000-000000000003
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625}
  condition: selection
---
title: Many failures on a computer
name: many
id: aaaaaaaa-0000-4000-8000-000000000004
correlation: {type: event_count, rules: [failed], group-by: [Computer], timespan: 10s, condition: {gte: 4}}
---
title: Failures of several users
id: aaaaaaaa-0000-4000-8000-000000000005
correlation:
  type: value_count
  rules: [failed]
  group-by: [Computer]
  timespan: 6s
  condition: {field: TargetUserName, gte: 3}
---
title: A failure that no success is near
id: aaaaaaaa-0000-4000-8000-000000000006
correlation:
  type: temporal
  rules: [failed, sign_in]
  group-by: [Computer, TargetUserName]
  timespan: 3s
  condition: failed and not sign_in
---
title: A failure and then a success
name: got_in
id: aaaaaaaa-0000-4000-8000-000000000007
correlation:
  type: temporal_ordered
  rules: [failed, sign_in]
  group-by: [Computer, TargetUserName]
  timespan: 2s
---
title: Few sign-ins
id: aaaaaaaa-0000-4000-8000-000000000008
correlation: {type: event_count, rules: [sign_in], group-by: [Computer], timespan: 20s, condition: {lt: 5}}
---
title: Many failures, then somebody got in, on one computer
id: aaaaaaaa-0000-4000-8000-000000000009
correlation: {type: temporal, rules: [many, got_in], group-by: [Computer], timespan: 30s}
---
title: Sign-ins at all
id: aaaaaaaa-0000-4000-8000-00000000000a
correlation: {type: event_count, rules: [sign_in], timespan: 5s, condition: {gte: 8}}
)";

// The same, and others.
constexpr char kMore[] = R"(---
title: Anything on a computer
id: ffffffff-0000-4000-8000-000000000001
logsource: {product: windows}
detection:
  selection: {Computer|startswith: pc-}
  condition: selection
---
title: Failures of a user
id: ffffffff-0000-4000-8000-000000000002
correlation:
  {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 7s, condition: {gte: 3}}
)";

class PipelineSimulationTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const Engine> LoadEngine(const std::string& yaml, const RuleBundle::Times& times) {
    auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "simulation.yml", {}));
    for (const RuleProblem& p : rules->problems) ADD_FAILURE() << p.Render();
    Engine::Options options;
    options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
    options.times = times;
    Result<std::shared_ptr<const Engine>> engine = Engine::Load(std::move(rules), options);
    EXPECT_TRUE(engine.ok()) << engine.status().message();
    return engine.ok() ? *engine : nullptr;
  }

  // A number from the environment: a night's run is the same program with a bigger one.
  static uint64_t Number(const char* name, uint64_t usual) {
    const char* text = std::getenv(name);
    return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
  }

  SimPipeline::Result Run(uint64_t seed, Mutant mutant = Mutant::kNone) {
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    const std::string folder = (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
                               "/redthread-simulation-" + std::to_string(getpid()) + "-" +
                               std::to_string(seed);
    return SimPipeline(seed, engines_, "ffffffff", folder, mutant).Run();
  }

  // What is told in the end does not depend on how long it was waited for.
  const std::vector<std::shared_ptr<const Engine>> engines_ = {
      LoadEngine(kRules, {.lateness = std::chrono::seconds(30), .fold = std::chrono::seconds(20)}),
      LoadEngine(std::string(kRules) + kMore, {.lateness = std::chrono::seconds(12),
                                               .late_horizon = std::chrono::hours(30),
                                               .fold = std::chrono::seconds(20)})};
};

// Seeds in parts, so that several can be played at once. Sanitizers make each of them cost ten times as much.
#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kUsual = 160;
#else
constexpr uint64_t kUsual = 2'000;
#endif
constexpr uint64_t kParts = 8;

class PartTest : public PipelineSimulationTest, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(PartTest, WhatIsToldIsWhatAScanTells) {
  const uint64_t count = Number("REDTHREAD_SIMULATIONS", kUsual);
  const uint64_t first = Number("REDTHREAD_SEED", 1) + count * GetParam() / kParts;
  const uint64_t end = Number("REDTHREAD_SEED", 1) + count * (GetParam() + 1) / kParts;
  uint64_t crashes = 0, restores = 0, repeated = 0, late = 0, withdrawn = 0;
  for (uint64_t seed = first; seed < end; ++seed) {
    const SimPipeline::Result result = Run(seed);
    const std::string again = "REDTHREAD_SEED=" + std::to_string(seed) + " REDTHREAD_SIMULATIONS=1\n";
    ASSERT_TRUE(result.ended) << again << result.log;
    ASSERT_EQ(result.told, result.scanned) << again << result.log;
    crashes += result.crashes;
    restores += result.restores;
    repeated += result.repeated;
    late += result.late;
    withdrawn += result.withdrawn;
  }
  std::cout << "seeds " << first << " to " << end << ": " << crashes << " crashes, " << restores
            << " folders made again, " << repeated << " alerts told again, " << late << " late, " << withdrawn
            << " withdrawn\n";
  if (end - first < 20) return;
  EXPECT_GT(crashes, 0U);
  EXPECT_GT(restores, 0U);
  EXPECT_GT(repeated, 0U);
  EXPECT_GT(late, 0U);
  EXPECT_GT(withdrawn, 0U);
}

INSTANTIATE_TEST_SUITE_P(Simulation, PartTest, ::testing::Range<uint64_t>(0, kParts));

// Frames that are read and written again on their way, and not changed, make no difference.
TEST_F(PipelineSimulationTest, AFilterThatChangesNothingIsNotNoticed) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const SimPipeline::Result result = Run(seed, Mutant::kRewritten);
    ASSERT_TRUE(result.ended) << result.log;
    ASSERT_EQ(result.told, result.scanned) << seed;
  }
}

class MutantTest : public PipelineSimulationTest, public ::testing::WithParamInterface<Mutant> {};

TEST_P(MutantTest, IsCaught) {
  uint64_t caught = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const SimPipeline::Result result = Run(seed, GetParam());
    caught += !result.ended || result.told != result.scanned ? 1 : 0;
  }
  std::cout << "caught by " << caught << " of 20 seeds\n";
  EXPECT_GT(caught, 0U);
}

INSTANTIATE_TEST_SUITE_P(Simulation, MutantTest,
                         ::testing::Values(Mutant::kNoSequences, Mutant::kArrivalOrder, Mutant::kNoProgress));

}  // namespace
}  // namespace redthread
