#include "rules/correlation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rules/condition.h"
#include "rules/rule_set.h"

namespace redthread {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Detection rules a, b and c, each on a line of its own document: lines 1 to 6.
std::string Rules(const std::string& names = "abc") {
  std::string text;
  for (const char name : names) {
    text += std::string("{title: ") + name + ", id: id-" + name + ", name: " + name +
            ", logsource: {product: p}, detection: {s: {F: " + name + "}, condition: s}}\n---\n";
  }
  return text;
}

std::string Correlation1(const std::string& body, const std::string& name = "r") {
  return "{title: " + name + ", id: id-" + name + ", name: " + name + ", correlation: {" + body + "}}\n---\n";
}

RuleSet Load(const std::string& yaml) { return LoadRulesFromText(yaml, "r.yml", {}); }

std::vector<std::string> Rendered(const std::vector<RuleProblem>& problems) {
  std::vector<std::string> lines;
  for (const RuleProblem& p : problems) lines.push_back(p.Render());
  return lines;
}

TEST(CorrelationTest, ReadsEverythingACorrelationSays) {
  const RuleSet set = Load(Rules() + R"(title: Guessing
id: 22222222-2222-4222-8222-222222222222
name: guessing
level: high
tags: [attack.t1110]
correlation:
  type: value_percentile
  rules: [a, id-b]
  group-by: [ip, host]
  timespan: 10m
  aliases:
    ip: {a: src_ip, b: client}
  condition: {field: bytes, percentile: 95, gt: 3, lte: 6.5}
  generate: true
redthread: {what: Somebody guesses.}
)");
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  EXPECT_THAT(Rendered(set.warnings), IsEmpty());
  ASSERT_THAT(set.correlations, SizeIs(1));
  EXPECT_EQ(set.loaded(), 4U);
  const Correlation& c = set.correlations[0];
  EXPECT_EQ(c.id, "22222222-2222-4222-8222-222222222222");
  EXPECT_EQ(c.level, Level::kHigh);
  EXPECT_EQ(c.owner_what, "Somebody guesses.");
  EXPECT_EQ(c.where.line, 7);
  EXPECT_EQ(c.content_hash.size(), 16U);
  EXPECT_EQ(c.type, CorrelationType::kValuePercentile);
  EXPECT_EQ(c.timespan, std::chrono::minutes(10));
  EXPECT_THAT(c.group_by, ElementsAre("ip", "host"));
  EXPECT_THAT(c.fields, ElementsAre("bytes"));
  EXPECT_EQ(c.percentile, 95);
  ASSERT_THAT(c.bounds, SizeIs(2));
  EXPECT_TRUE(c.Holds(6.5));
  EXPECT_FALSE(c.Holds(3));
  EXPECT_TRUE(c.generate);
  ASSERT_THAT(c.rules, SizeIs(2));
  EXPECT_EQ(c.rules[1].index, 1U) << "found by its id";
  EXPECT_THAT(c.rules[0].group_fields, ElementsAre("src_ip", "host"));
  EXPECT_THAT(c.rules[1].group_fields, ElementsAre("client", "host")) << "an alias may use the name instead";
  EXPECT_EQ(c.rules[1].where.line, 14);
}

TEST(CorrelationTest, EveryTypeLoadsInItsOrdinaryForm) {
  const struct {
    const char* body;
    Judgement judgement;
  } kCases[] = {
      {"type: event_count, rules: a, timespan: 10s, condition: {gte: 2}", Judgement::kSliding},
      {"type: event_count, rules: a, timespan: 10s, condition: {gt: 2, lte: 5}", Judgement::kTumbling},
      {"type: event_count, rules: a, timespan: 10s, condition: {eq: 0}", Judgement::kTumbling},
      {"type: event_count, rules: [a, b], timespan: 10s, condition: {neq: 2}", Judgement::kTumbling},
      {"type: value_count, rules: a, timespan: 1M, condition: {field: [x, y], gte: 2}", Judgement::kSliding},
      {"type: value_count, rules: a, timespan: 1y, condition: {field: x, lt: 2}", Judgement::kTumbling},
      {"type: value_sum, rules: a, timespan: 1w, condition: {field: x, gt: -2.5}", Judgement::kSliding},
      {"type: value_avg, rules: a, timespan: 1d, condition: {field: x, lt: 2}", Judgement::kSliding},
      {"type: value_percentile, rules: a, timespan: 1h, condition: {field: x, lte: 2}", Judgement::kSliding},
      {"type: value_median, rules: a, timespan: 1m, condition: {field: x, eq: 0x10}", Judgement::kSliding},
      {"type: temporal, rules: [a, b], timespan: 10s", Judgement::kSliding},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: {gte: 1}", Judgement::kSliding},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: {lt: 2}", Judgement::kTumbling},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: a and b", Judgement::kSliding},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: a and not b", Judgement::kWaiting},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: not (not a)", Judgement::kSliding},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: 1 of them", Judgement::kSliding},
      {"type: temporal_ordered, rules: [a, b, a], timespan: 10s", Judgement::kSliding},
      {"type: temporal_ordered, rules: [a, b], timespan: 10s, condition: {eq: 1}", Judgement::kTumbling},
      {"type: silence, rules: a, timespan: 10s", Judgement::kSilence},
      {"type: first_seen, rules: a, timespan: 10s, condition: {field: x, learning: 0s}",
       Judgement::kFirstSeen},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.body);
    const RuleSet set = Load(Rules() + Correlation1(c.body));
    EXPECT_THAT(Rendered(set.problems), IsEmpty());
    ASSERT_THAT(set.correlations, SizeIs(1));
    EXPECT_EQ(set.correlations[0].judgement(), c.judgement);
  }
}

TEST(CorrelationTest, SilenceHasOptions) {
  const RuleSet set = Load(
      Rules() + Correlation1("type: silence, rules: a, timespan: 1h, expected: true, forget_after: 30d") +
      Correlation1("type: silence, rules: a, timespan: 1h, expected: false, forget_after: 1h", "q") +
      Correlation1("type: silence, rules: a, timespan: 1h", "s"));
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  ASSERT_THAT(set.correlations, SizeIs(3));
  EXPECT_TRUE(set.correlations[0].expected);
  EXPECT_EQ(set.correlations[0].forget_after, std::chrono::hours(30 * 24));
  EXPECT_EQ(ConditionWords(set.correlations[0]),
            "of what was heard in 20 of 24 hours on 5 of 7 days, forgotten after 30d");
  EXPECT_FALSE(set.correlations[1].expected);
  EXPECT_TRUE(set.correlations[1].Forgets(std::chrono::hours(1) + Nanoseconds(1)));
  EXPECT_FALSE(set.correlations[1].Forgets(std::chrono::hours(1)));
  EXPECT_FALSE(set.correlations[2].Forgets(Nanoseconds::max()));
  EXPECT_EQ(ConditionWords(set.correlations[2]), "");
}

TEST(CorrelationTest, ATemporalWithoutConditionNeedsAllItsRules) {
  const RuleSet set = Load(Rules() + Correlation1("type: temporal, rules: [a, b, c], timespan: 10s"));
  ASSERT_THAT(set.correlations, SizeIs(1));
  EXPECT_TRUE(set.correlations[0].Holds(3));
  EXPECT_FALSE(set.correlations[0].Holds(2));
}

TEST(CorrelationTest, NegationsArePushedDownToTheNames) {
  const RuleSet set = Load(
      Rules() +
      Correlation1("type: temporal, rules: [a, b, c], timespan: 10s, condition: a and not (b or not c)"));
  ASSERT_THAT(set.correlations, SizeIs(1));
  EXPECT_EQ(ConditionText(*set.correlations[0].expression, {"a", "b", "c"}), "a and (not b and c)");
}

TEST(CorrelationTest, WhatIsWrongIsSaidWithItsPlaceAndTheRemedy) {
  const struct {
    const char* body;  // stands from column 55 of line 7 on
    const char* message;
  } kCases[] = {
      {"", "r.yml:7:44: no `type`, add one like `type: event_count`"},
      {"type: event_cuont, rules: a, timespan: 1s",
       "`event_cuont` is no type of correlation, did you mean `event_count`?"},
      {"type: event_count, rule: a, rules: a, timespan: 1s, condition: {gte: 1}",
       "`rule` is no key of `correlation`, did you mean `rules`?"},
      {"type: event_count, timespan: 1s, condition: {gte: 1}", "no `rules`"},
      {"type: event_count, rules: [], timespan: 1s, condition: {gte: 1}", "an empty list of rules"},
      {"type: event_count, rules: [''], timespan: 1s, condition: {gte: 1}", "has an empty entry"},
      {"type: event_count, rules: nobody, timespan: 1s, condition: {gte: 1}", "unknown rule `nobody`"},
      {"type: event_count, rules: id-q, timespan: 1s, condition: {gte: 1}", "unknown rule `id-q`"},
      {"type: event_count, rules: a, condition: {gte: 1}", "no `timespan`"},
      {"type: event_count, rules: a, timespan: 0s, condition: {gte: 1}", "timespan must be longer than 0"},
      {"type: event_count, rules: a, timespan: 10, condition: {gte: 1}", "`10` is no timespan"},
      {"type: event_count, rules: a, timespan: 99999y, condition: {gte: 1}", "`99999y` is no timespan"},
      {"type: event_count, rules: a, timespan: 1s, timeframe: 1s, condition: {gte: 1}",
       "both `timespan` and"},
      {"type: event_count, rules: a, timespan: 1s", "no `condition`, add one like"},
      {"type: event_count, rules: a, timespan: 1s, condition: [5]", "`condition` must be a map"},
      {"type: event_count, rules: a, timespan: 1s, condition: a", "a boolean condition needs type temporal"},
      {"type: event_count, rules: a, timespan: 1s, condition: {}", "compares with nothing"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: many}", "`gte` must be a number"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: '5'}", "`gte` must be a number"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: .inf}", "`gte` must be a number"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: .nan}", "`gte` must be a number"},
      {"type: event_count, rules: a, timespan: 1s, condition: {get: 5, gte: 5}", "did you mean `gt`?"},
      {"type: event_count, rules: a, timespan: 1s, condition: {field: x, gte: 5}",
       "`field` is no key of a condition of event_count"},
      {"type: value_count, rules: a, timespan: 1s, condition: {gte: 5}", "value_count needs a field"},
      {"type: value_count, rules: a, timespan: 1s, condition: {field: [], gte: 5}",
       "an empty list of fields"},
      {"type: value_count, rules: a, timespan: 1s, condition: {field: [x, x], gte: 5}", "`x` stands twice"},
      {"type: value_sum, rules: a, timespan: 1s, condition: {field: [x, y], gte: 5}", "takes one field only"},
      {"type: value_sum, rules: a, timespan: 1s, condition: {field: x, percentile: 5, gte: 5}",
       "`percentile` is no key"},
      {"type: value_percentile, rules: a, timespan: 1s, condition: {field: x, percentile: 101, gte: 5}",
       "from 0 to 100"},
      {"type: temporal, rules: [a, b], timespan: 1s, condition: not a and not b",
       "every name of the condition is negated"},
      {"type: temporal, rules: [a, b], timespan: 1s, condition: a and c",
       "r.yml:7:107: `c` is no rule of this correlation, it has a and b"},
      {"type: temporal_ordered, rules: [a, b], timespan: 1s, condition: a and b", "needs type temporal"},
      {"type: silence, rules: a, timespan: 1s, condition: {gte: 1}", "silence takes no condition"},
      {"type: silence, rules: a, timespan: 1s, expected: often", "`expected` must be true or false"},
      {"type: silence, rules: a, timespan: 1s, expected: [true]", "`expected` must be true or false"},
      {"type: silence, rules: a, timespan: 1s, forget_after: 30", "`30` is no timespan"},
      {"type: silence, rules: a, timespan: 1s, forget_after: 0s", "must be longer than 0"},
      {"type: silence, rules: a, timespan: 1h, forget_after: 59m",
       "r.yml:7:98: `forget_after` must be at least the timespan"},
      {"type: silence, rules: a, timespan: 1h, expected: yes, forget_after: 6d",
       "`forget_after` must be at least 7d with `expected`"},
      {"type: silence, rules: a, timespan: 1s, forget: 1d", "`forget` is no key of `correlation`"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: 1}, expected: true",
       "`expected` is for type silence alone, remove it"},
      {"type: first_seen, rules: a, timespan: 1s, condition: {field: x, learning: 1d}, forget_after: 1d",
       "`forget_after` is for type silence alone, remove it"},
      {"type: first_seen, rules: a, timespan: 1s", "first_seen needs a field"},
      {"type: first_seen, rules: a, timespan: 1s, condition: {learning: 1d}", "first_seen needs a field"},
      {"type: first_seen, rules: a, timespan: 1s, condition: {field: x, learning: soon}",
       "`soon` is no time"},
      {"type: first_seen, rules: a, timespan: 1s, condition: {field: x, gte: 2, learning: 1d}",
       "`gte` is no key of a condition of first_seen"},
      {"type: event_count, rules: a, timespan: 1s, group-by: [x, x], condition: {gte: 1}",
       "`x` stands twice"},
      {"type: event_count, rules: a, timespan: 1s, group-by: {x: y}, condition: {gte: 1}",
       "must be text, not a map"},
      {"type: event_count, rules: a, timespan: 1s, aliases: x, condition: {gte: 1}",
       "`aliases` must be a map"},
      {"type: event_count, rules: a, timespan: 1s, group-by: x, aliases: {x: y}, condition: {gte: 1}",
       "the alias `x` must be a map"},
      {"type: event_count, rules: a, timespan: 1s, group-by: x, aliases: {x: {b: y}}, condition: {gte: 1}",
       "`b` is no rule of this correlation"},
      {"type: event_count, rules: a, timespan: 1s, group-by: x, aliases: {x: {a: }}, condition: {gte: 1}",
       "no field for `a`"},
      {"type: event_count, rules: a, timespan: 1s, condition: {gte: 1}, generate: perhaps",
       "must be true or false"},
      {"type: event_count, rules: r, timespan: 1s, condition: {gte: 1}", "a cycle: r -> r"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.body);
    const RuleSet set = Load(Rules() + Correlation1(c.body));
    EXPECT_THAT(set.correlations, IsEmpty());
    EXPECT_EQ(set.failed_rules, 1U);
    EXPECT_THAT(Rendered(set.problems), testing::Contains(HasSubstr(c.message)));
    for (const RuleProblem& p : set.problems) {
      EXPECT_EQ(p.rule_id, "id-r");
      EXPECT_EQ(p.where.line, 7);
    }
    EXPECT_FALSE(set.rules[0].muted) << "a refused correlation mutes nothing";
  }
}

TEST(CorrelationTest, EverythingWrongIsSaidAtOnce) {
  const RuleSet set =
      Load(Rules() +
           Correlation1("type: event_count, rules: a, timespan: x, generate: 5, condition: {gt: y, foo: 1}"));
  EXPECT_THAT(set.problems, SizeIs(4));
}

TEST(CorrelationTest, AnotherSectionBesideItIsRefused) {
  const RuleSet set = Load(Rules() +
                           "{title: r, correlation: {type: silence, rules: a, timespan: 1s}, detection: {s: "
                           "{F: 1}, condition: s}}");
  EXPECT_THAT(Rendered(set.problems), ElementsAre(HasSubstr("a correlation has no `detection`")));
}

constexpr char kCount[] = "type: event_count, timespan: 1s, condition: {gte: 1}, rules: ";

TEST(CorrelationTest, ChainsAreResolvedWhateverTheOrderOfTheFile) {
  const RuleSet set = Load(Correlation1(std::string(kCount) + "[middle, a]", "top") +
                           Correlation1(std::string(kCount) + "bottom", "middle") + Rules() +
                           Correlation1(std::string(kCount) + "b", "bottom"));
  EXPECT_THAT(Rendered(set.problems), IsEmpty());
  ASSERT_THAT(set.correlations, SizeIs(3));
  EXPECT_EQ(set.correlations[0].name, "top") << "in order of the file";
  EXPECT_EQ(set.correlations[0].height, 2U);
  EXPECT_TRUE(set.correlations[0].rules[0].to_correlation);
  EXPECT_EQ(set.correlations[0].rules[0].index, 1U);
  EXPECT_EQ(set.correlations[1].rules[0].index, 2U);
  EXPECT_EQ(set.correlations[2].height, 0U);
}

TEST(CorrelationTest, WhetherItAnswersAtOnceAndItsDelayFollowFromTypeConditionAndChain) {
  const struct {
    const char* body;
    bool at_once;
    int seconds;
  } kCases[] = {
      {"type: event_count, rules: a, timespan: 10s, condition: {gte: 2}", true, 0},
      {"type: event_count, rules: a, timespan: 10s, condition: {lt: 2}", false, 10},
      {"type: value_avg, rules: a, timespan: 10s, condition: {field: x, gte: 2}", false, 0},
      {"type: temporal, rules: [a, b], timespan: 10s, condition: a and not b", false, 10},
      {"type: silence, rules: a, timespan: 10s", false, 10},
      {"type: first_seen, rules: a, timespan: 10s, condition: {field: x, learning: 1d}", true, 0},
      {"type: event_count, rules: few, timespan: 10s, condition: {gte: 2}", false, 60},
      {"type: event_count, rules: [few, a], timespan: 10s, condition: {lt: 2}", false, 70},
  };
  const std::string few =
      Correlation1("type: event_count, rules: a, timespan: 1m, condition: {lt: 3}", "few");
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.body);
    const RuleSet set = Load(Rules() + Correlation1(c.body) + few);
    ASSERT_THAT(set.correlations, SizeIs(2));
    EXPECT_EQ(set.correlations[0].answers_at_once, c.at_once);
    EXPECT_EQ(set.correlations[0].delay, std::chrono::seconds(c.seconds));
  }
}

TEST(CorrelationTest, AComplaintStaysOnOneLineWhateverItQuotes) {
  const RuleSet set = Load(
      "{title: t, name: \"bru\\nte\\e[31m\", logsource: {product: p}, detection: {s: {F: 1}, condition: "
      "s}}\n---\n" +
      Correlation1(std::string(kCount) + "\"br\\nte\\e[31m\"", "c"));
  EXPECT_THAT(Rendered(set.problems),
              ElementsAre(HasSubstr("unknown rule `br\\nte\\x1b[31m`, did you mean `bru\\nte\\x1b[31m`?")));
}

TEST(CorrelationTest, AnErrorBelowIsToldAbove) {
  const RuleSet set = Load(
      Rules() + Correlation1(std::string(kCount) + "nobody", "low") +
      Correlation1(std::string(kCount) + "low", "mid") + Correlation1(std::string(kCount) + "mid", "top") +
      "{title: bad, name: bad, logsource: {product: p}, detection: {s: {F|foo: 1}, condition: s}}\n---\n" +
      Correlation1(std::string(kCount) + "bad", "over_bad"));
  EXPECT_THAT(set.correlations, IsEmpty());
  EXPECT_EQ(set.failed_rules, 5U);
  EXPECT_THAT(Rendered(set.problems),
              testing::IsSupersetOf({HasSubstr("unknown rule `nobody`"),
                                     HasSubstr("the correlation `low` is refused itself, correct it first"),
                                     HasSubstr("the correlation `mid` is refused itself, correct it first"),
                                     HasSubstr("the rule `bad` is refused itself, correct it first")}));
}

TEST(CorrelationTest, ACycleNamesItsWay) {
  const RuleSet set = Load(
      Rules() + Correlation1(std::string(kCount) + "[a, y]", "x") +
      Correlation1(std::string(kCount) + "z", "y") + Correlation1(std::string(kCount) + "x", "z") +
      Correlation1(std::string(kCount) + "x", "above") + Correlation1(std::string(kCount) + "a", "fine"));
  EXPECT_THAT(Rendered(set.problems),
              ElementsAre(HasSubstr("a cycle: x -> y -> z -> x;"), HasSubstr("a cycle: y -> z -> x -> y;"),
                          HasSubstr("a cycle: z -> x -> y -> z;"),
                          HasSubstr("the correlation `x` is refused itself")));
  ASSERT_THAT(set.correlations, SizeIs(1));
  EXPECT_EQ(set.correlations[0].name, "fine");
}

TEST(CorrelationTest, ChainsHaveALimit) {
  std::string yaml = Rules();
  for (int i = 0; i < 18; ++i) {
    yaml += Correlation1(kCount + (i == 0 ? std::string("a") : "c" + std::to_string(i - 1)),
                         "c" + std::to_string(i));
  }
  const RuleSet set = Load(yaml);
  EXPECT_THAT(set.correlations, SizeIs(17));
  EXPECT_THAT(Rendered(set.problems), ElementsAre(HasSubstr("more than 16 levels")));
}

TEST(CorrelationTest, OverARuleThatNeedsSiteVariablesItIsSkippedNotFailed) {
  const RuleSet set = Load(
      "{title: v, name: v, logsource: {product: p}, detection: {s: {F|expand: '%x%'}, condition: s}}\n---\n" +
      Correlation1(std::string(kCount) + "v", "r") + Correlation1(std::string(kCount) + "r", "top"));
  EXPECT_THAT(set.correlations, IsEmpty());
  EXPECT_EQ(set.failed_rules, 0U);
  EXPECT_THAT(set.need_site_variables, SizeIs(3));
}

TEST(CorrelationTest, ANameOfSeveralRulesIsNoReference) {
  const std::string twins =
      "{title: 1, id: x, name: n, logsource: {product: p}, detection: {s: {F: 1}, condition: s}}\n---\n"
      "{title: 2, id: y, name: n, logsource: {product: p}, detection: {s: {F: 1}, condition: s}}\n---\n";
  EXPECT_THAT(Rendered(Load(twins + Correlation1(std::string(kCount) + "n")).problems),
              ElementsAre(HasSubstr("several rules have the name `n`, refer to one by its id")));
  EXPECT_THAT(Load(twins + Correlation1(std::string(kCount) + "y")).correlations, SizeIs(1));
}

TEST(CorrelationTest, RulesReferredToAreMutedUnlessSomeCorrelationGenerates) {
  const RuleSet set = Load(Rules("abcd") + Correlation1(std::string(kCount) + "[a, b]", "q") +
                           Correlation1(std::string(kCount) + "[b, c], generate: true", "s") +
                           Correlation1(std::string(kCount) + "q", "t"));
  EXPECT_TRUE(set.rules[0].muted);
  EXPECT_FALSE(set.rules[1].muted) << "one of the two correlations generates";
  EXPECT_FALSE(set.rules[2].muted);
  EXPECT_FALSE(set.rules[3].muted) << "nothing refers to it";
}

TEST(CorrelationTest, WarnsOfWhatLoadsButDoesNotDoWhatItsAuthorHopes) {
  const struct {
    const char* body;
    const char* message;
  } kCases[] = {
      {"type: first_seen, rules: a, timespan: 1d, condition: {field: x}",
       "without a learning period everything is new"},
      {"type: event_count, rules: a, timeframe: 1d, condition: {gte: 1}", "`timeframe` is the older word"},
      {"type: event_count, rules: a, timespan: 1d, aliases: {x: {a: y}}, condition: {gte: 1}",
       "the alias `x` has no effect"},
      {"type: event_count, rules: [a, b], timespan: 1d, group-by: x, aliases: {x: {a: y}}, condition: {gte: "
       "1}",
       "the alias `x` says nothing of `b`, so its matches take no part"},
      {"type: event_count, rules: [a, id-a], timespan: 1d, condition: {gte: 1}",
       "`id-a` stands twice in `rules`"},
      {"type: temporal, rules: [a, b], timespan: 1d, condition: a", "the condition does not use `b`"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.body);
    const RuleSet set = Load(Rules() + Correlation1(c.body));
    EXPECT_THAT(set.correlations, SizeIs(1)) << Rendered(set.problems)[0];
    EXPECT_THAT(Rendered(set.warnings), ElementsAre(HasSubstr(c.message)));
  }
}

std::string HashOf(const std::string& rules, const std::string& body, const std::string& about = "") {
  const RuleSet set = Load(rules + "{title: r, name: r" + about + ", correlation: {" + body + "}}");
  return set.correlations.empty() ? Rendered(set.problems)[0] : set.correlations[0].content_hash;
}

TEST(CorrelationTest, IdentityIsWhatDecides) {
  const std::string body =
      "type: temporal, rules: [a, b], group-by: g, timespan: 60s, condition: a and not b";
  const std::string hash = HashOf(Rules(), body);
  EXPECT_EQ(HashOf(Rules(), body, ", level: high, tags: [x], description: d"), hash);
  EXPECT_EQ(HashOf(Rules(), body + ", generate: true"), hash);
  EXPECT_EQ(HashOf(Rules(),
                   "timespan: 1m, condition: 'a  and (not b)', group-by: [g], rules: [a, b], type: temporal"),
            hash);
  EXPECT_EQ(HashOf(Rules(),
                   "type: temporal, rules: [id-a, b], group-by: g, timespan: 1m, condition: id-a and not b"),
            hash)
      << "how a rule is called decides nothing";
  const std::string other_a =
      "{title: a, name: a, logsource: {product: p}, detection: {s: {F: other}, condition: s}}\n---\n" +
      Rules("bc");
  const struct {
    std::string rules, body;
    const char* why;
  } kOthers[] = {
      {other_a, body, "what a rule decides"},
      {Rules(), "type: temporal, rules: [b, a], group-by: g, timespan: 60s, condition: a and not b",
       "the order of rules"},
      {Rules(), "type: temporal, rules: [a, b], group-by: h, timespan: 60s, condition: a and not b",
       "the group"},
      {Rules(), "type: temporal, rules: [a, b], group-by: g, timespan: 61s, condition: a and not b",
       "the timespan"},
      {Rules(), "type: temporal, rules: [a, b], group-by: g, timespan: 60s, condition: a or not b",
       "the condition"},
      {Rules(), "type: temporal, rules: [a, b], group-by: g, timespan: 60s", "no condition"},
      {Rules(), "type: temporal, rules: [a, b], group-by: g, timespan: 60s, condition: {gte: 1}", "a bound"},
      {Rules(),
       "type: temporal, rules: [a, b], group-by: g, timespan: 60s, condition: a and not b, aliases: {g: {a: "
       "x, b: g}}",
       "an alias"},
  };
  for (const auto& other : kOthers) EXPECT_NE(HashOf(other.rules, other.body), hash) << other.why;
}

}  // namespace
}  // namespace redthread
