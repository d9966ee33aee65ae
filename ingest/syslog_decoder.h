// SyslogDecoder: a syslog message -> fields. What its program says of itself is read by LinuxMessage.
//
// A value has all the names under which rules and collectors know it: hostname and host, appname and program,
// procid and pid.
#pragma once

#include <string_view>

#include "core/event.h"
#include "ingest/linux_message.h"
#include "ingest/syslog_header.h"
#include "ingest/text_field.h"

namespace redthread {

// One per thread.
class SyslogDecoder {
 public:
  // Parameters of structured data beyond this stay in the field structured_data alone.
  static constexpr size_t kMaxParameters = 64;

  explicit SyslogDecoder(const FieldTable& fields);

  // Adds what the header says, but for the message.
  void AddHeader(const SyslogHeader& header, Event* event) const;
  // Adds the message, and what it says.
  void AddMessage(const SyslogHeader& header, Event* event) const;

 private:
  void AddStructured(std::string_view structured, Event* event) const;

  const FieldTable& fields_;
  TextField facility_, severity_, hostname_, host_, appname_, program_, procid_, pid_, message_id_,
      structured_, message_;
  LinuxMessage linux_message_;
};

}  // namespace redthread
