#include <gmock/gmock.h>

#include "core/text.h"
#include "ingest/audit_export_stream.h"
#include "ingest/line_stream.h"
#include "tests/ingest/text_fixture.h"
#include "tests/support/bytes_stream.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Strings = std::vector<std::string>;

// The lines that a file is made of; without lines when it is not converted.
Strings LinesOfFile(const std::string& file, size_t piece = 1 << 16) {
  const LineStream lines = LinesOf(std::make_unique<BytesStream>(file, piece));
  std::string text, buffer(1 << 16, '\0');
  for (;;) {
    const Result<size_t> n = lines.bytes->Read(buffer.data(), buffer.size());
    EXPECT_TRUE(n.ok());
    if (!n.ok() || *n == 0) break;
    text.append(buffer, 0, *n);
  }
  Strings out;
  for (size_t begin = 0; lines.converted && begin < text.size();) {
    const size_t end = text.find('\n', begin);
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

constexpr const char* kPurview =
    "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,"
    "AssociatedAdminUnitsNames\r\n"
    "0c4a,2024-03-01T09:12:44.0000000Z,15,UserLoggedIn,ann@firm.example,\"{\"\"CreationTime\"\":\"\"2024-03-"
    "01T09:12:44\"\","
    "\"\"Operation\"\":\"\"UserLoggedIn\"\",\"\"UserId\"\":\"\"ann@firm.example\"\",\"\"Workload\"\":"
    "\"\"AzureActiveDirectory\"\"}\",,\r\n";

TEST(AuditExportStreamTest, EachRowsAuditDataIsALine) {
  EXPECT_THAT(LinesOfFile(kPurview),
              ElementsAre(R"({"CreationTime":"2024-03-01T09:12:44","Operation":"UserLoggedIn",)"
                          R"("UserId":"ann@firm.example","Workload":"AzureActiveDirectory"})"));
}

TEST(AuditExportStreamTest, EveryFormOfTheExportIsRead) {
  const struct {
    const char* what;
    const char* file;
    Strings lines;
  } cases[] = {
      {"until 2022",
       "CreationDate,UserIds,Operations,AuditData\n2020-01-02T03:04:05,a,b,\"{\"\"a\"\":1}\"\n",
       {R"({"a":1})"}},
      {"other order, quoted names, no line end at the end",
       "\"AuditData\",\"CreationDate\"\r\n\"{\"\"a\"\":1}\",2020",
       {R"({"a":1})"}},
      {"PowerShell 5",
       "#TYPE "
       "Deserialized.Microsoft.Exchange.X\r\n\"PSComputerName\",\"RunspaceId\",\"AuditData\","
       "\"ResultIndex\"\r\n"
       "\"outlook\",\"7\",\"{\"\"a\"\":1}\",\"1\"\r\n",
       {R"({"a":1})"}},
      {"semicolons", "CreationDate;AuditData\n2020;\"{\"\"a\"\":\"\"x,y\"\"}\"\n", {R"({"a":"x,y"})"}},
      {"tabs, no quotes", "CreationDate\tAuditData\n2020\t{\"a\":\"x,y\"}\n", {R"({"a":"x,y"})"}},
      {"line ends within",
       "CreationDate,AuditData\n2020,\"{\r\n  \"\"a\"\": 1,\n  \"\"b\"\": 2\n}\"\n\n2020,\"{\"\"a\"\":3}\"\n",
       {R"({    "a": 1,   "b": 2 })", R"({"a":3})"}},
      {"UTF-8's mark",
       "\xEF\xBB\xBF"
       "CreationDate,AuditData\n2020,\"{\"\"a\"\":\"\"\xC3\xA9\"\"}\"\n",
       {"{\"a\":\"\xC3\xA9\"}"}},
      {"administrative units",
       "RecordId,AuditData,AssociatedAdminUnitsNames,AssociatedAdminUnits\n1,\"{\"\"a\"\":1}\",\"North "
       "\"\"1\"\"\",7\n2,{},x,y\n",
       {R"({"a":1,"AssociatedAdminUnitsNames":"North \"1\"","AssociatedAdminUnits":"7"})", "{}"}},
      {"two exports in one file",
       "CreationDate,AuditData\n2020,{}\nAuditData,CreationDate\n{},2021\n",
       {"{}", "{}"}},
      {"nothing but the header", "CreationDate,AuditData\n", {}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(LinesOfFile(c.file), c.lines) << c.what;
    for (const size_t piece : {1, 3})
      EXPECT_EQ(LinesOfFile(c.file, piece), c.lines) << c.what << " in pieces of " << piece;
  }
  std::string utf16 = "\xFF\xFE";
  for (const char* c = kPurview; *c != '\0'; ++c) utf16 += {*c, '\0'};
  EXPECT_EQ(LinesOfFile(utf16), LinesOfFile(kPurview));
}

TEST(AuditExportStreamTest, ARowWithoutAnEventIsKeptAsWhatItIs) {
  EXPECT_THAT(
      LinesOfFile("CreationDate,AuditData,UserIds\n2020\n2021,not json,ann\n2022,\"{\"\"a\"\":1}\",b\n"),
      ElementsAre("unreadable row of an audit export: 2020",
                  "unreadable row of an audit export: 2021,not json,ann", R"({"a":1})"));
  // A quote without an end takes what stands behind it with it, and no more than 4 MiB: an event cut short.
  const std::string rest(AuditExportStream::kMaxRowBytes, 'x');
  const Strings lines = LinesOfFile("CreationDate,AuditData\n2020,\"{" + rest + "\n2021,{}\n");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_LE(lines[0].size(), AuditExportStream::kMaxRowBytes);
  EXPECT_THAT(lines[0], StartsWith("{xxx"));
  EXPECT_THAT(lines[1], StartsWith(AuditExportStream::kUnreadable));
  EXPECT_EQ(lines[2], "{}");
}

TEST(AuditExportStreamTest, OtherFilesStayWhatTheyAre) {
  for (const char* file :
       {"", "Id", "CreationDate", "CreationDate,Name\n", "AuditData\n{}\n", "a,AuditData\n", "#TYPE x\na,b\n",
        "{\"AuditData\":1}\n", "Identity provider started\n", "# CreationDate,AuditData\n"}) {
    EXPECT_FALSE(LinesOf(std::make_unique<BytesStream>(file, 1 << 16)).converted) << file;
    EXPECT_FALSE(IsConverted(file)) << file;
  }
  EXPECT_TRUE(IsConverted(kPurview));
  EXPECT_TRUE(AuditExportStream::MayDetect(std::string_view(kPurview).substr(0, 8)));
  EXPECT_TRUE(AuditExportStream::MayDetect("\"RecordI"));
  EXPECT_FALSE(AuditExportStream::MayDetect("Nov 10 0"));
}

class AuditExportFormatTest : public TextFormatTest {};

TEST_F(AuditExportFormatTest, AnEventIsReadAndARowThatIsNoneIsDead) {
  EXPECT_EQ(Decode(LinesOfFile(kPurview).at(0)).outcome, DecodeOutcome::kClean);
  EXPECT_EQ(Fields()["Workload"], "AzureActiveDirectory");
  const DecodeResult row = Decode(LinesOfFile("CreationDate,AuditData\n2020-01-02T03:04:05Z,x\n").at(0));
  EXPECT_EQ(row.outcome, DecodeOutcome::kDead);
  EXPECT_STREQ(row.reason, "a row without an event");
  EXPECT_THAT(std::string(*event_.Text(event_.FindField("raw"))), HasSubstr("2020-01-02T03:04:05Z,x"));
}

}  // namespace
}  // namespace redthread
