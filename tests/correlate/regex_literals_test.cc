// RequiredLiterals: whatever a regular expression matches holds one of its literals.
#include "correlate/regex_literals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "core/text.h"
#include "rules/rule_set.h"
#include "tests/oracle/dice.h"
#include "tests/oracle/reference_data.h"
#include "tests/oracle/regex_sampler.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

bool HoldsOne(const std::vector<std::string>& literals, const std::string& text) {
  const std::string folded = Fold(text);
  return std::any_of(literals.begin(), literals.end(),
                     [&](const std::string& literal) { return folded.find(literal) != std::string::npos; });
}

std::unique_ptr<RE2> Compiled(const MatchRegex& regex) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!regex.ignore_case);
  options.set_dot_nl(regex.dot_all);
  return std::make_unique<RE2>(regex.multi_line ? "(?m)" + regex.source : regex.source, options);
}

TEST(RegexLiteralsTest, ALiteralThatEveryMatchHoldsIsFound) {
  EXPECT_THAT(RequiredLiterals({.source = "mimikatz"}), ElementsAre("mimikatz"));
  EXPECT_THAT(RequiredLiterals({.source = "^MimiKatz\\.exe$"}), ElementsAre("mimikatz.exe"));
  EXPECT_THAT(RequiredLiterals({.source = "invoke-[a-z]+.*downloadstring"}), ElementsAre("downloadstring"));
}

TEST(RegexLiteralsTest, AlternativesEachGiveTheirs) {
  EXPECT_THAT(RequiredLiterals({.source = "(certutil|bitsadmin)"}), ElementsAre("bitsadmin", "certutil"));
}

TEST(RegexLiteralsTest, NothingIsClaimedWhereAMatchNeedsNone) {
  for (const char* source : {
           "",
           ".*",
           "[0-9]{4,}",
           "(certutil)?",
           "(certutil|)",
           "certutil|[0-9]+",
           "certutil|.",
           "(certutil)*x?",
           "ab",
           "^$",
           "\\bx\\b",
           "(пароль|[0-9]+)",
       }) {
    EXPECT_THAT(RequiredLiterals({.source = source}), IsEmpty()) << source;
  }
}

TEST(RegexLiteralsTest, WhatRe2RefusesNeedsNothing) {
  EXPECT_THAT(RequiredLiterals({.source = "(unclosed"}), IsEmpty());
}

// Texts that the expression matches; each holds a literal, if any is claimed.
TEST(RegexLiteralsTest, EveryMatchHoldsOneOfTheLiterals) {
  const struct {
    MatchRegex regex;
    std::vector<std::string> matches;
  } kCases[] = {
      {{.source = "powershell"}, {"powershell", "x powershell y"}},
      {{.source = "POWERSHELL"}, {"POWERSHELL"}},
      {{.source = "powershell", .ignore_case = true}, {"PowerShell", "POWERSHELL.EXE"}},
      {{.source = "(?i)task"}, {"TASK", "taſk", "tas\u212a"}},  // long s and the Kelvin sign fold to s and k
      {{.source = "task", .ignore_case = true}, {"TASK", "taſk", "tas\u212a", "TA\u017f\u212a"}},
      {{.source = "xİabcdef"}, {"xİabcdef"}},
      {{.source = "x\\x{130}abcdef"}, {"xİabcdef"}},
      {{.source = "x\\560abcdef"}, {"x\u0170abcdef"}},
      {{.source = "x[\\x{12f}-\\x{131}]abcdef"}, {"xİabcdef", "xıabcdef"}},
      {{.source = "taſk-name"}, {"taſk-name"}},
      {{.source = "(?s-m:(?i:task-name))"}, {"TAſK-NAME"}},
      {{.source = "(?P<x>(?i)task-name)"}, {"TAſK-NAME"}},
      {{.source = "a.b.command"}, {"a1b2command"}},
      {{.source = "one.two", .dot_all = true}, {"one\ntwo"}},
      {{.source = "^second$", .multi_line = true}, {"first\nsecond\nthird"}},
      {{.source = "(evil|harm)(\\.exe|\\.dll)"}, {"evil.exe", "harm.exe", "evil.dll", "harm.dll"}},
      {{.source = "x{3}yz+w?"}, {"xxxyz", "xxxyzzzw"}},
      {{.source = "größe-limit"}, {"größe-limit"}},
      {{.source = "GRÖSSE-LIMIT", .ignore_case = true}, {"grösse-limit", "GRÖSSE-LIMIT"}},
      {{.source = "пароль"}, {"мой пароль"}},
      {{.source = "[Pp]assword"}, {"Password", "password"}},
      {{.source = "\\x41bcd"}, {"Abcd"}},
      {{.source = "\\Qa.b*c\\E"}, {"a.b*c"}},
      {{.source = "(?:foo){2,}"}, {"foofoo", "foofoofoo"}},
      {{.source = "abc(?i:def)ghi"}, {"abcDEFghi", "abcdefghi"}},
  };
  for (const auto& c : kCases) {
    const std::vector<std::string> literals = RequiredLiterals(c.regex);
    for (const std::string& match : c.matches) {
      ASSERT_TRUE(RE2::PartialMatch(match, *Compiled(c.regex))) << c.regex.source << " on " << match;
      if (!literals.empty()) {
        EXPECT_TRUE(HoldsOne(literals, match))
            << c.regex.source << " on " << match << ", literal " << literals[0];
      }
    }
  }
}

TEST(RegexLiteralsTest, LiteralsAreFoldedAscii) {
  for (const char* source : {"GRÖSSE-Limit", "Пароль-PASSWORD", "ÀBCDEFG", "(?i)KELVIN"}) {
    for (const std::string& literal : RequiredLiterals({.source = source})) {
      EXPECT_TRUE(IsAscii(literal)) << source;
      EXPECT_EQ(literal, Fold(literal)) << source;
      EXPECT_FALSE(literal.empty()) << source;
    }
  }
}

void CollectRegexes(const MatchValue& value, std::vector<MatchRegex>* out) {
  if (const auto* regex = std::get_if<MatchRegex>(&value.v)) out->push_back(*regex);
  if (const auto* any = std::get_if<MatchAlternatives>(&value.v)) {
    for (const MatchValue& v : any->values) CollectRegexes(v, out);
  }
}

void CollectRegexes(const SearchNode& node, std::vector<MatchRegex>* out) {
  for (const MatchValue& value : node.item.values) CollectRegexes(value, out);
  for (const SearchNode& child : node.children) CollectRegexes(child, out);
}

std::u32string CodePoints(const std::string& text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) out += NextCodePoint(text, &i);
  return out;
}

std::string Utf8(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) AppendUtf8(c, &out);
  return out;
}

TEST(RegexLiteralsTest, TextsDrawnFromTheCorpusRegexesHoldOneOfTheirLiterals) {
  const std::vector<std::string> folders = SigmaRuleFolders();
  if (folders.empty()) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  std::vector<MatchRegex> regexes;
  const RuleSet rules = LoadRules(folders, {});
  for (const Rule& rule : rules.rules) {
    for (const Search& search : rule.logic.searches) CollectRegexes(search.root, &regexes);
  }
  ASSERT_GT(regexes.size(), 200u);
  Dice dice(20261122);
  size_t with_literals = 0, matches = 0;
  for (const MatchRegex& regex : regexes) {
    const std::vector<std::string> literals = RequiredLiterals(regex);
    if (literals.empty()) continue;
    ++with_literals;
    const std::unique_ptr<RE2> compiled = Compiled(regex);
    const std::u32string source = CodePoints(regex.source);
    for (int draw = 0; draw < 20; ++draw) {
      const std::string text = Utf8(RegexSampler(source, &dice).Draw());
      if (!RE2::PartialMatch(text, *compiled)) continue;
      ++matches;
      ASSERT_TRUE(HoldsOne(literals, text)) << regex.source << " on " << text;
    }
  }
  std::cout << regexes.size() << " regexes, " << with_literals << " with literals, " << matches
            << " matches\n";
  EXPECT_GT(with_literals * 2, regexes.size()) << "most have a literal, or the prefilter is of little use";
  EXPECT_GT(matches, with_literals * 5) << "too few drawn texts match to prove much";
}

}  // namespace
}  // namespace redthread
