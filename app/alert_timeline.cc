#include "app/alert_timeline.h"

#include <algorithm>
#include <vector>

#include "app/numbers.h"
#include "app/terminal.h"
#include "core/text.h"
#include "correlate/fold.h"

namespace redthread {
namespace {

// The correlation that raised the alert, if it is in force as it was.
const Correlation* CorrelationOf(const Alert& alert, const RuleSet& rules) {
  for (const Correlation& c : rules.correlations) {
    if (c.id == alert.rule_id && AlertId(c, alert.group, alert.time) == alert.id) return &c;
  }
  return nullptr;
}

std::string TitleOf(const std::string& rule_id, const RuleSet& rules) {
  for (const Rule& rule : rules.rules) {
    if (rule.id == rule_id) return rule.title;
  }
  return rule_id;
}

struct Entry {
  Timestamp time;
  int rank = 0;  // of entries at one time
  std::string text;
};

// When the window of the alert's first hit opens.
Timestamp WindowOpens(const Correlation& c, const Alert& alert) {
  return c.type == CorrelationType::kFirstSeen ? alert.time : alert.time - c.timespan;
}

std::string Held(const Correlation* c) {
  if (c == nullptr) return "the alert: its condition held";
  const std::string span = FormatTimespan(c->timespan);
  switch (c->judgement()) {
    case Judgement::kTumbling:
      return "the alert: this full " + span + " is over, and " + ConditionWords(*c) + " holds for it";
    case Judgement::kSilence:
      return "the alert: " + span + " without a match";
    case Judgement::kFirstSeen:
      return "the alert: not seen in the " + span + " before";
    default:
      return "the alert: " + ConditionWords(*c) + " holds within " + span;
  }
}

void AddWaiting(const Correlation& c, const Alert& alert, std::vector<Entry>* entries) {
  if (c.judgement() != Judgement::kWaiting) return;
  const ExpressionNames names = NamesOf(*c.expression, c.rules.size());
  std::string awaited;
  for (size_t i = 0; i < c.rules.size(); ++i) {
    if (names.negated[i]) awaited += (awaited.empty() ? "" : " or ") + c.rules[i].written;
  }
  entries->push_back(
      {alert.time + c.timespan, 3, "until here waited for " + awaited + ", which did not come"});
}

std::string StateWords(const Alert& alert, const Correlation* c) {
  const std::string late = alert.late ? ", and late: it came of events that the watermark had passed" : "";
  switch (alert.state) {
    case AlertState::kEarly:
      if (alert.by_clock) {
        return "early: by the clock alone, since all input stopped: an event of " +
               FormatTimestamp(alert.time) + " or later makes it final" + late;
      }
      return "early: events of before " + FormatTimestamp(alert.time) + " may still come and change it" +
             late;
    case AlertState::kWithdrawn:
      return "withdrawn: an event that came later changed what it stood on" +
             (alert.replaced_by.empty() ? std::string() : ", see " + alert.replaced_by);
    case AlertState::kFinal:
      break;
  }
  const bool waits = c != nullptr && !c->answers_at_once;
  return std::string("final: ") +
         (waits ? "it was judged when no earlier event could come any more"
                : "no event can come any more that would take its beginning away") +
         late;
}

}  // namespace

std::string AlertTimeline(const Alert& alert, const RuleSet& rules, bool color) {
  const Correlation* c = alert.correlation ? CorrelationOf(alert, rules) : nullptr;
  std::string out = Styled(Visible(alert.rule_title), Style::kBold, color) + "\n";
  if (!alert.explain.empty()) out += "  " + Visible(alert.explain) + "\n";
  if (alert.correlation && c == nullptr)
    out += "  (the rule has changed since, or is gone: its condition is not shown)\n";

  std::vector<Entry> entries;
  uint64_t count = 0;
  for (const Evidence& e : alert.evidence) {
    entries.push_back({e.time, 1,
                       WithThousands(++count) + "  " + TitleOf(e.rule_id, rules) + "  " + e.source + ":" +
                           std::to_string(e.position.index)});
  }
  if (c != nullptr) {
    entries.push_back({WindowOpens(*c, alert), 0, "the window of its first hit opens"});
    AddWaiting(*c, alert, &entries);
  }
  entries.push_back({alert.time, 2, Held(c)});
  if (alert.ended.has_value()) {
    entries.push_back(
        {*alert.ended, 4, "heard again: silent for " + DurationWords(*alert.ended - alert.last)});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.time != b.time ? a.time < b.time : a.rank < b.rank;
  });
  out += "\n" + Styled("Timeline", Style::kBold, color) + "\n";
  for (const Entry& entry : entries) {
    const std::string time = entry.time == kNoTime ? "(no time)" : FormatTimestamp(entry.time);
    out += "  " + Styled(time, Style::kDim, color) + "  " + Visible(entry.text) + "\n";
  }
  if (alert.count > count) {
    out += "  " + WithThousands(alert.count - count) + " more, until " + FormatTimestamp(alert.last) + "\n";
  }
  return out + "\n  " + Visible(StateWords(alert, c)) + "\n";
}

}  // namespace redthread
