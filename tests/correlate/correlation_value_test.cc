// The parts of the correlator by themselves: exact sums, numbers, the log that goes through a file.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>

#include "correlate/exact_sum.h"
#include "correlate/match_extractor.h"
#include "correlate/match_log.h"
#include "correlate/window_value.h"
#include "tests/oracle/dice.h"

namespace redthread {
namespace {

TEST(ExactSumTest, WhatLeavesTakesWithItWhatItBrought) {
  ExactSum sum;
  for (const double number : {0.1, 1e16, -1e300, 0.2, 5e-324, 1.7e308, 0.3}) sum.Add(number);
  for (const double number : {1e16, 1.7e308, 5e-324, -1e300}) sum.Subtract(number);
  EXPECT_EQ(sum.Rounded(), 0.6) << "0.1 + 0.2 + 0.3, rounded once";
  for (const double number : {0.1, 0.2, 0.3}) sum.Subtract(number);
  EXPECT_EQ(sum.Rounded(), 0);
}

TEST(ExactSumTest, RoundsOnceToNearestEven) {
  const struct {
    std::vector<double> numbers;
    double sum;
  } kCases[] = {
      {{}, 0},
      {{1, 0x1p-53}, 1},                       // a tie goes to even
      {{1, 0x1p-53, 0x1p-1074}, 1 + 0x1p-52},  // the least bit breaks it
      {{1 + 0x1p-52, 0x1p-53}, 1 + 0x1p-51},   // a tie the other way
      {{0x1.fffffffffffffp1023, 0x1p969}, 0x1.fffffffffffffp1023},
      {{0x1.fffffffffffffp1023, 0x1p970}, std::numeric_limits<double>::infinity()},
      {{-0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023}, -std::numeric_limits<double>::infinity()},
      {{5e-324, 5e-324, -1.5e-323}, -5e-324},
      {{1e300, -1e300, 1e-300}, 1e-300},
      {{-3, 2}, -1},
  };
  for (const auto& c : kCases) {
    ExactSum sum;
    for (const double number : c.numbers) sum.Add(number);
    EXPECT_EQ(sum.Rounded(), c.sum) << testing::PrintToString(c.numbers);
  }
}

TEST(ValueNumberTest, NumbersAreDecimalTexts) {
  const struct {
    const char* text;
    double number;
  } kGood[] = {{"5", 5},
               {"-5", -5},
               {"+4", 4},
               {"007", 7},
               {"1.50", 1.5},
               {"1e3", 1000},
               {"1E-3", 0.001},
               {"1e-400", 0},
               {"9007199254740993", 9007199254740992},
               {"123456789012345678901", 123456789012345678901.0}};
  for (const auto& c : kGood) EXPECT_EQ(ParseValueNumber(c.text), c.number) << c.text;
  for (const char* text : {"", "+", "-", "+-5", "abc", "0x10", " 1", "1 ", "1.", ".5", "1e", "1e999",
                           "-1e999", "nan", "inf", "1_000", "\xd9\xa1"}) {
    EXPECT_EQ(ParseValueNumber(text), std::nullopt) << text;
  }
}

TEST(CompositeTextTest, IsTheTextOfAJsonArray) {
  EXPECT_EQ(CompositeText({"x", "y"}), R"(["x", "y"])");
  EXPECT_EQ(CompositeText({"\"\\\n\x01/\xe2\x80\xa8"}), "[\"\\\"\\\\\\n\\u0001/\xe2\x80\xa8\"]");
}

TEST(MatchLogTest, KeepsItsOrderWhateverIsInTheFile) {
  for (const size_t block : {1U, 50U, 1'000U}) {
    Dice dice(block);
    const MatchLog::Options options = {block, 300, testing::TempDir()};
    MatchLog log(&options);
    std::deque<std::string> expected;
    uint64_t next = 0;
    MatchLog::Cursor follower(&log);
    uint64_t followed = 0;
    for (int step = 0; step < 5'000; ++step) {
      const bool grow = dice.Chance(step % 1'000 < 500 ? 80 : 20);
      if (grow || expected.empty()) {
        const std::string bytes = std::to_string(next) + std::string(dice.Below(60), 'x');
        ASSERT_TRUE(log.Append({static_cast<int64_t>(next++)}, bytes).ok());
        expected.push_back(bytes);
      } else {
        ASSERT_TRUE(log.PopFront().ok());
        expected.pop_front();
      }
      if (step == 2'500) {
        log.Clear();
        expected.clear();
      }
      ASSERT_EQ(log.begin(), next - expected.size());
      ASSERT_EQ(log.end(), next);
      if (!expected.empty()) {
        ASSERT_EQ(log.front_time().ns, static_cast<int64_t>(log.begin()));
      }
      if (follower.position() < log.begin()) follower.Seek(log.begin());
      if (follower.AtEnd() || dice.Chance(40)) continue;
      if (dice.Chance(2)) follower.Seek(log.begin() + dice.Below(expected.size()));
      Timestamp time;
      std::string_view bytes;
      ASSERT_TRUE(follower.Read(&time, &bytes).ok());
      ASSERT_EQ(time.ns, static_cast<int64_t>(follower.position()));
      ASSERT_EQ(bytes, expected[follower.position() - log.begin()]);
      follower.Next();
      ++followed;
    }
    EXPECT_GT(followed, 1'000U);
  }
}

TEST(CombinationsTest, AreCutWhereListsMultiply) {
  size_t visited = 0;
  const auto count = [&visited](const std::vector<size_t>&) { ++visited; };
  EXPECT_TRUE(ForEachCombination({}, count));
  EXPECT_EQ(visited, 1U) << "no list: the one empty combination";
  visited = 0;
  EXPECT_TRUE(ForEachCombination({{"a", "b"}, {}}, count));
  EXPECT_EQ(visited, 0U);
  EXPECT_TRUE(ForEachCombination({{"a", "b"}, {"c", "d", "e"}}, count));
  EXPECT_EQ(visited, 6U);
  visited = 0;
  EXPECT_FALSE(ForEachCombination({Texts(1'000, "x"), Texts(1'000, "x")}, count));
  EXPECT_EQ(visited, kMaxCombinations);
}

}  // namespace
}  // namespace redthread
