#include "core/text.h"

#include <gtest/gtest.h>

namespace redthread {
namespace {

TEST(FoldTest, LowersOneCodePointToOne) {
  struct Case {
    const char* text;
    const char* folded;
  };
  const Case kCases[] = {
      {"", ""},
      {"Whoami.EXE", "whoami.exe"},
      {"@[`{AZaz", "@[`{azaz"},
      {"ÄRGER", "ärger"},
      {"ПРИВЕТ", "привет"},
      {"STRAßE", "straße"},
      {"\u212A\u2126", "k\u03C9"},  // KELVIN SIGN, OHM SIGN
      {"\u0130", "\u0130"},         // its lower case is two code points
      {"\u023A", "\u2C65"},         // two bytes become three
      {"ABCDEFGHÄIJKLMNOPQR", "abcdefghäijklmnopqr"},
      {"\xff\xC3", "\xff\xC3"},  // broken bytes stay
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Fold(c.text), c.folded) << c.text;
  }
}

TEST(FoldTest, FoldsEveryAsciiByteAlikeAtEveryPlaceInAWord) {
  for (int c = 1; c < 128; ++c) {
    for (size_t at = 0; at < 9; ++at) {
      std::string text(9, '.');
      text[at] = static_cast<char>(c);
      std::string expected = text;
      expected[at] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      EXPECT_EQ(Fold(text), expected);
    }
  }
}

TEST(PatternTest, MatchesAsSigmaSays) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case kCases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "abc", true},
      {"a*c", "abbc", true},
      {"a*c", "ac", true},
      {"a*c", "acb", false},
      {"?", "é", true},
      {"?", "", false},
      {"??", "é", false},
      {"a?b", "a\nb", true},
      {"*b*c", "abcbc", true},
      {"*ab", "aab", true},
      {"*a?b", "xaabaab", true},
      {"a*a", "a", false},
      {"*8???", "0x8210", true},
      {"*8???", "82100", false},
      {"a\\*b", "a*b", true},
      {"a\\*b", "axb", false},
      {"C:\\\\*", "C:\\x", true},
      {"C:\\Win", "C:\\Win", true},
      {"*?", "", false},
      {"*?", "é", true},
      {"?*?", "é", false},
      {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Matches(Pattern::Parse(c.pattern), c.text), c.matches) << c.pattern << " against " << c.text;
  }
}

TEST(PatternTest, SigmaNotationReadsBackAsTheSamePattern) {
  for (const char* sigma :
       {"", "a", "*", "a*b?c", "\\*", "\\?", "C:\\\\*", "C:\\Win\\\\", "\\\\\\\\srv", "a\\\\\\*b", "x\\"}) {
    const Pattern p = Pattern::Parse(sigma);
    EXPECT_EQ(Pattern::Parse(p.ToSigma()), p) << sigma << " became " << p.ToSigma();
  }
}

TEST(NumberTest, DecimalTextIsDigitsAndAtMostOnePoint) {
  for (const char* good : {"0", "-1", "+7", "007", "1.5", "18446744073709551616"}) {
    EXPECT_TRUE(ParseDecimal(good).has_value()) << good;
  }
  for (const char* bad : {"", "-", ".5", "5.", "1e3", "0x10", " 7", "7 ", "1.2.3", "--1"}) {
    EXPECT_FALSE(ParseDecimal(bad).has_value()) << bad;
  }
}

TEST(NumberTest, IntegersCompareExactlyBeyondWhatADoubleHolds) {
  EXPECT_EQ(Compare(*ParseDecimal("9007199254740993"), *ParseDecimal("9007199254740992")), 1);
  EXPECT_EQ(Compare(*ParseDecimal("7.0"), *ParseDecimal("007")), 0);
  EXPECT_EQ(Compare(*ParseDecimal("-1"), *ParseDecimal("0.5")), -1);
}

TEST(NumberTest, JsonNumbersHaveTheTextThatPythonGivesThem) {
  struct Case {
    const char* token;
    const char* text;
  };
  const Case kCases[] = {{"5", "5"},
                         {"5.0", "5"},
                         {"-0", "0"},
                         {"1e3", "1000"},
                         {"1.50", "1.5"},
                         {"1e16", "1e+16"},
                         {"1e15", "1000000000000000.0"},
                         {"0.0001", "0.0001"},
                         {"0.00001", "1e-05"},
                         {"18446744073709551616", "18446744073709551616"},
                         {"1e999999", "1e999999"},
                         {"123456789.125", "123456789.125"}};
  for (const Case& c : kCases) EXPECT_EQ(JsonNumberText(c.token), c.text) << c.token;
}

TEST(AddressTest, ContainsLooksAtTheNetworkBitsOnly) {
  struct Case {
    const char* cidr;
    const char* address;
    bool contains;
  };
  const Case kCases[] = {{"10.0.0.0/8", "10.1.2.3", true},         {"10.0.0.0/8", "11.0.0.0", false},
                         {"10.1.2.3/8", "10.9.9.9", true},         {"192.168.4.0/22", "192.168.7.255", true},
                         {"192.168.4.0/22", "192.168.8.0", false}, {"0.0.0.0/0", "::1", false},
                         {"fe80::/10", "FE80::1", true},           {"::1", "::1", true},
                         {"fe80::/10", "fe80::1%eth0", true},      {"1.2.3.4/32", " 1.2.3.4 ", true}};
  for (const Case& c : kCases) {
    const auto address = ParseIpAddress(c.address);
    ASSERT_TRUE(address.has_value()) << c.address;
    EXPECT_EQ(ParseCidr(c.cidr)->Contains(*address), c.contains) << c.cidr << " " << c.address;
  }
  for (const char* bad :
       {"10.0.0.0/99", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "x", "10.0.0.0/8x", "::/129"}) {
    EXPECT_FALSE(ParseCidr(bad).has_value()) << bad;
  }
  for (const char* bad : {"10.host", "", "1.2.3", "01.2.3.4", "1.2.3.4.5", ":::", "1.2.3.4\n5"}) {
    EXPECT_FALSE(ParseIpAddress(bad).has_value()) << bad;
  }
}

TEST(VisibleTest, NothingThatMovesACursorOrHidesTextGetsThrough) {
  EXPECT_EQ(Visible("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(Visible("a\u202Eb"), "a\\u202eb");
  EXPECT_EQ(Visible("line\r\n\tend"), "line\\r\\n\\tend");
  EXPECT_EQ(Visible("\xC2\x9B"), "\\x9b");
  EXPECT_EQ(Visible("\xff ok é"), "\\xff ok é");
}

TEST(JsonStringTest, EscapesWhatJsonAndTerminalsNeedEscaped) {
  std::string out;
  AppendJsonString("a\"\\\n\x01é\u2028\xff", &out);
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001é\\u2028\uFFFD\"");
}

TEST(SanitizeUtf8Test, ReplacesEachBrokenByteOnce) {
  std::string out;
  EXPECT_EQ(SanitizeUtf8("a\xff\xC3z\xED\xA0\x80", &out), 5u);
  EXPECT_EQ(out, "a\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD");
}

}  // namespace
}  // namespace redthread
