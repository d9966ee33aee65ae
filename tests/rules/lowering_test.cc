#include "rules/lowering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rules/encoding.h"
#include "rules/rule_set.h"
#include "tests/rules/describe.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;

RuleLoadOptions Options() {
  RuleLoadOptions options;
  options.variables["Servers"] = {"dc01", "dc*", "a\\*b"};
  options.variables["Domain"] = {"corp", "lab"};
  options.variables["Nets"] = {"10.0.0.0/8", "fe80::/10"};
  options.variables["None"] = {};
  return options;
}

// A rule whose search `sel` is given, indented by four.
RuleSet LoadSearch(const std::string& search) {
  return LoadRulesFromText(
      "title: t\nid: t\nlogsource: {product: p}\ndetection:\n  sel:\n" + search + "\n  condition: sel\n",
      "r.yml", Options());
}

std::string Lowered(const std::string& search) {
  const RuleSet set = LoadSearch(search);
  for (const RuleProblem& p : set.problems) return "refused: " + p.Render();
  for (const RuleProblem& p : set.need_site_variables) return "waits: " + p.message;
  return set.rules.empty() ? "nothing" : Describe(set.rules[0].logic.searches[0].root);
}

struct Case {
  const char* search;
  const char* expected;
};

TEST(LoweringTest, ValuesKeepTheirType) {
  const Case kCases[] = {
      {"    F: whoami", "F: pattern whoami"},
      {"    F: 5", "F: number 5"},
      {"    F: '5'", "F: pattern 5"},
      {"    F: 0x10", "F: number 16"},
      {"    F: 1.5", "F: number 1.5"},
      {"    F: true", "F: true"},
      {"    F: no", "F: false"},
      {"    F: 'true'", "F: pattern true"},
      {"    F:", "F: null"},
      {"    F: ~", "F: null"},
      {"    F: ''", "F: pattern "},
      {"    F: 2024-01-01", "F: pattern 2024-01-01"},
      {"    F: [a, 1, null]", "F: pattern a | number 1 | null"},
      {"    F|all: [a, b]", "F: pattern a & pattern b"},
      {"    F|neq: a", "not F: pattern a"},
      {"    F|cased: A", "F[cased]: pattern A"},
      {"    F|all: [null, true]", "F: null & true"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Lowered(c.search), c.expected) << c.search;
}

TEST(LoweringTest, WildcardsAndEscapesAreSigmas) {
  const Case kCases[] = {
      {R"(    F: 'a*b?c')", R"(F: pattern a*b?c)"},
      {R"(    F: 'a\*b')", R"(F: pattern a\*b)"},
      {R"(    F: 'C:\Windows\x')", R"(F: pattern C:\Windows\x)"},
      {R"(    F: 'C:\\x')", R"(F: pattern C:\x)"},
      {R"(    F: 'a\\*')", R"(F: pattern a\\*)"},
      {R"(    F: 'a**b')", R"(F: pattern a*b)"},
      {R"(    F|contains: '*a')", R"(F: pattern *a*)"},
      {R"(    F|contains: '')", R"(F: pattern *)"},
      {R"(    F|startswith: 'a\')", R"(F: pattern a\\*)"},
      {R"(    F|endswith: '\cmd.exe')", R"(F: pattern *\cmd.exe)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Lowered(c.search), c.expected) << c.search;
}

TEST(LoweringTest, ModifiersApplyInTheirOrder) {
  const Case kCases[] = {
      {"    F|contains: a", "F: pattern *a*"},
      {"    F|contains: 5", "F: pattern *5*"},
      {"    F|startswith: 1.0", "F: pattern 1*"},
      {"    F|contains: 12345678901234567890", "F: pattern *12345678901234567890*"},
      {"    F|contains|all: [a, b]", "F: pattern *a* & pattern *b*"},
      {"    F|re: '^a.*\\d$'", "F: re[] ^a.*\\d$"},
      {"    F|re: '\\\\x'", "F: re[] \\\\x"},
      {"    F|re|i: a", "F: re[i] a"},
      {"    F|re|ignorecase|multiline|dotall: a", "F: re[ims] a"},
      {"    F|re|s|m: a", "F: re[ms] a"},
      {"    F|all|re: [a, b]", "F: re[] a & re[] b"},
      {"    F|re|contains: a", "F: re[] a"},
      {"    F|cidr: 10.0.0.0/8", "F: cidr 10.0.0.0/8"},
      {"    F|cidr: 10.1.2.3/8", "F: cidr 10.1.2.3/8"},
      {"    F|cidr: 'fe80::/10'", "F: cidr 254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.0/10"},
      {"    F|exists: true", "F: exists"},
      {"    F|exists: no", "F: missing"},
      {"    F|exists: 'FALSE'", "F: missing"},
      {"    F|lt: 5", "F: lt 5"},
      {"    F|gte: '5.5'", "F: gte 5.5"},
      {"    F|hour: 8", "F: hour eq 8"},
      {"    F|hour|gte: 8", "F: hour gte 8"},
      {"    F|lt|week: 20", "F: week lt 20"},
      {"    F|year|lt|gt: 20", "F: year gt 20"},
      {"    F|fieldref: G", "F: field G"},
      {"    F|fieldref|contains: G", "F: field *G*"},
      {"    F|fieldref|startswith: G", "F: field G*"},
      {"    F|fieldref|endswith: G", "F: field *G"},
      {"    F|base64: foo", "F: pattern Zm9v"},
      {"    F|base64: 'a\\*'", "F: pattern YSo="},
      {"    F|wide|base64: a", "F: pattern YQA="},
      {"    F|utf16|base64: a", "F: pattern //5hAA=="},
      {"    F|utf16be|base64: a", "F: pattern AGE="},
      {"    F|base64|contains: foo", "F: pattern *Zm9v*"},
      {"    F|base64offset: foobar", "F: any(pattern *Zm9vYmFy*, pattern *Zvb2Jhc*, pattern *mb29iYX*)"},
      {"    F|base64offset|contains: foobar",
       "F: any(pattern *Zm9vYmFy*, pattern *Zvb2Jhc*, pattern *mb29iYX*)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Lowered(c.search), c.expected) << c.search;
}

TEST(LoweringTest, EncodedTextWithoutBase64IsItsBytesAsLatin1) {
  EXPECT_EQ(Lowered("    F|wide: ab"), std::string("F: pattern a\0b\0", 15));
  EXPECT_EQ(Lowered("    F|utf16: a"), std::string("F: pattern \xC3\xBF\xC3\xBE"
                                                   "a\0",
                                                   17));
  EXPECT_EQ(Lowered("    F|wide|startswith: a"), std::string("F: pattern a\0*", 14));
}

TEST(LoweringTest, WindashVariesOnlyFlagDashes) {
  EXPECT_EQ(Lowered("    F|windash: a-b"), "F: pattern a-b");
  EXPECT_EQ(Lowered("    F|windash: ' -x'"),
            "F: any(pattern  -x, pattern  /x, pattern  \u2013x, pattern  \u2014x, pattern  \u2015x)");
  EXPECT_EQ(Lowered("    F|windash|contains: /x"),
            "F: any(pattern *-x*, pattern */x*, pattern *\u2013x*, pattern *\u2014x*, pattern *\u2015x*)");
  EXPECT_EQ(Lowered("    F|windash: 'a- b'"), "F: pattern a- b") << "no word begins behind the dash";
  EXPECT_EQ(Lowered("    F|windash: '\u00e9-a'"), "F: pattern \u00e9-a") << "a word ends before the dash";
  EXPECT_EQ(Lowered("    F|windash: '-\u00e9'").substr(0, 7), "F: any(");
  const RuleSet set = LoadSearch("    F|windash: '-a -b -c'");
  ASSERT_EQ(set.rules.size(), 1u);
  const auto& alternatives =
      std::get<MatchAlternatives>(set.rules[0].logic.searches[0].root.item.values[0].v);
  EXPECT_EQ(alternatives.values.size(), 125u) << "each dash varies by itself";
}

TEST(LoweringTest, PlaceholdersBecomeTheSitesValues) {
  EXPECT_EQ(Lowered("    F|expand: '%Servers%'"), "F: any(pattern dc01, pattern dc*, pattern a\\*b)");
  EXPECT_EQ(Lowered("    F|expand: '%Domain%\\%Domain%'"),
            "F: any(pattern corp\\corp, pattern lab\\corp, pattern corp\\lab, pattern lab\\lab)");
  EXPECT_EQ(Lowered("    F|contains|expand: 'x%Domain%'"), "F: any(pattern *xcorp*, pattern *xlab*)");
  EXPECT_EQ(Lowered("    F|expand|cidr: '%Nets%'").substr(0, 26), "F: any(cidr 10.0.0.0/8, ci");
  EXPECT_EQ(Lowered("    F|expand: '100%'"), "F: pattern 100%");
  EXPECT_EQ(Lowered("    F|expand: '%%Domain%'"), "F: any(pattern %corp, pattern %lab)");
  EXPECT_EQ(Lowered("    F|expand: '%None%'"), "F: any()");
  EXPECT_EQ(Lowered("    F: '%Unknown%'"), "F: pattern %Unknown%") << "without expand it is text";
  EXPECT_EQ(Lowered("    F|expand: ['%B%', '%A%', '%Domain%']"),
            "waits: needs values for %A% and %B%, add them to the file of site variables");
  EXPECT_EQ(Lowered("    F|expand|cidr: '%Unknown%'"),
            "waits: needs values for %Unknown%, add them to the file of site variables");
}

TEST(LoweringTest, KeywordsAreOpenOnBothSides) {
  const Case kCases[] = {
      {"    - a", "keywords: pattern *a*"},
      {"    - a*b\n    - 5", "keywords: pattern *a*b* | pattern *5*"},
      {"    - 5.0", "keywords: pattern *5.0*"},
      {"    '|all': [a, b]", "keywords: pattern *a* & pattern *b*"},
      {"    '|startswith': a", "keywords: pattern a*"},
      {"    '|re': a.b", "keywords: re[] a.b"},
      {"    '|base64offset': foobar",
       "keywords: any(pattern *Zm9vYmFy*, pattern *Zvb2Jhc*, pattern *mb29iYX*)"},
      {"    '|windash': ' -x y'",
       "keywords: any(pattern * -x y*, pattern * /x y*, pattern * \u2013x y*, pattern * \u2014x y*, "
       "pattern * \u2015x y*)"},
      {"    '|cidr': 10.0.0.0/8", "keywords: cidr 10.0.0.0/8"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Lowered(c.search), c.expected) << c.search;
}

TEST(LoweringTest, MapsAreAndListsAreOr) {
  const Case kCases[] = {
      {"    A: 1\n    B: 2", "(A: number 1 and B: number 2)"},
      {"    - A: 1\n    - B: 2", "(A: number 1 or B: number 2)"},
      {"    - A: 1\n      B: 2\n    - C: 3", "((A: number 1 and B: number 2) or C: number 3)"},
      {"    - A: 1\n    - x\n    - y", "(A: number 1 or keywords: pattern *x* | pattern *y*)"},
      {"    - x", "keywords: pattern *x*"},
      {"    - - A: 1\n      - B: 2\n    - C: 3", "((A: number 1 or B: number 2) or C: number 3)"},
      {"    A: 1\n    '|all': [x, y]", "(A: number 1 and keywords: pattern *x* & pattern *y*)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Lowered(c.search), c.expected) << c.search;
}

TEST(LoweringTest, RefusalsNameThePlaceAndTheRemedy) {
  const struct {
    const char* search;  // its first line is line 6 of the file
    const char* place;
    const char* message;
  } kCases[] = {
      {"    F|contain: a", "r.yml:6:7:", "`contain` is no modifier, did you mean `contains`?"},
      {"    F|contains|cheese: a", "r.yml:6:16:", "the known ones are contains, startswith"},
      {"    F|: a", "r.yml:6:7:", "`` is no modifier"},
      {"    F|i: a", "r.yml:6:10:", "write it after `re`"},
      {"    F|re: 'a('", "r.yml:6:11:", "missing"},
      {"    F|re: '(?<=a)b'", "r.yml:6:11:", "does not compile under RE2"},
      {"    F|re: 'abc(?=d)'", "r.yml:6:15:", "invalid perl operator: (?="},
      {"    F|re: 5", "r.yml:6:11:", "must be the first modifier and needs text"},
      {"    F|contains|re: a", "r.yml:6:20:", "must be the first modifier"},
      {"    F|re|re: a", "r.yml:6:14:", "must be the first modifier"},
      {"    F|re|windash: a", "r.yml:6:19:", "`windash` needs text"},
      {"    F|re|base64: a", "r.yml:6:18:", "`base64` needs text"},
      {"    F|re|lt: a", "r.yml:6:14:", "`lt` needs a number"},
      {"    F|cidr: 10.0.0.0/99", "r.yml:6:13:", "is no network"},
      {"    F|cidr: 10", "r.yml:6:13:", "`cidr` needs text"},
      {"    F|base64: a*b", "r.yml:6:15:", "takes no wildcards"},
      {"    F|base64: 5", "r.yml:6:15:", "needs text"},
      {"    F|base64offset: a", "r.yml:6:21:", "at least 2 bytes"},
      {"    F|wide|wide: a", "r.yml:6:18:", "`wide` needs text"},
      {"    F|wide|windash: a", "r.yml:6:21:", "`windash` needs text"},
      {"    F|contains: null", "r.yml:6:17:", "`contains` needs text or a number"},
      {"    F|contains: true", "r.yml:6:17:", "`contains` needs text or a number"},
      {"    F|windash: 5", "r.yml:6:16:", "needs text"},
      {"    F|windash: '-a-b -c -d -e -f -g -h'", "r.yml:6:16:", "at most 6 dashes"},
      {"    F|exists: maybe", "r.yml:6:15:", "`true` or `false`"},
      {"    F|exists: 1", "r.yml:6:15:", "`true` or `false`"},
      {"    F|lt: abc", "r.yml:6:11:", "needs a number"},
      {"    F|lt: true", "r.yml:6:11:", "needs a number"},
      {"    F|lt|gt: 5", "r.yml:6:14:", "`gt` needs a number"},
      {"    F|hour: late", "r.yml:6:13:", "`hour` needs a number"},
      {"    F|fieldref: a*", "r.yml:6:17:", "takes no wildcards"},
      {"    F|fieldref: ''", "r.yml:6:17:", "needs the name of a field"},
      {"    F|expand: 5", "r.yml:6:15:", "needs text with a %placeholder%"},
      {"    F: []", "r.yml:6:8:", "an empty list of values"},
      {"    F: {a: b}", "r.yml:6:8:", "a value cannot be a map"},
      {"    F:\n      - a\n      - [b]", "r.yml:8:9:", "a value cannot be a list"},
      {"    - null", "r.yml:6:7:", "a keyword cannot be null"},
      {"    - true", "r.yml:6:7:", "a keyword cannot be a boolean"},
      {"    '|fieldref': F", "r.yml:6:18:", "a keyword has no field"},
      {"    '|exists': true", "r.yml:6:16:", "a keyword cannot be a boolean"},
      {"    {}", "r.yml:6:5:", "an empty map would match every event"},
      {"    []", "r.yml:6:5:", "an empty list matches nothing"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.search);
    const RuleSet set = LoadSearch(c.search);
    EXPECT_TRUE(set.rules.empty());
    EXPECT_EQ(set.failed_rules, 1u);
    if (set.problems.size() != 1) {
      ADD_FAILURE() << set.problems.size() << " problems";
      continue;
    }
    EXPECT_THAT(set.problems[0].Render(), HasSubstr(c.place));
    EXPECT_THAT(set.problems[0].Render(), HasSubstr(c.message));
  }
}

TEST(LoweringTest, ExpansionIsBounded) {
  EXPECT_THAT(
      Lowered(
          "    F|expand: '%Servers%%Servers%%Servers%%Servers%%Servers%%Servers%%Servers%%Servers%%Servers%"
          "%Servers%%Servers%'"),
      HasSubstr("more than 100000 alternatives"));
  std::string dashes = "    F|windash:\n";
  for (int i = 0; i < 10; ++i) dashes += "      - ' -a -b -c -d -e -f " + std::to_string(i) + "'\n";
  EXPECT_THAT(Lowered(dashes), HasSubstr("alternatives"));
  EXPECT_THAT(Lowered("    F|windash: ' -a -b -c -d -e * -a -b -c -d -e'"), HasSubstr("too many dashes"));
  EXPECT_THAT(Lowered("    F|re: '(a{1000}){1000}'"), HasSubstr("does not compile under RE2"));
}

TEST(EncodingTest, Base64IsRfc4648) {
  const struct {
    const char* bytes;
    const char* encoded;
  } kCases[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
  for (const auto& c : kCases) EXPECT_EQ(Base64(c.bytes), c.encoded);
}

TEST(EncodingTest, AnyOffsetWithinALongerTextIsFound) {
  const std::string needle = "cmd.exe /c";
  const auto forms = Base64Offsets(needle);
  for (int before = 0; before < 9; ++before) {
    for (int after = 0; after < 9; ++after) {
      const std::string encoded = Base64(std::string(before, '\xA5') + needle + std::string(after, '\x5A'));
      EXPECT_NE(encoded.find(forms[before % 3]), std::string::npos)
          << before << " before, " << after << " after";
    }
  }
}

TEST(EncodingTest, Utf16UsesSurrogatesBeyondTheBasicPlane) {
  EXPECT_EQ(Utf16("\xF0\x9F\x98\x80", true), std::string("\xD8\x3D\xDE\x00", 4));
  EXPECT_EQ(Utf16("\xE2\x82\xAC", false), std::string("\xAC\x20", 2));
}

}  // namespace
}  // namespace redthread
