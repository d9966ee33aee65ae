#include "tests/oracle/slow_shapes.h"

#include <algorithm>

namespace redthread {
namespace {

using Names = std::vector<std::pair<const char*, const char*>>;

bool IsObject(const SlowJson& object, const char* key) {
  return object.is_object() && object.contains(key) && object.at(key).is_object();
}

void SetDefault(SlowJson* object, const std::string& key, const SlowJson& value) {
  if (!object->contains(key)) (*object)[key] = value;
}

void CopyMembers(const SlowJson& from, const Names& names, SlowJson* out) {
  for (const auto& [source, target] : names) {
    if (from.contains(source)) (*out)[target] = from.at(source);
  }
}

// "Threat Name" is ThreatName as well.
SlowJson WithoutSpaces(SlowJson out) {
  std::vector<std::string> spaced;
  for (const auto& [key, value] : out.items()) {
    if (key.find(' ') != std::string::npos) spaced.push_back(key);
  }
  for (const std::string& key : spaced) {
    std::string joined = key;
    joined.erase(std::remove(joined.begin(), joined.end(), ' '), joined.end());
    SetDefault(&out, joined, SlowJson(out.at(key)));
  }
  return out;
}

// {"#text": x} -> x; an element of attributes alone has no text.
SlowJson ElementText(const SlowJson& value) {
  if (!value.is_object()) return value;
  if (value.contains("#text")) return value.at("#text");
  return value.contains("#attributes") && value.size() == 1 ? SlowJson() : value;
}

// The fields of <System>: texts by name, attributes as Tag_Attribute.
SlowJson SystemFields(const SlowJson& system) {
  SlowJson out = SlowJson::object();
  for (const auto& [tag, value] : system.items()) {
    if (value.is_object()) {
      if (IsObject(value, "#attributes")) {
        for (const auto& [name, attribute] : value.at("#attributes").items())
          out[tag + "_" + name] = attribute;
      }
      if (value.contains("#text")) out[tag] = value.at("#text");
    } else if (!value.is_null()) {
      out[tag] = value;
    }
  }
  return out;
}

// <UserData><SomeEvent xmlns=..><Field>..</Field></SomeEvent></UserData>: the child's children.
SlowJson UserDataItems(const SlowJson& section) {
  SlowJson items = SlowJson::object();
  for (const auto& [name, value] : section.items()) {
    if (!value.is_object()) {
      items[name] = value;
      continue;
    }
    for (const auto& [child, child_value] : value.items()) {
      if (child != "#attributes") items[child] = child_value;
    }
  }
  return items;
}

void AddSection(const std::string& name, const SlowJson& section, SlowJson* body) {
  if (section.is_string() || section.is_number() || section.is_boolean()) (*body)[name] = section;
  if (!section.is_object()) return;
  const SlowJson items = name == "UserData" ? UserDataItems(section) : section;
  for (const auto& [key, value] : items.items()) {
    if (key != "#attributes") {
      (*body)[key] = ElementText(value);
    } else if (value.is_object()) {
      for (const auto& [attribute, text] : value.items()) (*body)[name + "_" + attribute] = text;
    }
  }
}

SlowJson FromEvtx(const SlowJson& record) {
  const SlowJson& event = record.at("Event");
  SlowJson out = SystemFields(event.at("System"));
  SlowJson body = SlowJson::object();
  for (const char* section : {"EventData", "UserData", "ProcessingErrorData", "DebugData"}) {
    if (event.contains(section)) AddSection(section, event.at(section), &body);
  }
  for (const auto& [key, value] : body.items()) {
    const bool system_wins =
        key == "EventID" || key == "Channel" || key == "Computer" || key == "Provider_Name";
    if (!system_wins || !out.contains(key)) out[key] = value;
  }
  return WithoutSpaces(out);
}

SlowJson FromWinlogbeat7(const SlowJson& record) {
  const SlowJson& winlog = record.at("winlog");
  SlowJson out = record;
  if (IsObject(winlog, "event_data")) {
    for (const auto& [key, value] : winlog.at("event_data").items()) out[key] = value;
  }
  if (IsObject(winlog, "user_data")) {
    for (const auto& [key, value] : winlog.at("user_data").items()) SetDefault(&out, key, value);
  }
  CopyMembers(winlog,
              {{"channel", "Channel"},
               {"event_id", "EventID"},
               {"provider_name", "Provider_Name"},
               {"computer_name", "Computer"},
               {"record_id", "EventRecordID"}},
              &out);
  return WithoutSpaces(out);
}

SlowJson FromWinlogbeat6(const SlowJson& record) {
  SlowJson out = record;
  for (const char* section : {"event_data", "user_data"}) {
    if (!IsObject(record, section)) continue;
    for (const auto& [key, value] : record.at(section).items()) out[key] = value;
  }
  CopyMembers(record,
              {{"log_name", "Channel"},
               {"event_id", "EventID"},
               {"source_name", "Provider_Name"},
               {"computer_name", "Computer"},
               {"record_number", "EventRecordID"}},
              &out);
  return WithoutSpaces(out);
}

SlowJson FromFlatWindows(const SlowJson& record) {
  SlowJson out = record;
  for (const char* name : {"SourceName", "ProviderName", "EventSourceName", "Source"}) {
    if (record.contains(name) && record.at(name).is_string())
      SetDefault(&out, "Provider_Name", record.at(name));
  }
  if (record.contains("Hostname") && record.at("Hostname").is_string()) {
    SetDefault(&out, "Computer", record.at("Hostname"));
  }
  return WithoutSpaces(out);
}

}  // namespace

SlowJson SlowFlatten(const SlowJson& record) {
  if (IsObject(record, "Event") && IsObject(record.at("Event"), "System")) return FromEvtx(record);
  if (IsObject(record, "winlog")) return FromWinlogbeat7(record);
  if (record.contains("event_id") && record.contains("log_name")) return FromWinlogbeat6(record);
  if (record.contains("EventID") && record.contains("Channel")) return FromFlatWindows(record);
  return record;
}

}  // namespace redthread
