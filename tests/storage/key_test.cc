#include "storage/key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>
#include <vector>

namespace redthread {
namespace {

std::string Hex(std::string_view bytes) {
  std::string hex;
  char two[4];
  for (char c : bytes) {
    snprintf(two, sizeof two, "%02X ", static_cast<uint8_t>(c));
    hex += two;
  }
  if (!hex.empty()) hex.pop_back();
  return hex;
}

TEST(KeyTest, PartsHaveTheBytesOfTheFormatPage) {
  const struct {
    std::string key;
    const char* hex;
  } cases[] = {
      {KeyWriter('k').U32(258).str(), "6B 00 00 01 02"},
      {KeyWriter('k').U8(255).str(), "6B FF"},
      {KeyWriter('k').U64(1).str(), "6B 00 00 00 00 00 00 00 01"},
      {KeyWriter('k').Time({0}).str(), "6B 80 00 00 00 00 00 00 00"},
      {KeyWriter('k').Time({-1}).str(), "6B 7F FF FF FF FF FF FF FF"},
      {KeyWriter('k').Time(Timestamp::Min()).str(), "6B 00 00 00 00 00 00 00 00"},
      {KeyWriter('k').String("ab").str(), "6B 61 62 00 01"},
      {KeyWriter('k').String(std::string("a\0", 2)).str(), "6B 61 00 FF 00 01"},
      {KeyWriter('k').String("").str(), "6B 00 01"},
  };
  for (const auto& c : cases) EXPECT_EQ(Hex(c.key), c.hex);
}

// Parts that differ in all the ways that could disturb an order.
struct Parts {
  uint32_t number;
  Timestamp time;
  std::string text;
  uint64_t last;
  auto Tie() const { return std::tie(number, time, text, last); }
  std::string Key() const { return KeyWriter('k').U32(number).Time(time).String(text).U64(last).str(); }
};

std::vector<Parts> RandomParts(size_t n) {
  std::mt19937_64 random(1);
  const int64_t times[] = {std::numeric_limits<int64_t>::min(), -1, 0, 1, 255, 256, int64_t{1} << 40,
                           std::numeric_limits<int64_t>::max()};
  const char alphabet[] = {'\x00', '\x01', 'a', 'b', '\xfe', '\xff'};
  std::vector<Parts> all(n);
  for (Parts& p : all) {
    p.number = random() % 3 * 128;
    p.time.ns = times[random() % 8];
    for (size_t length = random() % 5; length > 0; --length) p.text.push_back(alphabet[random() % 6]);
    p.last = random() % 3 << (random() % 64);
  }
  return all;
}

TEST(KeyTest, KeysSortAsTheirPartsDo) {
  const std::vector<Parts> all = RandomParts(600);
  for (const Parts& a : all) {
    for (const Parts& b : all) {
      // Strings compare by unsigned bytes in both: std::string's char_traits and memcmp agree.
      ASSERT_EQ(a.Tie() < b.Tie(), a.Key() < b.Key()) << Hex(a.Key()) << " / " << Hex(b.Key());
    }
  }
}

TEST(KeyTest, WhatWasWrittenIsReadBack) {
  for (const Parts& p : RandomParts(2000)) {
    const std::string key = p.Key();
    KeyReader reader(key);
    Parts read;
    ASSERT_TRUE(reader.Kind('k') && reader.U32(&read.number) && reader.Time(&read.time) &&
                reader.String(&read.text) && reader.U64(&read.last) && reader.Done());
    EXPECT_EQ(p.Tie(), read.Tie());
  }
}

TEST(KeyTest, DamagedKeysAreRefusedAndLeaveTheOutputAlone) {
  const std::string whole = Parts{7, {9}, "text", 11}.Key();
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const std::string key = whole.substr(0, cut);
    KeyReader reader(key);
    Parts read;
    EXPECT_FALSE(reader.Kind('k') && reader.U32(&read.number) && reader.Time(&read.time) &&
                 reader.String(&read.text) && reader.U64(&read.last))
        << cut;
  }
  for (const std::string& bad : {std::string("a\0\x02", 3), std::string("a\0", 2), std::string("abc")}) {
    std::string text = "before";
    EXPECT_FALSE(KeyReader(bad).String(&text)) << Hex(bad);
    EXPECT_EQ(text, "before");
  }
  EXPECT_FALSE(KeyReader("x").Kind('y'));
  EXPECT_FALSE(KeyReader("").Kind('y'));
}

TEST(KeyTest, TheEndOfAPrefixIsTheLeastKeyBehindAllThatBeginWithIt) {
  const std::pair<std::string, std::string> cases[] = {{"a", "b"},   {"a\xff", "b"},   {"a\xff\xff", "b"},
                                                       {"ab", "ac"}, {"\xff\xff", ""}, {"", ""}};
  for (const auto& [prefix, end] : cases) EXPECT_EQ(PrefixEnd(prefix), end) << Hex(prefix);
  EXPECT_EQ(KeyAfter("a"), std::string("a\0", 2));
}

}  // namespace
}  // namespace redthread
