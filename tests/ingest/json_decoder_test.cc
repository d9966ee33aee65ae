#include "ingest/json_decoder.h"

#include <nlohmann/json.hpp>

#include "tests/ingest/ingest_fixture.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

using nlohmann::json;

// Takes out the fields that are only another field's name without spaces and that nobody asks for: the
// decoder does not make them.
json WithoutUnasked(const json& flat, const FieldTable& fields) {
  json out = flat;
  for (const auto& [name, value] : flat.items()) {
    std::string spaceless = name;
    spaceless.erase(std::remove(spaceless.begin(), spaceless.end(), ' '), spaceless.end());
    if (spaceless != name && fields.Find(spaceless) == kNoField) out.erase(spaceless);
  }
  return out;
}

class JsonDecoderTest : public IngestTest {};

struct Case {
  std::string line;
  DecodeOutcome outcome;
  std::string reason;
  std::string fields;  // the flat view as JSON
};

std::string Nested(int depth, const std::string& inner) {
  return std::string(static_cast<size_t>(depth), '[') + inner + std::string(static_cast<size_t>(depth), ']');
}

TEST_F(JsonDecoderTest, WhatItReadsOfGoodAndBadLines) {
  constexpr auto kClean = DecodeOutcome::kClean;
  constexpr auto kRepaired = DecodeOutcome::kRepaired;
  constexpr auto kDamaged = DecodeOutcome::kDamaged;
  constexpr auto kDead = DecodeOutcome::kDead;
  const std::vector<Case> cases = {
      // Good.
      {R"({})", kClean, "", R"({})"},
      {R"({"a":1})", kClean, "", R"({"a":1})"},
      {" \t{ \"a\" : \"x\" , \"b\" : [ ] } \r", kClean, "", R"({"a":"x","b":[]})"},
      {R"({"a":-0.5e+10,"b":true,"c":false,"d":null})", kClean, "",
       R"({"a":-0.5e+10,"b":true,"c":false,"d":null})"},
      {R"({"a":{"b":[1,{"c":"d"},[]]},"e":{}})", kClean, "", R"({"a":{"b":[1,{"c":"d"},[]]},"e":{}})"},
      {R"({"a":"\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00"})", kClean, "",
       "{\"a\":\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tA\u00e9\U0001F600\"}"},
      {R"({"a":1,"a":2})", kClean, "", R"({"a":1,"a":2})"},
      {R"({"":""})", kClean, "", R"({"":""})"},
      {R"({"Command\u004cine":"x"})", kClean, "", R"({"CommandLine":"x"})"},
      {R"({"a":"x}y,\"z\":{"})", kClean, "", R"({"a":"x}y,\"z\":{"})"},
      // Read whole, though JSON forbids it or cannot hold it.
      {R"({"a":1e999999,"b":2})", kClean, "", R"({"a":"1e999999","b":2})"},
      {R"({"a":"\ud800x","b":2})", kClean, "", "{\"a\":\"\uFFFDx\",\"b\":2}"},
      {R"({"a":"\q\u12"})", kClean, "", R"({"a":"\\q\\u12"})"},
      {"{\"a\":\"x\xffy\",\"b\":2}", kRepaired, "invalid UTF-8", "{\"a\":\"x\uFFFDy\",\"b\":2}"},
      {"{\"a\":\"x\ty\n\x01\"}", kRepaired, "raw control character in a string", R"({"a":"x\ty\n\u0001"})"},
      {R"({"a":NaN,"b":0x1F,"c":007,"d":+1,"e":.5,"f":1.})", kRepaired, "bare word",
       R"({"a":"NaN","b":"0x1F","c":"007","d":"+1","e":".5","f":"1."})"},
      {R"({"a":1,})", kRepaired, "comma without a value after it", R"({"a":1})"},
      {R"({"a":[1,],"b":2})", kRepaired, "comma without a value after it", R"({"a":[1],"b":2})"},
      {R"({,"a":1,,"b":2})", kRepaired, "comma without a value before it", R"({"a":1,"b":2})"},
      {R"({"a":1 "b":"x" "c":[1 2]})", kRepaired, "no comma between values", R"({"a":1,"b":"x","c":[1,2]})"},
      {std::string("\0\0\0{\"a\":1}", 10), kRepaired, "control character between values", R"({"a":1})"},
      // Read in part.
      {R"({"a":"x","b":"cut sh)", kDamaged, "string without an end", R"({"a":"x","b":"cut sh"})"},
      {R"({"a":"x","b":"cut sh\)", kDamaged, "string without an end", R"({"a":"x","b":"cut sh\\"})"},
      {R"({"a":"x","b":"cut sh\u00)", kDamaged, "string without an end", R"({"a":"x","b":"cut sh\\u00"})"},
      {R"({"a":"x","b":12)", kDamaged, "record cut short", R"({"a":"x","b":12})"},
      {R"({"a":"x","b":)", kDamaged, "record cut short", R"({"a":"x"})"},
      {R"({"a":"x","b)", kDamaged, "record cut short", R"({"a":"x"})"},
      {R"({"a":"x",)", kDamaged, "record cut short", R"({"a":"x"})"},
      {R"({"a":{"b":{"c":1)", kDamaged, "record cut short", R"({"a":{"b":{"c":1}}})"},
      {R"({"a":"x"y"z","b":1})", kDamaged, "neither key nor value", R"({"a":"x","b":1})"},
      {R"({"a":"5" disk","b":1})", kDamaged, "neither key nor value", R"({"a":"5","b":1})"},
      {R"({"a" "b":1,"c":2})", kDamaged, "key without a value", R"({"b":1,"c":2})"},
      {R"({"a":,"c":2})", kDamaged, "key without a value", R"({"c":2})"},
      {R"({"a":[1,2},"c":3})", kDamaged, "bracket of the wrong kind", R"({"a":[1,2]})"},
      {R"({"a":{"b":1],"c":3})", kDamaged, "bracket of the wrong kind", R"({"a":{"b":1,"c":3}})"},
      {R"({"a":1} tail)", kDamaged, "text after the object", R"({"a":1})"},
      {R"({"a":1}{"a":2,"b":3})", kDamaged, "text after the object", R"({"a":1,"a":2,"b":3})"},
      {R"({"a":1}})", kDamaged, "text after the object", R"({"a":1})"},
      // Not at all.
      {"", kDead, "blank line", R"({})"},
      {" \t\r", kDead, "blank line", R"({})"},
      {"plain text", kDead, "no JSON object", R"({"raw":"plain text"})"},
      {"[1,2]", kDead, "no JSON object", R"({"raw":"[1,2]"})"},
      {"\"a\\n\"", kDead, "no JSON object", R"({"raw":"\"a\\n\""})"},
      {"17", kDead, "no JSON object", R"({"raw":"17"})"},
      {"{0} of {1}", kDead, "no JSON object", R"({"raw":"{0} of {1}"})"},
      {"{'a': 1}", kDead, "no JSON object", R"({"raw":"{'a': 1}"})"},
      {"\xfe\xff", kDead, "no JSON object", "{\"raw\":\"\uFFFD\uFFFD\"}"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.line);
    const DecodeResult result = Decode(c.line);
    EXPECT_EQ(result.outcome, c.outcome);
    EXPECT_EQ(std::string(result.reason), c.reason);
    EXPECT_EQ(Json(), c.fields);
    EXPECT_EQ(event_.damaged, c.outcome == kDamaged);
    EXPECT_EQ(event_.raw, c.line);
  }
}

TEST_F(JsonDecoderTest, SaysWhereItStumbled) {
  EXPECT_EQ(Decode("{\"a\":1,\"b\":\"x\xff\"}").offset, 13u);
  EXPECT_EQ(Decode("{\"\xc3\xa9\":1,\"b\":\"\xff\"} x").offset, 17u);
  EXPECT_EQ(Decode(R"({"a":1} x)").offset, 8u);
  EXPECT_EQ(Decode(R"({"a":tru})").offset, 8u);
}

TEST_F(JsonDecoderTest, ABlankLineIsToldByItsReason) {
  EXPECT_EQ(Decode(" ").reason, JsonDecoder::kBlankLine);
  EXPECT_NE(Decode("x").reason, JsonDecoder::kBlankLine);
}

TEST_F(JsonDecoderTest, KeepsWhatIsNestedTooDeepAsText) {
  // The record is the first level.
  const std::string deepest = Nested(JsonDecoder::kMaxDepth - 1, "1");
  EXPECT_EQ(Decode("{\"a\":" + deepest + "}").outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Json(), "{\"a\":" + deepest + "}");
  const DecodeResult result = Decode("{\"a\":" + Nested(200, R"({"k":"\u0065vil]"})") + R"(,"b":"seen"})");
  EXPECT_EQ(result.outcome, DecodeOutcome::kDamaged);
  EXPECT_STREQ(result.reason, "nested too deep");
  EXPECT_NE(Json().find("evil]"), std::string::npos);
  EXPECT_NE(Json().find(R"("b":"seen")"), std::string::npos);
}

TEST_F(JsonDecoderTest, AKeyThatDiffersOnlyBehindAKnownBeginningIsAnother) {
  fields_.Add("CommandLine");
  fields_.Add("ParentCommandLineOfAProcessThatHasAVeryLongName");
  for (int i = 0; i < 3; ++i) {
    Decode(R"({"CommandLine":1,"CommandLinf":2,"ParentCommandLineOfAProcessThatHasAVeryLongNamf":3})");
    EXPECT_EQ(Texts("CommandLine"), std::vector<std::string>{"1"});
    EXPECT_TRUE(Texts("ParentCommandLineOfAProcessThatHasAVeryLongName").empty());
    Decode(R"({"CommandLinf":1,"CommandLine":2,"ParentCommandLineOfAProcessThatHasAVeryLongName":3})");
    EXPECT_EQ(Texts("CommandLine"), std::vector<std::string>{"2"});
    EXPECT_EQ(Texts("ParentCommandLineOfAProcessThatHasAVeryLongName"), std::vector<std::string>{"3"});
  }
}

TEST_F(JsonDecoderTest, KnowsItsKeysAfterAFloodOfOthers) {
  fields_.Add("Image");
  const auto flood = [](int round) {
    std::string line = "{";
    for (size_t i = 0; i < KeyCache::kMaxKeys / 2 + 7; ++i) {
      line += "\"k" + std::to_string(round) + "_" + std::to_string(i) + "\":1,";
    }
    return line + "\"Image\":\"x\"}";
  };
  for (int round = 0; round < 7; ++round) {
    Decode(flood(round));
    EXPECT_EQ(Texts("Image"), std::vector<std::string>{"x"});
    Decode(R"({"Image":"y","k":1})");
    EXPECT_EQ(Texts("Image"), std::vector<std::string>{"y"});
  }
}

TEST_F(JsonDecoderTest, ALongRecordIsReadLikeAShortOne) {
  fields_.Add("last");
  std::string line = R"({"big":")" + std::string(3 << 20, 'x') + R"(","last":"seen"})";
  EXPECT_EQ(Decode(line).outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Texts("last"), std::vector<std::string>{"seen"});
}

TEST_F(JsonDecoderTest, HostileRecordsTakeLinearTime) {
  // Each of these is quadratic for a reader that looks twice; at this size that would be minutes.
  constexpr size_t kSize = 4 << 20;
  const auto repeat = [](std::string_view unit) {
    std::string s;
    while (s.size() < kSize) s.append(unit);
    return s;
  };
  fields_.Add("Image");
  for (const std::string& line :
       {"{" + repeat("\"Image\":1,") + "}", "{" + repeat(",      "), "{\"a\":" + repeat("["),
        "{\"a\":" + repeat("{\"a\":"), "{\"a\":\"" + repeat("\\\\\""), "{" + repeat("}"), "{" + repeat("x} "),
        "{" + repeat("\"Threat Name\":1,") + "}", "{" + repeat("{}"),
        "{\"Event\":{\"System\":{" + repeat("\"x\":1,") + "\"y\":1},\"EventData\":{" + repeat("\"x\":2,") +
            "\"z\":1}}}",
        "{\"winlog\":{\"event_data\":{" + repeat("\"a\":1,\"b\":1,") + "\"z\":1}}}"}) {
    SCOPED_TRACE(line.substr(0, 40));
    Decode(line);
    event_.Text(0);
  }
}

// Reads every n-th line of real logs with a slow parser and shapes too.
TEST_F(JsonDecoderTest, AgreesWithASlowReaderOnRealEvents) {
  const std::vector<std::string> files = ReferenceEventFiles();
  if (files.empty()) GTEST_SKIP() << "no reference data beside the checkout";
  for (const char* name : {"ThreatName", "ScriptBlockText", "CommandLine", "EventData_Name", "EventType"}) {
    fields_.Add(name);
  }
  const EventTime event_time(fields_);
  size_t compared = 0;
  for (const std::string& file : files) {
    // The many files of flat Windows events are all alike.
    const uint64_t every = file.find("/otrf/") != std::string::npos ? 97 : 7;
    auto reader = RecordReader::Open(file, file, {});
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    RecordBatch batch;
    for (;;) {
      const Result<bool> more = (*reader)->Next(&batch);
      ASSERT_TRUE(more.ok()) << more.status().message();
      if (!*more) break;
      for (const RecordBatch::Record& record : batch.records) {
        if (record.index % every != 0) continue;
        SCOPED_TRACE(file + ":" + std::to_string(record.index));
        ASSERT_EQ(Decode(record.text()).outcome, DecodeOutcome::kClean);
        const SlowJson expected = SlowFlatten(SlowJson::parse(record.text()));
        // A name without spaces that nobody asks for is left out on purpose.
        ASSERT_EQ(WithoutUnasked(json::parse(expected.dump()), fields_),
                  WithoutUnasked(json::parse(Json()), fields_));
        event_time.Set(&event_);
        ASSERT_EQ(event_.time, SlowEventTime(expected));
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 10'000u);
}

}  // namespace
}  // namespace redthread
