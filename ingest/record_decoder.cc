#include "ingest/record_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/text.h"
#include "ingest/audit_export_stream.h"
#include "ingest/event_json.h"
#include "ingest/evtx_stream.h"

namespace redthread {

namespace {

constexpr const char* kUnknownFormat = "no known format";
constexpr const char* kOtherFormat = "not in the format of its source";
constexpr const char* kUnreadableRow = "a row without an event";
constexpr const char* kBrokenUtf8 = "broken UTF-8";

// The first character that is neither white space nor the NULs that a crash leaves in a file; '\0' when there
// is none.
char FirstVisible(std::string_view record) {
  for (const char c : record) {
    if (static_cast<unsigned char>(c) > ' ') return c;
  }
  return '\0';
}

// "2016-12-10"
bool BeginsWithIsoDate(std::string_view text) {
  return text.size() > 19 && IsDigit(text[0]) && IsDigit(text[3]) && text[4] == '-' && text[7] == '-';
}

}  // namespace

RecordDecoder::RecordDecoder(const FieldTable& fields)
    : json_(fields),
      syslog_(fields),
      web_(fields),
      key_values_(fields),
      filterlog_(fields),
      raw_(fields, "raw"),
      timestamp_(fields, "@timestamp"),
      message_(fields, "message") {}

DecodeResult RecordDecoder::Decode(std::string_view record, const RecordOrigin& origin, Event* event) {
  const char first = FirstVisible(record);
  if (origin.format == SourceFormat::kJson || first == '\0' ||
      (first == '{' && origin.format == SourceFormat::kAuto)) {
    return json_.Decode(record, event);
  }
  event->raw = record;
  if (simdjson::validate_utf8(record.data(), record.size())) [[likely]]
    return DecodeText(record, origin, event);
  std::string sound;
  SanitizeUtf8(record, &sound);
  // The JSON decoder reads beyond the record, of whichever kind it is.
  char* const copy = event->arena().Allocate(sound.size() + kPadding);
  sound.append(kPadding, '\0').copy(copy, sound.size());
  DecodeResult result = DecodeText({copy, sound.size() - kPadding}, origin, event);
  // Exact up to what was repaired, which became longer.
  result.offset = std::min(result.offset, record.size());
  if (result.outcome == DecodeOutcome::kClean) {
    result.outcome = DecodeOutcome::kRepaired;
    result.reason = kBrokenUtf8;
  }
  return result;
}

DecodeResult RecordDecoder::DecodeText(std::string_view text, const RecordOrigin& origin, Event* event) {
  const bool locked = origin.format != SourceFormat::kAuto;
  const SourceFormat format = locked ? origin.format : Detect(text);
  DecodeResult result;
  if (format == SourceFormat::kXml) {
    result = DecodeXml(text, event);
    if (result.outcome != DecodeOutcome::kDead) return result;
    event->ClearTape();
  }
  clock_.Begin(origin);
  AddText(raw_, text, event);
  bool read = format != SourceFormat::kAuto && Read(format, text, event);
  if (!read && !locked && BeginsWithIsoDate(text)) {
    // The log of some program, of which at least the time is known.
    event->ClearTape();
    AddText(raw_, text, event);
    read = ReadPlain(text, event);
  }
  if (read) {
    // Records that name their fields may have it already.
    const bool named = format >= SourceFormat::kCef && event->FindField(timestamp_.name) != kNoNode;
    if (event->time.has_value() && !named) AddTimestamp(event);
    result.assumed_year = clock_.assumed_year();
    return result;
  }
  // Nothing but the text itself, as of any dead record.
  event->ClearTape();
  event->time.reset();
  AddText(raw_, text, event);
  result.outcome = DecodeOutcome::kDead;
  if (text.starts_with(EvtxStream::kUnreadable)) {
    result.reason = kUnreadableLog;
  } else if (text.starts_with(AuditExportStream::kUnreadable)) {
    result.reason = kUnreadableRow;
  } else if (format != SourceFormat::kXml) {
    result.reason = locked ? kOtherFormat : kUnknownFormat;
  }
  return result;
}

// Through JSON, so that what is known of the shape of Windows events is known once.
DecodeResult RecordDecoder::DecodeXml(std::string_view record, Event* event) {
  xml_tree_.Clear();
  xml_json_.clear();
  const char* const failure = xml_.Read(record, &xml_tree_, &event->arena());
  // A character becomes six at most, and tags become shorter.
  const size_t max_bytes = 8 * record.size();
  if (xml_tree_.size() == 0 || xml_tree_[0].text != "Event" ||
      !AppendEventJson(xml_tree_, max_bytes, &xml_json_)) {
    return {DecodeOutcome::kDead, failure != nullptr ? failure : kOtherFormat, xml_.offset()};
  }
  char* const json = event->arena().Allocate(xml_json_.size() + kPadding);
  xml_json_.copy(json, xml_json_.size());
  std::memset(json + xml_json_.size(), 0, kPadding);
  const std::string_view raw = event->raw;
  DecodeResult result = json_.Decode({json, xml_json_.size()}, event);
  event->raw = raw;
  result.offset = 0;
  if (failure != nullptr) {
    result = {DecodeOutcome::kDamaged, failure, xml_.offset()};
    event->damaged = true;
  }
  return result;
}

SourceFormat RecordDecoder::Detect(std::string_view record) {
  if (FirstVisible(record) == '{') return SourceFormat::kJson;
  if (EventXmlReader::LooksLikeEvent(record)) return SourceFormat::kXml;
  if (record.size() < 16) return SourceFormat::kAuto;
  if (record[0] == '<' && IsDigit(record[1])) return SourceFormat::kSyslog;
  if (BeginsWithMonth(record)) return SourceFormat::kSyslog;
  if (record[0] == '[' && record[4] == ' ' && BeginsWithMonth(record.substr(5))) return SourceFormat::kError;
  if (IsDigit(record[0]) && IsDigit(record[3])) {
    if (record[4] == '/' && record[7] == '/') return SourceFormat::kError;
    if (record[4] == '-' && record[10] == 'T') return SourceFormat::kSyslog;
    if (record[4] == '-' && record.size() > 20 && record[19] == ',' && record[20] == ' ')
      return SourceFormat::kCbs;
    if (BeginsWithIsoDate(record)) return SourceFormat::kText;
  }
  if (KeyValueDecoder::LooksLikeCef(record)) return SourceFormat::kCef;
  if (KeyValueDecoder::LooksLikeAudit(record)) return SourceFormat::kAuditd;
  if (KeyValueDecoder::LooksLikeFortigate(record)) return SourceFormat::kFortigate;
  if (WebDecoder::FindAccessTime(record) != std::string_view::npos) return SourceFormat::kAccess;
  if (KeyValueDecoder::LooksLikeKeyValue(record)) return SourceFormat::kKeyValue;
  return SourceFormat::kAuto;
}

bool RecordDecoder::Read(SourceFormat format, std::string_view text, Event* event) {
  switch (format) {
    case SourceFormat::kSyslog:
      return ReadSyslog(text, event);
    case SourceFormat::kAccess:
    case SourceFormat::kError:
    case SourceFormat::kCbs:
      return ReadWeb(format, text, event);
    case SourceFormat::kCef:
    case SourceFormat::kAuditd:
    case SourceFormat::kFortigate:
    case SourceFormat::kKeyValue:
      // Most of these come wrapped in syslog, and are locked by what is inside.
      return ReadKeyValues(format, text, event) || (text.starts_with('<') && ReadSyslog(text, event));
    case SourceFormat::kFilterlog:
      return filterlog_.Read(text, event) || ReadSyslog(text, event);
    case SourceFormat::kText:
      return ReadPlain(text, event);
    case SourceFormat::kAuto:
    case SourceFormat::kJson:
    case SourceFormat::kXml:
      break;
  }
  return false;
}

bool RecordDecoder::ReadWeb(SourceFormat format, std::string_view text, Event* event) {
  WallTime time;
  const bool read = format == SourceFormat::kAccess  ? web_.ReadAccess(text, &time, event)
                    : format == SourceFormat::kError ? web_.ReadError(text, &time, event)
                                                     : web_.ReadCbs(text, &time, event);
  if (read) event->time = clock_.Resolve(time);
  return read;
}

bool RecordDecoder::ReadPlain(std::string_view text, Event* event) {
  WallTime time;
  if (!TakeIsoTime(&text, &time)) return false;
  event->time = clock_.Resolve(time);
  TakePrefix(",", &text);
  TakePrefix(" ", &text);
  AddText(message_, text, event);
  return true;
}

bool RecordDecoder::ReadSyslog(std::string_view text, Event* event) {
  SyslogHeader header;
  if (!ReadSyslogHeader(text, &header)) return false;
  if (header.has_time) event->time = clock_.Resolve(header.time);
  syslog_.AddHeader(header, event);
  if (!ReadSyslogBody(header, event)) syslog_.AddMessage(header, event);
  return true;
}

// Devices send their own formats in syslog's envelope. What is read here has no field `message`: it is no
// prose.
bool RecordDecoder::ReadSyslogBody(const SyslogHeader& header, Event* event) {
  const std::string_view body = header.message;
  if (body.empty()) return false;
  switch (body.front()) {
    case 'C':
      return KeyValueDecoder::LooksLikeCef(body) && ReadKeyValues(SourceFormat::kCef, body, event);
    case 'n':
    case 't':
      return KeyValueDecoder::LooksLikeAudit(body) && ReadKeyValues(SourceFormat::kAuditd, body, event);
    case 'd':
      return KeyValueDecoder::LooksLikeFortigate(body) &&
             ReadKeyValues(SourceFormat::kFortigate, body, event);
    default:
      break;
  }
  if (header.tag == "filterlog") return filterlog_.Read(body, event);
  if (header.tag != "nginx" && header.tag != "apache2" && header.tag != "apache" && header.tag != "httpd")
    return false;
  return WebDecoder::FindAccessTime(body) != std::string_view::npos &&
         ReadWeb(SourceFormat::kAccess, body, event);
}

bool RecordDecoder::ReadKeyValues(SourceFormat format, std::string_view text, Event* event) {
  KeyValueDecoder::Time time;
  const bool read = format == SourceFormat::kCef         ? key_values_.ReadCef(text, &time, event)
                    : format == SourceFormat::kAuditd    ? key_values_.ReadAudit(text, &time, event)
                    : format == SourceFormat::kFortigate ? key_values_.ReadFortigate(text, &time, event)
                                                         : key_values_.ReadKeyValue(text, &time, event);
  if (!read) return false;
  if (time.utc.has_value()) {
    event->time = time.utc;
    clock_.Discard();
  } else if (time.wall.has_value()) {
    event->time = clock_.Resolve(*time.wall);
  }
  return true;
}

void RecordDecoder::AddTimestamp(Event* event) {
  char* const text = event->arena().Allocate(kTimestampSize);
  FormatTimestamp(*event->time, text);
  // Three, six or nine digits of a second, as many as are needed.
  constexpr size_t kShortest = kTimestampSize - 6;
  size_t size = kTimestampSize;
  for (; size > kShortest && std::string_view(text + size - 4, 3) == "000"; size -= 3) text[size - 4] = 'Z';
  event->arena().Shrink(text, size);
  AddText(timestamp_, {text, size}, event);
}

}  // namespace redthread
