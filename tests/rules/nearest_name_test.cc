#include "rules/nearest_name.h"

#include <gtest/gtest.h>

#include "rules/modifier.h"

namespace redthread {
namespace {

TEST(NearestNameTest, CountsEditsAndSwapsUpToALimit) {
  const struct {
    const char* a;
    const char* b;
    size_t distance;  // 3: beyond the limit of 2
  } kCases[] = {
      {"", "", 0},           {"a", "", 1},           {"level", "level", 0},  {"Level", "lEVEL", 0},
      {"levle", "level", 1}, {"lvel", "level", 1},   {"levell", "level", 1}, {"lebel", "level", 1},
      {"elvle", "level", 2}, {"status", "level", 3}, {"ca", "abc", 3},       {"abcdef", "abc", 3},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(EditDistance(c.a, c.b, 2), c.distance) << c.a << " " << c.b;
    EXPECT_EQ(EditDistance(c.b, c.a, 2), c.distance) << c.b << " " << c.a;
  }
}

TEST(NearestNameTest, ShortWordsMustBeNearer) {
  const std::vector<std::string_view> names = {"re", "cidr", "contains", "title"};
  EXPECT_EQ(NearestName("contians", names), "contains");
  EXPECT_EQ(NearestName("titel", names), "title");
  EXPECT_EQ(NearestName("cdir", names), "cidr");
  EXPECT_EQ(NearestName("idr", names), "cidr");
  EXPECT_EQ(NearestName("abc", names), "");
  EXPECT_EQ(NearestName("xx", names), "") << "a word of other letters is no misspelling";
  EXPECT_EQ(Suggestion("contians", names, ", no idea"), ", did you mean `contains`?");
  EXPECT_EQ(Suggestion("whatever", names, ", no idea"), ", no idea");
}

TEST(NearestNameTest, JoinsNamesAsProse) {
  EXPECT_EQ(JoinNames({}), "");
  EXPECT_EQ(JoinNames({"a"}), "a");
  EXPECT_EQ(JoinNames({"a", "b"}), "a and b");
  EXPECT_EQ(JoinNames({"a", "b", "c"}), "a, b and c");
}

TEST(ModifierTest, EveryNameIsReadAndTheFirstIsShown) {
  EXPECT_GE(ModifierNames().size(), 34u);
  for (const std::string_view name : ModifierNames()) {
    const std::optional<Modifier> modifier = ParseModifier(name);
    ASSERT_TRUE(modifier.has_value()) << name;
    EXPECT_EQ(ParseModifier(ModifierName(*modifier)), modifier) << name;
  }
  EXPECT_EQ(ModifierName(*ParseModifier("dotall")), std::string_view("s"));
  EXPECT_FALSE(ParseModifier("Contains").has_value());
  EXPECT_FALSE(ParseModifier("").has_value());
}

}  // namespace
}  // namespace redthread
