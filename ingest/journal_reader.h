// JournalReader: the entries of one file of the journal, read while journald writes it.
//
// It holds the file open, so that its entries can be read when journald has renamed or removed it meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"
#include "ingest/journal_entry.h"
#include "ingest/journal_file.h"

namespace redthread {

// Entries that were read together.
struct JournalEntries {
  struct Entry {
    size_t begin = 0, size = 0;  // of its line in `text`, without the LF
    uint64_t number = 0;
  };
  std::string text;
  std::vector<Entry> all;
  // Of the last one.
  uint64_t mark = 0;
  Timestamp time{};  // when journald took it

  std::string_view TextOf(const Entry& entry) const {
    return std::string_view(text).substr(entry.begin, entry.size);
  }
};

// One per thread.
class JournalReader {
 public:
  // Begins at the first entry whose number is not below `next`. kNotFound when the file is not there any
  // more, or is another one by now; kDenied, kIo, kCorrupt.
  static Result<std::unique_ptr<JournalReader>> Open(const JournalFile& file, uint64_t next);
  ~JournalReader();
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  // Puts the next entries, of about `bytes` of text, into `entries`, whatever it held before. False when
  // there are none behind them now. Damage looks like the end: see Last.
  bool Next(size_t bytes, JournalEntries* entries);

  // The file's last entry, found from its end: beyond what Next gave when what lies between is damaged, or
  // was written just now. 0 when there is none to be found, or the file was removed.
  uint64_t Last() const;
  // Begins anew behind the last entry that was given: what was damage may have been a write that was not
  // over.
  Status Reopen();

  // The number behind the last entry that has one of `marks`, and takes out those that it finds; 0 when there
  // is none. Reads the whole file.
  uint64_t FindBehind(std::set<uint64_t>* marks) const;

  // The next number to be read.
  uint64_t next() const { return next_; }

 private:
  JournalReader(JournalFile file, int fd, uint64_t next) : file_(std::move(file)), fd_(fd), next_(next) {}
  Result<JournalHandle> OpenHandle() const;

  const JournalFile file_;
  const int fd_;
  uint64_t next_;
  JournalHandle journal_;
};

}  // namespace redthread
