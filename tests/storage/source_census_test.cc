#include "storage/source_census.h"

#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kNoon = *ParseTimestamp("2026-11-22T12:00:00Z");

class SourceCensusTest : public StorageTest {
 protected:
  SourceCensus Of(Nanoseconds off, Nanoseconds wavering, int records = 100) const {
    SourceCensus census;
    for (int n = 0; n < records; ++n)
      census.NoteTime(kNoon + off + (n % 2 == 0 ? wavering : -wavering), kNoon);
    return census;
  }
};

TEST_F(SourceCensusTest, WhatWasCountedIsThereAgain) {
  Open();
  {
    StateTransaction transaction(database_.get());
    EXPECT_EQ(GetCensus(transaction, 7)->records, 0U);
    SourceCensus census = Of(hours(-2), seconds(3));
    census.Count(kNoon, 10, 1000);
    census.Count(kNoon + hours(1), 5, 500);
    census.formats[static_cast<size_t>(SourceFormat::kSyslog)] = 15;
    PutCensus(&transaction, 7, census);
    ASSERT_TRUE(IsOk(transaction.Commit()));
  }
  const auto reader = database_->Snapshot();
  const Result<SourceCensus> read = GetCensus(*reader, 7);
  ASSERT_TRUE(IsOk(read));
  EXPECT_EQ(read->records, 15U);
  EXPECT_EQ(read->bytes, 1500U);
  EXPECT_EQ(read->first_heard, kNoon);
  EXPECT_EQ(read->formats[static_cast<size_t>(SourceFormat::kSyslog)], 15U);
  EXPECT_EQ(read->LastDay(kNoon + hours(2)), 15U);
  EXPECT_EQ(read->ZoneSkew(), hours(-2));
  EXPECT_EQ(GetCensus(*reader, 8)->records, 0U);
}

TEST_F(SourceCensusTest, TheLastDayMovesOnByHours) {
  SourceCensus census;
  census.Count(kNoon, 1, 1);
  census.Count(kNoon - hours(5), 1, 1);  // a clock that was set back: it is counted as now
  census.Count(kNoon + hours(10), 2, 1);
  EXPECT_EQ(census.LastDay(kNoon + hours(10)), 4U);
  EXPECT_EQ(census.LastDay(kNoon + hours(23)), 4U);
  EXPECT_EQ(census.LastDay(kNoon + hours(24)), 2U);
  EXPECT_EQ(census.LastDay(kNoon + hours(34)), 0U);
  census.Count(kNoon + hours(1000), 1, 1);
  EXPECT_EQ(census.LastDay(kNoon + hours(1000)), 1U);
  EXPECT_EQ(census.records, 5U);
}

TEST_F(SourceCensusTest, SilentIsWhatWasHeardEveryHourAndIsNot) {
  SourceCensus busy, rare;
  for (int hour = 0; hour < 24; ++hour) busy.Count(kNoon + hours(hour), 1, 1);
  rare.Count(kNoon, 1, 1);
  rare.Count(kNoon + hours(23), 1, 1);
  const Timestamp last = kNoon + hours(23);
  EXPECT_FALSE(busy.IsSilent(last + hours(1)));
  EXPECT_TRUE(busy.IsSilent(last + hours(2)));
  EXPECT_FALSE(rare.IsSilent(last + hours(2))) << "it is often silent for hours";
  EXPECT_TRUE(rare.IsSilent(last + hours(26)));
  EXPECT_FALSE(SourceCensus().IsSilent(kNoon));
}

TEST_F(SourceCensusTest, AClockThatIsSteadilyOffIsToldFromOneThatWavers) {
  struct Case {
    Nanoseconds off, wavering;
    std::optional<Nanoseconds> skew, zone;
  };
  const Case cases[] = {
      {seconds(0), seconds(1), {}, {}},
      {minutes(4), seconds(1), {}, {}},
      {minutes(-7), seconds(2), minutes(-7), {}},
      {hours(2), seconds(2), hours(2), hours(2)},
      {hours(-5) - minutes(30) + seconds(40), seconds(2), hours(-5) - minutes(30) + seconds(40),
       hours(-5) - minutes(30)},
      {minutes(45) + minutes(3), seconds(2), minutes(48), {}},
      {hours(2), minutes(10), {}, {}},  // a relay that delivers late
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.off.count());
    const SourceCensus census = Of(c.off, c.wavering);
    EXPECT_EQ(census.SteadySkew().has_value(), c.skew.has_value());
    if (census.SteadySkew().has_value()) {
      EXPECT_NEAR((*census.SteadySkew() - *c.skew).count(), 0, 4e9);
    }
    EXPECT_EQ(census.ZoneSkew(), c.zone);
  }
  EXPECT_EQ(Of(hours(2), seconds(1), 10).SteadySkew(), std::nullopt) << "hardly known";
}

}  // namespace
}  // namespace redthread
