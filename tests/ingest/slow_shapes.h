// The slow twin of ingest/shapes.h and ingest/event_time.h: the same rules over a parsed JSON document,
// written to be read.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/field_table.h"
#include "core/timestamp.h"

namespace redthread {

inline nlohmann::json SlowSpaceless(nlohmann::json out) {
  const nlohmann::json before = out;
  for (const auto& [name, value] : before.items()) {
    std::string spaceless = name;
    spaceless.erase(std::remove(spaceless.begin(), spaceless.end(), ' '), spaceless.end());
    if (!out.contains(spaceless)) out[spaceless] = value;
  }
  return out;
}

inline nlohmann::json SlowElement(const nlohmann::json& v) {
  if (v.is_object() && v.contains("#text")) return v["#text"];
  if (v.is_object() && v.contains("#attributes") && v.size() == 1) return nullptr;
  return v;
}

inline nlohmann::json SlowFlattenEvtx(const nlohmann::json& event) {
  using nlohmann::json;
  json out = json::object();
  for (const auto& [name, value] : event["System"].items()) {
    if (value.is_object()) {
      const json attributes = value.value("#attributes", json::object());
      for (const auto& [a, v] : attributes.items()) out[name + "_" + a] = v;
      if (value.contains("#text")) out[name] = value["#text"];
    } else if (!value.is_null()) {
      out[name] = value;
    }
  }
  json body = json::object();
  for (const std::string section : {"EventData", "UserData", "ProcessingErrorData", "DebugData"}) {
    if (!event.contains(section)) continue;
    const json& content = event[section];
    if (!content.is_object()) {
      if (!content.is_null() && !content.is_array()) body[section] = content;
      continue;
    }
    json items = content;
    if (section == "UserData") {
      items = json::object();
      for (const auto& [name, value] : content.items()) {
        if (!value.is_object()) {
          items[name] = value;
          continue;
        }
        for (const auto& [inner, v] : value.items()) {
          if (inner != "#attributes") items[inner] = v;
        }
      }
    }
    for (const auto& [name, value] : items.items()) {
      if (name == "#attributes") {
        for (const auto& [a, v] : value.items()) body[section + "_" + a] = v;
      } else {
        body[name] = SlowElement(value);
      }
    }
  }
  for (const auto& [name, value] : body.items()) {
    const bool identifies =
        name == "EventID" || name == "Channel" || name == "Computer" || name == "Provider_Name";
    if (!(identifies && out.contains(name))) out[name] = value;
  }
  return SlowSpaceless(out);
}

inline nlohmann::json SlowFlatten(const nlohmann::json& record) {
  using nlohmann::json;
  const auto is_object = [](const json& in, const char* name) {
    return in.contains(name) && in[name].is_object();
  };
  const auto rename = [](const json& in, const char* from, const char* to, json* out) {
    if (in.contains(from)) (*out)[to] = in[from];
  };
  if (is_object(record, "Event") && is_object(record["Event"], "System")) {
    return SlowFlattenEvtx(record["Event"]);
  }
  json out = record;
  if (is_object(record, "winlog")) {
    const json& w = record["winlog"];
    if (is_object(w, "event_data")) out.update(w["event_data"]);
    if (is_object(w, "user_data")) {
      for (const auto& [name, value] : w["user_data"].items()) {
        if (!out.contains(name)) out[name] = value;
      }
    }
    rename(w, "channel", "Channel", &out);
    rename(w, "event_id", "EventID", &out);
    rename(w, "provider_name", "Provider_Name", &out);
    rename(w, "computer_name", "Computer", &out);
    rename(w, "record_id", "EventRecordID", &out);
    return SlowSpaceless(out);
  }
  if (record.contains("event_id") && record.contains("log_name")) {
    for (const char* section : {"event_data", "user_data"}) {
      if (is_object(record, section)) out.update(record[section]);
    }
    rename(record, "log_name", "Channel", &out);
    rename(record, "event_id", "EventID", &out);
    rename(record, "source_name", "Provider_Name", &out);
    rename(record, "computer_name", "Computer", &out);
    rename(record, "record_number", "EventRecordID", &out);
    return SlowSpaceless(out);
  }
  if (record.contains("EventID") && record.contains("Channel")) {
    for (const char* name : {"SourceName", "ProviderName", "EventSourceName", "Source"}) {
      if (out.contains("Provider_Name")) break;
      if (record.contains(name) && record[name].is_string()) out["Provider_Name"] = record[name];
    }
    if (!out.contains("Computer") && record.contains("Hostname") && record["Hostname"].is_string()) {
      out["Computer"] = record["Hostname"];
    }
    return SlowSpaceless(out);
  }
  return record;
}

inline std::optional<Timestamp> SlowTime(const nlohmann::json& flat) {
  for (const char* name : {"TimeCreated_SystemTime", "@timestamp", "TimeCreated", "EventTime", "eventTime",
                           "UtcTime", "ts", "timestamp", "published", "activityDateTime", "time",
                           "createdDateTime", "CreationTime", "TimeGenerated"}) {
    if (!flat.contains(name)) continue;
    std::optional<Timestamp> t;
    if (flat[name].is_string()) t = ParseTimestamp(flat[name].get<std::string>());
    if (flat[name].is_number()) t = ParseNumericTimestamp(flat[name].dump());
    if (t.has_value()) return t;
  }
  return std::nullopt;
}

// Takes out the fields that are only another field's name without spaces and have no number in `fields`.
inline nlohmann::json WithoutUnasked(const nlohmann::json& flat, const FieldTable& fields) {
  nlohmann::json out = flat;
  for (const auto& [name, value] : flat.items()) {
    std::string spaceless = name;
    spaceless.erase(std::remove(spaceless.begin(), spaceless.end(), ' '), spaceless.end());
    if (spaceless != name && fields.Find(spaceless) == kNoField) out.erase(spaceless);
  }
  return out;
}

}  // namespace redthread
