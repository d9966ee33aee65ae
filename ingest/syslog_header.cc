#include "ingest/syslog_header.h"

#include <algorithm>

#include "ingest/text_field.h"

namespace redthread {

namespace {

constexpr size_t kMaxTag = 128;  // bytes; RFC 3164 allows 32
constexpr size_t kMaxPid = 128;  // RFC 5424, 6
constexpr size_t kMaxHost = 255;

// "<34>"; nothing is taken when there is none.
bool TakePriority(std::string_view* text, int* priority) {
  const size_t close = text->substr(0, 5).find('>');
  if (text->empty() || text->front() != '<' || close == std::string_view::npos || close < 2) return false;
  int value = 0;
  for (const char c : text->substr(1, close - 1)) {
    if (!IsDigit(c)) return false;
    value = value * 10 + (c - '0');
  }
  if (value > 191) return false;
  *priority = value;
  text->remove_prefix(close + 1);
  return true;
}

// What a message is that is a record itself: JSON, with or without CEE's cookie, or an event of Windows.
// Source: CEE Log Transport, 1.0, "@cee:".
bool BeginsRecord(std::string_view text) {
  return text.starts_with('{') || text.starts_with("@cee:") || text.starts_with("<Event");
}

// The program, with its process, in front of a message. Nothing is taken when there is none: a text like
// "last message repeated 3 times" has no tag.
bool TakeTag(std::string_view* text, SyslogHeader* header) {
  std::string_view rest = *text;
  while (TakePrefix(" ", &rest)) {
  }
  if (BeginsRecord(rest)) return false;
  const size_t limit = std::min(rest.size(), kMaxTag);
  bool spaced = false;
  for (size_t i = 0; i < limit; ++i) {
    const char c = rest[i];
    const char next = i + 1 < rest.size() ? rest[i + 1] : ' ';
    if (c == ' ') {
      // "syslogd 1.4.1: restart", "-- root[2421]: ROOT LOGIN"
      if (spaced || (!IsDigit(next) && rest.substr(0, i) != "--")) return false;
      spaced = true;
    } else if (c == ':' && (next == ' ' || next == '[')) {
      if (i == 0) return false;
      header->tag = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      TakePrefix(" ", &rest);
      *text = rest;
      return true;
    } else if (c == '[') {
      const std::string_view inner = rest.substr(i + 1, kMaxPid);
      const size_t close = inner.find(']');
      if (i == 0 || close == std::string_view::npos || inner.substr(0, close).find(' ') < close) return false;
      const std::string_view behind = rest.substr(i + close + 2);
      if (!behind.starts_with(':') && !(behind.starts_with(' ') && !spaced)) return false;
      header->tag = rest.substr(0, i);
      header->pid = inner.substr(0, close);
      rest = behind;
      TakePrefix(":", &rest);
      TakePrefix(" ", &rest);
      *text = rest;
      return true;
    }
  }
  return false;
}

// A word that may name a host; a program's tag is none.
bool TakeHost(std::string_view* text, std::string_view* host) {
  const size_t end = std::min(text->find(' '), text->size());
  if (end == 0 || end > kMaxHost) return false;
  const std::string_view word = text->substr(0, end);
  if (word.starts_with("CEF:") || BeginsRecord(word)) return false;
  if (word.back() == ':' || (word.back() == ']' && word.front() != '[')) return false;
  *host = word;
  text->remove_prefix(std::min(end + 1, text->size()));
  return true;
}

// "-" is nothing.
std::string_view TakePart(std::string_view* text) {
  const std::string_view part = TakeUntil(' ', text);
  return part == "-" ? std::string_view() : part;
}

// "[id name="value"][..]" or "-"; false when it has no end.
bool TakeStructured(std::string_view* text, std::string_view* structured) {
  if (text->empty() || text->front() != '[') return TakePrefix("-", text);
  bool quoted = false;
  for (size_t i = 0; i < text->size(); ++i) {
    const char c = (*text)[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ']' && !quoted && (i + 1 == text->size() || (*text)[i + 1] != '[')) {
      *structured = text->substr(0, i + 1);
      text->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Behind "<34>1 ".
bool ReadRfc5424(std::string_view text, SyslogHeader* header) {
  if (!TakePrefix("- ", &text)) {
    if (!TakeIsoTime(&text, &header->time) || !TakePrefix(" ", &text)) return false;
    header->has_time = true;
  }
  header->host = TakePart(&text);
  header->tag = TakePart(&text);
  header->pid = TakePart(&text);
  header->message_id = TakePart(&text);
  // Structured data that are none are taken for the message, so that nothing of it is lost.
  if (TakeStructured(&text, &header->structured)) TakePrefix(" ", &text);
  TakePrefix("\xEF\xBB\xBF", &text);
  header->message = text;
  return true;
}

void ReadHostAndTag(std::string_view text, SyslogHeader* header) {
  TakeHost(&text, &header->host);
  TakeTag(&text, header);
  header->message = text;
}

}  // namespace

bool ReadSyslogHeader(std::string_view text, SyslogHeader* header) {
  *header = {};
  const bool marked = TakePriority(&text, &header->priority);
  if (marked && text.starts_with("1 ") && ReadRfc5424(text.substr(2), header)) return true;
  const int priority = header->priority;
  *header = {};
  header->priority = priority;
  std::string_view rest = text;
  if (BeginsWithMonth(rest) && TakeBsdTime(&rest, &header->time) &&
      (rest.empty() || TakePrefix(" ", &rest))) {
    header->has_time = true;
    ReadHostAndTag(rest, header);
    return true;
  }
  if (rest.size() > 20 && rest[10] == 'T' && TakeIsoTime(&rest, &header->time) && TakePrefix(" ", &rest)) {
    header->has_time = true;
    ReadHostAndTag(rest, header);
    if (marked || (!header->host.empty() && !header->tag.empty())) return true;
    header->has_time = false;
  }
  if (!marked) return false;
  *header = {};
  header->priority = priority;
  TakeTag(&text, header);
  header->message = text;
  return true;
}

std::string_view FacilityName(int priority) {
  static constexpr std::string_view kNames[] = {
      "kern",   "user",   "mail",     "daemon", "auth",   "syslog",   "lpr",     "news",
      "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "security", "console", "clock",
      "local0", "local1", "local2",   "local3", "local4", "local5",   "local6",  "local7"};
  return kNames[priority / 8];
}

std::string_view SeverityName(int priority) {
  static constexpr std::string_view kNames[] = {"emerg",   "alert",  "crit", "err",
                                                "warning", "notice", "info", "debug"};
  return kNames[priority % 8];
}

std::string_view ProgramOfTag(std::string_view tag) {
  if (tag.starts_with('/')) tag.remove_prefix(tag.rfind('/') + 1);
  const size_t open = tag.find('(');
  return open == 0 || open == std::string_view::npos || tag.back() != ')' ? tag : tag.substr(0, open);
}

}  // namespace redthread
