// What decoders of text formats build events with: values that lie in the record, under names known
// beforehand.
#pragma once

#include <string_view>

#include "core/event.h"
#include "core/field_table.h"

namespace redthread {

// A field that a format has, with its number, looked up once. The name lives as long as events that have it.
struct TextField {
  TextField(const FieldTable& fields, std::string_view field) : name(field), id(fields.Find(field)) {}
  std::string_view name;
  FieldId id;
};

// Adds a value to the event's flat view. `value` lives as long as the event: in the record, its arena or a
// literal.
inline NodeIndex AddText(const TextField& field, std::string_view value, Event* event) {
  const auto i = static_cast<NodeIndex>(event->node_count());
  Node* node = event->AppendNode();
  node->key = field.name.data();
  node->key_size = static_cast<uint32_t>(field.name.size());
  node->key_id = field.id;
  node->type = ValueType::kString;
  node->raw = value.data();
  node->raw_size = static_cast<uint32_t>(value.size());
  event->AddField(field.name, i, field.id);
  return i;
}

// The same value once more, under a name by which others know it.
inline void AddAlias(const TextField& field, NodeIndex value, Event* event) {
  event->AddField(field.name, value, field.id);
}

inline bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// Whether the text is a decimal number as JSON writes whole ones: no sign, no leading zero, at most 18
// digits.
inline bool IsPlainNumber(std::string_view text) {
  if (text.empty() || text.size() > 18 || (text[0] == '0' && text.size() > 1)) return false;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

// Adds a number; what is none as JSON writes them stays text.
inline NodeIndex AddNumber(const TextField& field, std::string_view value, Event* event) {
  const NodeIndex i = AddText(field, value, event);
  if (IsPlainNumber(value)) event->SetType(i, ValueType::kNumber);
  return i;
}

// The same, unless it is empty or "-", which many formats write for what is not there.
inline void AddKnown(const TextField& field, std::string_view value, Event* event) {
  if (!value.empty() && value != "-") AddText(field, value, event);
}

// `raw` without the backslashes that stand before one of `escaped`; with `line_ends` \n and \r are such. Any
// other backslash stays. As long as nothing is escaped, `raw` itself; else in the event's arena.
std::string_view UnescapeBackslashes(std::string_view raw, std::string_view escaped, bool line_ends,
                                     Event* event);

// The part of *text before the first `separator`, which is taken off with it; all of it when there is none.
inline std::string_view TakeUntil(char separator, std::string_view* text) {
  const size_t at = text->find(separator);
  const std::string_view part = text->substr(0, at);
  text->remove_prefix(at == std::string_view::npos ? text->size() : at + 1);
  return part;
}

// Takes `prefix` off *text if it begins with it.
inline bool TakePrefix(std::string_view prefix, std::string_view* text) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

}  // namespace redthread
