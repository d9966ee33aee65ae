// What is judged together lies in one partition.
#include "runtime/match_router.h"

#include <set>

#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: A
name: a
id: 00000000-0000-4000-8000-00000000000a
logsource: {product: windows}
detection: {s: {EventID: 1}, condition: s}
---
title: B
name: b
id: 00000000-0000-4000-8000-00000000000b
logsource: {product: windows}
detection: {s: {EventID: 2}, condition: s}
---
)";

std::string Correlation(const std::string& name, const std::string& rest) {
  return "title: " + name + "\nname: " + name + "\nid: 00000000-0000-4000-8000-0000000000" +
         std::string(name) + "\ncorrelation: {" + rest + ", timespan: 5m}\n---\n";
}

class MatchRouterTest : public RuntimeTest {
 protected:
  // The engine's rules over kRules.
  void Load(const std::string& correlations) {
    engine_ = LoadEngine(kRules + correlations);
    router_ = std::make_unique<MatchRouter>(engine_->correlations(), 64);
  }
  CorrelationIndex Index(const std::string& name) const {
    const auto& all = engine_->rules().correlations;
    for (CorrelationIndex i = 0; i < all.size(); ++i) {
      if (all[i].name == name) return i;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  std::unique_ptr<MatchRouter> router_;
};

constexpr char kByHost[] = "type: event_count, rules: [a], group-by: [Computer], condition: {gte: 2}";

TEST_F(MatchRouterTest, GroupsSpreadOverAllPartitions) {
  Load(Correlation("11", kByHost));
  std::set<int32_t> partitions;
  for (int n = 0; n < 2000; ++n)
    partitions.insert(router_->PartitionOf(Index("11"), {"pc-" + std::to_string(n)}));
  EXPECT_EQ(partitions.size(), 64U);
  EXPECT_EQ(*partitions.begin(), 0);
  EXPECT_EQ(*partitions.rbegin(), 63);
}

TEST_F(MatchRouterTest, WithoutGroupsThereIsOne) {
  Load(Correlation("11", "type: event_count, rules: [a], condition: {gte: 2}"));
  EXPECT_EQ(router_->PartitionOf(Index("11"), {}), router_->PartitionOf(Index("11"), {}));
}

TEST_F(MatchRouterTest, AChainOverTheSameGroupIsDividedByIt) {
  Load(Correlation("11", kByHost) +
       Correlation("22", "type: temporal, rules: ['11', b], group-by: [Computer]"));
  EXPECT_FALSE(router_->is_whole(Index("11")));
  EXPECT_FALSE(router_->is_whole(Index("22")));
  for (const char* host : {"x", "y", ""})
    EXPECT_EQ(router_->PartitionOf(Index("11"), {host}), router_->PartitionOf(Index("22"), {host}));
}

TEST_F(MatchRouterTest, AChainOverAnotherGroupIsNotDivided) {
  Load(Correlation("11", kByHost) + Correlation("22", "type: temporal, rules: ['11', b], group-by: [User]") +
       Correlation("33", "type: event_count, rules: ['22'], group-by: [User], condition: {gte: 2}"));
  for (const char* name : {"11", "22", "33"}) EXPECT_TRUE(router_->is_whole(Index(name))) << name;
  EXPECT_EQ(router_->PartitionOf(Index("11"), {"x"}), router_->PartitionOf(Index("22"), {"y"}));
}

TEST_F(MatchRouterTest, WhatLearnsFromAllGroupsIsNotDivided) {
  Load(Correlation(
           "11",
           "type: first_seen, rules: [a], group-by: [Computer], condition: {field: User, learning: 1d}") +
       Correlation("22", "type: first_seen, rules: [a], group-by: [Computer], condition: {field: User}"));
  EXPECT_TRUE(router_->is_whole(Index("11")));
  EXPECT_FALSE(router_->is_whole(Index("22")));
}

TEST_F(MatchRouterTest, WhatFoldsTogetherGoesTogether) {
  Load("");
  const Rule& a = engine_->rules().rules[0];
  EXPECT_EQ(router_->PartitionOf(a, {{"host", "x"}}), router_->PartitionOf(a, {{"host", "x"}}));
  std::set<int32_t> partitions;
  for (int n = 0; n < 2000; ++n) partitions.insert(router_->PartitionOf(a, {{"host", std::to_string(n)}}));
  EXPECT_EQ(partitions.size(), 64U);
}

// Where matches go is part of the state: another place would be another answer.
TEST_F(MatchRouterTest, PlacesNeverChange) {
  Load(Correlation("11", kByHost));
  EXPECT_EQ(router_->PartitionOf(Index("11"), {"pc-1"}), 37);
  EXPECT_EQ(router_->PartitionOf(Index("11"), {"pc-2"}), 50);
}

}  // namespace
}  // namespace redthread
