#include "core/facts_table.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

LogSourceFacts Service(const std::string& name) {
  LogSourceFacts facts;
  facts.products = {"zeek"};
  facts.services = {name};
  return facts;
}

TEST(FactsTableTest, EqualFactsHaveOneNumberAndNoFactsAreNumberZero) {
  FactsTable table;
  EXPECT_EQ(table.Intern({}), FactsTable::kNoFacts);
  const FactsId dns = table.Intern(Service("dns"));
  EXPECT_NE(dns, FactsTable::kNoFacts);
  EXPECT_EQ(table.Intern(Service("dns")), dns);
  EXPECT_NE(table.Intern(Service("conn")), dns);
  EXPECT_EQ(table.Get(dns), Service("dns"));
}

TEST(FactsTableTest, TextsThatRunTogetherAreToldApart) {
  FactsTable table;
  LogSourceFacts a = Service("x"), b = Service("x");
  a.products = {"ab", "c"};
  b.products = {"a", "bc"};
  EXPECT_NE(table.Intern(a), table.Intern(b));
  a = b = {};
  a.renames = {{"x", "y"}};
  b.categories = {{"x", {{"x", "y"}}}};
  EXPECT_NE(table.Intern(a), table.Intern(b));
}

TEST(FactsTableTest, WhatContentMakesIsBoundedAndLeavesRoomForTheRest) {
  FactsTable table;
  for (size_t i = 0; i < FactsTable::kMaxFromContent; ++i) {
    ASSERT_TRUE(table.InternFromContent(Service(std::to_string(i))).has_value());
  }
  EXPECT_FALSE(table.InternFromContent(Service("one more")).has_value());
  EXPECT_TRUE(table.InternFromContent(Service("7")).has_value());
  EXPECT_NE(table.Intern(Service("one more")), FactsTable::kNoFacts);
}

TEST(FactsTableTest, NumbersWhatIsDeclared) {
  FactsTable table;
  EXPECT_EQ(table.Declare({}), FactsTable::kNotDeclared);
  const DeclaredLogSource windows{{"windows"}, {}, {}};
  const uint32_t id = table.Declare(windows);
  EXPECT_EQ(table.Declare(windows), id);
  EXPECT_EQ(table.Declared(id), windows);
}

}  // namespace
}  // namespace redthread
