#include "correlate/fold.h"

#include "core/text.h"

namespace redthread {

namespace {

// Unambiguous bytes of what identifies a fold: every string stands with its length.
std::string Spelling(const RuleDescription& rule, const AlertGroup& group) {
  std::string out;
  const auto text = [&out](const std::string& s) {
    out += std::to_string(s.size());
    out += ':';
    out += s;
  };
  text(rule.id);
  text(rule.content_hash);
  for (const auto& [name, value] : group) {
    text(name);
    text(value);
  }
  return out;
}

Evidence EvidenceOf(const Rule& rule, const FoldMatch& match) {
  Evidence e;
  e.time = match.time;
  e.rule_id = rule.id;
  e.source = match.source;
  e.position = match.position;
  e.raw_hash = match.raw_hash;
  return e;
}

}  // namespace

std::string FoldKey(const Rule& rule, const AlertGroup& group) {
  const Hash128 hash = HashBytes(Spelling(rule, group));
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string AlertId(const RuleDescription& rule, const AlertGroup& group, Timestamp time) {
  return HexOf(HashBytes(Spelling(rule, group) + "@" + std::to_string(time.ns)));
}

Alert BeginAlert(const Rule& rule, const FoldMatch& match) {
  Alert alert;
  alert.id = AlertId(rule, match.group, match.time);
  alert.rule_id = rule.id;
  alert.rule_title = rule.title;
  alert.level = rule.level;
  alert.tags = rule.tags;
  alert.group = match.group;
  alert.time = alert.first = alert.last = match.time;
  alert.count = 0;
  FoldInto(rule, match, &alert);
  return alert;
}

void FoldInto(const Rule& rule, const FoldMatch& match, Alert* alert) {
  ++alert->count;
  alert->first = std::min(alert->first, match.time);
  alert->last = std::max(alert->last, match.time);
  alert->AddEvidence(EvidenceOf(rule, match));
}

std::string ExplainFold(const Alert& alert) {
  std::string out = alert.rule_title;
  out += alert.count == 1 ? ": once" : ": " + std::to_string(alert.count) + " times";
  for (const auto& [name, value] : alert.group) out += ", " + name + " " + value;
  if (alert.first == kNoTime) return out + ", at a time the log does not say";
  if (alert.first == alert.last) return out + ", at " + FormatTimestamp(alert.first);
  return out + ", from " + FormatTimestamp(alert.first) + " to " + FormatTimestamp(alert.last);
}

bool IsToldSize(uint64_t count) {
  while (count % 10 == 0 && count > 10) count /= 10;
  return count == 10;
}

}  // namespace redthread
