// Frames say what they were given, and nothing that is damaged is taken for one.
#include "runtime/match_frame.h"

#include <gtest/gtest.h>

#include "runtime/raw_position.h"
#include "tests/oracle/dice.h"

namespace redthread {
namespace {

constexpr Timestamp kTime{1'700'000'000'000'000'000};

FrameHead Head(FramePoint begin, FramePoint end) {
  FrameHead head;
  head.source = "kafka:cluster:3:logs";
  head.epoch = 2;
  head.rules = 7;
  head.begin = begin;
  head.end = end;
  head.seen = kTime;
  head.at_end = true;
  return head;
}

Hash128 HashOf(uint8_t byte) {
  Hash128 hash{};
  hash.fill(byte);
  return hash;
}

CorrelationMatch MatchOf(std::vector<Texts> values) {
  CorrelationMatch match;
  match.time = kTime;
  match.reference = 1;
  match.values = std::move(values);
  match.carried = {{}, {"x"}};
  match.evidence.emplace_back().raw_hash = HashOf(9);
  return match;
}

const std::string kRule(16, 'r');
const std::string kOther(16, 'o');
const std::string kCorrelation(16, 'c');

TEST(MatchFrameTest, IsReadAsItWasWritten) {
  FrameWriter writer;
  FrameHead head = Head({100, 0}, {110, 0});
  writer.Begin(head);
  writer.AddFold(100, kRule, kTime, HashOf(1), {{"host", "pc-1"}, {"user", std::string("a\0b", 3)}});
  writer.AddMatch(100, kCorrelation, {"pc-1", ""}, MatchOf({{"v", "w"}}), kRule);
  writer.AddFold(104, kOther, kNoTime, HashOf(2), {});
  MatchFrame frame;
  ASSERT_TRUE(DecodeFrame(writer.Finish(head), &frame).ok());
  EXPECT_EQ(frame.head.source, head.source);
  EXPECT_EQ(frame.head.epoch, 2U);
  EXPECT_EQ(frame.head.rules, 7U);
  EXPECT_EQ(frame.head.begin, (FramePoint{100, 0}));
  EXPECT_EQ(frame.head.end, (FramePoint{110, 0}));
  EXPECT_EQ(frame.head.seen, kTime);
  EXPECT_FALSE(frame.head.greatest.has_value());
  EXPECT_TRUE(frame.head.at_end);
  EXPECT_FALSE(frame.head.ended);
  ASSERT_EQ(frame.folds.size(), 2U);
  EXPECT_EQ(frame.folds[0].at, (FramePoint{100, 0}));
  EXPECT_EQ(frame.rules[frame.folds[0].rule], kRule);
  EXPECT_EQ(frame.folds[0].group[1].second.size(), 3U);
  EXPECT_EQ(frame.folds[1].at, (FramePoint{104, 0}));
  EXPECT_EQ(frame.rules[frame.folds[1].rule], kOther);
  EXPECT_EQ(frame.folds[1].time, kNoTime);
  ASSERT_EQ(frame.matches.size(), 1U);
  const FrameMatch& match = frame.matches[0];
  EXPECT_EQ(match.at, (FramePoint{100, 1}));
  EXPECT_EQ(frame.rules[match.correlation], kCorrelation);
  EXPECT_EQ(match.group, (Texts{"pc-1", ""}));
  EXPECT_EQ(match.match.values, (std::vector<Texts>{{"v", "w"}}));
  EXPECT_EQ(match.match.carried, (std::vector<Texts>{{}, {"x"}}));
  EXPECT_EQ(frame.rules[match.match.evidence[0].rule], kRule);
  EXPECT_EQ(match.match.evidence[0].position.index, 100U);
  EXPECT_EQ(match.match.evidence[0].raw_hash, HashOf(9));
}

TEST(MatchFrameTest, GoesOnWithinARecord) {
  FrameWriter writer;
  FrameHead head = Head({5, 0}, {});
  writer.Begin(head);
  for (int n = 0; n < 3; ++n) writer.AddFold(5, kRule, kTime, HashOf(1), {});
  EXPECT_EQ(writer.next(), (FramePoint{5, 3}));
  head.begin = writer.next();
  head.end = {8, 0};
  writer.Begin(head);
  writer.AddFold(5, kRule, kTime, HashOf(1), {});
  writer.AddFold(7, kRule, kTime, HashOf(1), {});
  MatchFrame frame;
  ASSERT_TRUE(DecodeFrame(writer.Finish(head), &frame).ok());
  EXPECT_EQ(frame.folds[0].at, (FramePoint{5, 3}));
  EXPECT_EQ(frame.folds[1].at, (FramePoint{7, 0}));
}

TEST(MatchFrameTest, AnnouncesSources) {
  const std::string record = EncodeAnnounce({"a", "b"});
  EXPECT_EQ(*KindOfFrame(record), FrameKind::kAnnounce);
  EXPECT_EQ(*DecodeAnnounce(record), (std::vector<std::string>{"a", "b"}));
  MatchFrame frame;
  EXPECT_EQ(DecodeFrame(record, &frame).code(), StatusCode::kCorrupt);
}

TEST(MatchFrameTest, ABitThatIsNotAsItWasIsNoticed) {
  FrameWriter writer;
  const FrameHead head = Head({1, 0}, {9, 0});
  writer.Begin(head);
  writer.AddMatch(3, kCorrelation, {"g"}, MatchOf({{"v"}}), kRule);
  const std::string record(writer.Finish(head));
  MatchFrame frame;
  for (size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string damaged = record;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeFrame(damaged, &frame).code(), StatusCode::kCorrupt) << bit;
  }
  for (size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(DecodeFrame(record.substr(0, size), &frame).ok()) << size;
}

TEST(RawPositionTest, LiesInTheNoteBesideTheOffset) {
  RawPosition position;
  position.next = 12;
  position.epoch = 3;
  position.rules = 9;
  position.fingerprint = ~uint64_t{0};
  position.seen = kTime;
  position.ended = true;
  const std::optional<RawPosition> read = RawPosition::Of(12, position.Note());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->next, 12U);
  EXPECT_EQ(read->epoch, 3U);
  EXPECT_EQ(read->rules, 9U);
  EXPECT_EQ(read->fingerprint, ~uint64_t{0});
  EXPECT_EQ(read->seen, kTime);
  EXPECT_FALSE(read->greatest.has_value());
  EXPECT_TRUE(read->ended);
  EXPECT_EQ(read->Note(), position.Note());
}

TEST(RawPositionTest, ANoteOfOthersIsNone) {
  for (const char* note : {"", "v2 rules=1", "kept by another program", "v1 rules=", "v1 rules=x",
                           "v1 seen=99999999999999999999"})
    EXPECT_FALSE(RawPosition::Of(1, note).has_value()) << note;
  EXPECT_TRUE(RawPosition::Of(1, "v1 rules=4 unheard=of").has_value());
}

}  // namespace
}  // namespace redthread
