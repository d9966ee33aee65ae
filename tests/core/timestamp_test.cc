#include "core/timestamp.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

TEST(ParseTimestampTest, ReadsEveryFormThatLogsWrite) {
  struct Case {
    const char* text;
    const char* time;
  };
  const Case kCases[] = {
      {"2016-12-10T07:51:17", "2016-12-10T07:51:17.000000000Z"},
      {"2016-12-10 07:51:17.5", "2016-12-10T07:51:17.500000000Z"},
      {"2016-12-10 07:51:17,123456789987", "2016-12-10T07:51:17.123456789Z"},
      {" 2016-12-10T07:51:17Z ", "2016-12-10T07:51:17.000000000Z"},
      {"2016-12-10T07:51:17.1+05:30", "2016-12-10T02:21:17.100000000Z"},
      {"2016-12-10T07:51:17-0100", "2016-12-10T08:51:17.000000000Z"},
      {"2016-02-29T00:00:00 Z", "2016-02-29T00:00:00.000000000Z"},
      {"1481356277", "2016-12-10T07:51:17.000000000Z"},
      {"1481356277.25", "2016-12-10T07:51:17.250000000Z"},
      {"1481356277250", "2016-12-10T07:51:17.250000000Z"},
      {"1969-12-31T23:59:59.5", "1969-12-31T23:59:59.500000000Z"},
  };
  for (const Case& c : kCases) {
    const auto t = ParseTimestamp(c.text);
    ASSERT_TRUE(t.has_value()) << c.text;
    EXPECT_EQ(FormatTimestamp(*t), c.time) << c.text;
  }
  for (const char* bad :
       {"", "soon", "2016-12-10", "2016-12-10T07:51", "2015-02-29T00:00:00", "2016-13-01T00:00:00",
        "2016-12-10T24:00:00", "2016-12-10T07:51:17.", "2016-12-10T07:51:17X", "2016-12-10T07:51:17+5",
        "12345678", "123456789012345", "1481356277.", "1600-01-01T00:00:00", "2300-01-01T00:00:00"}) {
    EXPECT_FALSE(ParseTimestamp(bad).has_value()) << bad;
  }
}

TEST(ParseNumericTimestampTest, CountsTheDigitsAsWritten) {
  EXPECT_EQ(ParseNumericTimestamp("1481356277.123456789")->ns, 1481356277123456789);
  EXPECT_EQ(ParseNumericTimestamp("1481356277.1234567899")->ns, 1481356277123456789);
  EXPECT_EQ(ParseNumericTimestamp("1481356277123")->ns, 1481356277123000000);
  EXPECT_EQ(ParseNumericTimestamp("1481356277123.5")->ns, 1481356277123500000);
  EXPECT_EQ(ParseNumericTimestamp("1.5e9")->ns, 1500000000000000000);
  EXPECT_EQ(ParseNumericTimestamp("100000000000"), std::nullopt);  // 1e11 seconds: beyond the range
  for (const char* bad : {"0", "-1", "1e30", "1e999999", "0.0", ""}) {
    EXPECT_FALSE(ParseNumericTimestamp(bad).has_value()) << bad;
  }
}

TEST(CalendarPartsTest, TakesTheDigitsWithoutConvertingZones) {
  const auto p = ParseCalendarParts("2024-03-07T23:45:06+05:00");
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(p->hour, 23);
  EXPECT_EQ(p->day, 7);
  EXPECT_EQ(p->iso_week, 10);
  EXPECT_EQ(ParseCalendarParts("2021-01-03T00:00:00")->iso_week, 53);
  EXPECT_EQ(ParseCalendarParts("2024-12-30T00:00:00")->iso_week, 1);
  const auto no_day = ParseCalendarParts("2002-05-94 05:31");
  ASSERT_TRUE(no_day.has_value());
  EXPECT_EQ(no_day->day, 94);
  EXPECT_EQ(no_day->minute, 31);
  EXPECT_EQ(no_day->iso_week, std::nullopt);
}

TEST(TimespanTest, KnowsSigmasUnits) {
  EXPECT_EQ(ParseTimespan("90s"), std::chrono::seconds(90));
  EXPECT_EQ(ParseTimespan("1M"), std::chrono::seconds(2629746));
  for (const char* bad : {"", "s", "10", "-1s", "1.5h", "10 m", "999999999999y"})
    EXPECT_EQ(ParseTimespan(bad), std::nullopt) << bad;
}

TEST(TimestampTest, ArithmeticSaturates) {
  EXPECT_EQ(Timestamp::Min() - std::chrono::hours(1), Timestamp::Min());
  EXPECT_EQ(Timestamp::Max() + std::chrono::hours(1), Timestamp::Max());
}

TEST(TimestampTest, ADurationIsToldInItsTwoGreatestUnits) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0 s"},      {59, "59 s"},        {60, "1 min"},           {61, "1 min 1 s"},
      {3'600, "1 h"},  {3'659, "1 h"},      {11'520, "3 h 12 min"},  {86'399, "23 h 59 min"},
      {86'400, "1 d"}, {90'059, "1 d 1 h"}, {86'400 * 400, "400 d"},
  };
  for (const auto& [seconds, words] : cases) {
    EXPECT_EQ(DurationWords(std::chrono::seconds(seconds)), words) << seconds;
  }
  EXPECT_EQ(DurationWords(Nanoseconds(1'999'999'999)), "1 s");
}

}  // namespace
}  // namespace redthread
