#include "correlate/correlation_alert.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "correlate/fold.h"

namespace redthread {
namespace {

std::string ValueWords(double value) {
  char text[32];
  const double rounded = std::round(value * 1000) / 1000;
  return {text, std::to_chars(text, text + sizeof text, std::isfinite(rounded) ? rounded : value).ptr};
}

// What held, in the words of its type.
std::string Finding(const Correlation& c, const CorrelationAlert& found) {
  const std::string span = FormatTimespan(c.timespan);
  switch (c.judgement()) {
    case Judgement::kSilence:
      if (found.ended.has_value()) {
        return "silent for " + DurationWords(*found.ended - found.last) + ", heard again at " +
               FormatTimestamp(*found.ended);
      }
      return "not heard for " + span + " since " + FormatTimestamp(found.last);
    case Judgement::kFirstSeen:
      return ValueWords(*found.value) + " not seen in the " + span + " before (" + ConditionWords(c) + ")";
    case Judgement::kWaiting:
      return ConditionWords(c) + ", with what is negated neither in the " + span + " before nor after";
    case Judgement::kTumbling:
      return std::string(CorrelationTypeName(c.type)) + " " + ValueWords(*found.value) + " in the full " +
             span + " until " + FormatTimestamp(found.time) + " (" + ConditionWords(c) + ")";
    case Judgement::kSliding:
      break;
  }
  return std::string(CorrelationTypeName(c.type)) + " " + ValueWords(*found.value) + " within " + span +
         " (" + ConditionWords(c) + ")";
}

}  // namespace

std::string ExplainCorrelation(const Correlation& c, const AlertGroup& group, const CorrelationAlert& found) {
  std::string out = c.title + ": " + Finding(c, found);
  for (const auto& [name, value] : group) out += ", " + name + " " + value;
  out += "; " + std::to_string(found.count) + (found.count == 1 ? " match" : " matches");
  if (found.first == found.last) return out + " at " + FormatTimestamp(found.first);
  return out + " from " + FormatTimestamp(found.first) + " to " + FormatTimestamp(found.last);
}

AlertGroup GroupOf(const Correlation& correlation, const Texts& values) {
  AlertGroup group;
  for (size_t i = 0; i < values.size(); ++i) group.emplace_back(correlation.group_by[i], values[i]);
  std::sort(group.begin(), group.end());
  return group;
}

Alert MakeAlert(const RuleSet& rules, const Correlation& correlation, const Texts& group,
                const CorrelationAlert& found, const SourceName& source_name) {
  Alert alert;
  alert.correlation = true;
  alert.state = AlertState::kFinal;
  alert.rule_id = correlation.id;
  alert.rule_title = correlation.title;
  alert.level = correlation.level;
  alert.tags = correlation.tags;
  alert.group = GroupOf(correlation, group);
  alert.id = AlertId(correlation, alert.group, found.time);
  alert.time = found.time;
  alert.first = found.first;
  alert.last = found.last;
  alert.count = found.count;
  alert.ended = found.ended;
  for (const MatchEvidence& e : found.evidence) {
    alert.evidence.push_back(
        {e.time, rules.rules[e.rule].id, source_name(e.position.source), e.position, e.raw_hash});
  }
  alert.explain = ExplainCorrelation(correlation, alert.group, found);
  return alert;
}

}  // namespace redthread
