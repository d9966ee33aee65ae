#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class KeyValueTest : public TextFormatTest {
 protected:
  void Expect(const std::vector<LineCase>& cases) {
    for (const LineCase& c : cases) EXPECT_EQ(Read(c.line), json::parse(c.expected)) << c.line;
  }
};

TEST_F(KeyValueTest, ReadsCef) {
  Expect({
      {R"(CEF:0|Security|threatmanager|1.0|100|worm successfully stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232)",
       R"({"deviceVendor":"Security","deviceProduct":"threatmanager","deviceVersion":"1.0","deviceEventClassId":"100",
           "name":"worm successfully stopped","severity":"10","src":"10.0.0.1","src_ip":"10.0.0.1","dst":"2.1.2.2",
           "dst_ip":"2.1.2.2","spt":1232,"src_port":1232})"},
      // Escapes, spaces in values, equals signs in them.
      {R"(CEF:1|a\|b|c\\d|1|2|n|3|act=blocked a \= dst msg=two  words\nnext request=http://x/?a\=b&c=d cs1Label=L)",
       R"({"deviceVendor":"a|b","deviceProduct":"c\\d","deviceVersion":"1","deviceEventClassId":"2","name":"n",
           "severity":"3","act":"blocked a = dst","action":"blocked a = dst","msg":"two  words\nnext",
           "request":"http://x/?a=b&c=d","cs1Label":"L"})"},
      {"CEF:0|a|b|c|d|e|f|",
       R"({"deviceVendor":"a","deviceProduct":"b","deviceVersion":"c","deviceEventClassId":"d",
                                 "name":"e","severity":"f"})"},
      {"CEF:0|a|b|c|d|e", R"("no known format")"},
      {"CEF:0 nothing of it", R"("no known format")"},
      {"<134>Feb 14 19:04:54 fw1 CEF:0|a|b|c|d|e|f|src=192.0.2.1",
       R"({"facility":"local0","severity":"info","hostname":"fw1","deviceVendor":"a","deviceProduct":"b",
           "deviceVersion":"c","deviceEventClassId":"d","name":"e","severity":"f","src":"192.0.2.1","src_ip":"192.0.2.1"})"},
  });
  EXPECT_EQ(TimeOf("CEF:0|a|b|c|d|e|f|rt=1604996384965"), "2020-11-10T08:19:44.965000000Z");
  EXPECT_EQ(TimeOf("CEF:0|a|b|c|d|e|f|rt=Nov 10 2020 08:19:44.965 UTC"), "2020-11-10T08:19:44.965000000Z");
  EXPECT_EQ(TimeOf("<134>Feb 14 19:04:54 fw1 CEF:0|a|b|c|d|e|f|src=192.0.2.1"),
            "2016-02-14T19:04:54.000000000Z");
}

TEST_F(KeyValueTest, ReadsFortigate) {
  const std::string line =
      R"(date=2019-05-10 time=11:37:47 logid="0000000013" type="traffic" subtype="forward" level="notice" vd="vdom1" )"
      R"(eventtime=1557513467369913239 srcip=10.1.100.11 srcport=58012 msg="a \"b\" c" devid="FGT1")";
  const std::string expected =
      R"("date":"2019-05-10","time":"11:37:47","logid":"0000000013","type":"traffic","subtype":"forward",
         "level":"notice","vd":"vdom1","eventtime":"1557513467369913239","srcip":"10.1.100.11","srcport":58012,
         "msg":"a \"b\" c","devid":"FGT1"})";
  Expect({{line, "{" + expected},
          {"<189>" + line, R"({"facility":"local7","severity":"notice",)" + expected},
          {"date=2019-05-10 time=11:37:47 nothing else", R"({"date":"2019-05-10","time":"11:37:47"})"}});
  EXPECT_EQ(TimeOf(line), "2019-05-10T18:37:47.369913239Z");
  EXPECT_EQ(TimeOf("date=2019-05-10 time=11:37:47 logid=\"1\" eventtime=1557513467 tz=\"-0700\""),
            "2019-05-10T18:37:47.000000000Z");
  EXPECT_EQ(TimeOf("date=2019-05-10 time=11:37:47 logid=\"1\" tz=\"-0700\""),
            "2019-05-10T18:37:47.000000000Z");
  EXPECT_EQ(TimeOf("date=2019-05-10 time=11:37:47 logid=\"1\""), "2019-05-10T11:37:47.000000000Z");
  for (const char* beyond : {"9999999999", "9999999999999", "9999999999999999", "9999999999999999999"}) {
    EXPECT_EQ(TimeOf(std::string("date=2019-05-10 time=11:37:47 logid=\"1\" eventtime=") + beyond),
              "2019-05-10T11:37:47.000000000Z")
        << beyond;
  }
}

TEST_F(KeyValueTest, ReadsPairs) {
  Expect({
      {R"(time=2026-11-22T10:00:00Z level=info msg="it \"is\" done" n=5 leading=05 empty= flag)",
       R"({"time":"2026-11-22T10:00:00Z","level":"info","msg":"it \"is\" done","n":5,"leading":"05","empty":""})"},
      {"a=b", R"("no known format")"},
      {"a=b and prose", R"("no known format")"},
      {"some prose with a=b c=d", R"("no known format")"},
      {"1=2 3=4 some long text", R"("no known format")"},
  });
  EXPECT_EQ(TimeOf("time=2026-11-22T10:00:00+01:00 level=info"), "2026-11-22T09:00:00.000000000Z");
  EXPECT_EQ(TimeOf("ts=1604996384.965 level=info"), "2020-11-10T08:19:44.965000000Z");
}

TEST_F(KeyValueTest, ReadsThePacketFilterOfFirewalls) {
  Expect({
      {"<134>Aug 30 12:00:00 pf filterlog[123]: "
       "5,,,1000000103,igb0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,198.51.100.9,192.0.2.1,4711,22,0,S,1,,"
       "64240,,mss",
       R"({"facility":"local0","severity":"info","hostname":"pf","appname":"filterlog","procid":123,"rule_number":5,
           "tracker":"1000000103","interface":"igb0","reason":"match","action":"block","direction":"in","ip_version":4,
           "protocol":"tcp","length":60,"src_ip":"198.51.100.9","dst_ip":"192.0.2.1","src_port":4711,"dst_port":22,
           "tcp_flags":"S"})"},
      {"<134>Aug 30 12:00:00 pf filterlog: "
       "4,,,7,em0,match,pass,out,6,0x00,0x0,255,ICMPv6,58,32,fe80::1,ff02::1,",
       R"({"facility":"local0","severity":"info","hostname":"pf","appname":"filterlog","rule_number":4,"tracker":"7",
           "interface":"em0","reason":"match","action":"pass","direction":"out","ip_version":6,"protocol":"ICMPv6",
           "length":32,"src_ip":"fe80::1","dst_ip":"ff02::1"})"},
      {"<134>Aug 30 12:00:00 pf filterlog: cut,,short",
       R"({"facility":"local0","severity":"info","hostname":"pf","appname":"filterlog","message":"cut,,short"})"},
  });
}

TEST_F(KeyValueTest, AServersAccessLogMayComeThroughSyslog) {
  const json fields = Read(
      R"(<190>Aug 30 12:00:00 w1 nginx: 192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5)");
  EXPECT_EQ(fields["hostname"], "w1");
  EXPECT_EQ(fields["cs-method"], "GET");
  EXPECT_FALSE(fields.contains("message"));
  EXPECT_EQ(FormatTimestamp(*event_.time), "2015-05-17T10:05:03.000000000Z");
}

TEST_F(KeyValueTest, ARecordOfPairsWithoutEndIsBounded) {
  std::string line = "a=b";
  for (int i = 0; i < 5000; ++i) line += " k" + std::to_string(i) + "=v";
  Decode(line);
  EXPECT_LE(event_.fields().size(), KeyValueDecoder::kMaxPairs + 2);
}

TEST_F(KeyValueTest, HostileRecordsTakeLinearTime) {
  ExpectLinear("CEF:0|a|b|c|d|e|f|", "x=", "");
  ExpectLinear("CEF:0|a|b|c|d|e|f|x=", "aaaa", "=");
  ExpectLinear("CEF:0|a|b|c|d|e|f|x=", "\\", "=");
  ExpectLinear("type=A msg=audit(1604996384.965:1): a=", "\"", "");
  ExpectLinear("a=b c=d ", "aaaa", " x=y");
  ExpectLinear("a=b c=\"", "\\\"", " x=y");
}

}  // namespace
}  // namespace redthread
