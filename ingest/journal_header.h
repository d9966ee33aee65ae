// JournalHeader: an entry of systemd's journal, as `journalctl -o json` writes it, read as the header of a
// syslog message, so that all that is known of such messages is known of the journal's too.
//
//   {"__REALTIME_TIMESTAMP":"1700000000000000","_HOSTNAME":"web1","SYSLOG_IDENTIFIER":"sshd","_PID":"7",
//    "PRIORITY":"6","SYSLOG_FACILITY":"10","MESSAGE":"Failed password for root from 192.0.2.1 port 22 ssh2"}
//
// Source: systemd.journal-fields(7); systemd, "Journal JSON Format".
#pragma once

#include <optional>
#include <string_view>

#include "core/event.h"
#include "core/timestamp.h"
#include "ingest/syslog_header.h"

namespace redthread {

// Immutable and thread-safe.
class JournalHeader {
 public:
  static constexpr std::string_view kMessage = "MESSAGE";

  static void RegisterFields(FieldTable* fields);
  explicit JournalHeader(const FieldTable& fields);

  // False when the event is no entry: it has a MESSAGE, and a time or a host of journald's. The parts lie in
  // the event's memory. The time is that at which the message was sent, else that at which it was taken.
  bool Read(Event* event, SyslogHeader* header, std::optional<Timestamp>* time) const;

 private:
  std::string_view Text(const Event& event, FieldId id) const;
  std::optional<std::string_view> Message(Event* event) const;

  FieldId message_, realtime_, source_realtime_, hostname_, identifier_, comm_, pid_, syslog_pid_, priority_,
      facility_;
};

}  // namespace redthread
