#include "ingest/shapes.h"

#include "tests/ingest/ingest_fixture.h"

namespace redthread {
namespace {

class ShapesTest : public IngestTest {};

TEST_F(ShapesTest, TakeOffTheNestingOfEachShipper) {
  for (const char* name : {"ThreatName", "EventData_Name", "xmlns"}) fields_.Add(name);
  const struct {
    const char* record;
    const char* flat;
  } cases[] = {
      // evtx_dump.
      {R"({"Event":{"System":{"Provider":{"#attributes":{"Name":"P","Guid":"G"}},"EventID":{"#attributes":{"Qualifiers":2},"#text":7},"Channel":"C","Task":null}},"beside":1})",
       R"({"Provider_Name":"P","Provider_Guid":"G","EventID_Qualifiers":2,"EventID":7,"Channel":"C"})"},
      {R"({"Event":{"System":{"EventID":1,"Level":4},"EventData":{"EventID":9,"Level":"x","Data":{"#text":["a"]},"E":{"#attributes":{"n":1}},"O":{"k":1}}}})",
       R"({"EventID":1,"Level":"x","Data":["a"],"E":null,"O":{"k":1}})"},
      {R"({"Event":{"EventData":{"#attributes":{"Name":"n"},"a":1},"System":{}}})",
       R"({"EventData_Name":"n","a":1})"},
      {R"({"Event":{"System":{},"EventData":"text","DebugData":null,"ProcessingErrorData":[1]}})",
       R"({"EventData":"text"})"},
      {R"({"Event":{"System":{},"UserData":{"Cleared":{"#attributes":{"xmlns":"y"},"Name":{"#text":"bob"}},"x":1}}})",
       R"({"Name":"bob","x":1})"},
      {R"({"Event":{"System":{},"EventData":{"a":1,"a":2}}})", R"({"a":1,"a":2})"},
      {R"({"Event":{"System":"no object"}})", R"({"Event":{"System":"no object"}})"},
      {R"({"Event":{"System":{},"EventData":{"Threat Name":"x"}}})",
       R"({"Threat Name":"x","ThreatName":"x"})"},
      {R"({"Event":{"System":{},"EventData":{"Threat Name":"x","ThreatName":"y"}}})",
       R"({"Threat Name":"x","ThreatName":"y"})"},
      // winlogbeat 7: event_data wins over the top, the top over user_data, winlog's own over all.
      {R"({"winlog":{"channel":"C","event_id":1,"provider_name":"P","computer_name":"H","record_id":5},"Channel":"x"})",
       R"({"winlog":{"channel":"C","event_id":1,"provider_name":"P","computer_name":"H","record_id":5},"Channel":"C","EventID":1,"Provider_Name":"P","Computer":"H","EventRecordID":5})"},
      {R"({"a":1,"b":2,"winlog":{"event_data":{"a":3,"EventID":9},"user_data":{"b":4,"c":5},"event_id":1}})",
       R"({"a":3,"b":2,"winlog":{"event_data":{"a":3,"EventID":9},"user_data":{"b":4,"c":5},"event_id":1},"EventID":1,"c":5})"},
      {R"({"winlog":"text","a":1})", R"({"winlog":"text","a":1})"},
      // winlogbeat 6.
      {R"({"log_name":"L","event_id":2,"source_name":"S","event_data":{"x":1,"event_id":3}})",
       R"({"log_name":"L","event_id":3,"source_name":"S","event_data":{"x":1,"event_id":3},"x":1,"Channel":"L","EventID":2,"Provider_Name":"S"})"},
      // Flat.
      {R"({"EventID":1,"Channel":"C","SourceName":7,"ProviderName":"P","Hostname":"H"})",
       R"({"EventID":1,"Channel":"C","SourceName":7,"ProviderName":"P","Hostname":"H","Provider_Name":"P","Computer":"H"})"},
      {R"({"EventID":1,"Channel":"C","Source":"S","Provider_Name":"own","Computer":null,"Hostname":"H"})",
       R"({"EventID":1,"Channel":"C","Source":"S","Provider_Name":"own","Computer":null,"Hostname":"H"})"},
      {R"({"EventID":1,"Channel":"C","Threat Name":"x"})",
       R"({"EventID":1,"Channel":"C","Threat Name":"x","ThreatName":"x"})"},
      // Anything else stays as it is, names with spaces too.
      {R"({"EventID":1,"Threat Name":"x","Hostname":"H"})",
       R"({"EventID":1,"Threat Name":"x","Hostname":"H"})"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.record);
    Decode(c.record);
    EXPECT_EQ(Json(), c.flat);
  }
}

TEST_F(ShapesTest, AFieldOfTwoSectionsIsOneAndADuplicateOfOneSectionIsTwo) {
  fields_.Add("Image");
  Decode(R"({"Image":"outer","winlog":{"event_data":{"Image":"a","Image":"b"}}})");
  EXPECT_EQ(Texts("Image"), (std::vector<std::string>{"a", "b"}));
  Decode(R"({"winlog":{"event_id":1,"event_id":2}})");
  EXPECT_EQ(Texts("EventID"), (std::vector<std::string>{"1", "2"}));
}

TEST_F(ShapesTest, EscapedNamesAreSeenToo) {
  fields_.Add("ThreatName");
  Decode(R"({"\u0045ventID":1,"Chann\u0065l":"C","Threat\u0020Name":"x","Host\u006eame":"H"})");
  EXPECT_EQ(Texts("ThreatName"), std::vector<std::string>{"x"});
  EXPECT_EQ(Texts("Computer"), std::vector<std::string>{"H"});
}

TEST_F(ShapesTest, TheTimeIsThatOfTheFirstFieldThatHoldsOne) {
  const EventTime time(fields_);
  const struct {
    const char* record;
    const char* time;
  } cases[] = {
      {R"({"@timestamp":"2026-01-02T03:04:05Z","TimeCreated":"2020-01-01T00:00:00Z"})",
       "2026-01-02T03:04:05.000000000Z"},
      {R"({"TimeCreated":"2020-01-01 00:00:00","@timestamp":"no time"})", "2020-01-01T00:00:00.000000000Z"},
      {R"({"@timestamp":null,"ts":1481356277.1239999999})", "2016-12-10T07:51:17.123999999Z"},
      {R"({"time":"1481356277123"})", "2016-12-10T07:51:17.123000000Z"},
      {R"({"time":true,"timestamp":[1481356277],"ts":{"x":1}})", ""},
      {R"({"ts":"x","ts":1481356277})", "2016-12-10T07:51:17.000000000Z"},
      {R"({"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2026-01-02T03:04:05.5Z"}}}}})",
       "2026-01-02T03:04:05.500000000Z"},
      {R"({"nested":{"@timestamp":"2026-01-02T03:04:05Z"}})", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.record);
    Decode(c.record);
    time.Set(&event_);
    EXPECT_EQ(event_.time.has_value() ? FormatTimestamp(*event_.time) : "", c.time);
  }
}

}  // namespace
}  // namespace redthread
