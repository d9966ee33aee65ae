#include "ingest/event_xml.h"

#include <gmock/gmock.h>

#include "ingest/event_json.h"
#include "ingest/line_stream.h"
#include "ingest/xml_export_stream.h"
#include "tests/ingest/text_fixture.h"
#include "tests/support/bytes_stream.h"

namespace redthread {
namespace {

using nlohmann::json;
using testing::ElementsAre;

constexpr const char* kEvent =
    R"(<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>)"
    R"(<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>)"
    R"(<EventID Qualifiers='0'>4688</EventID><Level>0</Level>)"
    R"(<TimeCreated SystemTime='2024-12-01T00:00:07.1234567Z'/><EventRecordID>7</EventRecordID><Correlation/>)"
    R"(<Channel>Security</Channel><Computer>dc1.example</Computer><Security UserID='S-1-5-18'/></System>)"
    R"(<EventData><Data Name='NewProcessName'>C:\Windows\System32\cmd.exe</Data>)"
    R"(<Data Name='CommandLine'>cmd /c &quot;a &amp;&amp; b&quot; &gt; c</Data><Data Name='Empty'></Data>)"
    R"(<Data Name='Blank'>  </Data></EventData></Event>)";

// The tree as JSON; with what is wrong behind it.
std::string Tree(std::string_view xml) {
  EventXmlReader reader;
  XmlTree tree;
  Arena arena;
  const char* const failure = reader.Read(xml, &tree, &arena);
  EXPECT_LE(reader.offset(), xml.size());
  std::string out;
  if (!AppendEventJson(tree, 1 << 20, &out)) out = "none";
  return failure == nullptr ? out : out + " " + failure;
}

TEST(EventXmlTest, WhatXmlMeansIsWhatIsRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"<Event/>", R"({"Event":null})"},
      {"<Event></Event>", R"({"Event":null})"},
      {" \n<Event >a</Event >\n ", R"({"Event":"a"})"},
      {"\xEF\xBB\xBF<Event>a</Event>", R"({"Event":"a"})"},
      {"<?xml version='1.0'?>\n<!-- a <b> --><Event>a<!-- c -->b</Event>", R"({"Event":"ab"})"},
      {"<Event><![CDATA[<a>&amp;]]></Event>", R"({"Event":"<a>&amp;"})"},
      {"<Event>&lt;&gt;&amp;&quot;&apos;</Event>", R"({"Event":"<>&\"'"})"},
      {"<Event>&#65;&#x41;&#x1F600;</Event>", "{\"Event\":\"AA\xF0\x9F\x98\x80\"}"},
      {"<Event>&#0;&#xD800;&#x110000;&#99999999999;</Event>",
       "{\"Event\":\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"}"},
      {"<Event>&nbsp; & &; &#; &#x; &amp</Event>", R"({"Event":"&nbsp; & &; &#; &#x; &amp"})"},
      {"<Event>\n <a>1</a>\n <b c = \"&lt;'\" d='\"'/>\n</Event>",
       R"({"Event":{"a":"1","b":{"#attributes":{"c":"<'","d":"\""}}}})"},
      {"<Event><a> </a><b>\n </b><c>&#10;x</c></Event>", R"({"Event":{"a":" ","b":null,"c":"\nx"}})"},
      {"<Event>&amp;amp;lt;</Event>", R"({"Event":"&amp;lt;"})"},
  };
  for (const auto& [xml, expected] : cases) EXPECT_EQ(Tree(xml), expected) << xml;
}

TEST(EventXmlTest, OfWhatIsNoXmlTheBeginningIsRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "none no XML element"},
      {"text", "none text outside of the XML element"},
      {"<Event>a", R"({"Event":"a"} XML ends within an element)"},
      {"<Event><a b='c'>d</a><e f='g",
       R"({"Event":{"a":{"#attributes":{"b":"c"},"#text":"d"},"e":null}} XML ends within a tag)"},
      {"<Event><a>b</c></Event>", R"({"Event":{"a":"b"}} XML end tag of another element)"},
      {"<Event/><Event/>", R"({"Event":null} XML with more than one element)"},
      {"<Event/>x", R"({"Event":null} text outside of the XML element)"},
      {"<Event a>b</Event>", R"({"Event":null} XML attribute without a value)"},
      {"<Event a=b>c</Event>", R"({"Event":null} XML attribute without quotes)"},
      {"<Event>< /Event>", R"({"Event":null} XML tag without a name)"},
      {"<!DOCTYPE Event [<!ENTITY a 'b'>]><Event>&a;</Event>", "none XML with a declaration"},
      {"<Event><!ENTITY a 'b'></Event>", R"({"Event":null} XML with a declaration)"},
      {"<Event><![CDATA[abc", R"({"Event":"abc"} XML ends within an element)"},
      {"<Event><!-- abc", R"({"Event":null} XML ends within a comment)"},
  };
  for (const auto& [xml, expected] : cases) EXPECT_EQ(Tree(xml), expected) << xml;
}

TEST(EventXmlTest, DepthAndSizeAreLimited) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(Tree("<Event>" + deep), testing::EndsWith("nested too deep"));
  std::string wide;
  for (int i = 0; i < 300'000; ++i) wide += "<a/>";
  EXPECT_THAT(Tree("<Event>" + wide + "</Event>"), testing::HasSubstr("more XML than the limit"));
}

// ---- as a format of records

class XmlFormatTest : public TextFormatTest {};

TEST_F(XmlFormatTest, AnEventHasTheFieldsThatItHasInJson) {
  const DecodeResult result = Decode(kEvent);
  EXPECT_EQ(result.outcome, DecodeOutcome::kClean) << result.reason;
  EXPECT_EQ(event_.raw, kEvent);
  EXPECT_EQ(Fields(), json::parse(R"({
    "Provider_Name": "Microsoft-Windows-Security-Auditing", "Provider_Guid": "{54849625-5478-4994-a5ba-3e3b0328c30d}",
    "EventID": "4688", "EventID_Qualifiers": "0", "Level": "0", "TimeCreated_SystemTime": "2024-12-01T00:00:07.1234567Z",
    "EventRecordID": "7", "Channel": "Security", "Computer": "dc1.example", "Security_UserID": "S-1-5-18",
    "NewProcessName": "C:\\Windows\\System32\\cmd.exe", "CommandLine": "cmd /c \"a && b\" > c", "Empty": "",
    "Blank": "  "})"));
}

TEST_F(XmlFormatTest, ALineThatWasCutShortCountsAsFarAsItGoes) {
  const std::string line = std::string(kEvent).substr(0, std::string(kEvent).find("&quot;a"));
  const DecodeResult result = Decode(line);
  EXPECT_EQ(result.outcome, DecodeOutcome::kDamaged);
  EXPECT_STREQ(result.reason, "XML ends within an element");
  EXPECT_EQ(result.offset, line.size());
  EXPECT_TRUE(event_.damaged);
  EXPECT_EQ(Fields()["CommandLine"], "cmd /c ");
}

TEST_F(XmlFormatTest, OtherXmlIsDeadAndKeepsItsText) {
  origin_.format = SourceFormat::kXml;
  for (const char* line : {"<Other><EventID>1</EventID></Other>", "<!DOCTYPE a>", "no xml"}) {
    EXPECT_EQ(Decode(line).outcome, DecodeOutcome::kDead) << line;
    EXPECT_EQ(Fields(), json({{"raw", line}}));
  }
  EXPECT_EQ(Decode(kEvent).outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Decode(R"({"a":1})").outcome, DecodeOutcome::kDead);
}

// ---- exports

std::vector<std::string> LinesOfExport(const std::string& document, size_t piece = 1 << 16) {
  LineStream stream = LinesOf(std::make_unique<BytesStream>(document, piece));
  EXPECT_TRUE(stream.converted) << document;
  std::string text, buffer(1000, '\0');
  for (Result<size_t> n = size_t{1}; n.ok() && *n > 0;) {
    n = stream.bytes->Read(buffer.data(), buffer.size());
    EXPECT_TRUE(n.ok());
    text.append(buffer, 0, *n);
  }
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    lines.push_back(text.substr(begin, text.find('\n', begin) - begin));
  }
  return lines;
}

TEST(XmlExportTest, ADocumentOfEventsBecomesAnEventALine) {
  const std::string event = kEvent;
  const std::string one_line = "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<Events>" +
                               event + event + "</Events>";
  EXPECT_THAT(LinesOfExport(one_line), ElementsAre(event, event));
  EXPECT_THAT(LinesOfExport(one_line, 1), ElementsAre(event, event)) << "in whatever pieces it comes";
  EXPECT_THAT(LinesOfExport("\xEF\xBB\xBF<Events>\n" + event + "\n</Events>\n"), ElementsAre(event));
  EXPECT_THAT(LinesOfExport("<?xml version='1.0'?>\n<Event a='b'\nc='d'>x\r\ny</Event>"),
              ElementsAre("<Event a='b' c='d'>x&#13;&#10;y</Event>"));
  std::string utf16 = "\xFF\xFE";
  for (const char c : one_line) utf16.append({c, '\0'});
  EXPECT_THAT(LinesOfExport(utf16), ElementsAre(event, event));
}

TEST(XmlExportTest, WhatIsNoEventBecomesALineOfItsOwn) {
  EXPECT_THAT(LinesOfExport("<Events>text<Event>1</Event><Other/></Events>tail"),
              ElementsAre("text", "<Event>1</Event>", "<Other/>", "tail"));
  EXPECT_THAT(LinesOfExport("<Events><Event>1</Event><Event>cut"),
              ElementsAre("<Event>1</Event>", "<Event>cut"));
  const std::string huge(XmlExportStream::kMaxLineBytes + 100'000, 'x');
  const std::vector<std::string> lines =
      LinesOfExport("<Events><Event>" + huge + "</Event><Event>2</Event></Events>");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].size(), XmlExportStream::kMaxLineBytes);
  EXPECT_EQ(lines[2], "</Event>");
  EXPECT_EQ(lines[3], "<Event>2</Event>");
}

TEST(XmlExportTest, OtherFilesAreReadAsTheyAre) {
  for (const char* text :
       {"<Event>1</Event>\n<Event>2</Event>\n", "<34>Oct 11 22:14:15 h su: x\n",
        "<?xml version='1.0'?><plist/>\n", "<EventsOfOthers/>", "{\"a\":1}\n", "ElfFil", "", "<"}) {
    LineStream stream = LinesOf(std::make_unique<BytesStream>(text, 3));
    EXPECT_FALSE(stream.converted) << text;
    std::string read, buffer(7, '\0');
    for (Result<size_t> n = size_t{1}; n.ok() && *n > 0;) {
      n = stream.bytes->Read(buffer.data(), buffer.size());
      read.append(buffer, 0, *n);
    }
    EXPECT_EQ(read, text);
  }
}

}  // namespace
}  // namespace redthread
