#include "ingest/record_decoder.h"

#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class RecordDecoderTest : public TextFormatTest {};

TEST_F(RecordDecoderTest, EveryRecordSaysItselfWhichFormatItIsIn) {
  const std::pair<const char*, SourceFormat> cases[] = {
      {R"({"a":1})", SourceFormat::kJson},
      {R"(  {"a":1})", SourceFormat::kJson},
      {"<34>Oct 11 22:14:15 mymachine su: x", SourceFormat::kSyslog},
      {"<34>1 2003-10-11T22:14:15.003Z m su - ID47 - x", SourceFormat::kSyslog},
      {"Dec 10 06:55:46 LabSZ sshd[24200]: x", SourceFormat::kSyslog},
      {"2026-11-22T10:00:00.123456+01:00 web01 sshd[24200]: x", SourceFormat::kSyslog},
      {"", SourceFormat::kAuto},
      {"x", SourceFormat::kAuto},
      {"some text that nobody knows", SourceFormat::kAuto},
      {"<Event xmlns='http://schemas.microsoft.com'>", SourceFormat::kXml},
      {"<Events>", SourceFormat::kAuto},
  };
  for (const auto& [line, format] : cases) EXPECT_EQ(RecordDecoder::Detect(line), format) << line;
}

TEST_F(RecordDecoderTest, LinesOfManyFormatsMayAlternate) {
  EXPECT_EQ(Read("Dec 10 06:55:46 h sshd[1]: hello")["message"], "hello");
  EXPECT_EQ(Decode(R"({"a":"b"})").outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Fields(), json({{"a", "b"}}));
  EXPECT_EQ(Read("Dec 10 06:55:46 h sshd[1]: again")["message"], "again");
}

TEST_F(RecordDecoderTest, WhatNoFormatReadsIsDeadAndKeepsItsText) {
  for (const char* line : {"some text that nobody knows", "at java.lang.Thread.run(Thread.java:745)",
                           "Dec 32 06:55:46 h sshd[1]: no day", "2016-12-10 without a clock"}) {
    const DecodeResult result = Decode(line);
    EXPECT_EQ(result.outcome, DecodeOutcome::kDead) << line;
    EXPECT_STREQ(result.reason, "no known format");
    EXPECT_EQ(Fields(), json({{"raw", line}}));
    EXPECT_FALSE(event_.time.has_value());
  }
  EXPECT_EQ(Decode("   ").reason, JsonDecoder::kBlankLine);
  EXPECT_EQ(Decode(R"({"a":"b","c)").outcome, DecodeOutcome::kDamaged);
}

TEST_F(RecordDecoderTest, ALockedSourceIsReadInItsFormatAlone) {
  origin_.format = SourceFormat::kJson;
  EXPECT_EQ(Decode("Dec 10 06:55:46 h sshd[1]: hello").outcome, DecodeOutcome::kDead);
  EXPECT_EQ(Decode(R"({"a":1})").outcome, DecodeOutcome::kClean);
  origin_.format = SourceFormat::kSyslog;
  EXPECT_STREQ(Decode(R"({"a":1})").reason, "not in the format of its source");
  EXPECT_EQ(Fields(), json({{"raw", R"({"a":1})"}}));
  EXPECT_EQ(Decode("Dec 10 06:55:46 h sshd[1]: hello").outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Decode("  ").reason, JsonDecoder::kBlankLine);
}

TEST_F(RecordDecoderTest, BrokenUtf8IsReplacedAndTheLineIsRead) {
  const std::string line = "Dec 10 06:55:46 h app[1]: a\xff\xfe z";
  const DecodeResult result = Decode(line);
  EXPECT_EQ(result.outcome, DecodeOutcome::kRepaired);
  EXPECT_EQ(Fields()["message"], "a\uFFFD\uFFFD z");
  EXPECT_EQ(event_.raw, line);
  EXPECT_EQ(Decode("no format \xff at all").outcome, DecodeOutcome::kDead);
  EXPECT_EQ(Fields()["raw"], "no format \uFFFD at all");
}

TEST_F(RecordDecoderTest, TheTimeStandsInTheEventAndInAField) {
  EXPECT_EQ(TimeOf("Dec 10 06:55:46 LabSZ sshd[24200]: x"), "2016-12-10T06:55:46.000000000Z");
  EXPECT_EQ(Fields()["@timestamp"], "2016-12-10T06:55:46.000Z");
  EXPECT_EQ(TimeOf("<34>su: no time"), "");
  EXPECT_EQ(TimeOf("Feb 30 06:55:46 LabSZ sshd[24200]: x"), "");
  EXPECT_FALSE(Fields().contains("@timestamp"));
}

TEST_F(RecordDecoderTest, SaysWhichYearItAssumed) {
  EXPECT_EQ(Decode("Dec 10 06:55:46 h sshd[1]: x").assumed_year, 2016);
  EXPECT_EQ(Decode("2016-12-10T06:55:46Z h sshd[1]: x").assumed_year, 0);
  EXPECT_EQ(Decode("<34>sshd[1]: x").assumed_year, 0);
}

TEST_F(RecordDecoderTest, TimestampsHaveAsManyDigitsAsAreNeeded) {
  for (const auto& [time, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"2005-06-14T15:16:01Z", "2005-06-14T15:16:01.000Z"},
           {"2005-06-14T15:16:01.25Z", "2005-06-14T15:16:01.250Z"},
           {"2005-06-14T15:16:01.000001Z", "2005-06-14T15:16:01.000001Z"},
           {"2005-06-15T15:16:01.123456789Z", "2005-06-15T15:16:01.123456789Z"},
           {"1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900Z"}}) {
    Decode(std::string(time) + " web01 app: message");
    EXPECT_EQ(Fields()["@timestamp"], text);
  }
}

}  // namespace
}  // namespace redthread
