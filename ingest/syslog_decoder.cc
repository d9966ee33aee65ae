#include "ingest/syslog_decoder.h"

#include <cstring>

namespace redthread {

namespace {

// A backslash stands before a quote, a bracket and itself. Source: RFC 5424, 6.3.3.
constexpr std::string_view kEscaped = "\"]\\";

}  // namespace

SyslogDecoder::SyslogDecoder(const FieldTable& fields)
    : fields_(fields),
      facility_(fields, "facility"),
      severity_(fields, "severity"),
      hostname_(fields, "hostname"),
      host_(fields, "host"),
      appname_(fields, "appname"),
      program_(fields, "program"),
      procid_(fields, "procid"),
      pid_(fields, "pid"),
      message_id_(fields, "msgid"),
      structured_(fields, "structured_data"),
      message_(fields, "message"),
      linux_message_(fields) {}

void SyslogDecoder::AddHeader(const SyslogHeader& header, Event* event) const {
  if (header.priority >= 0) {
    AddText(facility_, FacilityName(header.priority), event);
    AddText(severity_, SeverityName(header.priority), event);
  }
  if (!header.host.empty()) AddAlias(host_, AddText(hostname_, header.host, event), event);
  if (!header.tag.empty()) {
    const NodeIndex tag = AddText(appname_, header.tag, event);
    const std::string_view program = ProgramOfTag(header.tag);
    if (program.size() == header.tag.size()) {
      AddAlias(program_, tag, event);
    } else {
      AddText(program_, program, event);
    }
  }
  if (!header.pid.empty()) AddAlias(pid_, AddNumber(procid_, header.pid, event), event);
  if (!header.message_id.empty()) AddText(message_id_, header.message_id, event);
  if (!header.structured.empty()) {
    AddText(structured_, header.structured, event);
    AddStructured(header.structured, event);
  }
}

void SyslogDecoder::AddMessage(const SyslogHeader& header, Event* event) const {
  AddText(message_, header.message, event);
  if (!header.tag.empty()) linux_message_.Read(ProgramOfTag(header.tag), header.tag, header.message, event);
}

// [id name="value" ..][id ..]: fields "id.name", so that no sender can name one of ours.
void SyslogDecoder::AddStructured(std::string_view rest, Event* event) const {
  for (size_t count = 0; TakePrefix("[", &rest);) {
    const std::string_view id = rest.substr(0, rest.find_first_of(" ]"));
    rest.remove_prefix(id.size());
    while (TakePrefix(" ", &rest)) {
      const size_t equals = rest.find("=\"");
      if (equals == std::string_view::npos || ++count > kMaxParameters) return;
      const std::string_view name = rest.substr(0, equals);
      rest.remove_prefix(equals + 2);
      size_t end = 0;
      while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
      if (end >= rest.size()) return;
      char* const full = event->arena().Allocate(id.size() + 1 + name.size());
      std::memcpy(full, id.data(), id.size());
      full[id.size()] = '.';
      std::memcpy(full + id.size() + 1, name.data(), name.size());
      const TextField field(fields_, {full, id.size() + 1 + name.size()});
      AddText(field, UnescapeBackslashes(rest.substr(0, end), kEscaped, /*line_ends=*/false, event), event);
      rest.remove_prefix(end + 1);
    }
    if (!TakePrefix("]", &rest)) return;
  }
}

}  // namespace redthread
