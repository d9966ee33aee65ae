#include "ingest/evtx_stream.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "ingest/line_stream.h"
#include "ingest/little_endian.h"
#include "ingest/record_decoder.h"
#include "tests/ingest/ingest_fixture.h"
#include "tests/support/bytes_stream.h"
#include "tests/support/evtx_builder.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Strings = std::vector<std::string>;

Strings LinesIn(const std::string& text) {
  Strings lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return lines;
}

Strings Read(const std::string& file, size_t piece = 1 << 16) {
  EvtxStream stream(std::make_unique<BytesStream>(file));
  std::string text, buffer(piece, '\0');
  for (;;) {
    const Result<size_t> n = stream.Read(buffer.data(), buffer.size());
    EXPECT_TRUE(n.ok());
    if (!n.ok() || *n == 0) break;
    text.append(buffer, 0, *n);
  }
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  return LinesIn(text);
}

// The lines that are events, by their EventRecordID, and those that are complaints.
struct Outcome {
  std::vector<int> events;
  Strings complaints;
};
Outcome Judge(const std::string& file) {
  Outcome outcome;
  for (const std::string& line : Read(file)) {
    if (line.starts_with(EvtxStream::kUnreadable)) {
      outcome.complaints.push_back(line);
    } else {
      outcome.events.push_back(json::parse(line).at("Event").at("System").at("EventRecordID"));
    }
  }
  return outcome;
}

EvtxChunkBuilder ChunkOf(int first, int count) {
  EvtxChunkBuilder chunk;
  for (int id = first; id < first + count; ++id) {
    chunk.AddRecord(static_cast<uint64_t>(id), ProcessTemplate(),
                    ProcessValues(static_cast<uint64_t>(id), "whoami /all " + std::to_string(id)));
  }
  return chunk;
}

// The JSON of one event, made of that template.
std::string ReadOne(const EvtxElement& template_, const std::vector<EvtxValue>& values) {
  EvtxChunkBuilder chunk;
  chunk.AddRecord(1, template_, values);
  const Strings lines = Read(EvtxFile({chunk.Finish()}));
  EXPECT_EQ(lines.size(), 1U);
  return lines.empty() ? "" : lines[0];
}

// ---- what events look like

TEST(EvtxStreamTest, AnEventLooksAsEvtxDumpWritesIt) {
  EXPECT_EQ(
      ReadOne(ProcessTemplate(), ProcessValues(7, "cmd /c \"echo\t1\"")),
      R"({"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},)"
      R"("System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing",)"
      R"("Guid":"54849625-5478-4994-A5BA-3E3B0328C30D"}},"EventID":4688,"Version":2,)"
      R"("Keywords":"0x8020000000000000","TimeCreated":{"#attributes":{"SystemTime":"2024-12-01T00:00:07.000000Z"}},)"
      R"("EventRecordID":7,"Correlation":null,"Channel":"Security","Computer":"dc1.example",)"
      R"("Security":{"#attributes":{"UserID":"S-1-5-18"}}},)"
      R"("EventData":{"NewProcessName":"C:\\Windows\\System32\\cmd.exe",)"
      R"("CommandLine":"cmd /c \"echo\t1\"","NewProcessId":"0x1f47"}}})");
}

TEST(EvtxStreamTest, EveryTypeOfValueIsWritten) {
  const auto number = [](uint64_t n, size_t size) { return LittleEndian(n, size); };
  const std::string systemtime = number(2024, 2) + number(2, 2) + number(4, 2) + number(29, 2) +
                                 number(23, 2) + number(59, 2) + number(58, 2) + number(7, 2);
  const std::string sid = std::string("\x01\x02\0\0\0\0\0\x05", 8) + number(32, 4) + number(544, 4);
  const struct {
    int type;
    std::string bytes;
    const char* json;
  } cases[] = {
      {0x00, "", R"("")"},
      {0x01, Utf16("plain"), R"("plain")"},
      {0x01, Utf16("a\"b\\c\x01"), R"("a\"b\\c\u0001")"},
      {0x01, Utf16("ends") + number(0, 2) + Utf16("here"), R"("ends")"},
      {0x01, number(0xFC, 2) + number(0xD83D, 2) + number(0xDE00, 2), "\"\xC3\xBC\xF0\x9F\x98\x80\""},
      {0x01, number(0xD83D, 2) + Utf16("x") + number(0xDE00, 2), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\""},
      {0x01, Utf16("odd") + "x", R"("odd")"},
      {0x02, "ansi\"", R"("ansi\"")"},
      {0x02, "caf\xE9", "\"caf\xC3\xA9\""},
      {0x03, number(0xFF, 1), "-1"},
      {0x04, number(0xFF, 1), "255"},
      {0x05, number(0x8000, 2), "-32768"},
      {0x06, number(0xFFFF, 2), "65535"},
      {0x07, number(0xFFFFFFFF, 4), "-1"},
      {0x08, number(4'000'000'000, 4), "4000000000"},
      {0x09, number(1ULL << 63, 8), "-9223372036854775808"},
      {0x0A, number(~0ULL, 8), "18446744073709551615"},
      {0x06, number(4688, 4), "4688"},  // wider than its type
      {0x08, "abc", R"("616263")"},     // of no width that a number has
      {0x0B, number(0x3FC00000, 4), R"("1.5")"},
      {0x0C, number(0xC004000000000000, 8), R"("-2.5")"},
      {0x0D, number(1, 4), "true"},
      {0x0D, number(0, 4), "false"},
      {0x0E, std::string("\x00\xAB\x0F", 3), R"("00AB0F")"},
      {0x0F, std::string("\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", 16),
       R"("00112233-4455-6677-8899-AABBCCDDEEFF")"},
      {0x0F, "short", R"("73686F7274")"},
      {0x10, number(0x10, 4), R"("0x10")"},
      {0x10, number(0x7FF612340000, 8), R"("0x7ff612340000")"},
      {0x11, number(133'774'848'001'234'567, 8), R"("2024-12-01T00:00:00.123456Z")"},
      {0x11, number(0, 8), R"("1601-01-01T00:00:00.000000Z")"},
      {0x11, number(~0ULL, 8), R"("18446744073709551615")"},
      {0x12, systemtime, R"("2024-02-29T23:59:58.007000Z")"},
      {0x12, std::string(16, '\x01'), R"("01010101010101010101010101010101")"},
      {0x13, sid, R"("S-1-5-32-544")"},
      {0x13, sid.substr(0, 10), R"("01020000000000052000")"},
      {0x14, number(0, 4), R"("0x0")"},
      {0x14, number(0xC000006D, 4), R"("0xc000006d")"},
      {0x15, number(0x8000000000000000, 8), R"("0x8000000000000000")"},
      {0x23, Utf16("<a/>"), R"("<a/>")"},
      {0x55, "??", R"("3F3F")"},
  };
  const EvtxElement event{
      "Event", {}, {EvtxElement{"EventData", {}, {EvtxElement{"Data", {{"Name", "x"}}, {0}}}}}};
  for (const auto& c : cases) {
    EXPECT_EQ(ReadOne(event, {{static_cast<uint8_t>(c.type), c.bytes, nullptr, {}}}),
              std::string(R"({"Event":{"EventData":{"x":)") + c.json + "}}}")
        << "type " << c.type;
  }
}

TEST(EvtxStreamTest, AnArrayRepeatsItsElement) {
  const auto number = [](uint64_t n, size_t size) { return LittleEndian(n, size); };
  const std::string words = Utf16("one") + number(0, 2) + number(0, 2) + Utf16("three") + number(0, 2);
  const EvtxElement list{"Event", {}, {EvtxElement{"EventData", {}, {EvtxElement{"Data", {}, {0}}}}}};
  const auto as_data = [&](int type, const std::string& bytes) {
    return json::parse(ReadOne(
        list, {{static_cast<uint8_t>(type), bytes, nullptr, {}}}))["Event"]["EventData"]["Data"]["#text"];
  };
  EXPECT_EQ(as_data(0x81, words), json({"one", "", "three"}));
  EXPECT_EQ(as_data(0x81, Utf16("alone") + number(0, 2)), "alone");
  EXPECT_EQ(as_data(0x88, number(1, 4) + number(2, 4)), json({1, 2}));
  EXPECT_EQ(as_data(0x95, number(1, 8) + number(255, 8)), json({"0x1", "0xff"}));
  EXPECT_EQ(as_data(0x86, number(1, 2) + "x"), json({1, 120})) << "what is left of the last item counts";
  const std::string sid = std::string("\x01\x01\0\0\0\0\0\x05", 8) + number(18, 4);
  EXPECT_EQ(as_data(0x93, sid + sid), json({"S-1-5-18", "S-1-5-18"}));

  const EvtxElement other{
      "Event", {}, {EvtxElement{"UserData", {}, {EvtxElement{"Group", {{"Name", 0}}, {}}}}}};
  EXPECT_EQ(json::parse(ReadOne(other, {{0x81, words, nullptr, {}}}))["Event"]["UserData"],
            json::parse(R"({"Group":{"#attributes":{"Name":"one"}},"Group_1":null,
                            "Group_2":{"#attributes":{"Name":"three"}}})"));
}

TEST(EvtxStreamTest, AValueMayBeXmlItself) {
  const EvtxElement event{
      "Event",
      {},
      {EvtxElement{"System", {}, {EvtxElement{"EventID", {}, {0}}}}, EvtxElement{"UserData", {}, {1}}}};
  const EvtxElement inner{
      "Failure", {{"xmlns", "urn:x"}}, {EvtxElement{"Id", {}, {0}}, EvtxElement{"User", {}, {1}}}};
  EvtxChunkBuilder chunk;
  for (const uint64_t id : {1, 2}) {
    EvtxValue nested;
    nested.nested = &inner;
    nested.nested_values = {NumberValue(0x08, id, 4), TextValue("bob")};
    chunk.AddRecord(id, event, {NumberValue(0x06, 5858, 2), nested});
  }
  EXPECT_THAT(
      Read(EvtxFile({chunk.Finish()})),
      ElementsAre(
          R"({"Event":{"System":{"EventID":5858},"UserData":{"Failure":{"#attributes":{"xmlns":"urn:x"},"Id":1,"User":"bob"}}}})",
          R"({"Event":{"System":{"EventID":5858},"UserData":{"Failure":{"#attributes":{"xmlns":"urn:x"},"Id":2,"User":"bob"}}}})"));
}

TEST(EvtxStreamTest, DataWithoutNamesAreAList) {
  const auto data = [](std::vector<EvtxPart> parts) {
    return ReadOne({"Event", {}, {EvtxElement{"EventData", {}, std::move(parts)}}}, {TextValue("v")});
  };
  EXPECT_EQ(data({EvtxElement{"Data", {}, {"a"}}, EvtxElement{"Data", {}, {0}}, EvtxElement{"Data", {}, {}}}),
            R"({"Event":{"EventData":{"Data":{"#text":["a","v",""]}}}})");
  EXPECT_EQ(data({EvtxElement{"Data", {}, {"a"}}, EvtxElement{"Binary", {}, {"b"}}}),
            R"({"Event":{"EventData":{"Data":{"#text":"a"},"Binary":"b"}}})");
  EXPECT_EQ(data({EvtxElement{"Data", {{"Name", "n"}}, {"a"}}, EvtxElement{"Data", {}, {0}}}),
            R"({"Event":{"EventData":{"n":"a","Data":"v"}}})")
      << "nothing is left out";
  EXPECT_EQ(data({EvtxElement{"Data", {{"Name", "n"}}, {"a"}}, EvtxElement{"Data", {{"Name", "n"}}, {"b"}}}),
            R"({"Event":{"EventData":{"n":"a","n":"b"}}})");
}

TEST(EvtxStreamTest, NamesAndContentCannotBreakOutOfTheirStrings) {
  const EvtxElement event{
      "Event",
      {},
      {EvtxElement{"a\"b", {{"c\\d", 0}}, {"x", EvtxElement{"e", {}, {}}}},
       EvtxElement{"EventData", {}, {EvtxElement{"Data", {{"Name", "\",\"EventID\":1,\""}}, {0}}}}}};
  EXPECT_EQ(json::parse(ReadOne(event, {TextValue("\"},\n{")}))["Event"],
            json({{"a\"b", {{"#attributes", {{"c\\d", "\"},\n{"}}}, {"#text", "x"}, {"e", nullptr}}},
                  {"EventData", {{"\",\"EventID\":1,\"", "\"},\n{"}}}}));
}

// ---- damage

TEST(EvtxStreamTest, ASoundFileGivesItsRecordsInOrder) {
  const std::string file = EvtxFile({ChunkOf(1, 20).Finish(), ChunkOf(21, 5).Finish()});
  const Outcome outcome = Judge(file);
  EXPECT_THAT(outcome.complaints, ElementsAre());
  ASSERT_EQ(outcome.events.size(), 25U);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(outcome.events[static_cast<size_t>(i)], i + 1);
  EXPECT_EQ(Read(file, 7), Read(file)) << "in whatever pieces it is read";
}

TEST(EvtxStreamTest, OfADamagedFileAllThatCanBeReadIsRead) {
  const EvtxChunkBuilder sound = ChunkOf(1, 5);
  const std::vector<size_t> at = sound.records();
  const auto damaged = [&](auto&& change, bool repair_checksums = false) {
    std::string chunk = sound.Finish();
    change(&chunk);
    if (repair_checksums) EvtxChunkBuilder::Checksum(&chunk);
    return EvtxFile({chunk, ChunkOf(6, 1).Finish()});
  };
  const auto put = [](const std::string& bytes, size_t where) {
    return [=](std::string* chunk) { EvtxChunkBuilder::Put(bytes, where, chunk); };
  };
  const std::string zero(4, '\0');
  const struct {
    const char* what;
    std::string file;
    std::vector<int> events;
    Strings complaints;
  } cases[] = {
      {"a changed byte",
       damaged(put("X", at[1] + 40 + 300)),
       {1, 2, 3, 4, 5, 6},
       {"byte 4096, chunk 1: the checksum of the chunk's records does not match"}},
      {"a changed header",
       damaged(put("X", 200)),
       {1, 2, 3, 4, 5, 6},
       {"byte 4096, chunk 1: the checksum of the chunk's header does not match"}},
      {"no mark of the chunk",
       damaged(put("XXX", 0)),
       {1, 2, 3, 4, 5, 6},
       {"byte 4096, chunk 1: no header of a chunk"}},
      {"a record without its mark",
       damaged(put("X", at[2]), true),
       {1, 2, 4, 5, 6},
       {"byte " + std::to_string(4096 + at[2]) + ", chunk 1: no record that holds together; text: "}},
      {"a record that reaches over the next",
       damaged(put(LittleEndian(at[3] - at[1], 4), at[1] + 4), true),
       {1, 3, 4, 5, 6},
       {"byte " + std::to_string(4096 + at[1]) + ", chunk 1: no record that holds together"}},
      {"a record of no size",
       damaged(put(zero, at[4] + 4), true),
       {1, 2, 3, 4, 6},
       {"no record that holds together"}},
      {"a record larger than the chunk",
       damaged(put("\xFF\xFF\xFF\xFF", at[4] + 4), true),
       {1, 2, 3, 4, 6},
       {"no record that holds together"}},
      {"a template elsewhere",
       damaged(put("\xF0\xFF\xFF\xFF", at[1] + 34), true),
       {1, 3, 4, 5, 6},
       {"template outside of the chunk; text: "}},
      {"an unknown token", damaged(put("\x3F", at[1] + 24), true), {1, 3, 4, 5, 6}, {"unknown BinXML token"}},
      {"more values than there is room for",
       damaged(put("\xFF\xFF\xFF\x7F", at[1] + 38), true),
       {1, 3, 4, 5, 6},
       {"values reach beyond the record"}},
      {"free space beyond the chunk",
       damaged(put("\xFF\xFF\xFF\xFF", 48)),
       {1, 2, 3, 4, 5, 6},
       {"the checksum of the chunk's header does not match"}},
  };
  for (const auto& c : cases) {
    const Outcome outcome = Judge(c.file);
    EXPECT_EQ(outcome.events, c.events) << c.what;
    ASSERT_EQ(outcome.complaints.size(), c.complaints.size()) << c.what;
    for (size_t i = 0; i < c.complaints.size(); ++i) {
      EXPECT_THAT(outcome.complaints[i], HasSubstr(c.complaints[i])) << c.what;
    }
  }
}

TEST(EvtxStreamTest, TheTextOfALostRecordIsKept) {
  EvtxChunkBuilder chunk = ChunkOf(1, 3);
  std::string bytes = chunk.Finish();
  EvtxChunkBuilder::Put("X", chunk.records()[1], &bytes);
  EvtxChunkBuilder::Checksum(&bytes);
  const Outcome outcome = Judge(EvtxFile({bytes}));
  ASSERT_EQ(outcome.complaints.size(), 1U);
  EXPECT_THAT(outcome.complaints[0], HasSubstr("C:\\Windows\\System32\\cmd.exe"));
  EXPECT_THAT(outcome.complaints[0], HasSubstr("whoami /all 2"));
}

TEST(EvtxStreamTest, ATruncatedFileIsReadAsFarAsItGoes) {
  const EvtxChunkBuilder second = ChunkOf(6, 5);
  const std::string file = EvtxFile({ChunkOf(1, 5).Finish(), second.Finish()});
  const size_t second_at = 4096 + EvtxChunkBuilder::kSize;
  const struct {
    size_t size;
    size_t events;
    const char* complaint;
  } cases[] = {
      {8, 0, "byte 0: the file ends within its header"},
      {4095, 0, "byte 0: the file ends within its header"},
      {4096, 0, "byte 4096, chunk 1: the file ends before its last chunk"},
      {second_at, 5, "byte 69632, chunk 2: the file ends before its last chunk"},
      {second_at + 100, 5, "byte 69632, chunk 2: the file ends within this chunk"},
      {second_at + second.records()[2], 7, "byte 69632, chunk 2: the file ends within this chunk"},
      {second_at + second.records()[2] + 50, 7, "byte 69632, chunk 2: the file ends within this chunk"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = Judge(file.substr(0, c.size));
    EXPECT_EQ(outcome.events.size(), c.events) << c.size;
    ASSERT_FALSE(outcome.complaints.empty()) << c.size;
    EXPECT_THAT(outcome.complaints[0], HasSubstr(c.complaint)) << c.size;
  }
}

TEST(EvtxStreamTest, ReservedSpaceIsNoDamage) {
  const std::string unused(EvtxChunkBuilder::kSize, '\0');
  const Outcome outcome = Judge(EvtxFile({ChunkOf(1, 2).Finish(), unused, unused}));
  EXPECT_EQ(outcome.events.size(), 2U);
  EXPECT_THAT(outcome.complaints, ElementsAre());
}

// The last chunk as it is while Windows writes: its header is older than its records.
TEST(EvtxStreamTest, ALogInUseIsReadAsFarAsItWasWritten) {
  std::string chunk = ChunkOf(6, 5).Finish();
  const std::string older = ChunkOf(6, 3).Finish();
  chunk.replace(0, 512, older, 0, 512);
  const Outcome live = Judge(EvtxFile({ChunkOf(1, 5).Finish(), chunk}, true));
  EXPECT_EQ(live.events, std::vector<int>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_THAT(live.complaints, ElementsAre());

  // In a chunk that is not the last, checksums are final.
  const EvtxChunkBuilder first = ChunkOf(1, 5);
  std::string changed = first.Finish();
  EvtxChunkBuilder::Put("X", first.records()[1] + 16, &changed);
  EXPECT_THAT(Judge(EvtxFile({changed, chunk}, true)).complaints,
              ElementsAre(HasSubstr("byte 4096, chunk 1: the checksum of the chunk's records")));
}

TEST(EvtxStreamTest, WhatIsLeftOfAnOlderUseOfTheChunkIsNotGiven) {
  const EvtxChunkBuilder current = ChunkOf(100, 2);
  std::string chunk = ChunkOf(1, 8).Finish();
  chunk.replace(0, current.size(), current.Finish(), 0, current.size());
  EXPECT_EQ(Judge(EvtxFile({chunk})).events, std::vector<int>({100, 101}));
}

// ---- limits

// The BinXML of an instance of the template at `definition`, with no values.
std::string Instance(size_t definition) {
  return std::string("\x0f\x01\x01\x00\x0c\x01", 6) + LittleEndian(0, 4) + LittleEndian(definition, 4);
}

TEST(EvtxStreamTest, ATemplateThatUsesItselfEnds) {
  EvtxChunkBuilder chunk;
  const size_t definition = chunk.next_xml() + 14;
  std::string body;
  for (int i = 0; i < 3; ++i) body += Instance(definition).substr(4) + LittleEndian(0, 4);
  chunk.AddRawRecord(1, Instance(definition) + std::string(20, '\0') + LittleEndian(body.size(), 4) + body +
                            LittleEndian(0, 4) + std::string(1, '\0'));
  EXPECT_THAT(Read(EvtxFile({chunk.Finish()})), ElementsAre(HasSubstr("nested too deep")));
}

TEST(EvtxStreamTest, WhatExpandsBeyondTheLimitIsRefusedAndTheRestRead) {
  // 3,000 times a text of 10,000 characters.
  EvtxElement repeating{"Event", {}, {}};
  for (int i = 0; i < 3000; ++i) repeating.content.emplace_back(0);
  EvtxChunkBuilder chunk;
  chunk.AddRecord(1, repeating, {TextValue(std::string(10'000, 'a'))});
  chunk.AddRecord(2, ProcessTemplate(), ProcessValues(2, "x"));
  EXPECT_THAT(Read(EvtxFile({chunk.Finish()})),
              ElementsAre(HasSubstr("longer than the limit"), HasSubstr("\"EventRecordID\":2")));

  // Two arrays of 1,000 items in one element: a million elements.
  const EvtxElement crossed{"Event", {}, {EvtxElement{"Data", {}, {0, 1}}}};
  const std::string items(1000, '\x01');
  EvtxChunkBuilder arrays;
  arrays.AddRecord(1, crossed, {{0x84, items, nullptr, {}}, {0x84, items, nullptr, {}}});
  EXPECT_THAT(Read(EvtxFile({arrays.Finish()})), ElementsAre(HasSubstr("expands beyond the limit")));
}

TEST(EvtxStreamTest, DeepElementsAreRefused) {
  const auto nested = [](int depth) {
    EvtxElement element{"e", {}, {"x"}};
    for (int i = 1; i < depth; ++i) element = EvtxElement{"e", {}, {element}};
    return element;
  };
  EXPECT_THAT(ReadOne(nested(60), {}), StartsWith("{"));
  EXPECT_THAT(ReadOne(nested(200), {}), HasSubstr("nested too deep"));
}

// ---- as an input

class EvtxInputTest : public IngestTest {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  TemporaryFolder folder_;
};

TEST_F(EvtxInputTest, IsSeenByItsFirstBytesAndResumesWhereItWasLeft) {
  const std::string file = EvtxFile({ChunkOf(1, 60).Finish(), ChunkOf(61, 60).Finish()});
  const std::string path = Write("log.bin", file);
  const Strings lines = Read(file);
  RecordReader::Options options;
  options.batch_bytes = 4096;
  const auto read = [&](uint64_t index, uint64_t cursor) {
    auto reader = RecordReader::Open(path, path, options);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE((*reader)->Resume(index, cursor, false).ok());
    std::vector<std::pair<std::string, RecordBatch::Record>> records;
    RecordBatch batch;
    while (*(*reader)->Next(&batch)) {
      for (const RecordBatch::Record& r : batch.records) records.emplace_back(r.text(), r);
    }
    return records;
  };
  const auto all = read(0, 0);
  ASSERT_EQ(all.size(), lines.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].first, lines[i]);
    EXPECT_EQ(all[i].second.index, i);
  }
  const auto rest = read(50, all[49].second.cursor);
  ASSERT_EQ(rest.size(), lines.size() - 50);
  EXPECT_EQ(rest[0].first, lines[50]);
  EXPECT_EQ(rest[0].second.index, 50U);
}

TEST_F(EvtxInputTest, WhatCannotBeReadIsADeadLetterThatSaysWhere) {
  RecordDecoder decoder(fields_);
  const Strings lines = Read(EvtxFile({ChunkOf(1, 2).Finish()}).substr(0, 9000));
  ASSERT_EQ(lines.size(), 3U);
  const PaddedText line(lines[0]);
  event_.Clear(fields_);
  const DecodeResult result = decoder.Decode(line.text(), {}, &event_);
  EXPECT_EQ(result.outcome, DecodeOutcome::kDead);
  EXPECT_STREQ(result.reason, RecordDecoder::kUnreadableLog);
  EXPECT_THAT(Texts("raw"), ElementsAre(lines[0]));
}

// The originals of the events beside them, decoded by others.
TEST_F(EvtxInputTest, TheReferenceLogsGiveTheEventsThatOthersRead) {
  const std::string archive = ReferenceDir() + "/data/regression/evtx.tar.zst";
  if (!std::filesystem::exists(archive)) GTEST_SKIP() << "no " << archive;
  ASSERT_EQ(std::system(("tar --zstd -xf '" + archive + "' -C '" + folder_.path() + "'").c_str()), 0);
  size_t files = 0, events = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (entry.path().extension() != ".evtx") continue;
    ++files;
    std::ifstream bytes(entry.path(), std::ios::binary);
    const Strings ours = Read({std::istreambuf_iterator<char>(bytes), {}});
    std::ifstream text(ReferenceDir() + "/data/regression/events/" + entry.path().stem().string() +
                       ".ndjson");
    ASSERT_TRUE(text.good()) << entry.path();
    std::string line;
    size_t i = 0;
    for (; std::getline(text, line); ++i) {
      ASSERT_LT(i, ours.size()) << entry.path();
      EXPECT_EQ(json::parse(ours[i]), json::parse(line)) << entry.path() << ", record " << i;
      ASSERT_EQ(Decode(ours[i]).outcome, DecodeOutcome::kClean);
      const std::string fields = Json();
      ASSERT_EQ(Decode(line).outcome, DecodeOutcome::kClean);
      EXPECT_EQ(fields, Json());
    }
    EXPECT_EQ(i, ours.size()) << entry.path();
    events += i;
  }
  EXPECT_GE(files, 98U);
  EXPECT_GE(events, 116U);
}

}  // namespace
}  // namespace redthread
