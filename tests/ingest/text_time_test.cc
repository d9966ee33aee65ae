#include "ingest/text_time.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

using Take = bool (*)(std::string_view*, WallTime*);

struct Case {
  Take take;
  std::string_view text;
  const char* expected;  // as FormatTimestamp writes it, or what is left of the text; null: no time
  std::string_view rest = "";
};

// Without zone and year: UTC, and the year of the last second of 2016.
std::optional<Timestamp> Resolve(const WallTime& time, const RecordOrigin& origin) {
  TextClock clock;
  clock.Begin(origin);
  return clock.Resolve(time);
}

RecordOrigin OriginOf(const char* written) {
  RecordOrigin origin;
  origin.written = *ParseTimestamp(written);
  return origin;
}

TEST(TextTimeTest, ReadsTheTimesOfTextLogs) {
  const RecordOrigin origin = OriginOf("2016-12-31T23:59:59Z");
  const std::vector<Case> cases = {
      {TakeBsdTime, "Dec 10 06:55:46 x", "2016-12-10T06:55:46.000000000Z", " x"},
      {TakeBsdTime, "Dec  1 06:55:46", "2016-12-01T06:55:46.000000000Z"},
      {TakeBsdTime, "Dec 1 06:55:46", "2016-12-01T06:55:46.000000000Z"},
      {TakeBsdTime, "Mar 01 2005 06:55:46.25 x", "2005-03-01T06:55:46.250000000Z", " x"},
      {TakeBsdTime, "Feb 29 00:00:00", "2016-02-29T00:00:00.000000000Z"},
      {TakeBsdTime, "Jun 30 23:59:60", "2016-07-01T00:00:00.000000000Z"},
      {TakeBsdTime, "Dec 32 06:55:46", nullptr},
      {TakeBsdTime, "Dec 0 06:55:46", nullptr},
      {TakeBsdTime, "dec 10 06:55:46", nullptr},
      {TakeBsdTime, "Dec 10 24:00:00", nullptr},
      {TakeBsdTime, "Dec 10 06:55", nullptr},
      {TakeBsdTime, "Dec", nullptr},
      {TakeBsdTime, "", nullptr},
      {TakeIsoTime, "2016-12-10T06:55:46.123456789+01:00 x", "2016-12-10T05:55:46.123456789Z", " x"},
      {TakeIsoTime, "2016-12-10 06:55:46,978 INFO", "2016-12-10T06:55:46.978000000Z", " INFO"},
      {TakeIsoTime, "2016-12-10T06:55:46.1234567891Z", "2016-12-10T06:55:46.123456789Z"},
      {TakeIsoTime, "2016-12-10T06:55:46-0330", "2016-12-10T10:25:46.000000000Z"},
      {TakeIsoTime, "2016-12-10T06:55:46. x", "2016-12-10T06:55:46.000000000Z", ". x"},
      {TakeIsoTime, "2016-13-10T06:55:46", nullptr},
      {TakeIsoTime, "2016-12-10x06:55:46", nullptr},
      {TakeIsoTime, "2016-12-10T06:55:46+1:00", nullptr},
      {TakeClfTime, "17/May/2015:10:05:03 +0000]", "2015-05-17T10:05:03.000000000Z", "]"},
      {TakeClfTime, "17/May/2015:10:05:03 -0700", "2015-05-17T17:05:03.000000000Z"},
      {TakeClfTime, "17/Mai/2015:10:05:03 +0000", nullptr},
      {TakeCtime, "Sun Dec 04 04:47:44 2005]", "2005-12-04T04:47:44.000000000Z", "]"},
      {TakeCtime, "Sun Dec  4 04:47:44.123456 2005", "2005-12-04T04:47:44.123456000Z"},
      {TakeCtime, "unD Dec 04 04:47:44 2005", nullptr},
      {TakeCtime, "Sun Dec 04 04:47:44", nullptr},
      {TakeSlashedTime, "2015/05/17 10:05:03 [", "2015-05-17T10:05:03.000000000Z", " ["},
      {TakeSlashedTime, "2015/5/17 10:05:03", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    std::string_view text = c.text;
    WallTime time;
    EXPECT_EQ(c.take(&text, &time), c.expected != nullptr);
    if (c.expected == nullptr) {
      EXPECT_EQ(text, c.text);
      continue;
    }
    const std::optional<Timestamp> resolved = Resolve(time, origin);
    ASSERT_TRUE(resolved.has_value());
    EXPECT_EQ(FormatTimestamp(*resolved), c.expected);
    EXPECT_EQ(text, c.rest);
  }
}

TEST(TextTimeTest, ADayThatDoesNotExistIsNoTime) {
  const RecordOrigin origin = OriginOf("2016-12-31T23:59:59Z");
  WallTime time;
  time.year = 2015;
  time.month = 2;
  time.day = 29;
  EXPECT_FALSE(Resolve(time, origin).has_value());
  time.day = 28;
  EXPECT_TRUE(Resolve(time, origin).has_value());
  time.year = 9999;
  EXPECT_FALSE(Resolve(time, origin).has_value());
}

// The year that a line without one is given.
int YearOf(const char* line_time, const RecordOrigin& origin) {
  std::string_view text = line_time;
  WallTime time;
  EXPECT_TRUE(TakeBsdTime(&text, &time)) << line_time;
  TextClock clock;
  clock.Begin(origin);
  return clock.Resolve(time).has_value() ? clock.assumed_year() : 0;
}

TEST(TextTimeTest, WithoutAYearItIsTheLatestThatIsNotAfterTheLastChange) {
  const RecordOrigin new_year = OriginOf("2017-01-02T08:00:00Z");
  EXPECT_EQ(YearOf("Jan  2 07:59:59", new_year), 2017);
  EXPECT_EQ(YearOf("Jan  1 00:00:00", new_year), 2017);
  EXPECT_EQ(YearOf("Dec 31 23:59:59", new_year), 2016);
  // Clocks and zones differ: up to a day ahead is no reason to go back a year.
  EXPECT_EQ(YearOf("Jan  3 07:59:59", new_year), 2017);
  EXPECT_EQ(YearOf("Jan  3 08:00:01", new_year), 2016);
  EXPECT_EQ(YearOf("Jan  1 06:00:00", OriginOf("2016-12-31T12:00:00Z")), 2017);
  // A leap day is of the latest year that has one.
  EXPECT_EQ(YearOf("Feb 29 12:00:00", new_year), 2016);
  EXPECT_EQ(YearOf("Feb 29 12:00:00", OriginOf("1903-03-01T00:00:00Z")), 1896);
  EXPECT_EQ(YearOf("Feb 30 12:00:00", new_year), 0);
}

TEST(TextTimeTest, AYearThatIsGivenHoldsForAllThatNameNone) {
  RecordOrigin origin = OriginOf("2026-01-02T08:00:00Z");
  origin.year = 2005;
  EXPECT_EQ(YearOf("Dec 31 23:59:59", origin), 2005);
  EXPECT_EQ(YearOf("Feb 29 00:00:00", origin), 0);
}

TEST(TextTimeTest, ZonesHoldForTimesThatNameNone) {
  RecordOrigin origin = OriginOf("2016-12-31T23:59:59Z");
  const auto berlin = TimeZone::Load("Europe/Berlin");
  ASSERT_TRUE(berlin.ok());
  origin.zone = berlin->get();
  TextClock clock;
  const auto at = [&](std::string_view text) {
    WallTime time;
    EXPECT_TRUE(TakeIsoTime(&text, &time));
    clock.Begin(origin);
    return FormatTimestamp(clock.Resolve(time).value_or(Timestamp{}));
  };
  EXPECT_EQ(at("2016-12-10T06:55:46"), "2016-12-10T05:55:46.000000000Z");
  EXPECT_EQ(at("2016-12-10T06:55:46Z"), "2016-12-10T06:55:46.000000000Z");
  EXPECT_EQ(at("2016-07-10T06:55:46"), "2016-07-10T04:55:46.000000000Z");
  EXPECT_EQ(at("2016-10-30T02:30:00"), "2016-10-30T00:30:00.000000000Z");  // the first of the two
  EXPECT_EQ(at("2016-03-27T02:30:00"), "2016-03-27T01:30:00.000000000Z");  // 03:30
  // The same clock for another source.
  origin.zone = nullptr;
  EXPECT_EQ(at("2016-12-10T06:55:46"), "2016-12-10T06:55:46.000000000Z");
}

}  // namespace
}  // namespace redthread
