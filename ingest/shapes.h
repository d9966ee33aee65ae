// Shapes: the nesting that a shipper gave a Windows event, taken off, so that rules find the fields by the
// names Windows gave them.
//
//   evtx_dump      {"Event":{"System":{..},"EventData":{..},"UserData":{..}}}
//   winlogbeat 7+  {"winlog":{"channel":..,"event_id":..,"event_data":{..}},..}
//   winlogbeat 6   {"log_name":..,"event_id":..,"event_data":{..},..}
//   flat           {"Channel":..,"EventID":..,..} (nxlog and others)
//
// Everything else stays as it is. Of evtx_dump, attributes become ELEMENT_ATTRIBUTE (Provider_Name), and
// EventData and UserData win over System but for EventID, Channel, Computer and Provider_Name; of winlogbeat,
// event_data wins over the top of the record, and the names of winlog's own (channel -> Channel) over both.
// The shape is seen from the fields that are there, record by record.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "core/event.h"
#include "ingest/key_cache.h"

namespace redthread {

// Rearranges the flat view of an event whose members a decoder has added to it as they stand at the top of
// the record. One per thread. The FieldTable outlives it.
class Flattener {
 public:
  static void RegisterFields(FieldTable* fields);
  explicit Flattener(const FieldTable& fields);

  // `spaced`: the record holds a key with spaces whose spaceless name somebody asks for.
  void Flatten(bool spaced, Event* event);

 private:
  // A range of nodes whose members go to the flat view, and which fields they replace there.
  struct Section {
    std::string_view name;
    NodeIndex begin = 0;
    NodeIndex end = 0;
    bool wins = true;          // over fields of the same name from elsewhere
    bool system_wins = false;  // but not over the four by which Windows identifies an event
  };

  NodeIndex EvtxRoot(const Event& event) const;
  void FlattenEvtx(NodeIndex root, Event* event);
  void AddSystem(NodeIndex system, Event* event);
  void AddEvtxSection(const Section& section, bool children_of_children, Event* event);
  void AddElement(const Section& section, NodeIndex element, Event* event);
  void AddAttributes(std::string_view prefix, NodeIndex attributes, const Section* section, Event* event);
  void FlattenWinlogbeat(NodeIndex winlog, Event* event);
  void FlattenWinlogbeat6(Event* event);
  void FlattenFlatWindows(Event* event);
  void AddMembers(NodeIndex object, bool wins, Event* event);
  void AddBody(const Section& section, std::string_view name, FieldId id, NodeIndex node, Event* event);
  void Override(FieldId id, NodeIndex node, bool again, Event* event);
  void AddSpaceless(Event* event);

  const FieldTable& fields_;
  KeyCache composed_;                                   // names made of element and attribute
  NodeIndex tape_end_ = 0;                              // nodes from here on were made by the flattener
  std::vector<std::pair<FieldId, NodeIndex>> renames_;  // of the winlogbeat 6 record at hand
  size_t foreign_fields_ = 0;  // fields of the flat view from outside the section that is being added

  // Of the fields that shapes are recognised by and made of.
  FieldId event_, system_, event_data_, user_data_, attributes_, text_;
  FieldId winlog_, winlog_channel_, winlog_event_id_, winlog_provider_, winlog_computer_, winlog_record_id_;
  FieldId winlog_event_data_, winlog_user_data_;
  FieldId log_name_, source_name_6_, record_number_;
  FieldId event_id_, channel_, computer_, provider_name_, event_record_id_;
  FieldId hostname_, provider_sources_[4];
};

}  // namespace redthread
