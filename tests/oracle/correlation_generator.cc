#include "tests/oracle/correlation_generator.h"

#include <algorithm>

#include "core/timestamp.h"

namespace redthread {
namespace {

using Strings = std::vector<std::string>;

std::string Join(const Strings& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + text;
  return out + "]";
}

// Some of `from`, each at most once, in random order.
Strings Some(Dice* dice, Strings from, size_t least, size_t most) {
  Strings out;
  const size_t wanted = least + dice->Below(most - least + 1);
  while (out.size() < wanted && !from.empty()) {
    const size_t i = dice->Below(from.size());
    out.push_back(from[i]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return out;
}

std::string Expression(Dice* dice, const Strings& names, int depth) {
  const size_t kind = dice->Below(depth > 0 ? 6 : 3);
  if (kind == 0) return "not " + dice->Pick(names);
  if (kind < 3) return dice->Pick(names);
  if (kind == 3) return "not (" + Expression(dice, names, depth - 1) + ")";
  return "(" + Expression(dice, names, depth - 1) + (kind == 4 ? " and " : " or ") +
         Expression(dice, names, depth - 1) + ")";
}

// The timespan of a silence that has to be expected, and its other options.
std::string ExpectedSilence(Dice* dice) {
  static const Strings kSpans = {"30m", "1h", "90m", "2h", "3h"};
  static const Strings kPatience = {"7d", "7d", "8d"};
  const std::string options = dice->Pick(kSpans) + ", expected: true";
  return dice->Chance(50) ? options + ", forget_after: " + dice->Pick(kPatience) : options;
}

std::string Bounds(Dice* dice, const Strings& values) {
  static const Strings kOps = {"gt", "gte", "gte", "lt", "lte", "eq", "neq"};
  std::string out;
  for (const std::string& op : Some(dice, {kOps.begin() + 1, kOps.end()}, 1, 2)) {
    if (out.find(op + ":") != std::string::npos) continue;
    out += (out.empty() ? "" : ", ") + op + ": " + dice->Pick(values);
  }
  return dice->Chance(10) ? "gt: " + dice->Pick(values) : out;
}

std::string Condition(Dice* dice, const std::string& type, const Strings& rules) {
  static const Strings kCounts = {"0", "1", "2", "3", "4"};
  static const Strings kNumbers = {"0", "1", "0.3", "5", "-2.5", "1e+16", "7"};
  static const Strings kPatience = {"1m", "65s", "2m"};
  static const Strings kPercentiles = {"0", "25", "50", "90", "99.5", "100"};
  if (type == "silence") return dice->Chance(35) ? ", forget_after: " + dice->Pick(kPatience) : "";
  if (type == "temporal" && dice->Chance(60)) return ", condition: '" + Expression(dice, rules, 2) + "'";
  if (type.rfind("temporal", 0) == 0)
    return dice->Chance(40) ? "" : ", condition: {" + Bounds(dice, kCounts) + "}";
  if (type == "event_count") return ", condition: {" + Bounds(dice, kCounts) + "}";
  if (type == "value_count") {
    return ", condition: {field: " + Join(Some(dice, {"u", "v"}, 1, 2)) + ", " + Bounds(dice, kCounts) + "}";
  }
  if (type == "first_seen") {
    return ", condition: {field: " + Join(Some(dice, {"u", "v"}, 1, 2)) +
           (dice->Chance(50) ? ", learning: 7s}" : "}");
  }
  const std::string percentile =
      type == "value_percentile" ? "percentile: " + dice->Pick(kPercentiles) + ", " : "";
  return ", condition: {field: n, " + percentile + Bounds(dice, kNumbers) + "}";
}

SlowJson Value(Dice* dice, const std::vector<SlowJson>& from) {
  if (!dice->Chance(12)) return dice->Pick(from);
  SlowJson list = SlowJson::array();
  for (size_t n = dice->Below(4); n > 0; --n) list.push_back(dice->Pick(from));
  return list;
}

}  // namespace

std::string RandomCorrelationRules(Dice* dice) {
  static const Strings kTypes = {"event_count",      "value_count", "temporal",  "temporal",
                                 "temporal_ordered", "value_sum",   "value_avg", "value_percentile",
                                 "value_median",     "silence",     "first_seen"};
  static const Strings kSpans = {"1s", "2s", "5s", "10s", "1m"};
  std::string yaml;
  for (const char* name : {"a", "b", "c"}) {
    yaml += std::string("{title: ") + name + ", name: " + name +
            ", logsource: {product: test}, detection: {s: {e: " + name + "}, condition: s}}\n---\n";
  }
  yaml +=
      "{title: any, name: any, logsource: {product: test}, detection: {s: {e|exists: true}, condition: s}}\n";
  Strings names = {"a", "b", "c", "any"};
  const size_t count = 1 + dice->Below(4);
  for (size_t i = 0; i < count; ++i) {
    const std::string name = "r" + std::to_string(i);
    const std::string& type = dice->Pick(kTypes);
    Strings rules = Some(dice, names, 1, 3);
    // The newest correlation more often than not, so that there are chains.
    if (i > 0 && dice->Chance(40)) rules[0] = "r" + std::to_string(i - 1);
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    std::reverse(rules.begin(), rules.end());
    if (type == "temporal_ordered" && dice->Chance(30)) rules.push_back(rules[0]);
    const Strings group_by = Some(dice, {"g", "h", "k"}, 0, 2);
    const bool expected = type == "silence" && dice->Chance(40);
    const std::string span =
        expected ? ExpectedSilence(dice) : dice->Pick(kSpans) + Condition(dice, type, rules);
    yaml += "---\n{title: " + name + ", name: " + name + ", correlation: {type: " + type +
            ", rules: " + Join(rules) + ", group-by: " + Join(group_by) + ", timespan: " + span;
    if (std::find(group_by.begin(), group_by.end(), "k") != group_by.end()) {
      std::string aliases;
      for (const std::string& rule : rules) {
        if (dice->Chance(85) && aliases.find(rule + ":") == std::string::npos) {
          aliases += (aliases.empty() ? "" : ", ") + rule + ": " + (dice->Chance(50) ? "g" : "h");
        }
      }
      yaml += ", aliases: {k: {" + aliases + "}}";
    }
    yaml += "}}\n";
    names.push_back(name);
  }
  return yaml;
}

std::vector<SlowJson> RandomCorrelationEvents(Dice* dice, size_t most) {
  static const std::vector<int64_t> kSteps = {0,
                                              0,
                                              0,
                                              1,
                                              500'000'000,
                                              1'000'000'000,
                                              999'999'999,
                                              1'000'000'001,
                                              2'000'000'000,
                                              5'000'000'000,
                                              10'000'000'000,
                                              4'999'999'999,
                                              10'000'000'001,
                                              60'000'000'000};
  static const std::vector<SlowJson> kGroups = {"x", "x", "x", "y", 7, "7", "\"\\\n\u2028"};
  static const std::vector<SlowJson> kTexts = {"p", "q", "r", "P", "", true, nullptr};
  static const std::vector<SlowJson> kNumbers = {
      0.1, 0.2, 0.3, "5", 5, -3, "+4", "1e16", 1e16, -1e16, "abc", "1e999", "", "1e-400", "0x10", 7.25, " 1"};
  std::vector<SlowJson> events;
  // Around the epoch, around a bucket's edge, or anywhere.
  const int64_t starts[] = {-7'000'000'000, 1'767'225'600'000'000'000, 1'767'225'603'123'456'789};
  int64_t time = starts[dice->Below(3)];
  for (size_t n = 1 + dice->Below(most); n > 0; --n) {
    time += dice->Pick(kSteps);
    SlowJson event;
    if (!dice->Chance(3)) event["@timestamp"] = FormatTimestamp({time});
    static const Strings kKinds = {"a", "a", "b", "c", "z"};
    event["e"] = dice->Pick(kKinds);
    if (!dice->Chance(8)) event["g"] = Value(dice, kGroups);
    if (!dice->Chance(20)) event["h"] = Value(dice, kGroups);
    if (!dice->Chance(15)) event["u"] = Value(dice, kTexts);
    if (!dice->Chance(30)) event["v"] = Value(dice, kTexts);
    if (!dice->Chance(15)) event["n"] = Value(dice, kNumbers);
    events.push_back(std::move(event));
  }
  for (size_t i = events.size(); i > 1; --i) std::swap(events[i - 1], events[dice->Below(i)]);
  return events;
}

bool AreOfHours(const std::string& rules) { return rules.find("expected: true") != std::string::npos; }

std::vector<SlowJson> RandomRegularEvents(Dice* dice) {
  constexpr int64_t kHour = 3'600'000'000'000;
  // In percent of the hours: 20 of 24 are 83.
  static const std::vector<size_t> kShares = {100, 97, 94, 90, 87, 84};
  static const std::vector<int64_t> kWithin = {0, 0, 1, kHour / 2, kHour - 1};
  static const std::vector<SlowJson> kValues = {"p", "q", 5, 0.1};
  const int64_t starts[] = {-100 * kHour - 7, 490'896 * kHour, 490'896 * kHour + kHour / 3};
  const int64_t start = starts[dice->Below(3)];
  const size_t share = dice->Pick(kShares);
  const std::string other = dice->Chance(30) ? "y" : "x";
  std::vector<SlowJson> events;
  const size_t hours = 110 + dice->Below(120);
  int64_t hour = 0;
  for (size_t n = 0; n < hours; ++n, ++hour) {
    // Once there is something to miss, it is missed now and then: for hours, or so long that it is forgotten.
    if (n > 90 && dice->Chance(5))
      hour += static_cast<int64_t>(dice->Chance(10) ? 150 + dice->Below(40) : 1 + dice->Below(8));
    if (!dice->Chance(share)) continue;
    SlowJson event;
    event["@timestamp"] = FormatTimestamp({start + hour * kHour + dice->Pick(kWithin)});
    event["e"] = dice->Chance(95) ? "a" : "b";
    event["g"] = dice->Chance(97) ? "x" : other;
    event["h"] = "x";
    event["u"] = event["v"] = event["n"] = dice->Pick(kValues);
    events.push_back(std::move(event));
  }
  for (size_t i = events.size(); i > 1; --i) std::swap(events[i - 1], events[dice->Below(i)]);
  return events;
}

}  // namespace redthread
