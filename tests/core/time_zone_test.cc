#include "core/time_zone.h"

#include <gtest/gtest.h>

#include "core/timestamp.h"

namespace redthread {
namespace {

int64_t Wall(int year, int month, int day, int hour, int minute) {
  return DaysFromCivil(year, month, day) * 86'400 + hour * 3600 + minute * 60;
}

// Seconds east of UTC.
int32_t OffsetAt(const TimeZone& zone, int64_t wall) {
  const TimeZone::Span span = zone.At(wall);
  EXPECT_TRUE(span.Holds(wall));
  return span.offset;
}

std::shared_ptr<const TimeZone> Zone(const std::string& name) {
  const Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Load(name);
  EXPECT_TRUE(zone.ok()) << name << ": " << zone.status().message();
  return zone.ok() ? *zone : nullptr;
}

constexpr int32_t kHour = 3600;

TEST(TimeZoneTest, ReadsTheClockOfAPlaceInSummerAndWinter) {
  const auto berlin = Zone("Europe/Berlin");
  ASSERT_NE(berlin, nullptr);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 12, 10, 6, 55)), kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 7, 10, 6, 55)), 2 * kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(1970, 7, 1, 0, 0)), kHour);  // there was none then
  // Beyond what the file lists: by the rule in its last line.
  EXPECT_EQ(OffsetAt(*berlin, Wall(2150, 7, 10, 12, 0)), 2 * kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2150, 12, 10, 12, 0)), kHour);
  const auto sydney = Zone("Australia/Sydney");
  ASSERT_NE(sydney, nullptr);
  EXPECT_EQ(OffsetAt(*sydney, Wall(2026, 1, 15, 0, 0)), 11 * kHour);
  EXPECT_EQ(OffsetAt(*sydney, Wall(2026, 7, 15, 0, 0)), 10 * kHour);
}

TEST(TimeZoneTest, ATimeThatStandsTwiceIsTheFirstOfTheTwo) {
  const auto berlin = Zone("Europe/Berlin");
  ASSERT_NE(berlin, nullptr);
  // 2016-10-30 03:00 summer time became 02:00.
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 10, 30, 1, 59)), 2 * kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 10, 30, 2, 0)), 2 * kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 10, 30, 2, 59)), 2 * kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 10, 30, 3, 0)), kHour);
}

TEST(TimeZoneTest, ATimeThatStandsNotAtAllIsReadAsIfTheClockHadNotBeenPutForward) {
  const auto berlin = Zone("Europe/Berlin");
  ASSERT_NE(berlin, nullptr);
  // 2016-03-27 02:00 became 03:00.
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 3, 27, 1, 59)), kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 3, 27, 2, 30)), kHour);
  EXPECT_EQ(OffsetAt(*berlin, Wall(2016, 3, 27, 3, 0)), 2 * kHour);
}

TEST(TimeZoneTest, ReadsPosixRules) {
  const auto rule = TimeZone::FromRule("CET-1CEST,M3.5.0,M10.5.0/3");
  const auto file = Zone("Europe/Berlin");
  ASSERT_NE(rule, nullptr);
  ASSERT_NE(file, nullptr);
  for (int64_t wall = Wall(2010, 1, 1, 0, 0); wall < Wall(2030, 1, 1, 0, 0); wall += 1800)
    ASSERT_EQ(OffsetAt(*rule, wall), OffsetAt(*file, wall)) << wall;
  const auto nuuk = TimeZone::FromRule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
  ASSERT_NE(nuuk, nullptr);
  EXPECT_EQ(OffsetAt(*nuuk, Wall(2026, 1, 1, 0, 0)), -2 * kHour);
  EXPECT_EQ(OffsetAt(*nuuk, Wall(2026, 7, 1, 0, 0)), -kHour);
  const auto julian = TimeZone::FromRule("AAA3BBB,J60/0,300/0");
  ASSERT_NE(julian, nullptr);
  EXPECT_EQ(OffsetAt(*julian, Wall(2024, 2, 29, 12, 0)), -3 * kHour);
  EXPECT_EQ(OffsetAt(*julian, Wall(2024, 3, 1, 12, 0)), -2 * kHour);
  for (const char* bad :
       {"", "C", "CET", "CET-", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "<>1", "CET-999", "CET-1:99"}) {
    EXPECT_EQ(TimeZone::FromRule(bad), nullptr) << bad;
  }
}

TEST(TimeZoneTest, KnowsFixedDistances) {
  for (const auto& [name, offset] : std::initializer_list<std::pair<const char*, int32_t>>{
           {"UTC", 0}, {"Z", 0}, {"+02:00", 7200}, {"-0530", -19800}, {"+2", 7200}, {"+14", 50400}}) {
    const auto zone = Zone(name);
    ASSERT_NE(zone, nullptr);
    EXPECT_EQ(OffsetAt(*zone, Wall(2026, 7, 1, 0, 0)), offset) << name;
  }
}

TEST(TimeZoneTest, RefusesWhatIsNoZone) {
  for (const char* bad :
       {"", "Europe/Atlantis", "/etc/passwd", "../../../etc/passwd", "+25:00", "+1:2:3", "2", "tzdata.zi"})
    EXPECT_EQ(TimeZone::Load(bad).status().code(), StatusCode::kInvalid) << bad;
}

TEST(TimeZoneTest, ADamagedFileIsNoZone) {
  // Version 2, no transitions, one kind: UTC+1. The first block is of version 1's size.
  const auto block = [](int64_t) {
    std::string bytes = "TZif2" + std::string(15, '\0');
    for (const char count : {0, 0, 0, 0, 1, 4}) bytes += std::string(3, '\0') + count;
    return bytes + std::string("\0\0\x0e\x10\0\0", 6) + std::string("ABC\0", 4);
  };
  const std::string file = block(4) + block(8) + "\nABC-1\n";
  ASSERT_NE(TimeZone::FromFile(file), nullptr);
  EXPECT_EQ(OffsetAt(*TimeZone::FromFile(file), 0), kHour);
  for (size_t size = 0; size < file.size() - 8; ++size)
    EXPECT_EQ(TimeZone::FromFile(file.substr(0, size)), nullptr) << size;
  EXPECT_EQ(TimeZone::FromFile(block(4) + block(8) + "\nno rule\n"), nullptr);
}

}  // namespace
}  // namespace redthread
