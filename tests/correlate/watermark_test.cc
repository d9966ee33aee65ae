// Watermark: what moves it, what holds it, and that it never goes back.
#include "correlate/watermark.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

constexpr Nanoseconds kMinute = std::chrono::minutes(1);
constexpr Nanoseconds kLateness = 5 * kMinute;
constexpr Nanoseconds kStart{0};

Timestamp At(int minute) { return Timestamp{} + kMinute * minute; }

TEST(WatermarkTest, IsUnknownWhileASourceHasNotSpoken) {
  Watermark watermark(kLateness);
  EXPECT_EQ(watermark.At(kStart), Timestamp::Min());
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  EXPECT_EQ(watermark.At(kStart), Timestamp::Min());
  EXPECT_EQ(watermark.Of(2), std::nullopt);
  watermark.Observe(2, At(50), At(200));
  EXPECT_EQ(watermark.At(kStart), At(45));
}

TEST(WatermarkTest, IsTheLeastOverTheSourcesLessTheLateness) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.Observe(2, At(60), At(200));
  EXPECT_EQ(watermark.At(kStart), At(55));
  watermark.Observe(2, At(150), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
  EXPECT_EQ(watermark.Of(1), At(95));
  EXPECT_EQ(watermark.Of(2), At(145));
}

TEST(WatermarkTest, AForgedOrFastClockMovesNothingAheadOfArrival) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, Timestamp::Max(), At(200));
  EXPECT_EQ(watermark.At(kStart), At(195));
}

TEST(WatermarkTest, AnOldRecordDoesNotPullItsSourceBack) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.Observe(1, At(10), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
}

TEST(WatermarkTest, TheLeastTimeOfAllDoesNotOverflow) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, Timestamp::Min(), At(200));
  EXPECT_EQ(watermark.At(kStart), Timestamp::Min());
}

TEST(WatermarkTest, ASourceAtItsEndDoesNotHoldOthersBack) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(10), At(200));
  watermark.Observe(2, At(100), At(200));
  EXPECT_EQ(watermark.At(kStart), At(5));
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(kStart), At(95));
}

TEST(WatermarkTest, ASourceThatSpeaksAgainHoldsButPullsNothingBack) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(10), At(200));
  watermark.Observe(2, At(100), At(200));
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(kStart), At(95));
  watermark.SetHolds(1, true);
  watermark.Observe(1, At(20), At(200));
  watermark.Observe(2, At(150), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
}

TEST(WatermarkTest, ANewcomerNeverPullsItBack) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
  watermark.AddSource(2, std::nullopt);
  EXPECT_EQ(watermark.At(kStart), At(95));
  watermark.Observe(2, At(1), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
}

TEST(WatermarkTest, WhenAllAreAtTheirEndItGoesOnWithTheElapsedTime) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.Observe(2, At(60), At(200));
  watermark.SetHolds(1, false);
  watermark.SetHolds(2, false);
  const Nanoseconds fell_idle = 7 * kMinute;
  EXPECT_EQ(watermark.At(fell_idle), At(95));
  EXPECT_EQ(watermark.At(fell_idle + 3 * kMinute), At(98));
  EXPECT_EQ(watermark.At(fell_idle + 60 * kMinute), At(155));
}

TEST(WatermarkTest, AfterAWakingTheIdleTimeIsCountedAnew) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(kStart), At(95));
  EXPECT_EQ(watermark.At(10 * kMinute), At(105));
  watermark.SetHolds(1, true);
  watermark.Observe(1, At(120), At(200));
  EXPECT_EQ(watermark.At(20 * kMinute), At(115));
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(30 * kMinute), At(115));
  EXPECT_EQ(watermark.At(31 * kMinute), At(116));
}

TEST(WatermarkTest, IdleSourcesThatNeverHadATimeLeaveItUnknown) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(kStart), Timestamp::Min());
  EXPECT_EQ(watermark.At(100 * kMinute), Timestamp::Min());
}

TEST(WatermarkTest, TheStageGoesOnWhereAnEarlierRunLeftIt) {
  Watermark watermark(kLateness, At(100));
  EXPECT_EQ(watermark.At(kStart), At(100));
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, At(50), At(200));
  EXPECT_EQ(watermark.At(kStart), At(100));
  watermark.Observe(1, At(120), At(200));
  EXPECT_EQ(watermark.At(kStart), At(115));
}

TEST(WatermarkTest, AtTheEndOfInputItIsTheGreatestTimeSeen) {
  Watermark watermark(kLateness);
  EXPECT_EQ(watermark.AtEndOfInput(), Timestamp::Min());
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  EXPECT_EQ(watermark.AtEndOfInput(), At(100));
  watermark.Observe(1, Timestamp::Max(), At(200));
  EXPECT_EQ(watermark.AtEndOfInput(), At(200)) << "never above arrival";
}

TEST(WatermarkTest, ASourceResumesWhereAnEarlierRunLeftIt) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, At(80));
  EXPECT_EQ(watermark.At(kStart), At(80));
  watermark.AddSource(1, At(20));  // it is known already
  EXPECT_EQ(watermark.Of(1), At(80));
}

TEST(WatermarkTest, ASourceThatDoesNotHoldMovesItOnlyWhenNoneDoes) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.AddSource(2, std::nullopt, false);
  watermark.Observe(2, At(20), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95)) << "it does not pull back what it comes too late for";
  watermark.Observe(2, At(150), At(200));
  EXPECT_EQ(watermark.At(kStart), At(95));
  watermark.SetHolds(1, false);
  EXPECT_EQ(watermark.At(kStart), At(145));
  watermark.Observe(2, At(160), At(200));
  EXPECT_EQ(watermark.At(kStart + kMinute), At(155));
}

TEST(WatermarkTest, WhatARemovedSourceHasMovedStays) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(50), At(200));
  watermark.Observe(2, At(100), At(200));
  EXPECT_EQ(watermark.At(kStart), At(45));
  watermark.RemoveSource(2);
  EXPECT_EQ(watermark.At(kStart), At(45));
  watermark.RemoveSource(1);
  EXPECT_EQ(watermark.At(kStart), At(95));
}

TEST(WatermarkTest, ManySourcesThatMoveTogetherAreToldApart) {
  Watermark watermark(kLateness);
  for (SourceId id = 0; id < 100; ++id) watermark.AddSource(id, std::nullopt);
  for (int minute = 10; minute < 50; ++minute) {
    for (SourceId id = 0; id < 100; ++id) watermark.Observe(id, At(minute + static_cast<int>(id)), At(500));
    EXPECT_EQ(watermark.At(kStart), At(minute - 5));
  }
  watermark.SetHolds(0, false);
  EXPECT_EQ(watermark.At(kStart), At(49 + 1 - 5));
}

TEST(WatermarkTest, ARemovedSourceHoldsNothing) {
  Watermark watermark(kLateness);
  watermark.AddSource(1, std::nullopt);
  watermark.AddSource(2, std::nullopt);
  watermark.Observe(1, At(100), At(200));
  watermark.RemoveSource(2);
  EXPECT_EQ(watermark.At(kStart), At(95));
}

}  // namespace
}  // namespace redthread
