#include "rules/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace redthread {
namespace {

using ::testing::HasSubstr;
using Names = std::vector<std::string_view>;

const Names kNames = {"sel", "filter_a", "filter_b", "_hidden", "keywords", "1"};

TEST(ConditionTest, BindsNotBeforeAndBeforeOr) {
  const struct {
    const char* condition;
    const char* expected;  // with every selector written out
  } kCases[] = {
      {"sel", "sel"},
      {"(sel)", "sel"},
      {"  sel\n  and\tkeywords ", "sel and keywords"},
      {"sel and not filter_a or keywords", "sel and not filter_a or keywords"},
      {"sel or keywords and filter_a", "sel or keywords and filter_a"},
      {"(sel or keywords) and filter_a", "(sel or keywords) and filter_a"},
      {"not (sel or keywords)", "not (sel or keywords)"},
      {"not not sel", "not not sel"},
      {"NOT sel AND keywords Or sel", "not sel and keywords or sel"},
      {"sel and (keywords and filter_a)", "sel and (keywords and filter_a)"},
      {"1 of filter_*", "filter_a or filter_b"},
      {"any of filter_*", "filter_a or filter_b"},
      {"all of filter_*", "filter_a and filter_b"},
      {"ALL OF filter_*", "filter_a and filter_b"},
      {"sel and not 1 of filter_*", "sel and not (filter_a or filter_b)"},
      {"1 of them", "sel or filter_a or filter_b or keywords or 1"},
      {"all of Them", "sel and filter_a and filter_b and keywords and 1"},
      {"1 of *", "sel or filter_a or filter_b or keywords or 1"},
      {"1 of _*", "_hidden"},
      {"_hidden", "_hidden"},
      {"1 of *ter_*", "filter_a or filter_b"},
      {"1 of filter_a", "filter_a"},
      {"all of *_b", "filter_b"},
      {"1", "1"},
      {"1 and sel", "1 and sel"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.condition);
    ConditionNode node;
    ConditionError error;
    ASSERT_TRUE(ParseCondition(c.condition, kNames, &node, &error)) << error.message;
    EXPECT_EQ(ConditionText(node, kNames), c.expected);
  }
}

TEST(ConditionTest, RefusesWhatItDoesNotKnowAtItsPlace) {
  const struct {
    const char* condition;
    size_t offset;
    const char* message;
  } kCases[] = {
      {"", 0, "empty"},
      {"   ", 3, "ends too early"},
      {"sel and", 7, "ends too early"},
      {"sel and or keywords", 8, "`or` stands where a name is expected"},
      {"sel keywords", 4, "`keywords` stands where `and` or `or` is expected"},
      {"(sel", 0, "never closed"},
      {"sel)", 3, "`)` without `(`"},
      {"()", 1, "where a name is expected"},
      {"sel and filter_c", 8, "`filter_c` is no search of this rule, did you mean `filter_a`?"},
      {"selection_process", 0, "is no search of this rule, it has sel, filter_a"},
      {"Sel", 0, "did you mean `sel`?"},
      {"filter_*", 0, "write `1 of filter_*` or `all of filter_*`"},
      {"1 of", 4, "a pattern is missing"},
      {"1 of nothing*", 5, "matches no search"},
      {"1 of filter", 5, "matches no search"},
      {"all of hidden", 7, "matches no search"},
      {"2 of filter_*", 0, "write `1 of`, `any of` or `all of`"},
      {"sel | count() > 5", 4, "Sigma 1"},
      {"sel and f\xC3\xBC", 9, "has no place in a condition"},
      {"sel & keywords", 4, "`&` has no place in a condition"},
      {"not", 3, "ends too early"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.condition);
    ConditionNode node;
    ConditionError error;
    EXPECT_FALSE(ParseCondition(c.condition, kNames, &node, &error));
    EXPECT_THAT(error.message, HasSubstr(c.message));
    EXPECT_EQ(error.offset, c.offset) << error.message;
  }
}

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ConditionTest, HostileConditionsAreRefusedWithoutUsingTheStack) {
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back("s" + std::to_string(i));
  const Names names(many.begin(), many.end());
  const struct {
    const char* what;
    std::string condition;
    const char* message;
  } kCases[] = {
      {"parentheses", Repeat("(", 30'000) + "s1" + Repeat(")", 30'000), "nested deeper than 64"},
      {"negations", Repeat("not ", 10'000) + "s1", "nested deeper than 64"},
      {"both", Repeat("not (", 33) + "s1" + Repeat(")", 33), "nested deeper than 64"},
      {"length", Repeat("s1 or ", 20'000) + "s1", "longer than 64 KiB"},
      {"selectors", Repeat("1 of them or ", 1'000) + "s1", "more than 20000 terms"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    ConditionNode node;
    ConditionError error;
    EXPECT_FALSE(ParseCondition(c.condition, names, &node, &error));
    EXPECT_THAT(error.message, HasSubstr(c.message));
    EXPECT_LE(error.offset, c.condition.size());
  }
  ConditionNode node;
  ConditionError error;
  EXPECT_TRUE(ParseCondition(Repeat("(", 64) + "s1" + Repeat(")", 64), names, &node, &error))
      << error.message;
  EXPECT_TRUE(ParseCondition(Repeat("not ", 64) + "s1", names, &node, &error)) << error.message;
}

}  // namespace
}  // namespace redthread
