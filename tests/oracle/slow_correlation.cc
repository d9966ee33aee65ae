#include "tests/oracle/slow_correlation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>
#include <set>

#include "tests/oracle/slow_evaluator.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

using Texts = std::vector<std::string>;
using MatchList = std::vector<SlowMatch>;
__extension__ typedef __int128 Wide;  // of times and their sums

void AddLeaves(const SlowJson& value, Texts* out) {
  if (value.is_array()) {
    for (const SlowJson& element : value) AddLeaves(element, out);
  } else if (const std::optional<std::string> text = ScalarText(value)) {
    if (std::find(out->begin(), out->end(), *text) == out->end()) out->push_back(*text);
  }
}

// The distinct texts of a field, in order.
Texts TextsOf(const SlowMatch& match, const std::string& field) {
  const auto fixed = match.fixed.find(field);
  if (fixed != match.fixed.end()) return {fixed->second};
  Texts out;
  for (const SlowRecord* record : match.events) {
    for (const SlowJson& value : SlowLookup(record->flat, field)) AddLeaves(value, &out);
  }
  return out;
}

// One text of each list, in every combination.
std::vector<Texts> Combinations(const std::vector<Texts>& lists) {
  std::vector<Texts> out = {{}};
  for (const Texts& list : lists) {
    std::vector<Texts> longer;
    for (const Texts& head : out) {
      for (const std::string& text : list) {
        longer.push_back(head);
        longer.back().push_back(text);
      }
    }
    out = std::move(longer);
  }
  return out;
}

std::vector<Texts> TuplesOf(const Correlation& c, const SlowMatch& match) {
  std::vector<Texts> lists;
  for (const std::string& field : c.fields) lists.push_back(TextsOf(match, field));
  return Combinations(lists);
}

std::vector<double> NumbersOf(const Correlation& c, const MatchList& window) {
  static const std::regex kNumber(R"([+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)");
  std::vector<double> out;
  for (const SlowMatch& match : window) {
    for (const std::string& text : TextsOf(match, c.fields[0])) {
      if (!std::regex_match(text, kNumber)) continue;
      const double number = std::strtod(text.c_str(), nullptr);
      if (std::isfinite(number)) out.push_back(number);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<Texts> GroupsOf(const Correlation& c, const SlowMatch& match) {
  std::vector<Texts> lists;
  for (const std::string& field : c.rules[match.reference].group_fields) {
    Texts texts = field.empty() ? Texts() : TextsOf(match, field);
    if (!match.chained && texts.size() > 1) {
      std::string array;
      for (const std::string& text : texts) array += (array.empty() ? "[" : ", ") + SlowJson(text).dump();
      texts = {array + "]"};
    }
    lists.push_back(std::move(texts));
  }
  return Combinations(lists);
}

// The sum, rounded once. Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997.
double ExactSum(const std::vector<double>& numbers) {
  std::vector<double> partials;
  for (double x : numbers) {
    std::vector<double> next;
    for (double y : partials) {
      if (std::fabs(x) < std::fabs(y)) std::swap(x, y);
      const double high = x + y;
      const double low = y - (high - x);
      if (low != 0) next.push_back(low);
      x = high;
    }
    next.push_back(x);
    partials = std::move(next);
  }
  // The partials do not overlap: the two highest that matter decide the rounding, a third breaks a tie.
  double high = 0;
  size_t n = partials.size();
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  if (n > 0 && ((low < 0 && partials[n - 1] < 0) || (low > 0 && partials[n - 1] > 0))) {
    const double doubled = low * 2;
    const double up = high + doubled;
    if (doubled == up - high) high = up;
  }
  return high;
}

double Percentile(const std::vector<double>& sorted, double percentile) {
  const double rank = percentile / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double LongestPrefix(const Correlation& c, const MatchList& window) {
  size_t got = 0;
  std::optional<int64_t> reached;
  for (; got < c.rules.size(); ++got) {
    std::optional<int64_t> earliest;
    for (const SlowMatch& m : window) {
      if (m.reference != got || (reached && m.time < *reached)) continue;
      if (!earliest || m.time < *earliest) earliest = m.time;
    }
    if (!earliest) break;
    reached = earliest;
  }
  return static_cast<double>(got);
}

std::set<size_t> ReferencesIn(const MatchList& window) {
  std::set<size_t> out;
  for (const SlowMatch& m : window) out.insert(m.reference);
  return out;
}

std::optional<double> ValueOf(const Correlation& c, const MatchList& window) {
  switch (c.type) {
    case CorrelationType::kEventCount:
      return static_cast<double>(window.size());
    case CorrelationType::kTemporal:
      return static_cast<double>(ReferencesIn(window).size());
    case CorrelationType::kTemporalOrdered:
      return LongestPrefix(c, window);
    case CorrelationType::kValueCount: {
      std::set<Texts> tuples;
      for (const SlowMatch& m : window) {
        for (const Texts& tuple : TuplesOf(c, m)) tuples.insert(tuple);
      }
      return static_cast<double>(tuples.size());
    }
    default:
      break;
  }
  const std::vector<double> numbers = NumbersOf(c, window);
  if (numbers.empty()) return std::nullopt;
  if (c.type == CorrelationType::kValueSum) return ExactSum(numbers);
  if (c.type == CorrelationType::kValueAvg) return ExactSum(numbers) / static_cast<double>(numbers.size());
  return Percentile(numbers, c.percentile);
}

MatchList Between(const MatchList& all, Wide from, Wide to) {
  MatchList out;
  for (const SlowMatch& m : all) {
    if (from <= m.time && m.time <= to) out.push_back(m);
  }
  return out;
}

// `plain`, `around`: which references match in the window before T, and which on both sides of it.
bool Truth(const ConditionNode& node, const std::set<size_t>& plain, const std::set<size_t>& around) {
  const auto holds = [&](const ConditionNode& child) { return Truth(child, plain, around); };
  switch (node.kind) {
    case ConditionNode::Kind::kSearch:
      return plain.count(node.search) > 0;
    case ConditionNode::Kind::kNot:
      return around.count(node.children[0].search) == 0;
    case ConditionNode::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case ConditionNode::Kind::kOr:
      break;
  }
  return std::any_of(node.children.begin(), node.children.end(), holds);
}

// One group of one correlation.
struct Group {
  const Correlation& c;
  Texts key;
  MatchList matches;
  int64_t latest = 0;  // greatest event time of all that was read
  int64_t start = 0;   // time of the earliest match of any group

  std::set<int64_t> Times() const {
    std::set<int64_t> out;
    for (const SlowMatch& m : matches) out.insert(m.time);
    return out;
  }
  Wide span() const { return c.timespan.count(); }

  void Hit(Wide end, std::optional<double> value, MatchList trigger, std::vector<SlowHit>* hits) const {
    const Wide clamped = std::min<Wide>(end, Timestamp::Max().ns);
    hits->push_back({key, static_cast<int64_t>(clamped), value, std::move(trigger)});
  }

  void Buckets(std::vector<SlowHit>* hits) const {
    std::map<Wide, MatchList> buckets;
    for (const SlowMatch& m : matches) {
      Wide k = m.time / span();
      if (k * span() > m.time) --k;  // towards minus infinity
      buckets[k].push_back(m);
    }
    for (const auto& [k, window] : buckets) {
      const std::optional<double> value = ValueOf(c, window);
      if (value && c.Holds(*value)) Hit((k + 1) * span(), value, window, hits);
    }
  }

  void JudgeAt(int64_t t, std::vector<SlowHit>* hits) const {
    const MatchList now = Between(matches, t, t);
    const MatchList window = Between(matches, t - span(), t);
    if (c.type == CorrelationType::kSilence) {
      if (Between(matches, Wide{t} + 1, t + span()).empty() && latest >= t + span() &&
          (!c.expected || HeardRegularly(t))) {
        Hit(t + span(), std::nullopt, now, hits);
      }
    } else if (c.type == CorrelationType::kFirstSeen) {
      std::set<Texts> known, seen;
      for (const SlowMatch& m : window) {
        for (const Texts& tuple : TuplesOf(c, m)) (m.time < t ? known : seen).insert(tuple);
      }
      for (const Texts& tuple : known) seen.erase(tuple);
      if (!seen.empty() && Wide{t} - start >= c.learning.count()) {
        Hit(t, static_cast<double>(seen.size()), now, hits);
      }
    } else if (c.expression.has_value()) {
      const ExpressionNames names = NamesOf(*c.expression, c.rules.size());
      const std::set<size_t> at_t = ReferencesIn(now);
      const bool woken = !names.any_negated() ||
                         std::any_of(at_t.begin(), at_t.end(), [&](size_t r) { return names.plain[r]; });
      const std::set<size_t> plain = ReferencesIn(window);
      const std::set<size_t> around = ReferencesIn(Between(matches, t - span(), t + span()));
      if (woken && Truth(*c.expression, plain, around)) Hit(t, static_cast<double>(plain.size()), now, hits);
    } else {
      const std::optional<double> value = ValueOf(c, window);
      if (value && c.Holds(*value)) Hit(t, value, now, hits);
    }
  }

  std::vector<SlowHit> Hits() const {
    std::vector<SlowHit> hits;
    if (c.judgement() == Judgement::kTumbling) {
      Buckets(&hits);
    } else {
      for (const int64_t t : Times()) JudgeAt(t, &hits);
    }
    return hits;
  }

  // What an alert over the hits [from, to] stands on: the matches of their windows, of the rules that are not
  // only named with `not`; of silence and first_seen those that triggered it.
  MatchList Under(const std::vector<SlowHit>& hits, size_t from, size_t to) const {
    if (c.every_hit_alerts()) return hits[from].trigger;
    MatchList out;
    const bool tumbling = c.judgement() == Judgement::kTumbling;
    const ExpressionNames names = c.expression ? NamesOf(*c.expression, c.rules.size()) : ExpressionNames{};
    for (const SlowMatch& m : matches) {
      if (c.judgement() == Judgement::kWaiting && !names.plain[m.reference]) continue;
      for (size_t i = from; i <= to; ++i) {
        const Wide end = hits[i].end;
        if (m.time < end - span() || (tumbling ? m.time >= end : m.time > end)) continue;
        out.push_back(m);
        break;
      }
    }
    return out;
  }

  // When the group is heard the next time, if it is not forgotten by then.
  std::optional<int64_t> HeardAfter(int64_t t) const {
    const Wide forgotten = c.forget_after.count();
    for (const int64_t next : Times()) {
      if (next > t && (forgotten == 0 || Wide{next} - t <= forgotten)) return next;
      if (next > t) return std::nullopt;
    }
    return std::nullopt;
  }

  // Whether in 5 of the 7 times 24 hours that end with the hour of t there were matches in 20 of the hours.
  bool HeardRegularly(int64_t t) const {
    constexpr Wide kHour = 3'600'000'000'000;
    const auto begin_of_hour = [](Wide time) { return time - ((time % kHour) + kHour) % kHour; };
    const Wide end = begin_of_hour(t) + kHour;
    int good_days = 0;
    for (int day = 1; day <= 7; ++day) {
      std::set<int64_t> hours;
      for (const SlowMatch& m : Between(matches, end - day * 24 * kHour, end - (day - 1) * 24 * kHour - 1))
        hours.insert(static_cast<int64_t>(begin_of_hour(m.time)));
      if (hours.size() >= 20) ++good_days;
    }
    return good_days >= 5;
  }

  std::vector<SlowAlert> Alerts(const std::vector<SlowHit>& hits) const {
    std::vector<SlowAlert> alerts;
    const auto begins = [&](size_t i) {
      return c.every_hit_alerts() || std::none_of(hits.begin(), hits.end(), [&](const SlowHit& h) {
               return h.end < hits[i].end && h.end >= hits[i].end - span();
             });
    };
    for (size_t i = 0; i < hits.size();) {
      size_t next = i + 1;
      while (next < hits.size() && !begins(next)) ++next;
      const MatchList under = Under(hits, i, next - 1);
      SlowAlert alert{key, hits[i].end, under[0].time, under[0].time, under.size(), {}};
      if (c.type == CorrelationType::kSilence) alert.ended = HeardAfter(under[0].time);
      for (const SlowMatch& m : under) {
        alert.first = std::min(alert.first, m.time);
        alert.last = std::max(alert.last, m.time);
      }
      alerts.push_back(std::move(alert));
      i = next;
    }
    return alerts;
  }
};

}  // namespace

std::vector<SlowRecord> SlowRecords(const RuleSet& rules, const std::vector<SlowJson>& events) {
  std::vector<SlowRecord> records;
  for (const SlowJson& event : events) {
    SlowRecord& record = records.emplace_back();
    record.flat = SlowFlatten(event);
    record.time = SlowEventTime(record.flat);
    for (RuleIndex r = 0; r < rules.rules.size(); ++r) {
      const Result<SlowEvaluator> evaluator = SlowEvaluator::Compile(rules.rules[r], {});
      if (evaluator.ok() && evaluator->Matches(record.flat, {})) record.matches.push_back(r);
    }
  }
  return records;
}

std::vector<SlowAnswer> SlowCorrelate(const RuleSet& rules, const std::vector<SlowRecord>& records) {
  std::vector<SlowAnswer> answers(rules.correlations.size());
  int64_t latest = Timestamp::Min().ns;
  for (const SlowRecord& record : records) {
    if (record.time) latest = std::max(latest, record.time->ns);
  }
  const auto matches_of = [&](const Correlation& c) {
    MatchList out;
    for (size_t r = 0; r < c.rules.size(); ++r) {
      const CorrelationReference& reference = c.rules[r];
      for (const SlowRecord& record : records) {
        if (reference.to_correlation || !record.time) continue;
        if (std::count(record.matches.begin(), record.matches.end(), reference.index) == 0) continue;
        out.push_back({record.time->ns, r, {&record}, {}, false});
      }
      if (!reference.to_correlation) continue;
      for (const SlowHit& hit : answers[reference.index].hits) {
        SlowMatch match{hit.end, r, {}, {}, true};
        for (const SlowMatch& m : hit.trigger) {
          match.events.insert(match.events.end(), m.events.begin(), m.events.end());
        }
        const std::vector<std::string>& names = rules.correlations[reference.index].group_by;
        for (size_t i = 0; i < names.size(); ++i) match.fixed[names[i]] = hit.group[i];
        out.push_back(std::move(match));
      }
    }
    return out;
  };
  for (uint32_t height = 0; height <= Correlation::kMaxHeight; ++height) {
    for (size_t i = 0; i < answers.size(); ++i) {
      const Correlation& c = rules.correlations[i];
      if (c.height != height) continue;
      std::map<Texts, MatchList> groups;
      int64_t start = Timestamp::Max().ns;
      for (const SlowMatch& match : matches_of(c)) {
        for (const Texts& key : GroupsOf(c, match)) {
          groups[key].push_back(match);
          start = std::min(start, match.time);
        }
      }
      for (auto& [key, matches] : groups) {
        std::stable_sort(matches.begin(), matches.end(),
                         [](const SlowMatch& a, const SlowMatch& b) { return a.time < b.time; });
        const Group group{c, key, matches, latest, start};
        const std::vector<SlowHit> hits = group.Hits();
        const std::vector<SlowAlert> alerts = group.Alerts(hits);
        answers[i].hits.insert(answers[i].hits.end(), hits.begin(), hits.end());
        answers[i].alerts.insert(answers[i].alerts.end(), alerts.begin(), alerts.end());
      }
    }
  }
  return answers;
}

}  // namespace redthread
