#include "correlate/group_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace redthread {
namespace {

struct Group {
  uint64_t hash = 0;
  std::string key;
};

class GroupTableTest : public ::testing::Test {
 protected:
  Group* Insert(const std::string& key, uint64_t hash) {
    auto group = std::make_unique<Group>();
    group->hash = hash;
    group->key = key;
    return table_.Insert(std::move(group));
  }
  GroupTable<Group> table_;
};

TEST_F(GroupTableTest, AnEmptyTableHasNothing) {
  EXPECT_EQ(table_.Find(table_.Hash("a"), "a"), nullptr);
  EXPECT_EQ(table_.Candidate(table_.Hash("a")), nullptr);
  table_.Prefetch(table_.Hash("a"));
}

TEST_F(GroupTableTest, GroupsOfOneHashAreToldApartByTheirKeys) {
  Group* const a = Insert("a", 7);
  Group* const b = Insert("b", 7);
  EXPECT_EQ(table_.Find(7, "a"), a);
  EXPECT_EQ(table_.Find(7, "b"), b);
  EXPECT_EQ(table_.Find(7, "c"), nullptr);
  EXPECT_EQ(table_.Candidate(7), a);
  table_.Erase(a);
  EXPECT_EQ(table_.Find(7, "a"), nullptr);
  EXPECT_EQ(table_.Find(7, "b"), b);
}

TEST_F(GroupTableTest, TwoTablesHashDifferently) {
  EXPECT_NE(table_.Hash("key"), GroupTable<Group>().Hash("key"));
}

// Few hashes, at both ends of the table, so that groups stand far from where they belong.
TEST_F(GroupTableTest, DoesWhatAMapDoes) {
  std::mt19937 dice(7);
  std::map<std::string, Group*> expected;
  for (int n = 0; n < 20'000; ++n) {
    const std::string key = std::to_string(dice() % 200);
    const uint64_t hash = ~uint64_t{0} - std::stoul(key) % 9;
    const auto found = expected.find(key);
    ASSERT_EQ(table_.Find(hash, key), found == expected.end() ? nullptr : found->second);
    if (found == expected.end()) {
      expected[key] = Insert(key, hash);
    } else if (dice() % 2 == 0) {
      table_.Erase(found->second);
      expected.erase(found);
    }
    ASSERT_EQ(table_.size(), expected.size());
  }
  std::map<std::string, Group*> seen;
  table_.ForEach([&](Group* group) { seen[group->key] = group; });
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace redthread
