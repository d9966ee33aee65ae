#include "core/record.h"

#include <charconv>
#include <cmath>

namespace redthread {

namespace {

constexpr Nanoseconds kSecond = std::chrono::seconds(1);

void AppendKey(const char* key, std::string* out) {
  if (out->back() != '{') out->push_back(',');
  out->push_back('"');
  out->append(key);
  out->append("\":");
}

void AppendText(const char* key, std::string_view value, std::string* out) {
  AppendKey(key, out);
  AppendJsonString(value, out);
}

void AppendTime(const char* key, std::optional<Timestamp> value, std::string* out) {
  AppendKey(key, out);
  AppendJsonTime(value, out);
}

void AppendNumber(const char* key, uint64_t value, std::string* out) {
  AppendKey(key, out);
  out->append(std::to_string(value));
}

void AppendBool(const char* key, bool value, std::string* out) {
  AppendKey(key, out);
  out->append(value ? "true" : "false");
}

void AppendList(const char* key, const std::vector<std::string>& values, std::string* out) {
  AppendKey(key, out);
  out->push_back('[');
  for (const std::string& v : values) {
    if (out->back() != '[') out->push_back(',');
    AppendJsonString(v, out);
  }
  out->push_back(']');
}

void AppendRule(const RuleSummary& rule, std::string* out) {
  AppendKey("rule", out);
  out->push_back('{');
  AppendText("id", rule.id, out);
  AppendText("title", rule.title, out);
  AppendText("level", LevelName(rule.level), out);
  AppendList("tags", *rule.tags, out);
  out->push_back('}');
}

void AppendGroup(const AlertGroup& group, std::string* out) {
  AppendKey("group", out);
  out->push_back('{');
  for (const auto& [name, value] : group) {
    if (out->back() != '{') out->push_back(',');
    AppendJsonString(name, out);
    out->push_back(':');
    AppendJsonString(value, out);
  }
  out->push_back('}');
}

std::optional<Timestamp> Known(Timestamp t) { return t == kNoTime ? std::nullopt : std::optional(t); }

// What both forms of an alert say of its members; each evidence is written by `append`.
template <typename Append>
void AppendMembers(const Alert& alert, std::string* out, Append&& append) {
  AppendGroup(alert.group, out);
  AppendTime("time", Known(alert.time), out);
  AppendTime("first", Known(alert.first), out);
  AppendTime("last", Known(alert.last), out);
  AppendNumber("count", alert.count, out);
  AppendKey("evidence", out);
  out->push_back('[');
  for (const Evidence& e : alert.evidence) {
    if (out->back() != '[') out->push_back(',');
    out->push_back('{');
    append(e);
    out->push_back('}');
  }
  out->push_back(']');
}

}  // namespace

void AppendJsonTime(std::optional<Timestamp> time, std::string* out) {
  if (!time.has_value()) {
    out->append("null");
    return;
  }
  out->push_back('"');
  out->append(FormatTimestamp(*time));
  out->push_back('"');
}

void AppendDetectionRecord(const RuleSummary& rule, const Event& event, std::string_view event_json,
                           std::string_view source, const std::vector<MatchedSelection>& matched,
                           std::string* out) {
  out->append("{");
  AppendText("kind", "detection", out);
  AppendRule(rule, out);
  AppendTime("time", event.time, out);
  AppendText("source", source, out);
  AppendNumber("position", event.position.index, out);
  AppendKey("matched", out);
  out->push_back('{');
  for (const MatchedSelection& m : matched) {
    if (out->back() != '{') out->push_back(',');
    AppendJsonString(m.name, out);
    out->push_back(':');
    out->push_back('[');
    for (const std::string& field : m.fields) {
      if (out->back() != '[') out->push_back(',');
      AppendJsonString(field, out);
    }
    out->push_back(']');
  }
  out->push_back('}');
  AppendKey("event", out);
  out->append(event_json);
  out->push_back('}');
}

namespace {

// `at`: of the topic's form.
void AppendAlert(const Alert& alert, std::optional<uint64_t> at, std::string* out) {
  out->append("{");
  AppendText("kind", "alert", out);
  AppendText("id", alert.id, out);
  AppendNumber("revision", alert.revision, out);
  if (at.has_value()) {
    AppendKey("at", out);
    out->append(std::to_string(*at));
  }
  AppendText("state", AlertStateName(alert.state), out);
  AppendBool("late", alert.late, out);
  if (alert.by_clock) AppendText("cause", "clock", out);
  AppendBool("correlation", alert.correlation, out);
  AppendRule({alert.rule_id, alert.rule_title, alert.level, &alert.tags}, out);
  AppendMembers(alert, out, [&at, out](const Evidence& e) {
    AppendText("source", e.source, out);
    AppendNumber("position", e.position.index, out);
    AppendText("rule", e.rule_id, out);
    AppendTime("time", Known(e.time), out);
    if (at.has_value()) AppendText("hash", HexOf(e.raw_hash), out);
  });
  if (alert.ended.has_value()) {
    AppendTime("ended", alert.ended, out);
    AppendNumber("lasted_seconds", static_cast<uint64_t>((*alert.ended - alert.last) / kSecond), out);
  }
  AppendText("explain", alert.explain, out);
  if (!alert.replaced_by.empty()) AppendText("replaced_by", alert.replaced_by, out);
  out->push_back('}');
}

}  // namespace

void AppendAlertRecord(const Alert& alert, std::string* out) { AppendAlert(alert, std::nullopt, out); }

std::string TopicAlertRecord(const Alert& alert, uint64_t at) {
  std::string record;
  AppendAlert(alert, at, &record);
  return record;
}

void AppendHitRecord(const RuleSummary& rule, const AlertGroup& group, Timestamp window_end,
                     std::optional<double> value, std::string* out) {
  out->append("{");
  AppendText("kind", "hit", out);
  AppendBool("correlation", true, out);
  AppendRule(rule, out);
  AppendGroup(group, out);
  AppendTime("window_end", window_end, out);
  AppendKey("value", out);
  char text[32];
  if (value.has_value() && std::isfinite(*value)) {
    constexpr double kExact = 9007199254740992;  // 2^53: up to here a count is written as one
    const bool whole = *value == std::trunc(*value) && std::fabs(*value) < kExact;
    out->append(text, whole ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(*value)).ptr
                            : std::to_chars(text, text + sizeof text, *value).ptr);
  } else {
    out->append("null");
  }
  out->push_back('}');
}

void AppendCanonicalAlert(const Alert& alert, std::string* out) {
  out->append("{");
  AppendText("id", alert.id, out);
  AppendText("rule", alert.rule_id, out);
  AppendMembers(alert, out, [out](const Evidence& e) {
    AppendTime("time", Known(e.time), out);
    AppendText("rule", e.rule_id, out);
    AppendText("raw", HexOf(e.raw_hash), out);
  });
  out->push_back('}');
}

}  // namespace redthread
