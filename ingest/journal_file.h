// JournalFile: a file of systemd's journal, what it says of itself and where it lies.
//
// journald writes to system.journal and user-UID.journal. When such a file is full it is renamed, to
// system@....journal, or system@....journal~ when it was found damaged, and a new one begins; the oldest are
// removed as space runs low. A file has an id of its own that stays when it is renamed, entries are only ever
// added at its end, and their numbers grow: so the id and the number are what an entry is known by.
// Source: systemd, "Journal File Format".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

struct JournalFile {
  std::string path;      // where it is now
  std::string id;        // 32 lower-case hexadecimal digits
  std::string series;    // the same, of whoever numbers its entries: shared by the files before and after it
  uint64_t entries = 0;  // so many are in it
  uint64_t first = 0;    // number of the first; 0: there is none
  uint64_t last = 0;     // and of the last
  Timestamp first_time{};  // when the first one was taken
  bool archived = false;   // renamed or closed for good: nothing more is written to it

  // Its path before it was renamed, `/var/log/journal/ID/system.journal`: the same for all who look at it,
  // whenever they do.
  std::string Home() const;

  // kNotFound, kDenied, kIo; kCorrupt when it is no journal.
  static Result<JournalFile> Read(const std::string& path);
};

// What the database knows a file of the journal by.
struct JournalIdentity {
  std::string file;  // JournalFile::id
  // "journal:4f1c..."
  std::string Encode() const;
  // Nothing when `text` is no identity of such a file.
  static std::optional<JournalIdentity> Decode(std::string_view text);
};

struct JournalFolder {
  static constexpr size_t kMaxFiles = 10'000;

  size_t chosen = 0;               // index of the folder that they are in
  std::vector<JournalFile> files;  // the oldest first
  std::vector<Status> problems;    // of files and folders that cannot be read; kLimit beyond kMaxFiles
};

// The files of the first folder that has any, right in it or in the one below it that is named after this
// machine's id.
JournalFolder FindJournalFiles(const std::vector<std::string>& folders);

}  // namespace redthread
