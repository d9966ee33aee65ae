#include "app/alert_json.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace redthread {
namespace {

using Json = nlohmann::ordered_json;

// Reads members of one object; what is missing or of another kind makes all of it no good.
class MemberReader {
 public:
  explicit MemberReader(const Json& object) : object_(object) {}

  std::string Text(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_string()) return Wrong(key), "";
    return value->get<std::string>();
  }
  // May be missing.
  std::string TextOrNone(const char* key) { return object_.contains(key) ? Text(key) : ""; }
  uint64_t Count(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_number_unsigned()) return Wrong(key), 0;
    return value->get<uint64_t>();
  }
  int64_t Integer(const char* key) {
    const Json* value = Find(key);
    const bool too_large = value != nullptr && value->is_number_unsigned() &&
                           value->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
    if (value == nullptr || !value->is_number_integer() || too_large) return Wrong(key), 0;
    return value->get<int64_t>();
  }
  bool Flag(const char* key) {
    const Json* value = Find(key);
    if (value == nullptr || !value->is_boolean()) return Wrong(key), false;
    return value->get<bool>();
  }
  // Null is kNoTime.
  Timestamp Time(const char* key) {
    const Json* value = Find(key);
    if (value != nullptr && value->is_null()) return kNoTime;
    const std::optional<Timestamp> time = ParseTimestamp(Text(key));
    if (!time.has_value()) Wrong(key);
    return time.value_or(kNoTime);
  }
  const Json& Object(const char* key) { return Structure(key, Json::value_t::object); }
  const Json& Array(const char* key) { return Structure(key, Json::value_t::array); }

  void Wrong(const char* key) {
    if (wrong_.empty()) wrong_ = std::string("`") + key + "` is missing or is not what it should be";
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const Json* Find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  const Json& Structure(const char* key, Json::value_t type) {
    static const Json kNothing = Json::object();
    const Json* value = Find(key);
    if (value != nullptr && value->type() == type) return *value;
    Wrong(key);
    return kNothing;
  }

  const Json& object_;
  std::string wrong_;
};

std::optional<AlertState> StateOf(const std::string& name) {
  for (const AlertState state : {AlertState::kEarly, AlertState::kFinal, AlertState::kWithdrawn}) {
    if (name == AlertStateName(state)) return state;
  }
  return std::nullopt;
}

std::string ReadRule(const Json& json, Alert* alert) {
  MemberReader rule(json);
  alert->rule_id = rule.Text("id");
  alert->rule_title = rule.Text("title");
  if (!ParseLevel(rule.Text("level"), &alert->level)) rule.Wrong("level");
  for (const Json& tag : rule.Array("tags")) {
    if (!tag.is_string()) return "`tags` are not texts";
    alert->tags.push_back(tag.get<std::string>());
  }
  return rule.wrong();
}

std::string ReadEvidence(const Json& json, Evidence* evidence) {
  if (!json.is_object()) return "`evidence` is no list of objects";
  MemberReader reader(json);
  evidence->source = reader.Text("source");
  evidence->position.index = reader.Count("position");
  evidence->rule_id = reader.Text("rule");
  evidence->time = reader.Time("time");
  const std::optional<Hash128> hash = ParseHash(reader.Text("hash"));
  if (!hash.has_value()) reader.Wrong("hash");
  evidence->raw_hash = hash.value_or(Hash128{});
  return reader.wrong();
}

// What is wrong with it; "" when nothing is.
std::string ReadAlert(const Json& json, TopicAlert* read) {
  MemberReader reader(json);
  Alert& alert = read->alert;
  if (reader.Text("kind") != "alert") return "it is no alert";
  alert.id = reader.Text("id");
  if (alert.id.empty()) reader.Wrong("id");
  const uint64_t revision = reader.Count("revision");
  if (revision > std::numeric_limits<uint32_t>::max()) reader.Wrong("revision");
  alert.revision = static_cast<uint32_t>(revision);
  read->at = reader.Integer("at");
  const std::optional<AlertState> state = StateOf(reader.Text("state"));
  if (!state.has_value()) reader.Wrong("state");
  alert.state = state.value_or(AlertState::kEarly);
  alert.late = reader.Flag("late");
  alert.by_clock = reader.TextOrNone("cause") == "clock";
  alert.correlation = reader.Flag("correlation");
  for (const auto& [name, value] : reader.Object("group").items()) {
    if (!value.is_string()) return "`group` has a value that is no text";
    alert.group.emplace_back(name, value.get<std::string>());
  }
  alert.time = reader.Time("time");
  alert.first = reader.Time("first");
  alert.last = reader.Time("last");
  alert.count = reader.Count("count");
  if (json.contains("ended")) alert.ended = reader.Time("ended");
  alert.explain = reader.Text("explain");
  alert.replaced_by = reader.TextOrNone("replaced_by");
  std::string wrong = reader.wrong();
  if (wrong.empty()) wrong = ReadRule(reader.Object("rule"), &alert);
  for (const Json& evidence : reader.Array("evidence")) {
    if (wrong.empty()) wrong = ReadEvidence(evidence, &alert.evidence.emplace_back());
  }
  return wrong.empty() ? reader.wrong() : wrong;
}

}  // namespace

Result<TopicAlert> ParseTopicAlert(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Status::Invalid("it is no JSON object");
  TopicAlert read;
  const std::string wrong = ReadAlert(json, &read);
  if (!wrong.empty()) return Status::Invalid(wrong);
  return read;
}

}  // namespace redthread
