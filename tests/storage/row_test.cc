#include "storage/row.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

TEST(RowTest, WhatWasWrittenIsReadBack) {
  RowWriter writer;
  const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, 0xffffffff, ~uint64_t{0}};
  for (uint64_t n : numbers) writer.Varint(n).Fixed64(n).Bytes(std::to_string(n));
  writer.Time(Timestamp::Min()).OptionalTime(std::nullopt).OptionalTime(Timestamp::Max()).U8(255);
  const std::string row = writer.Finish("key");

  Result<std::string_view> payload = OpenRow("test", "key", row);
  ASSERT_TRUE(IsOk(payload));
  RowReader reader(*payload);
  for (uint64_t n : numbers) {
    uint64_t varint, fixed;
    std::string text;
    ASSERT_TRUE(reader.Varint(&varint) && reader.Fixed64(&fixed) && reader.Bytes(&text));
    EXPECT_EQ(varint, n);
    EXPECT_EQ(fixed, n);
    EXPECT_EQ(text, std::to_string(n));
  }
  Timestamp time;
  std::optional<Timestamp> none = Timestamp{1}, some;
  uint8_t byte;
  ASSERT_TRUE(reader.Time(&time) && reader.OptionalTime(&none) && reader.OptionalTime(&some) &&
              reader.U8(&byte) && reader.AtEnd());
  EXPECT_EQ(time, Timestamp::Min());
  EXPECT_EQ(none, std::nullopt);
  EXPECT_EQ(some, Timestamp::Max());
  EXPECT_EQ(byte, 255);
}

TEST(RowTest, EveryFlippedBitAndEveryCutIsNoticed) {
  const std::string row = RowWriter().Varint(300).Bytes("some text").Finish("key");
  for (size_t bit = 0; bit < row.size() * 8; ++bit) {
    std::string damaged = row;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(Fails(OpenRow("test", "key", damaged).status(), StatusCode::kCorrupt, "test row key")) << bit;
  }
  for (size_t cut = 0; cut < row.size(); ++cut) {
    EXPECT_EQ(OpenRow("test", "key", row.substr(0, cut)).status().code(), StatusCode::kCorrupt) << cut;
  }
}

TEST(RowTest, ARowUnderAnotherKeyIsDamaged) {
  const std::string row = RowWriter().Varint(1).Finish("one");
  EXPECT_TRUE(IsOk(OpenRow("test", "one", row)));
  EXPECT_TRUE(Fails(OpenRow("test", "two", row).status(), StatusCode::kCorrupt, "checksum"));
}

TEST(RowTest, AVersionThatIsNotKnownIsRefused) {
  const std::string row = RowWriter(2).Varint(1).Finish("key");
  EXPECT_TRUE(Fails(OpenRow("test", "key", row).status(), StatusCode::kCorrupt, "newer version"));
  EXPECT_TRUE(IsOk(OpenRow("test", "key", row, 2)));
}

TEST(RowTest, AReaderThatFailedStaysFailed) {
  uint64_t v;
  std::string text;
  const std::string endless(11, '\x80');
  RowReader reader(endless);
  EXPECT_FALSE(reader.Varint(&v));
  EXPECT_FALSE(reader.Bytes(&text));
  const std::string too_long =
      "\x05"
      "abc";
  RowReader cut(too_long);
  EXPECT_FALSE(cut.Bytes(&text));
  uint8_t byte;
  EXPECT_FALSE(cut.U8(&byte)) << "although bytes are left";
  const std::string over_64_bits("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
  EXPECT_FALSE(RowReader(over_64_bits).Varint(&v));
  uint32_t narrow;
  EXPECT_FALSE(RowReader(std::string_view("\x80\x80\x80\x80\x10", 5)).Varint32(&narrow));
  bool flag;
  EXPECT_FALSE(RowReader(std::string_view("\x02", 1)).Flag(&flag));
}

}  // namespace
}  // namespace redthread
