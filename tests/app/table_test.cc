// Tables and CSV: what a person and a spreadsheet see, with text that an attacker wrote.
#include "app/table.h"

#include <gtest/gtest.h>

#include "app/display_width.h"

namespace redthread {
namespace {

std::vector<Column> AlertColumns() {
  return {{"LEVEL"}, {"TIME"}, {"TITLE", false, true}, {"COUNT", true}, {"SOURCE", false, true}};
}

std::vector<Row> AlertRows() {
  return {{{"critical", Style::kAlarm},
           {"2026-11-22T10:00:00Z"},
           {"Shadow copies deleted"},
           {"1"},
           {"winlog.ndjson"}},
          {{"low", Style::kCyan},
           {"2026-11-22T10:00:01Z"},
           {"Sign-in from a country that was never seen before for this user"},
           {"1,204"},
           {"m365/signins.ndjson"}}};
}

std::string Render(const std::vector<Column>& columns, const std::vector<Row>& rows, int width, bool color) {
  const TableLayout layout(columns, rows, width);
  std::string out = layout.RenderHeader(color);
  for (const Row& row : rows) out += layout.RenderRow(row, color);
  return out;
}

TEST(TableTest, WithoutALimitEveryCellIsWhole) {
  EXPECT_EQ(Render(AlertColumns(), AlertRows(), 0, false),
            "LEVEL     TIME                  TITLE                                                           "
            " COUNT  "
            "SOURCE\n"
            "critical  2026-11-22T10:00:00Z  Shadow copies deleted                                           "
            "     1  "
            "winlog.ndjson\n"
            "low       2026-11-22T10:00:01Z  Sign-in from a country that was never seen before for this user "
            " 1,204  "
            "m365/signins.ndjson\n");
}

TEST(TableTest, FlexibleColumnsGiveWayToANarrowTerminalTheWidestFirst) {
  EXPECT_EQ(Render(AlertColumns(), AlertRows(), 80, false),
            "LEVEL     TIME                  TITLE                 COUNT  SOURCE\n"
            "critical  2026-11-22T10:00:00Z  Shadow copies delet…      1  winlog.ndjson\n"
            "low       2026-11-22T10:00:01Z  Sign-in from a coun…  1,204  m365/signins.ndjson\n");
}

TEST(TableTest, NoLineIsWiderThanTheTerminal) {
  for (int width : {17, 20, 30, 40, 60, 80, 100, 132}) {
    const std::string table = Render(AlertColumns(), AlertRows(), width, false);
    for (size_t begin = 0; begin < table.size();) {
      const size_t end = table.find('\n', begin);
      const std::string line = table.substr(begin, end - begin);
      EXPECT_LE(DisplayWidth(line), width) << line;
      begin = end + 1;
    }
  }
}

TEST(TableTest, ColorIsPutAroundTheTextAndNotAroundThePadding) {
  const std::string table = Render({{"LEVEL"}, {"N", true}}, {{{"high", Style::kRed}, {"7"}}}, 0, true);
  EXPECT_EQ(table, "\x1b[1mLEVEL\x1b[0m  \x1b[1mN\x1b[0m\n\x1b[31mhigh\x1b[0m   7\n");
}

TEST(TableTest, HostileTextStaysOnItsLineAndInItsColumn) {
  const std::vector<Row> rows = {
      {{"\x1b[2J\x1b]0;owned\x07"}, {"a"}}, {{"two\nlines\tand a tab"}, {"b"}},
      {{"user\xe2\x80\xaegpj.exe"}, {"c"}},  // U+202E, right-to-left override
      {{"broken \xff\xc0 bytes"}, {"d"}},   {{"日本語"}, {"e"}},
      {{"e\xcc\x81t\xc3\xa9"}, {"f"}},  // a combining acute accent takes no column
  };
  EXPECT_EQ(Render({{"TEXT"}, {"KEY"}}, rows, 0, false),
            "TEXT                     KEY\n"
            "\\x1b[2J\\x1b]0;owned\\x07  a\n"
            "two\\nlines\\tand a tab    b\n"
            "user\\u202egpj.exe        c\n"
            "broken \\xff\\xc0 bytes    d\n"
            "日本語                   e\n"
            "e\xcc\x81t\xc3\xa9                      f\n");
}

TEST(TableTest, ShorteningNeverCutsACharacterInTwo) {
  const struct {
    const char* text;
    int width;
    const char* shortened;
  } cases[] = {
      {"abc", 3, "abc"},
      {"abcd", 3, "ab…"},
      {"日本語", 6, "日本語"},
      {"日本語", 5, "日本…"},
      {"日本語", 4, "日…"},
      {"日本語", 1, "…"},
      {"", 0, ""},
      {"abc", 0, ""},
      {"e\xcc\x81", 1, "e\xcc\x81"},
      {"e\xcc\x81tude", 3, "e\xcc\x81t…"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Shorten(c.text, c.width), c.shortened) << c.text << " to " << c.width;
    EXPECT_LE(DisplayWidth(Shorten(c.text, c.width)), c.width) << c.text;
  }
}

TEST(TableTest, APathLosesItsBeginning) {
  const std::vector<Column> columns = {{"PATH", false, true, true}};
  EXPECT_EQ(Render(columns, {{{"/etc/redthread/rules/log_cleared.yml"}}}, 16, false),
            "PATH\n…log_cleared.yml\n");
  EXPECT_EQ(ShortenKeepingEnd("abc", 3), "abc");
  EXPECT_EQ(ShortenKeepingEnd("日本語", 5), "…本語");
  EXPECT_EQ(ShortenKeepingEnd("日本語", 4), "…語");
  EXPECT_EQ(ShortenKeepingEnd("abe\xcc\x81z", 2), "…z");
  EXPECT_EQ(ShortenKeepingEnd("abc", 0), "");
}

TEST(CsvTest, FieldsAreQuotedWhereRfc4180AsksForIt) {
  const struct {
    std::vector<std::string_view> fields;
    const char* line;
  } cases[] = {
      {{"a", "b"}, "a,b\r\n"},
      {{"", ""}, ",\r\n"},
      {{"a,b"}, "\"a,b\"\r\n"},
      {{"say \"hi\""}, "\"say \"\"hi\"\"\"\r\n"},
      {{"two\r\nlines"}, "two\\r\\nlines\r\n"},
      {{"\x1b[31m"}, "\\x1b[31m\r\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(CsvLine(c.fields), c.line);
}

TEST(CsvTest, WhatASpreadsheetWouldComputeIsMarkedAsText) {
  const struct {
    std::string_view field;
    const char* line;
  } cases[] = {
      {"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0\r\n"},
      {"+1+1", "'+1+1\r\n"},
      {"@SUM(1)", "'@SUM(1)\r\n"},
      {"-2+3", "'-2+3\r\n"},
      {"-17.5", "-17.5\r\n"},
      {"-", "-\r\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(CsvLine({c.field}), c.line);
}

}  // namespace
}  // namespace redthread
