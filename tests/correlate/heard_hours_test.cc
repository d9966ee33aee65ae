#include "correlate/heard_hours.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

// `hours` of each of `days` days, one after the other.
HeardHours Heard(int64_t first, int days, int hours) {
  HeardHours heard;
  for (int64_t day = 0; day < days; ++day) {
    for (int64_t hour = 24 - hours; hour < 24; ++hour) heard.Note(first + day * 24 + hour);
  }
  return heard;
}

TEST(HeardHoursTest, RegularIsTwentyHoursOnFiveOfSevenDays) {
  for (const int64_t first : {int64_t{-1'000}, int64_t{490'896}}) {
    EXPECT_TRUE(Heard(first, 5, 20).Regular());
    EXPECT_TRUE(Heard(first, 30, 24).Regular());
    EXPECT_FALSE(Heard(first, 4, 24).Regular());
    EXPECT_FALSE(Heard(first, 7, 19).Regular());
  }
  EXPECT_FALSE(HeardHours().Regular());
}

TEST(HeardHoursTest, DaysAreCountedBackFromTheLastHour) {
  HeardHours heard = Heard(0, 5, 24);
  heard.Note(5 * 24);
  EXPECT_TRUE(heard.Regular()) << "the hours are the same, an hour further back";
  heard.Note(7 * 24 - 1);
  EXPECT_TRUE(heard.Regular()) << "a weekend does no harm";
  heard.Note(7 * 24 + 4);
  EXPECT_TRUE(heard.Regular()) << "of the latest of the five days 20 hours are left";
  heard.Note(7 * 24 + 5);
  EXPECT_FALSE(heard.Regular());
  heard.Clear();
  heard.Note(7 * 24 + 6);
  EXPECT_FALSE(heard.Regular());
}

TEST(HeardHoursTest, WhatLiesAWeekBackCountsNoMore) {
  HeardHours heard = Heard(0, 7, 24);
  heard.Note(14 * 24);
  EXPECT_FALSE(heard.Regular());
  heard.Note(9'000'000'000'000);
  EXPECT_FALSE(heard.Regular());
}

TEST(HeardHoursTest, HoursBeginAtTheFullHourAlsoBefore1970) {
  constexpr int64_t kHour = 3'600'000'000'000;
  EXPECT_EQ(HeardHours::HourOf({0}), 0);
  EXPECT_EQ(HeardHours::HourOf({kHour - 1}), 0);
  EXPECT_EQ(HeardHours::HourOf({kHour}), 1);
  EXPECT_EQ(HeardHours::HourOf({-1}), -1);
  EXPECT_EQ(HeardHours::HourOf({-kHour}), -1);
  EXPECT_EQ(HeardHours::HourOf({-kHour - 1}), -2);
}

}  // namespace
}  // namespace redthread
