#include "ingest/journal_entry.h"

#include <systemd/sd-journal.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include "core/hash.h"
#include "core/text.h"

namespace redthread {

void CloseJournal::operator()(sd_journal* journal) const { sd_journal_close(journal); }

Status JournalFailure(const std::string& what, int code) {
  const std::string message = what + ": " + std::generic_category().message(code);
  if (code == EACCES || code == EPERM) return Status::Denied(message);
  if (code == ENOENT) return Status::NotFound(message);
  return code == EIO ? Status::Io(message) : Status::Corrupt(message);
}

void JournalEntry::AppendLine(sd_journal* journal, std::string* out) {
  const size_t begin = out->size();
  out->push_back('{');
  uint64_t microseconds = 0;
  if (sd_journal_get_realtime_usec(journal, &microseconds) >= 0)
    out->append("\"__REALTIME_TIMESTAMP\":\"").append(std::to_string(microseconds)).append("\"");
  const void* data = nullptr;
  size_t size = 0;
  sd_journal_restart_data(journal);
  while (out->size() - begin < kMaxBytes && sd_journal_enumerate_available_data(journal, &data, &size) > 0) {
    const std::string_view field(static_cast<const char*>(data), size);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    if (out->size() - begin > 1) out->push_back(',');
    AppendJsonString(field.substr(0, equals), out);
    out->push_back(':');
    AppendJsonString(field.substr(equals + 1, kMaxFieldBytes), out);
  }
  out->append("}\n");
}

// The cursor is `s=ID;i=NUMBER;b=BOOT;m=MONOTONIC;t=REALTIME;x=HASH`, in hexadecimal. There is a function for
// the number since systemd 254 only. Source: systemd, sd_journal_get_cursor(3) and its source.
std::optional<JournalEntry> JournalEntry::At(sd_journal* journal) {
  char* text = nullptr;
  if (sd_journal_get_cursor(journal, &text) < 0) return std::nullopt;
  const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
  const std::string_view cursor(text);
  const size_t number = cursor.find(";i=");
  const size_t rest = cursor.find(";b=");
  if (number == std::string_view::npos || rest == std::string_view::npos) return std::nullopt;
  JournalEntry entry;
  const char* const end = text + cursor.size();
  if (std::from_chars(text + number + 3, end, entry.number, 16).ec != std::errc()) return std::nullopt;
  const Hash128 hash = HashBytes(cursor.substr(rest));
  for (size_t n = 0; n < sizeof entry.mark; ++n) entry.mark = entry.mark << 8 | hash[n];
  if (entry.mark == 0) entry.mark = 1;
  return entry;
}

}  // namespace redthread
