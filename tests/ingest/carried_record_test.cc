// Records within records: JSON and XML as syslog's message, and lines that a collector put into its JSON.
#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class CarriedRecordTest : public TextFormatTest {
 protected:
  // All fields of a line that is read cleanly, else the reason; the time beside them, where the decoder set
  // one.
  json All(const std::string& line) {
    const DecodeResult result = Decode(line);
    if (result.outcome != DecodeOutcome::kClean) return result.reason;
    EXPECT_EQ(event_.raw, line);
    json fields = Fields();
    if (event_.time.has_value()) fields["_time"] = FormatTimestamp(*event_.time).substr(0, 19);
    return fields;
  }
};

TEST_F(CarriedRecordTest, JsonInSyslogHasItsFieldsAndThoseOfTheHeaderThatItLacks) {
  const json header = json::parse(
      R"({"facility":"user","severity":"notice","hostname":"h","host":"h","appname":"app","program":"app",
          "procid":7,"pid":7})");
  struct Case {
    const char* line;
    const char* fields;
  };
  const Case cases[] = {
      {R"(<13>Nov 10 08:19:44 h app[7]: {"a":{"b":[1]},"c":"d"})",
       R"({"a":{"b":[1]},"c":"d","@timestamp":"2016-11-10T08:19:44.000Z","_time":"2016-11-10T08:19:44"})"},
      {R"(<13>Nov 10 08:19:44 h app[7]: @cee: {"c":"d"})",
       R"({"c":"d","@timestamp":"2016-11-10T08:19:44.000Z","_time":"2016-11-10T08:19:44"})"},
      {R"(<13>1 2016-11-10T08:19:44Z h app 7 - - {"c":"d"})",
       R"({"c":"d","@timestamp":"2016-11-10T08:19:44.000Z","_time":"2016-11-10T08:19:44"})"},
      // It has a time, a host and a message itself.
      {R"(<13>Nov 10 08:19:44 h app[7]: {"time":"2020-01-02T03:04:05Z","host":"h2","message":"m"})",
       R"({"time":"2020-01-02T03:04:05Z","host":"h2","message":"m","_time":"2020-01-02T03:04:05"})"},
  };
  for (const Case& c : cases) {
    json expected = header;
    expected.update(json::parse(c.fields));
    EXPECT_EQ(All(c.line), expected) << c.line;
  }
  // No program, no host, and nothing of the JSON taken for one.
  EXPECT_EQ(All(R"(<13>{"a": 1, "b": 2})"),
            json::parse(R"({"a":1,"b":2,"facility":"user","severity":"notice"})"));
  EXPECT_EQ(All(R"(<13>Nov 10 08:19:44 h @cee:{"a": 1})")["hostname"], "h");
  EXPECT_EQ(All(R"(<13>Nov 10 08:19:44 {"a": 1})").count("hostname"), 0u);
}

TEST_F(CarriedRecordTest, WhatOnlyBeginsLikeARecordIsAMessage) {
  for (const char* message :
       {"{", "{foo} bar", "{}", "@cee: no", "@see this", "<Event", "<Events are over>", "<b>"}) {
    const std::string line = std::string("<13>Nov 10 08:19:44 h app: ") + message;
    const json fields = All(line);
    EXPECT_EQ(fields["message"], message);
    EXPECT_EQ(fields["raw"], line);
    EXPECT_EQ(fields["program"], "app");
    EXPECT_EQ(fields["_time"], "2016-11-10T08:19:44");
  }
}

TEST_F(CarriedRecordTest, JsonThatSyslogCutShortIsReadAsFarAsItGoes) {
  const std::string line = R"(<13>Nov 10 08:19:44 h app: {"a":1,"b":"two)";
  const DecodeResult result = Decode(line);
  EXPECT_EQ(result.outcome, DecodeOutcome::kDamaged);
  EXPECT_GT(result.offset, line.find('{'));
  EXPECT_LE(result.offset, line.size());
  EXPECT_EQ(Fields()["a"], 1);
  EXPECT_EQ(Fields()["hostname"], "h");
}

TEST_F(CarriedRecordTest, AnEventOfWindowsInSyslogIsOne) {
  const std::string xml =
      R"(<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>)"
      R"(<Provider Name='P'/><EventID>4688</EventID><TimeCreated SystemTime='2020-01-02T03:04:05.6Z'/>)"
      R"(<Channel>Security</Channel><Computer>ws1</Computer></System>)"
      R"(<EventData><Data Name='CommandLine'>a: b</Data></EventData></Event>)";
  json alone = All(xml);
  EXPECT_EQ(alone["CommandLine"], "a: b");
  for (const char* header :
       {"<13>Nov 10 08:19:44 collector nxlog[7]: ", "<13>1 2016-11-10T08:19:44Z collector nxlog 7 - - ",
        "<13>Nov 10 08:19:44 collector "}) {
    json fields = All(header + xml);
    EXPECT_EQ(fields["hostname"], "collector") << header;
    EXPECT_EQ(fields["_time"], "2020-01-02T03:04:05");
    for (const auto& [name, value] : alone.items()) EXPECT_EQ(fields[name], value) << name;
    for (const char* name : {"message", "raw", "@timestamp"}) EXPECT_FALSE(fields.contains(name)) << name;
  }
  // Within a collector's JSON too.
  json fields = All(json({{"message", xml}, {"agent", "a"}}).dump());
  EXPECT_EQ(fields["CommandLine"], "a: b");
  EXPECT_EQ(fields["agent"], "a");
}

TEST_F(CarriedRecordTest, ALineInACollectorsJsonIsReadAsItWouldBeAlone) {
  const std::string lines[] = {
      "<34>Oct 11 22:14:15 h sshd[7]: Failed password for root from 192.0.2.1 port 22 ssh2",
      "Dec 10 06:55:46 h sshd[24200]: Invalid user webmaster from 192.0.2.1",
      R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 5 "-" "agent")",
      "type=CWD msg=audit(1604996384.965:7): cwd=\"/\"",
      "CEF:0|a|b|c|d|e|f|rt=1604996384965 src=192.0.2.1",
  };
  for (const std::string& line : lines) {
    const json alone = All(line);
    ASSERT_TRUE(alone.is_object()) << line;
    for (const char* carrier : {"message", "log", "MESSAGE"}) {
      // Without a year, it is of the time at which it was collected.
      json fields = All(json({{carrier, line + (*carrier == 'l' ? "\n" : "")},
                              {"@timestamp", "2016-12-30T00:00:00Z"},
                              {"fields", {{"site", "x"}}}})
                            .dump());
      EXPECT_EQ(fields["fields"]["site"], "x");
      fields.erase("fields");
      EXPECT_EQ(fields, alone) << carrier << " " << line;
    }
  }
}

TEST_F(CarriedRecordTest, JsonInJsonHasItsOwnFieldsFirst) {
  EXPECT_EQ(
      All(R"({"@timestamp":"2021-01-01T00:00:00Z","host":{"name":"h"},"type":"log",)"
          R"("message":"{\"type\":\"x\",\"a\":{\"b\":1}}"})"),
      json::parse(R"({"type":"x","a":{"b":1},"@timestamp":"2021-01-01T00:00:00Z","host":{"name":"h"}})"));
  // Its time counts, not that at which it was collected.
  EXPECT_EQ(All(R"({"@timestamp":"2021-01-01T00:00:00Z","message":"{\"time\":\"2020-01-02T03:04:05Z\"}"})"),
            json::parse(R"({"time":"2020-01-02T03:04:05Z","_time":"2020-01-02T03:04:05"})"));
  // Some write < like this.
  EXPECT_EQ(All(R"({"message":"\u003c34\u003eOct 11 22:14:15 h su[7]: x"})")["hostname"], "h");
  // Once, and syslog's own body.
  EXPECT_EQ(All(R"({"message":"{\"message\":\"{\\\"a\\\":1}\"}"})"),
            json::parse(R"({"message":"{\"a\":1}"})"));
  const json both = All(R"({"site":"x","message":"<34>Oct 11 22:14:15 h su[7]: {\"a\":1}"})");
  EXPECT_EQ(both["a"], 1);
  EXPECT_EQ(both["hostname"], "h");
  EXPECT_EQ(both["site"], "x");
}

TEST_F(CarriedRecordTest, ProseStaysWhatItIs) {
  for (const char* line :
       {R"({"message":"Failed password for root","host":"h"})", R"({"message":"{not json}","a":{"b":[1,2]}})",
        R"({"message":"2016-11-10 08:19:44 INFO a"})", R"({"message":"a=b c=d"})",
        R"({"message":"<b>bold</b>"})", R"({"message":{"a":1}})", R"({"message":""})",
        R"({"log":{"file":{"path":"/x"}},"message":"x"})", R"({"message":"type=CWD msg=audit("})",
        // What Windows says in words.
        R"({"Channel":"Security","EventID":1,"message":"{\"EventID\":2}"})",
        R"({"winlog":{"channel":"Security","event_id":1},"message":"<34>Oct 11 22:14:15 h su[7]: x"})"}) {
    json fields = All(line);
    for (const char* name : {"Channel", "EventID"}) {
      if (!json::parse(line).contains(name)) fields.erase(name);
    }
    EXPECT_EQ(fields, json::parse(line)) << line;
  }
}

TEST_F(CarriedRecordTest, AnAuditRecordBelongsToTheHostThatTheCollectorNames) {
  for (const char* host : {R"("host":{"name":"web1"})", R"("host":"web1")"}) {
    EXPECT_EQ(All(std::string("{") + host +
                  R"(,"message":"type=CWD msg=audit(1604996384.965:7): cwd=\"/\""})")["audit_event"],
              "web1:1604996384.965:7");
  }
}

TEST_F(CarriedRecordTest, HostileRecordsTakeLinearTime) {
  ExpectLinear(R"(<13>Nov 10 08:19:44 h app: {)", R"("a":1,)", R"("b":1})");
  ExpectLinear(R"({"message":"{\"x\":1}",)", R"("a":1,)", R"("b":1})");
  ExpectLinear(R"({"message":"{\"x\":1}","a":)", "[", "");
  ExpectLinear(R"({"message":")", R"({\")", R"("})");
}

}  // namespace
}  // namespace redthread
