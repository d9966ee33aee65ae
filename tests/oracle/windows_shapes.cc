#include "tests/oracle/windows_shapes.h"

#include <algorithm>

namespace redthread {
namespace {

using Names = std::vector<std::pair<const char*, const char*>>;

// Moves the fields with a place of their own from `rest` to `to`, under the shape's names.
void MoveNamed(const Names& names, SlowJson* rest, SlowJson* to) {
  for (const auto& [field, name] : names) {
    if (!rest->contains(field)) continue;
    (*to)[name] = rest->at(field);
    rest->erase(field);
  }
}

// Source: omerbenamram/evtx, evtx_dump -o jsonl: attributes beside texts, one section with the event's data.
SlowJson Evtx(SlowJson rest, Dice* dice) {
  SlowJson system = SlowJson::object();
  if (rest.contains("Provider_Name")) {
    system["Provider"] = {{"#attributes", {{"Name", rest.at("Provider_Name")}}}};
    rest.erase("Provider_Name");
  }
  MoveNamed({{"EventID", "EventID"}, {"Channel", "Channel"}, {"Computer", "Computer"}}, &rest, &system);
  if (dice->Chance(30)) {
    const SlowJson id = system.at("EventID");
    system["EventID"] = {{"#attributes", {{"Qualifiers", 16384}}}, {"#text", id}};
  }
  SlowJson event = {{"#attributes", {{"xmlns", "http://schemas.microsoft.com/win/2004/08/events/event"}}},
                    {"System", system}};
  if (dice->Chance(70)) {
    event["EventData"] = rest;
  } else {
    event["UserData"] = {{"EventXML", rest}};
  }
  return {{"Event", event}};
}

// Source: Winlogbeat 7, exported fields: winlog.*; other members stay beside it.
SlowJson Winlogbeat7(SlowJson rest, Dice* dice) {
  SlowJson winlog = SlowJson::object();
  MoveNamed({{"Channel", "channel"},
             {"EventID", "event_id"},
             {"Provider_Name", "provider_name"},
             {"Computer", "computer_name"},
             {"EventRecordID", "record_id"}},
            &rest, &winlog);
  winlog[dice->Chance(80) ? "event_data" : "user_data"] = std::move(rest);
  return {{"@timestamp", "2020-09-14T13:05:31.000Z"}, {"winlog", winlog}};
}

// Source: Winlogbeat 6, exported fields.
SlowJson Winlogbeat6(SlowJson rest) {
  SlowJson record = {{"@timestamp", "2020-09-14T13:05:31.000Z"}};
  MoveNamed({{"Channel", "log_name"},
             {"EventID", "event_id"},
             {"Provider_Name", "source_name"},
             {"Computer", "computer_name"},
             {"EventRecordID", "record_number"}},
            &rest, &record);
  record["event_data"] = std::move(rest);
  return record;
}

}  // namespace

SlowJson DrawWindowsShape(const SlowJson& flat, Dice* dice) {
  const auto scalar = [&](const char* field) {
    return flat.contains(field) && flat.at(field).is_primitive();
  };
  if (!scalar("Channel") || !scalar("EventID")) return flat;
  for (const char* nested : {"Event", "winlog", "event_data", "user_data", "event_id", "log_name"}) {
    if (flat.contains(nested)) return flat;
  }
  switch (dice->Below(5)) {
    case 0:
      return Evtx(flat, dice);
    case 1:
      return Winlogbeat7(flat, dice);
    case 2:
      return Winlogbeat6(flat);
    default:
      return flat;
  }
}

}  // namespace redthread
