// Would the comparison with the slow evaluator see a broken prefilter? Each mutant is a detector whose
// prefilter lacks one literal; the comparison, on the rules that need it, has to find a difference. More of
// them: REDTHREAD_MUTANTS=1000, another choice: REDTHREAD_SEED=7.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "tests/oracle/dice.h"
#include "tests/oracle/differential_rules.h"

namespace redthread {
namespace {

using Anchor = LiteralIndex::Anchor;

constexpr size_t kMutantsOfCorpus = 10;
// A mutant is caught at the first difference, most of them after a few pairs.
constexpr size_t kPairsOfMutant = 20000;
// Of a rule with hundreds of literals (hashes, emoji) too few events would be made for each.
constexpr size_t kMaxLiteralsOfRule = 40;

struct Literal {
  FieldId field = kNoField;
  Anchor anchor = Anchor::kAnywhere;
  std::string text;

  bool operator<(const Literal& o) const {
    return std::tie(field, anchor, text) < std::tie(o.field, o.anchor, o.text);
  }
};

std::string Describe(const Literal& literal) {
  static const std::map<Anchor, std::string> kPlaces = {{Anchor::kAnywhere, "anywhere"},
                                                        {Anchor::kStart, "at the start"},
                                                        {Anchor::kEnd, "at the end"},
                                                        {Anchor::kWhole, "whole"}};
  const std::string where =
      literal.field == kAnyField ? "any field" : "field " + std::to_string(literal.field);
  return "\"" + literal.text + "\", " + kPlaces.at(literal.anchor) + ", in " + where;
}

// The literals of the prefilter, and the rules that need each.
using Prefilter = std::map<Literal, std::vector<RuleIndex>>;

Prefilter LiteralsOf(const Differential& differential, size_t pairs) {
  std::map<Literal, std::set<RuleIndex>> seen;
  std::mutex mutex;
  const NeedFilter watch = [&](RuleIndex rule, FieldId field, std::string_view text, Anchor anchor) {
    const std::lock_guard lock(mutex);
    seen[{field, anchor, std::string(text)}].insert(rule);
    return false;
  };
  EXPECT_EQ(differential.Run({.seed = DifferentialSeed(), .pairs = pairs, .drop_need = watch}).differences,
            0U);
  Prefilter prefilter;
  for (const auto& [literal, rules] : seen) prefilter[literal].assign(rules.begin(), rules.end());
  return prefilter;
}

// Whether every text that has the one has the other too.
bool Implies(const Literal& one, const Literal& other) {
  const bool from_start = one.anchor == Anchor::kStart || one.anchor == Anchor::kWhole;
  const bool to_end = one.anchor == Anchor::kEnd || one.anchor == Anchor::kWhole;
  if (one.field != other.field) return false;
  switch (other.anchor) {
    case Anchor::kAnywhere:
      return one.text.find(other.text) != std::string::npos;
    case Anchor::kStart:
      return from_start && one.text.compare(0, other.text.size(), other.text) == 0;
    case Anchor::kEnd:
      return to_end && one.text.size() >= other.text.size() &&
             one.text.compare(one.text.size() - other.text.size(), other.text.size(), other.text) == 0;
    default:
      return one.anchor == Anchor::kWhole && one.text == other.text;
  }
}

// The literals whose loss has to be seen, each with the rules that miss something without it. Of a rule that
// looks for "abc" or "b", nothing is missed without "abc".
Prefilter Indispensable(const Prefilter& prefilter) {
  std::map<RuleIndex, std::vector<const Literal*>> by_rule;
  for (const auto& [literal, rules] : prefilter) {
    for (const RuleIndex rule : rules) by_rule[rule].push_back(&literal);
  }
  Prefilter out;
  for (const auto& [rule, literals] : by_rule) {
    if (literals.size() > kMaxLiteralsOfRule) continue;
    for (const Literal* literal : literals) {
      const bool implied = std::any_of(literals.begin(), literals.end(), [&](const Literal* other) {
        return other != literal && Implies(*literal, *other);
      });
      if (!implied) out[*literal].push_back(rule);
    }
  }
  return out;
}

bool Caught(const Differential& differential, const Literal& dropped, const std::vector<RuleIndex>& rules) {
  const NeedFilter drop = [&](RuleIndex, FieldId field, std::string_view text, Anchor anchor) {
    return field == dropped.field && anchor == dropped.anchor && text == dropped.text;
  };
  const DifferentialTally tally = differential.Run(
      rules,
      {.seed = DifferentialSeed(), .pairs = kPairsOfMutant, .drop_need = drop, .until_difference = true});
  return tally.differences > 0;
}

std::vector<std::string> Survivors(const Differential& differential, const Prefilter& prefilter,
                                   const std::vector<Literal>& mutants) {
  std::vector<std::string> out;
  for (const Literal& literal : mutants) {
    const std::vector<RuleIndex>& rules = prefilter.at(literal);
    if (Caught(differential, literal, rules)) continue;
    out.push_back(Describe(literal) + ", of " + differential.rules().rules[rules[0]].title);
  }
  std::cout << mutants.size() << " mutants, each without one of " << prefilter.size() << " literals, "
            << out.size() << " not caught\n";
  return out;
}

TEST(MutantTest, PrefilterWithoutAnyOneLiteralOfTheConstructsIsCaught) {
  const Differential constructs = OnConstructs();
  const Prefilter prefilter = Indispensable(LiteralsOf(constructs, 4000));
  std::vector<Literal> all;
  for (const auto& [literal, rules] : prefilter) all.push_back(literal);
  ASSERT_GT(all.size(), 50U);
  EXPECT_THAT(Survivors(constructs, prefilter, all), testing::IsEmpty());
}

TEST(MutantTest, PrefilterWithoutOneLiteralOfTheSigmaCorpusIsCaught) {
  const std::optional<Differential> corpus = OnSigmaCorpus();
  if (!corpus) GTEST_SKIP() << "no reference data at " << REDTHREAD_REFERENCE_DIR;
  const Prefilter prefilter = Indispensable(LiteralsOf(*corpus, 10000));
  // Some of each kind: keywords, and those of fields by where they have to stand.
  std::map<std::pair<bool, Anchor>, std::vector<Literal>> kinds;
  for (const auto& [literal, rules] : prefilter) {
    kinds[{literal.field == kAnyField, literal.anchor}].push_back(literal);
  }
  EXPECT_GE(kinds.size(), 5U);
  Dice dice(DifferentialSeed());
  std::vector<Literal> mutants;
  const size_t wanted = FromEnvironment("REDTHREAD_MUTANTS", kMutantsOfCorpus);
  while (mutants.size() < wanted) {
    for (const auto& [kind, literals] : kinds) mutants.push_back(dice.Pick(literals));
  }
  EXPECT_THAT(Survivors(*corpus, prefilter, mutants), testing::IsEmpty());
}

}  // namespace
}  // namespace redthread
