// JournalEntry: what an entry of systemd's journal is to us: a line of JSON, a number, a mark.
//
// The line is the entry as `journalctl -o json` writes it: every field a text, __REALTIME_TIMESTAMP in
// microseconds. What a field holds that is no UTF-8 becomes U+FFFD; a field that an entry has twice is there
// twice. Source: systemd, "Journal File Format"; sd-journal(3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/status.h"

struct sd_journal;

namespace redthread {

struct CloseJournal {
  void operator()(sd_journal* journal) const;
};
using JournalHandle = std::unique_ptr<sd_journal, CloseJournal>;

// What libsystemd answered, `code` an errno: kDenied, kNotFound, kIo, else kCorrupt. `what` begins the
// message.
Status JournalFailure(const std::string& what, int code);

struct JournalEntry {
  // Of longer fields the beginning is kept; of an entry with more, what fits.
  static constexpr size_t kMaxFieldBytes = 1 << 20;
  static constexpr size_t kMaxBytes = 4 << 20;

  // Appends the entry that the journal stands at, with a LF. One of which something cannot be read is a line
  // with what can. The journal has a data threshold of kMaxFieldBytes.
  static void AppendLine(sd_journal* journal, std::string* out);

  // Its sequence number grows within a file, with gaps where entries of several files are numbered together.
  uint64_t number = 0;
  // A hash of its boot, times and content, never 0: a copy in another file has it too, under another number.
  uint64_t mark = 0;

  // Of the entry that the journal stands at. Nothing when it cannot be read.
  static std::optional<JournalEntry> At(sd_journal* journal);
};

}  // namespace redthread
