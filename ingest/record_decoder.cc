#include "ingest/record_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <iterator>
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

// Filebeat, Fluentd and most others; Docker and Kubernetes; journald.
constexpr std::string_view kCarriers[] = {"message", "log", "MESSAGE"};

// Formats whose beginning cannot be taken for prose.
bool IsCarried(SourceFormat format) {
  switch (format) {
    case SourceFormat::kJson:
    case SourceFormat::kXml:
    case SourceFormat::kSyslog:
    case SourceFormat::kAccess:
    case SourceFormat::kError:
    case SourceFormat::kCef:
    case SourceFormat::kAuditd:
    case SourceFormat::kFortigate:
      return true;
    default:
      return false;
  }
}

}  // namespace

void RecordDecoder::RegisterFields(FieldTable* fields) {
  JsonDecoder::RegisterFields(fields);
  EventTime::RegisterFields(fields);
  ForwardedClient::RegisterFields(fields);
  JournalHeader::RegisterFields(fields);
  for (const std::string_view name : kCarriers) fields->Add(name);
  fields->Add("host");
}

RecordDecoder::RecordDecoder(const FieldTable& fields)
    : json_(fields),
      syslog_(fields),
      web_(fields),
      key_values_(fields),
      audit_(fields),
      filterlog_(fields),
      journal_(fields),
      forwarded_client_(fields),
      event_time_(fields),
      raw_(fields, "raw"),
      timestamp_(fields, "@timestamp"),
      message_(fields, "message"),
      channel_(fields.Find("Channel")),
      event_id_(fields.Find("EventID")),
      host_field_(fields.Find("host")) {
  for (size_t i = 0; i < std::size(kCarriers); ++i) carriers_[i] = fields.Find(kCarriers[i]);
}

DecodeResult RecordDecoder::Decode(std::string_view record, const RecordOrigin& origin, Event* event) {
  const DecodeResult result = DecodeRecord(record, origin, event);
  if (origin.trusted_proxies != nullptr && !origin.trusted_proxies->empty())
    forwarded_client_.Set(*origin.trusted_proxies, event);
  return result;
}

DecodeResult RecordDecoder::DecodeRecord(std::string_view record, const RecordOrigin& origin, Event* event) {
  const char first = FirstVisible(record);
  if (origin.format == SourceFormat::kJson || first == '\0' ||
      (first == '{' && origin.format == SourceFormat::kAuto)) {
    DecodeResult result = json_.Decode(record, event);
    if (result.outcome == DecodeOutcome::kDead) return result;
    result.format = SourceFormat::kJson;
    ReadCarried(origin, event, &result);
    return result;
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
  result.format = format;
  if (format == SourceFormat::kXml) {
    result = DecodeXml(text, event);
    result.format = format;
    if (result.outcome != DecodeOutcome::kDead) return result;
    event->ClearTape();
  }
  clock_.Begin(origin);
  inner_has_time_ = false;
  inner_ = {};
  begin_ = text.data();
  host_ = {};
  AddText(raw_, text, event);
  bool read = format != SourceFormat::kAuto && Read(format, text, event);
  if (!read && !locked && BeginsWithIsoDate(text)) {
    // The log of some program, of which at least the time is known.
    event->ClearTape();
    AddText(raw_, text, event);
    read = ReadPlain(text, event);
    result.format = SourceFormat::kText;
  }
  if (read) {
    // Records that name their fields may have it already.
    const bool named = format >= SourceFormat::kCef && event->FindField(timestamp_.name) != kNoNode;
    if (event->time.has_value() && !named && !inner_has_time_) AddTimestamp(event);
    const SourceFormat outer = result.format;
    result = inner_;
    result.format = outer;
    result.assumed_year = clock_.assumed_year();
    return result;
  }
  // Nothing but the text itself, as of any dead record.
  event->ClearTape();
  event->time.reset();
  AddText(raw_, text, event);
  result.outcome = DecodeOutcome::kDead;
  result.format = SourceFormat::kAuto;
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
  if (AuditDecoder::LooksLikeRecord(record)) return SourceFormat::kAuditd;
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
    case SourceFormat::kAuditd:
      return ReadAudit(text, host_, event) || ReadSyslog(text, event);
    case SourceFormat::kCef:
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
    case '{':
      return ReadWrapped(SourceFormat::kJson, body, event);
    case '@': {
      std::string_view json = body;
      if (!TakePrefix("@cee:", &json)) break;
      while (TakePrefix(" ", &json)) {
      }
      return json.starts_with('{') && ReadWrapped(SourceFormat::kJson, json, event);
    }
    case '<':
      return EventXmlReader::LooksLikeEvent(body) && ReadWrapped(SourceFormat::kXml, body, event);
    case 'C':
      return KeyValueDecoder::LooksLikeCef(body) && ReadKeyValues(SourceFormat::kCef, body, event);
    case 'n':
    case 't':
      return AuditDecoder::LooksLikeRecord(body) && ReadAudit(body, header.host, event);
    case 'd':
      return KeyValueDecoder::LooksLikeFortigate(body) &&
             ReadKeyValues(SourceFormat::kFortigate, body, event);
    default:
      break;
  }
  if (header.tag == "filterlog") return filterlog_.Read(body, event);
  if (header.tag == "kernel")
    return AuditDecoder::LooksLikeRecord(body) && ReadAudit(body, header.host, event);
  if (header.tag == "audit") return audit_.ReadUnnumbered(body, event);
  if (header.tag != "nginx" && header.tag != "apache2" && header.tag != "apache" && header.tag != "httpd")
    return false;
  return WebDecoder::FindAccessTime(body) != std::string_view::npos &&
         ReadWeb(SourceFormat::kAccess, body, event);
}

// What the header said is in the event already. `body` is followed by the bytes that a decoder may read.
bool RecordDecoder::ReadWrapped(SourceFormat format, std::string_view body, Event* event) {
  const std::optional<Timestamp> outer_time = event->time;
  const std::string_view raw = event->raw;
  header_.Take(event);
  event->time.reset();
  DecodeResult inner = format == SourceFormat::kJson ? json_.Decode(body, event) : DecodeXml(body, event);
  event->raw = raw;
  const bool read = inner.outcome != DecodeOutcome::kDead && !event->fields().empty();
  if (!read) event->ClearTape();
  if (read) event_time_.Set(event);
  inner_has_time_ = read && event->time.has_value();
  if (inner_has_time_) {
    clock_.Discard();
  } else {
    event->time = outer_time;
  }
  if (read) {
    inner_ = inner;
    inner_.offset += static_cast<size_t>(body.data() - begin_);
  }
  // An event of JSON or XML has no field `raw`.
  header_.AddMissing(read ? raw_.name : std::string_view(), {}, event);
  return read;
}

// ---- a record within a record of JSON

NodeIndex RecordDecoder::CarriedText(const Event& event) const {
  // What Windows says in words may be anybody's.
  if (event.FirstField(channel_) != Event::kNoFieldIndex &&
      event.FirstField(event_id_) != Event::kNoFieldIndex)
    return kNoNode;
  for (const FieldId id : carriers_) {
    const uint32_t f = event.FirstField(id);
    if (f == Event::kNoFieldIndex) continue;
    const NodeIndex node = event.fields()[f].node;
    if (event.node(node).type == ValueType::kString) return node;
  }
  return kNoNode;
}

// "host":"web1" or, of Beats, "host":{"name":"web1"}; empty when it says none.
std::string_view RecordDecoder::CollectorsHost(const Event& event) const {
  const uint32_t f = event.FirstField(host_field_);
  if (f == Event::kNoFieldIndex) return {};
  const NodeIndex host = event.fields()[f].node;
  if (event.node(host).type == ValueType::kString) return *event.Text(host);
  if (event.node(host).type != ValueType::kObject) return {};
  for (NodeIndex i = host + 1; i < event.node(host).end; i = event.node(i).end) {
    if (event.node(i).Key() == "name" && event.node(i).type == ValueType::kString) return *event.Text(i);
  }
  return {};
}

void RecordDecoder::ReadCarried(const RecordOrigin& origin, Event* event, DecodeResult* result) {
  if (ReadJournal(origin, event, result)) return;
  const NodeIndex carrier = CarriedText(*event);
  if (carrier == kNoNode) return;
  // What a format begins with holds nothing that JSON escapes, but that some write < as \u003c.
  const Node& node = event->node(carrier);
  const std::string_view escaped(node.raw, node.raw_size);
  if (!escaped.starts_with('\\') && !IsCarried(Detect(escaped))) return;
  std::string_view text = *event->Text(carrier);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  char* const copy = event->arena().Allocate(text.size() + kPadding);
  text.copy(copy, text.size());
  std::memset(copy + text.size(), 0, kPadding);
  text = {copy, text.size()};
  const std::string_view name = event->node(carrier).Key();

  event_time_.Set(event);
  RecordOrigin inner_origin = origin;
  // A line without a year was written when the collector read it.
  if (event->time.has_value()) inner_origin.written = std::min(origin.written, *event->time);
  event->time.reset();
  clock_.Begin(inner_origin);
  inner_has_time_ = false;
  inner_ = {};
  begin_ = text.data();
  host_ = CollectorsHost(*event);
  const std::string_view raw = event->raw;
  collector_.Take(event);
  const bool read = ReadCarriedRecord(Detect(text), text, event);
  event->raw = raw;
  if (!read) {
    event->ClearTape();
    event->time.reset();
    collector_.AddMissing({}, {}, event);
    return;
  }
  collector_.AddMissing(name, event->time.has_value() ? timestamp_.name : std::string_view(), event);
  TellDamage(result);
  result->assumed_year = clock_.assumed_year();
}

// The record within was cut short. Where, lies in a text that the record does not hold as it is.
void RecordDecoder::TellDamage(DecodeResult* result) const {
  if (inner_.outcome != DecodeOutcome::kDamaged) return;
  result->outcome = DecodeOutcome::kDamaged;
  result->reason = inner_.reason;
  result->offset = 0;
}

// An entry of journald is syslog in other words. False when it is none.
bool RecordDecoder::ReadJournal(const RecordOrigin& origin, Event* event, DecodeResult* result) {
  SyslogHeader header;
  std::optional<Timestamp> time;
  if (!journal_.Read(event, &header, &time)) return false;
  char* const copy = event->arena().Allocate(header.message.size() + kPadding);
  header.message.copy(copy, header.message.size());
  std::memset(copy + header.message.size(), 0, kPadding);
  header.message = {copy, header.message.size()};
  clock_.Begin(origin);
  inner_has_time_ = false;
  inner_ = {};
  begin_ = copy;
  const std::string_view raw = event->raw;
  collector_.Take(event);
  event->time = time;
  AddText(raw_, header.message, event);
  syslog_.AddHeader(header, event);
  if (!ReadSyslogBody(header, event)) syslog_.AddMessage(header, event);
  event->raw = raw;
  if (event->time.has_value() && !inner_has_time_) AddTimestamp(event);
  collector_.AddMissing(JournalHeader::kMessage, {}, event);
  TellDamage(result);
  return true;
}

// Sets the time that the record itself says.
bool RecordDecoder::ReadCarriedRecord(SourceFormat format, std::string_view text, Event* event) {
  if (format == SourceFormat::kJson || format == SourceFormat::kXml) {
    inner_ = format == SourceFormat::kJson ? json_.Decode(text, event) : DecodeXml(text, event);
    if (inner_.outcome == DecodeOutcome::kDead || event->fields().empty()) return false;
    event_time_.Set(event);
    return true;
  }
  AddText(raw_, text, event);
  if (!IsCarried(format) || !Read(format, text, event)) return false;
  if (event->time.has_value() && !inner_has_time_ && event->FindField(timestamp_.name) == kNoNode)
    AddTimestamp(event);
  return true;
}

// ---- key=value, and what all share

bool RecordDecoder::ReadKeyValues(SourceFormat format, std::string_view text, Event* event) {
  KeyValueDecoder::Time time;
  const bool read = format == SourceFormat::kCef         ? key_values_.ReadCef(text, &time, event)
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

bool RecordDecoder::ReadAudit(std::string_view text, std::string_view host, Event* event) {
  std::optional<Timestamp> time;
  if (!audit_.Read(text, host, &time, event)) return false;
  if (time.has_value()) {
    event->time = time;
    clock_.Discard();
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
