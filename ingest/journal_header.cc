#include "ingest/journal_header.h"

#include <string>

#include "core/text.h"
#include "ingest/text_field.h"

namespace redthread {

namespace {

// A number up to `limit`; -1 for anything else.
int SmallNumber(std::string_view text, int limit) {
  if (!IsPlainNumber(text) || text.size() > 3) return -1;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value <= limit ? value : -1;
}

// Microseconds since 1970.
std::optional<Timestamp> TimeOf(std::string_view text) {
  constexpr int64_t kNanosecondsPerMicrosecond = 1000;
  if (!IsPlainNumber(text)) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  if (__builtin_mul_overflow(value, kNanosecondsPerMicrosecond, &value)) return std::nullopt;
  return Timestamp{value};
}

}  // namespace

void JournalHeader::RegisterFields(FieldTable* fields) {
  for (const char* name : {"MESSAGE", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "_HOSTNAME",
                           "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID", "PRIORITY", "SYSLOG_FACILITY"})
    fields->Add(name);
}

JournalHeader::JournalHeader(const FieldTable& fields)
    : message_(fields.Find("MESSAGE")),
      realtime_(fields.Find("__REALTIME_TIMESTAMP")),
      source_realtime_(fields.Find("_SOURCE_REALTIME_TIMESTAMP")),
      hostname_(fields.Find("_HOSTNAME")),
      identifier_(fields.Find("SYSLOG_IDENTIFIER")),
      comm_(fields.Find("_COMM")),
      pid_(fields.Find("_PID")),
      syslog_pid_(fields.Find("SYSLOG_PID")),
      priority_(fields.Find("PRIORITY")),
      facility_(fields.Find("SYSLOG_FACILITY")) {}

bool JournalHeader::Read(Event* event, SyslogHeader* header, std::optional<Timestamp>* time) const {
  if (event->FirstField(message_) == Event::kNoFieldIndex) return false;
  const std::string_view taken = Text(*event, realtime_);
  header->host = Text(*event, hostname_);
  if (taken.empty() && header->host.empty()) return false;
  const std::optional<std::string_view> message = Message(event);
  if (!message.has_value()) return false;
  header->message = *message;
  *time = TimeOf(Text(*event, source_realtime_));
  if (!time->has_value()) *time = TimeOf(taken);
  header->tag = Text(*event, identifier_);
  if (header->tag.empty()) header->tag = Text(*event, comm_);
  header->pid = Text(*event, syslog_pid_);
  if (header->pid.empty()) header->pid = Text(*event, pid_);
  const int severity = SmallNumber(Text(*event, priority_), 7);
  const int facility = SmallNumber(Text(*event, facility_), 23);
  if (severity >= 0 && facility >= 0) header->priority = facility * 8 + severity;
  return true;
}

// The first value; empty when there is none.
std::string_view JournalHeader::Text(const Event& event, FieldId id) const {
  std::string_view text;
  event.AnyValue(id, [&](NodeIndex i) {
    text = event.Text(i).value_or(std::string_view());
    return true;
  });
  return text;
}

// Text; or, where that is not UTF-8 or holds control characters, an array of its bytes.
std::optional<std::string_view> JournalHeader::Message(Event* event) const {
  const NodeIndex node = event->fields()[event->FirstField(message_)].node;
  if (event->node(node).type == ValueType::kString) return event->Text(node);
  if (event->node(node).type != ValueType::kArray) return std::nullopt;
  std::string bytes;
  for (NodeIndex i = node + 1; i < event->node(node).end; i = event->node(i).end) {
    if (event->node(i).type == ValueType::kString && bytes.empty()) return event->Text(i);
    const int value = event->node(i).type == ValueType::kNumber
                          ? SmallNumber({event->node(i).raw, event->node(i).raw_size}, 255)
                          : -1;
    if (value < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(value));
  }
  std::string sound;
  SanitizeUtf8(bytes, &sound);
  return event->arena().Copy(sound);
}

}  // namespace redthread
