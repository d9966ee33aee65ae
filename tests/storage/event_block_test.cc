#include "storage/event_block.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "storage/key.h"
#include "storage/row.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

std::string Encode(std::string_view key, const std::vector<EventRecord>& records, int level = 3) {
  EventBlockCodec codec;
  Result<std::string_view> block = codec.Encode(key, records, level);
  EXPECT_TRUE(IsOk(block));
  return std::string(*block);
}

Status Decode(std::string_view key, uint64_t first, std::string_view block,
              std::vector<EventRecord>* records = nullptr) {
  static std::string text;
  static std::vector<EventRecord> unused;
  EventBlockCodec codec;
  return codec.Decode(key, first, block, &text, records ? records : &unused);
}

void ExpectEqual(const std::vector<EventRecord>& a, const std::vector<EventRecord>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].index, b[i].index) << i;
    EXPECT_EQ(a[i].time, b[i].time) << i;
    EXPECT_EQ(a[i].arrival, b[i].arrival) << i;
    EXPECT_EQ(a[i].raw, b[i].raw) << i;
  }
}

const std::vector<EventRecord> kExample = {{7, Timestamp{999'999'999}, {1'000'000'000}, "hello"},
                                           {9, std::nullopt, {1'000'000'500}, "ok"}};
const std::string kExampleKey = KeyWriter('t').U32(1).U32(0).U64(7).str();

// The lines "offset  bytes  meaning" of the worked example in docs/state_format.md.
std::string BytesOfTheFormatPage() {
  std::ifstream page(REDTHREAD_SOURCE_DIR "/docs/state_format.md");
  std::string line, bytes;
  const std::regex row(R"(^ *(\d+)  ((?:[0-9A-F]{2} )+) .*)");
  for (std::smatch match; std::getline(page, line);) {
    if (!std::regex_match(line, match, row)) continue;
    EXPECT_EQ(std::stoul(match[1]), bytes.size()) << line;
    std::istringstream hex(match[2]);
    for (std::string byte; hex >> byte;) bytes.push_back(static_cast<char>(std::stoi(byte, nullptr, 16)));
  }
  return bytes;
}

TEST(EventBlockTest, TheWorkedExampleOfTheFormatPageIsWhatIsWritten) {
  const std::string page = BytesOfTheFormatPage();
  ASSERT_EQ(page.size(), 103u);
  EXPECT_EQ(Encode(kExampleKey, kExample), page);
  std::vector<EventRecord> read;
  ASSERT_TRUE(IsOk(Decode(kExampleKey, 7, page, &read)));
  ExpectEqual(read, kExample);
}

TEST(EventBlockTest, WhatWasWrittenIsReadBack) {
  std::mt19937_64 random(3);
  const int64_t times[] = {std::numeric_limits<int64_t>::min(), -1, 0, 1'700'000'000'000'000'000,
                           std::numeric_limits<int64_t>::max()};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> texts(1 + random() % 40);
    std::vector<EventRecord> records;
    uint64_t index = random() % 3 == 0 ? random() % (uint64_t{1} << 63) : 0;
    const uint64_t first = index;
    for (std::string& text : texts) {
      text.resize(random() % 200, static_cast<char>('a' + random() % 3));
      if (!text.empty() && random() % 5 == 0) text[0] = '\0';
      EventRecord record;
      record.index = index;
      record.arrival.ns = times[random() % 5];
      if (random() % 2) record.time = Timestamp{times[random() % 5] / 3};
      record.raw = text;
      records.push_back(record);
      index += 1 + (random() % 4 == 0 ? random() % 1000 : 0);
    }
    const std::string block = Encode("key", records, 1 + round % 3);
    std::vector<EventRecord> read;
    ASSERT_TRUE(IsOk(Decode("key", first, block, &read)));
    ExpectEqual(read, records);
    const Result<EventBlockHead> head = EventBlockCodec::ReadHead("key", block);
    ASSERT_TRUE(IsOk(head));
    EXPECT_EQ(head->count, records.size());
    EXPECT_EQ(head->last, records.back().index);
    for (const EventRecord& record : records) {
      EXPECT_LE(head->min_time, record.stored_time());
      EXPECT_GE(head->max_time, record.stored_time());
    }
  }
}

TEST(EventBlockTest, LogTextCompresses) {
  std::string line =
      R"({"EventID":4688,"Channel":"Security","NewProcessName":"C:\\Windows\\System32\\cmd.exe"})";
  std::vector<EventRecord> records;
  for (uint64_t i = 0; i < 1000; ++i) records.push_back({i, Timestamp{int64_t(i)}, {int64_t(i)}, line});
  EXPECT_LT(Encode("key", records).size(), line.size() * 1000 / 20);
}

TEST(EventBlockTest, EveryFlippedBitIsNoticed) {
  const std::string block = Encode(kExampleKey, kExample);
  for (size_t bit = 0; bit < block.size() * 8; ++bit) {
    std::string damaged = block;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(Decode(kExampleKey, 7, damaged).code(), StatusCode::kCorrupt) << bit;
  }
  for (size_t cut = 0; cut < block.size(); ++cut) {
    EXPECT_EQ(Decode(kExampleKey, 7, block.substr(0, cut)).code(), StatusCode::kCorrupt) << cut;
  }
  EXPECT_EQ(Decode(kExampleKey, 7, block + "x").code(), StatusCode::kCorrupt);
  EXPECT_EQ(Decode("another key", 7, block).code(), StatusCode::kCorrupt);
}

// A block as another version may write it: one more section, its checksums right.
std::string WithSection(const std::string& block, uint8_t kind, uint8_t codec, uint8_t version = 1) {
  const size_t sections = static_cast<uint8_t>(block[1]);
  const size_t table_end = 32 + 24 * sections;
  const std::string body = "a filter";
  const auto number = [](uint64_t v, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i, v >>= 8) out.push_back(static_cast<char>(v));
    return out;
  };
  std::string prelude = block.substr(0, table_end);
  prelude[0] = static_cast<char>(version);
  prelude[1] = static_cast<char>(sections + 1);
  prelude += number(kind, 1) + number(codec, 1) + number(0, 2) + number(codec == 2 ? 77 : 0, 4);
  prelude += number(body.size(), 4) + number(body.size(), 4) + number(Checksum(body), 8);
  return prelude + number(RowChecksum(kExampleKey, prelude), 8) + block.substr(table_end + 8) + body;
}

TEST(EventBlockTest, ANewOptionalSectionIsSkippedAndOneThatMustBeUnderstoodIsNot) {
  const std::string block = Encode(kExampleKey, kExample);
  for (uint8_t kind : {3, 4, 99}) {
    std::vector<EventRecord> read;
    ASSERT_TRUE(IsOk(Decode(kExampleKey, 7, WithSection(block, kind, 0), &read))) << int{kind};
    EXPECT_EQ(read.size(), 2u);
  }
  std::string spoilt = WithSection(block, 3, 0);
  spoilt.back() = 'X';
  EXPECT_TRUE(IsOk(Decode(kExampleKey, 7, spoilt))) << "a damaged filter costs its use, not the block";
  EXPECT_TRUE(Fails(Decode(kExampleKey, 7, WithSection(block, 0x83, 0)), StatusCode::kInvalid, "kind 131"));
}

TEST(EventBlockTest, WhatANewerVersionWroteIsRefusedByName) {
  const std::string block = Encode(kExampleKey, kExample);
  EXPECT_TRUE(
      Fails(Decode(kExampleKey, 7, WithSection(block, 3, 0, 2)), StatusCode::kInvalid, "newer version"));
  // The required sections in a form that is not known: the last of a kind counts.
  EXPECT_TRUE(Fails(Decode(kExampleKey, 7, WithSection(block, 2, 2)), StatusCode::kInvalid, "dictionary 77"));
  EXPECT_TRUE(Fails(Decode(kExampleKey, 7, WithSection(block, 2, 9)), StatusCode::kInvalid, "codec 9"));
}

}  // namespace
}  // namespace redthread
