// RegexFilter: never says no where RE2 finds a match.
#include "correlate/regex_filter.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <random>
#include <string>
#include <vector>

namespace redthread {
namespace {

RE2::Options OptionsOf(const MatchRegex& regex) {
  RE2::Options options;
  options.set_case_sensitive(!regex.ignore_case);
  options.set_dot_nl(regex.dot_all);
  return options;
}

TEST(RegexFilterTest, SaysNoOnlyWhereTheExpressionDoesNotMatch) {
  const std::vector<MatchRegex> expressions = {
      {R"(\.exe["']?\s+[^"]{0,64}fault\.exe)", true},
      {R"(a[^k]{2,5}b$)", true},
      {R"(^\w{1,40}-enc\s+[A-Za-z0-9+/=]{8,})"},
      {R"(k.{3}s)", true, false, true},
      {R"(^b.*a$)", false, true},
      {R"(\bab\b)"},
      {R"(a[^k]b)"},
      {R"(a[^k]b)", true},
      {R"((?i)s.k)"},
      {R"(a(?i:k)[^s]{1,3}b)"},
      {R"(é.{2}[^\x{17F}]k)"},
  };
  const std::vector<std::string> pieces = {
      "a",     "b",     "k",         "s",  " ", "\n",           "\v", "\t", "\"",      "-",
      ".exe ", "-enc ", "fault.exe", "AB", "é", "\xE2\x84\xAA", "ſ",  "K",  "QWERTYU8"};
  std::mt19937 random(11);
  size_t matched = 0, refused = 0;
  for (const MatchRegex& regex : expressions) {
    SCOPED_TRACE(regex.source);
    const auto filter = RegexFilter::Make(regex);
    ASSERT_NE(filter, nullptr);
    const RE2 exact_regex((regex.multi_line ? "(?m)" : "") + regex.source, OptionsOf(regex));
    for (int n = 0; n < 20'000; ++n) {
      std::string text;
      for (size_t i = random() % 12; i > 0; --i) text += pieces[random() % pieces.size()];
      const bool exact = RE2::PartialMatch(text, exact_regex);
      const bool may = filter->MayMatch(text);
      ASSERT_TRUE(may || !exact) << text;
      matched += exact ? 1 : 0;
      refused += may ? 0 : 1;
    }
  }
  EXPECT_GT(matched, 1000u) << "too few matches to prove much";
  EXPECT_GT(refused, 5000u) << "a filter that says no so seldom is of no use";
}

TEST(RegexFilterTest, ExpressionsThatTheTwoLibrariesReadDifferentlyHaveNone) {
  for (const char* source : {R"(a\Sb)", R"(a[^\s]b)", R"(a[^x\s"]{2,9}b)", R"(\pL+)", "(?U)a+b", "", "x*"}) {
    EXPECT_EQ(RegexFilter::Make({source}), nullptr) << source;
  }
}

}  // namespace
}  // namespace redthread
