#include "ingest/record_decoder.h"

#include <simdjson.h>

#include <string>

#include "core/text.h"

namespace redthread {

namespace {

constexpr const char* kUnknownFormat = "no known format";
constexpr const char* kOtherFormat = "not in the format of its source";
constexpr const char* kBrokenUtf8 = "broken UTF-8";

// The first character that is neither white space nor the NULs that a crash leaves in a file; '\0' when there
// is none.
char FirstVisible(std::string_view record) {
  for (const char c : record) {
    if (static_cast<unsigned char>(c) > ' ') return c;
  }
  return '\0';
}

}  // namespace

RecordDecoder::RecordDecoder(const FieldTable& fields)
    : json_(fields), syslog_(fields), web_(fields), raw_(fields, "raw"), timestamp_(fields, "@timestamp") {}

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
  if (result.outcome == DecodeOutcome::kClean) {
    result.outcome = DecodeOutcome::kRepaired;
    result.reason = kBrokenUtf8;
  }
  return result;
}

DecodeResult RecordDecoder::DecodeText(std::string_view text, const RecordOrigin& origin, Event* event) {
  clock_.Begin(origin);
  AddText(raw_, text, event);
  const bool locked = origin.format != SourceFormat::kAuto;
  const SourceFormat format = locked ? origin.format : Detect(text);
  DecodeResult result;
  if (format != SourceFormat::kAuto && Read(format, text, event)) {
    result.assumed_year = clock_.assumed_year();
    return result;
  }
  // Nothing but the text itself, as of any dead record.
  event->ClearTape();
  event->time.reset();
  AddText(raw_, text, event);
  result.outcome = DecodeOutcome::kDead;
  result.reason = locked ? kOtherFormat : kUnknownFormat;
  return result;
}

SourceFormat RecordDecoder::Detect(std::string_view record) {
  if (FirstVisible(record) == '{') return SourceFormat::kJson;
  if (record.size() < 16) return SourceFormat::kAuto;
  if (record[0] == '<' && IsDigit(record[1])) return SourceFormat::kSyslog;
  if (BeginsWithMonth(record)) return SourceFormat::kSyslog;
  if (record[0] == '[' && record[4] == ' ' && BeginsWithMonth(record.substr(5))) return SourceFormat::kError;
  if (IsDigit(record[0]) && IsDigit(record[3])) {
    if (record[4] == '/' && record[7] == '/') return SourceFormat::kError;
    if (record[4] == '-' && record[10] == 'T') return SourceFormat::kSyslog;
    if (record[4] == '-' && record.size() > 20 && record[19] == ',' && record[20] == ' ')
      return SourceFormat::kCbs;
  }
  if (WebDecoder::FindAccessTime(record) != std::string_view::npos) return SourceFormat::kAccess;
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
    default:
      return false;
  }
}

bool RecordDecoder::ReadWeb(SourceFormat format, std::string_view text, Event* event) {
  WallTime time;
  const bool read = format == SourceFormat::kAccess  ? web_.ReadAccess(text, &time, event)
                    : format == SourceFormat::kError ? web_.ReadError(text, &time, event)
                                                     : web_.ReadCbs(text, &time, event);
  if (read) SetTime(time, event);
  return read;
}

bool RecordDecoder::ReadSyslog(std::string_view text, Event* event) {
  SyslogHeader header;
  if (!ReadSyslogHeader(text, &header)) return false;
  if (header.has_time) SetTime(header.time, event);
  syslog_.AddHeader(header, event);
  syslog_.AddMessage(header, event);
  return true;
}

void RecordDecoder::SetTime(const WallTime& time, Event* event) {
  event->time = clock_.Resolve(time);
  if (!event->time.has_value()) return;
  char* const text = event->arena().Allocate(TextClock::kMaxFormatted);
  const size_t size = clock_.Format(*event->time, text);
  event->arena().Shrink(text, size);
  AddText(timestamp_, {text, size}, event);
}

}  // namespace redthread
