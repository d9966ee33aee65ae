// Correlation: a Sigma rule over the matches of other rules, checked and resolved.
//
// The types are Sigma's and two of ours, silence and first_seen. What each means, when it is judged and what
// a hit is: docs/rules.md, "Correlations".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/timestamp.h"
#include "rules/rule.h"

namespace redthread {

enum class CorrelationType : uint8_t {
  kEventCount,
  kValueCount,
  kTemporal,
  kTemporalOrdered,
  kValueSum,
  kValueAvg,
  kValuePercentile,
  kValueMedian,
  kSilence,
  kFirstSeen,
};
const char* CorrelationTypeName(CorrelationType type);

// The index of a correlation in its RuleSet.
using CorrelationIndex = uint32_t;

enum class BoundOp : uint8_t { kGt, kGte, kLt, kLte, kEq, kNeq };
const char* BoundOpName(BoundOp op);

// `gte: 5`.
struct CorrelationBound {
  BoundOp op = BoundOp::kGte;
  double value = 0;  // finite
  bool Holds(double v) const;
};

// One entry of `rules:`.
struct CorrelationReference {
  std::string written;          // the name or id, as the correlation writes it
  bool to_correlation = false;  // its hits, not a detection rule's matches, are what is correlated
  uint32_t index = 0;           // in RuleSet::correlations or RuleSet::rules
  // By entry of group_by: the field of this rule's events, aliases resolved. Empty: an alias that says
  // nothing of this rule, whose matches then take no part.
  std::vector<std::string> group_fields;
  SourceLocation where;
};

// When a correlation is judged.
enum class Judgement : uint8_t {
  kSliding,    // on [T - timespan, T], at each time T of a match
  kTumbling,   // on [k * timespan, (k + 1) * timespan), when it is over: upper bounds and equality
  kWaiting,    // like sliding, but a timespan later: a boolean condition with `not`
  kSilence,    // a timespan after a match that none follows
  kFirstSeen,  // at each match, on the values of the timespan before it
};

struct Correlation : RuleDescription {
  static constexpr size_t kMaxReferences = 1'000;
  // Correlations over correlations over ...: each level is another pass over its matches.
  static constexpr uint32_t kMaxHeight = 16;

  CorrelationType type = CorrelationType::kEventCount;
  std::vector<CorrelationReference> rules;  // never empty; a rule may stand in it twice
  std::vector<std::string> group_by;        // no two alike; empty: one group
  Nanoseconds timespan{0};                  // above 0
  // All of them must hold. Never empty but for silence, first_seen and boolean conditions.
  std::vector<CorrelationBound> bounds;
  std::vector<std::string> fields;  // of value_* and first_seen; those on numbers have one
  double percentile = 50;           // 0 to 100, of value_percentile and value_median
  Nanoseconds learning{0};          // of first_seen
  bool expected = false;            // of silence: only of groups that were heard regularly (heard_hours.h)
  Nanoseconds forget_after{0};      // of silence: one that lasts longer has no end; 0: none does
  // A boolean condition: leaves are indices into `rules`, `not` stands directly above leaves only, and
  // not above all of them.
  std::optional<ConditionNode> expression;
  bool generate = false;  // the rules referred to raise alerts of their own too
  uint32_t height = 0;    // 0: over detection rules only; else one more than what it is over
  // Whether a hit is told the moment it holds, early. Else it waits for the watermark, because what still
  // comes may undo it: upper bounds, averages and percentiles, `not`, silence, and whatever stands on such.
  bool answers_at_once = true;
  // How long after the event that decides it, in event time, a hit can be known: nothing, the timespan, or,
  // where lower correlations have to answer first, theirs too.
  Nanoseconds delay{0};

  // Whether a group that was silent for so long is forgotten: heard again, it is new.
  bool Forgets(Nanoseconds silence) const { return forget_after.count() > 0 && silence > forget_after; }
  // Whether a value satisfies every bound.
  bool Holds(double value) const;
  Judgement judgement() const;
  // Whether hits are also alerts one by one, without episodes.
  bool every_hit_alerts() const {
    return type == CorrelationType::kSilence || type == CorrelationType::kFirstSeen;
  }
};

// What must hold, in the rule's own words: "gte 5, lt 9", "percentile 95 of bytes gt 100", "a and not b".
// Empty for silence without options.
std::string ConditionWords(const Correlation& correlation);

// Which references a boolean condition names with or without `not`; of both kinds when it names them twice.
struct ExpressionNames {
  std::vector<bool> plain, negated;  // by index into `rules`
  bool any_plain() const;
  bool any_negated() const;
};
ExpressionNames NamesOf(const ConditionNode& expression, size_t rules);

// Negations moved down to the names, by De Morgan's laws.
ConditionNode PushDownNot(const ConditionNode& condition);

}  // namespace redthread
