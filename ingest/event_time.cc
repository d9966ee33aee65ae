#include "ingest/event_time.h"

#include <string_view>

namespace redthread {

namespace {

// The most exact and most widely used names first. evtx_dump, winlogbeat and nxlog, Office 365, Sysmon, Zeek,
// Okta, Azure.
constexpr std::string_view kTimeFields[] = {"TimeCreated_SystemTime",
                                            "@timestamp",
                                            "TimeCreated",
                                            "EventTime",
                                            "eventTime",
                                            "UtcTime",
                                            "ts",
                                            "timestamp",
                                            "published",
                                            "activityDateTime",
                                            "time",
                                            "createdDateTime",
                                            "CreationTime",
                                            "TimeGenerated"};

std::optional<Timestamp> TimeOf(const Event& event, NodeIndex i) {
  const Node& node = event.node(i);
  switch (node.type) {
    case ValueType::kString:
      return ParseTimestamp(*event.Text(i));
    case ValueType::kNumber:
      return ParseNumericTimestamp({node.raw, node.raw_size});
    default:
      return std::nullopt;
  }
}

}  // namespace

void EventTime::RegisterFields(FieldTable* fields) {
  for (const std::string_view name : kTimeFields) fields->Add(name);
}

EventTime::EventTime(const FieldTable& fields) {
  for (const std::string_view name : kTimeFields) fields_.push_back(fields.Find(name));
}

void EventTime::Set(Event* event) const {
  event->time.reset();
  for (const FieldId id : fields_) {
    for (uint32_t f = event->FirstField(id); f != Event::kNoFieldIndex; f = event->fields()[f].next) {
      event->time = TimeOf(*event, event->fields()[f].node);
      if (event->time.has_value()) return;
    }
  }
}

}  // namespace redthread
