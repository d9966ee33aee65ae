#include "app/alert_text.h"

#include "app/numbers.h"
#include "app/terminal.h"
#include "core/record.h"
#include "core/text.h"

namespace redthread {
namespace {

std::string Line(const std::string& name, const std::string& shown) {
  if (shown.empty()) return "";
  return "  " + name + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + shown + "\n";
}

std::string FullTime(Timestamp time) { return time == kNoTime ? "not known" : FormatTimestamp(time); }

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& t : texts) joined += (joined.empty() ? "" : ", ") + t;
  return joined;
}

}  // namespace

std::string ShortTime(Timestamp time) {
  if (time == kNoTime) return "-";
  std::string text = FormatTimestamp(time).substr(0, 19) + "Z";
  text[10] = ' ';
  return text;
}

std::string GroupText(const AlertGroup& group) {
  std::string text;
  for (const auto& [name, value] : group) text += (text.empty() ? "" : ", ") + name + " " + value;
  return text;
}

std::string AlertText(const Alert& alert, const EvidenceLines& lines, bool color) {
  std::string out = Styled(Visible(alert.rule_title), Style::kBold, color) + "\n";
  out += Line("id", alert.id);
  out += Line("level", Styled(LevelName(alert.level), StyleOf(alert.level), color));
  out += Line("state", std::string(AlertStateName(alert.state)) + ", revision " +
                           std::to_string(alert.revision) + (alert.late ? ", came late" : "") +
                           (alert.by_clock ? ", by the clock alone" : ""));
  out += Line("replaced by", Visible(alert.replaced_by));
  out += Line("rule", Visible(alert.rule_id));
  out += Line("tags", Visible(Join(alert.tags)));
  for (const auto& [name, value] : alert.group) out += Line(Visible(name), Visible(value));
  out += Line("time", FullTime(alert.time));
  out += Line("first", FullTime(alert.first));
  out += Line("last", FullTime(alert.last));
  if (alert.ended.has_value()) {
    out += Line("ended",
                FullTime(*alert.ended) + ", heard again after " + DurationWords(*alert.ended - alert.last));
  }
  out += Line("count", WithThousands(alert.count));
  if (!alert.explain.empty()) out += "\n  " + Visible(alert.explain) + "\n";
  if (alert.evidence.empty()) return out;
  out += "\n" + Styled("Evidence", Style::kBold, color) + "\n";
  for (size_t i = 0; i < alert.evidence.size(); ++i) {
    const Evidence& e = alert.evidence[i];
    const std::string place =
        ShortTime(e.time) + "  " + Visible(e.source) + ":" + std::to_string(e.position.index);
    out += "  " + Styled(place, Style::kDim, color) + "\n";
    if (lines.empty()) continue;
    out += "    " +
           (lines[i] ? Visible(*lines[i]) : Styled("(the line is no longer kept)", Style::kDim, color)) +
           "\n";
  }
  return out;
}

std::string AlertRecordWithLines(const Alert& alert, const EvidenceLines& lines) {
  std::string json;
  AppendAlertRecord(alert, &json);
  json.pop_back();  // the closing brace
  json += ",\"lines\":[";
  for (size_t i = 0; i < lines.size(); ++i) {
    const Evidence& e = alert.evidence[i];
    json += i == 0 ? "{\"source\":" : ",{\"source\":";
    AppendJsonString(e.source, &json);
    json += ",\"position\":" + std::to_string(e.position.index) + ",\"raw\":";
    if (lines[i]) {
      AppendJsonString(*lines[i], &json);
    } else {
      json += "null";
    }
    json += '}';
  }
  return json + "]}";
}

}  // namespace redthread
