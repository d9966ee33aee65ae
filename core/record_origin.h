// RecordOrigin: what the source of a record knows, and the record may not say: its format, zone, year.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/timestamp.h"

namespace redthread {

class TimeZone;
struct Cidr;

// How the records of a source are to be read.
enum class SourceFormat : uint8_t {
  kAuto,  // as each record looks: no record depends on those before it
  kJson,
  kSyslog,
  kAccess,  // of web servers
  kError,   // of Apache and nginx
  kCbs,     // Windows' servicing log, CBS.log
  kCef,
  kAuditd,
  kFortigate,
  kFilterlog,  // of pfSense and OPNsense
  kKeyValue,   // key=value, logfmt
  kText,       // a time and a text
  kXml,        // an event of Windows
};

// "auto|json|syslog|...": the names, in the order of the enumeration.
inline constexpr const char* kSourceFormatNames =
    "auto|json|syslog|access|error|cbs|cef|auditd|fortigate|filterlog|kv|text|xml";
inline constexpr size_t kSourceFormats = 13;
std::optional<SourceFormat> ParseSourceFormat(std::string_view name);
std::string_view NameOf(SourceFormat format);

// Belongs to a source, or to what was read from it at one time; the same for all records of a batch.
struct RecordOrigin {
  SourceFormat format = SourceFormat::kAuto;
  // Of times that name no zone. Null: UTC. Outlives every record it is given with.
  const TimeZone* zone = nullptr;
  // Of times that name no year. 0: the latest that puts them not more than a day after `written`, since
  // clocks and zones differ.
  int year = 0;
  // When the source was last written to: a file's modification time, else the time of arrival.
  Timestamp written;
  // Records were pushed to us as they came about: one without a time has that of its arrival.
  bool pushed = false;
  // Whose word is taken for the address of a client whose request they passed on. Null: nobody's. Outlives
  // every record it is given with.
  const std::vector<Cidr>* trusted_proxies = nullptr;
  // Of a live socket: a time that is further from the arrival is a wrong clock's, and the event happened when
  // it arrived. 0: every time is believed.
  Nanoseconds max_skew{0};
};

}  // namespace redthread
