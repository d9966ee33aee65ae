#include "ingest/shapes.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace redthread {

namespace {

// In which field a flat Windows event names its provider: the first that is a string.
constexpr std::string_view kProviderSources[] = {"SourceName", "ProviderName", "EventSourceName", "Source"};

// Two fields of one name from different sections are told apart by number. A name nobody asks for has none;
// such a name is looked for among the first this many fields (no real event has more in the outer section),
// so that a record with a million keys takes no longer for each of them.
constexpr size_t kMaxNamesCompared = 64;

}  // namespace

void Flattener::RegisterFields(FieldTable* fields) {
  for (const char* name :
       {"Event",      "System",    "EventData",     "UserData",      "#attributes",   "#text",
        "winlog",     "channel",   "event_id",      "provider_name", "computer_name", "record_id",
        "event_data", "user_data", "log_name",      "source_name",   "record_number", "EventID",
        "Channel",    "Computer",  "Provider_Name", "EventRecordID", "Hostname"}) {
    fields->Add(name);
  }
  for (const std::string_view name : kProviderSources) fields->Add(name);
}

Flattener::Flattener(const FieldTable& fields)
    : fields_(fields),
      composed_(fields),
      event_(fields.Find("Event")),
      system_(fields.Find("System")),
      event_data_(fields.Find("EventData")),
      user_data_(fields.Find("UserData")),
      attributes_(fields.Find("#attributes")),
      text_(fields.Find("#text")),
      winlog_(fields.Find("winlog")),
      winlog_channel_(fields.Find("channel")),
      winlog_event_id_(fields.Find("event_id")),
      winlog_provider_(fields.Find("provider_name")),
      winlog_computer_(fields.Find("computer_name")),
      winlog_record_id_(fields.Find("record_id")),
      winlog_event_data_(fields.Find("event_data")),
      winlog_user_data_(fields.Find("user_data")),
      log_name_(fields.Find("log_name")),
      source_name_6_(fields.Find("source_name")),
      record_number_(fields.Find("record_number")),
      event_id_(fields.Find("EventID")),
      channel_(fields.Find("Channel")),
      computer_(fields.Find("Computer")),
      provider_name_(fields.Find("Provider_Name")),
      event_record_id_(fields.Find("EventRecordID")),
      hostname_(fields.Find("Hostname")) {
  for (size_t i = 0; i < std::size(kProviderSources); ++i) {
    provider_sources_[i] = fields.Find(kProviderSources[i]);
  }
}

void Flattener::Flatten(bool spaced, Event* event) {
  constexpr uint32_t kNone = Event::kNoFieldIndex;
  tape_end_ = static_cast<NodeIndex>(event->node_count());
  if (const NodeIndex root = EvtxRoot(*event); root != kNoNode) {
    FlattenEvtx(root, event);
  } else if (const uint32_t winlog = event->FirstField(winlog_);
             winlog != kNone && event->node(event->fields()[winlog].node).type == ValueType::kObject) {
    FlattenWinlogbeat(event->fields()[winlog].node, event);
  } else if (event->FirstField(winlog_event_id_) != kNone && event->FirstField(log_name_) != kNone) {
    FlattenWinlogbeat6(event);
  } else if (event->FirstField(event_id_) != kNone && event->FirstField(channel_) != kNone) {
    FlattenFlatWindows(event);
  } else {
    return;
  }
  if (spaced) AddSpaceless(event);
}

// ---- evtx_dump

// The object "Event" with an object "System" in it.
NodeIndex Flattener::EvtxRoot(const Event& event) const {
  for (uint32_t f = event.FirstField(event_); f != Event::kNoFieldIndex; f = event.fields()[f].next) {
    const NodeIndex root = event.fields()[f].node;
    if (event.node(root).type != ValueType::kObject) continue;
    for (NodeIndex c = root + 1; c < event.node(root).end; c = event.node(c).end) {
      if (event.node(c).key_id == system_ && event.node(c).type == ValueType::kObject) return root;
    }
  }
  return kNoNode;
}

void Flattener::FlattenEvtx(NodeIndex root, Event* event) {
  event->ClearFields();
  const NodeIndex end = event->node(root).end;
  for (NodeIndex c = root + 1; c < end; c = event->node(c).end) {
    if (event->node(c).key_id == system_) AddSystem(c, event);
  }
  foreign_fields_ = event->fields().size();
  for (NodeIndex c = root + 1; c < end; c = event->node(c).end) {
    const Node node = event->node(c);
    const std::string_view name = node.Key();
    if (node.key_id != event_data_ && node.key_id != user_data_ && name != "ProcessingErrorData" &&
        name != "DebugData") {
      continue;
    }
    const Section section{name, c, node.end, true, true};
    if (node.type == ValueType::kObject) {
      AddEvtxSection(section, node.key_id == user_data_, event);
    } else if (node.type != ValueType::kNull && node.type != ValueType::kArray) {
      AddBody(section, name, node.key_id, c, event);
    }
  }
}

void Flattener::AddSystem(NodeIndex system, Event* event) {
  const NodeIndex end = event->node(system).end;
  for (NodeIndex c = system + 1; c < end; c = event->node(c).end) {
    const Node node = event->node(c);
    if (node.type == ValueType::kNull) continue;
    if (node.type != ValueType::kObject) {
      event->AddField(node.Key(), c, node.key_id);
      continue;
    }
    for (NodeIndex a = c + 1; a < node.end; a = event->node(a).end) {
      const Node& part = event->node(a);
      if (part.key_id == attributes_) {
        AddAttributes(node.Key(), a, nullptr, event);
      } else if (part.key_id == text_) {
        event->AddField(node.Key(), a, node.key_id);
      }
    }
  }
}

// `children_of_children`: <UserData><AnyName><Field>..: the fields are one level further down.
void Flattener::AddEvtxSection(const Section& section, bool children_of_children, Event* event) {
  for (NodeIndex c = section.begin + 1; c < section.end; c = event->node(c).end) {
    const Node node = event->node(c);
    if (children_of_children && node.type == ValueType::kObject) {
      for (NodeIndex f = c + 1; f < node.end; f = event->node(f).end) {
        if (event->node(f).key_id != attributes_) AddElement(section, f, event);
      }
    } else if (node.key_id == attributes_) {
      AddAttributes(section.name, c, &section, event);
    } else {
      AddElement(section, c, event);
    }
  }
}

// {"#attributes":..,"#text":x} is x, {"#attributes":..} alone is null, anything else is itself.
void Flattener::AddElement(const Section& section, NodeIndex element, Event* event) {
  const Node node = event->node(element);
  NodeIndex value = element;
  if (node.type == ValueType::kObject) {
    bool only_attributes = node.end > element + 1;
    for (NodeIndex c = element + 1; c < node.end; c = event->node(c).end) {
      if (event->node(c).key_id == text_) value = c;
      only_attributes &= event->node(c).key_id == attributes_;
    }
    if (only_attributes) {
      Node null;
      null.key = node.key;
      null.key_size = node.key_size;
      value = event->AddNode(null);
    }
  }
  AddBody(section, node.Key(), node.key_id, value, event);
}

// Each attribute becomes PREFIX_NAME. Without a section it is added as it is.
void Flattener::AddAttributes(std::string_view prefix, NodeIndex attributes, const Section* section,
                              Event* event) {
  if (event->node(attributes).type != ValueType::kObject) return;
  composed_.Rewind();
  const NodeIndex end = event->node(attributes).end;
  for (NodeIndex a = attributes + 1; a < end; a = event->node(a).end) {
    const std::string_view name = event->node(a).Key();
    const size_t size = prefix.size() + 1 + name.size();
    constexpr size_t kReadable = 16;  // what KeyCache asks for
    char* text = event->arena().Allocate(std::max(size, kReadable));
    std::memcpy(text, prefix.data(), prefix.size());
    text[prefix.size()] = '_';
    std::memcpy(text + prefix.size() + 1, name.data(), name.size());
    const FieldId id = composed_.Find(text, size).id;
    if (section == nullptr) {
      event->AddField({text, size}, a, id);
    } else {
      AddBody(*section, {text, size}, id, a, event);
    }
  }
}

// ---- winlogbeat

void Flattener::FlattenWinlogbeat(NodeIndex winlog, Event* event) {
  const NodeIndex end = event->node(winlog).end;
  for (const FieldId part : {winlog_event_data_, winlog_user_data_}) {
    for (NodeIndex c = winlog + 1; c < end; c = event->node(c).end) {
      if (event->node(c).key_id == part) AddMembers(c, part == winlog_event_data_, event);
    }
  }
  const std::pair<FieldId, FieldId> renamed[] = {{winlog_channel_, channel_},
                                                 {winlog_event_id_, event_id_},
                                                 {winlog_provider_, provider_name_},
                                                 {winlog_computer_, computer_},
                                                 {winlog_record_id_, event_record_id_}};
  for (const auto& [from, to] : renamed) {
    bool again = false;
    for (NodeIndex c = winlog + 1; c < end; c = event->node(c).end) {
      if (event->node(c).key_id != from) continue;
      Override(to, c, again, event);
      again = true;
    }
  }
}

void Flattener::FlattenWinlogbeat6(Event* event) {
  // Taken before event_data is spread: a member of it called "event_id" is no number of the event.
  const std::pair<FieldId, FieldId> renamed[] = {{log_name_, channel_},
                                                 {winlog_event_id_, event_id_},
                                                 {source_name_6_, provider_name_},
                                                 {winlog_computer_, computer_},
                                                 {record_number_, event_record_id_}};
  renames_.clear();
  for (const auto& [from, to] : renamed) {
    for (uint32_t f = event->FirstField(from); f != Event::kNoFieldIndex; f = event->fields()[f].next) {
      renames_.emplace_back(to, event->fields()[f].node);
    }
  }
  for (const FieldId part : {winlog_event_data_, winlog_user_data_}) {
    for (uint32_t f = event->FirstField(part); f != Event::kNoFieldIndex; f = event->fields()[f].next) {
      AddMembers(event->fields()[f].node, true, event);
    }
  }
  FieldId last = kNoField;
  for (const auto& [to, node] : renames_) {
    Override(to, node, to == last, event);
    last = to;
  }
}

void Flattener::AddMembers(NodeIndex object, bool wins, Event* event) {
  const Node node = event->node(object);
  if (node.type != ValueType::kObject) return;
  foreign_fields_ = event->fields().size();
  const Section section{node.Key(), object, node.end, wins};
  for (NodeIndex c = object + 1; c < node.end; c = event->node(c).end) {
    AddBody(section, event->node(c).Key(), event->node(c).key_id, c, event);
  }
}

// ---- flat

void Flattener::FlattenFlatWindows(Event* event) {
  const auto first_string = [event](FieldId id) {
    const uint32_t f = event->FirstField(id);
    if (f == Event::kNoFieldIndex) return kNoNode;
    const NodeIndex node = event->fields()[f].node;
    return event->node(node).type == ValueType::kString ? node : kNoNode;
  };
  if (event->FirstField(provider_name_) == Event::kNoFieldIndex) {
    for (const FieldId id : provider_sources_) {
      const NodeIndex node = first_string(id);
      if (node == kNoNode) continue;
      event->AddField("Provider_Name", node, provider_name_);
      break;
    }
  }
  if (event->FirstField(computer_) == Event::kNoFieldIndex) {
    if (const NodeIndex node = first_string(hostname_); node != kNoNode) {
      event->AddField("Computer", node, computer_);
    }
  }
}

// ---- what sections share

// Adds a field of a section's, or replaces those of the same name that came from elsewhere. A name twice in
// one section stays twice: both values count.
void Flattener::AddBody(const Section& section, std::string_view name, FieldId id, NodeIndex node,
                        Event* event) {
  const auto foreign = [&](NodeIndex n) { return n < section.begin || (n >= section.end && n < tape_end_); };
  uint32_t f = Event::kNoFieldIndex;
  if (id != kNoField) {
    f = event->FirstField(id);
  } else {
    const size_t compared = std::min(foreign_fields_, kMaxNamesCompared);
    for (uint32_t i = 0; i < compared && f == Event::kNoFieldIndex; ++i) {
      if (event->fields()[i].name == name) f = i;
    }
  }
  if (f == Event::kNoFieldIndex || !foreign(event->fields()[f].node)) {
    return event->AddField(name, node, id);
  }
  const bool identifies =
      id != kNoField && (id == event_id_ || id == channel_ || id == computer_ || id == provider_name_);
  if (!section.wins || (section.system_wins && identifies)) return;
  for (; f != Event::kNoFieldIndex; f = event->fields()[f].next) event->ReplaceValue(f, node);
}

// Replaces whatever has that name; `again`: a second value of the same origin, which joins the first.
void Flattener::Override(FieldId id, NodeIndex node, bool again, Event* event) {
  uint32_t f = event->FirstField(id);
  if (f == Event::kNoFieldIndex || again) return event->AddField(fields_.Name(id), node, id);
  for (; f != Event::kNoFieldIndex; f = event->fields()[f].next) event->ReplaceValue(f, node);
}

// "Threat Name" is also ThreatName, unless there is one already; the name with spaces stays.
void Flattener::AddSpaceless(Event* event) {
  const size_t before = event->fields().size();
  std::string name;
  for (size_t i = 0; i < before; ++i) {
    const Event::Field field = event->fields()[i];
    if (field.name.find(' ') == std::string_view::npos) continue;
    name.assign(field.name);
    name.erase(std::remove(name.begin(), name.end(), ' '), name.end());
    const FieldId id = fields_.Find(name);
    if (id == kNoField) continue;  // nobody asks for it, so it would only stand there twice
    const uint32_t known = event->FirstField(id);
    if (known == Event::kNoFieldIndex || known >= before) event->AddField(fields_.Name(id), field.node, id);
  }
}

}  // namespace redthread
