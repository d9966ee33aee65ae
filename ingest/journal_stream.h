// JournalStream: a binary file of systemd's journal as lines of JSON, one an entry.
//
// As `journalctl -o json` writes them: every field a text, __REALTIME_TIMESTAMP in microseconds. What a field
// holds that is no UTF-8 becomes U+FFFD; a field that an entry has twice is there twice. Reading is
// libsystemd's, which knows all versions of the format, and the compression within. Source: systemd, "Journal
// File Format"; sd-journal(3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/byte_stream.h"

struct sd_journal;

namespace redthread {

// One per thread.
class JournalStream final : public ByteStream {
 public:
  // What such a file begins with.
  static constexpr std::string_view kMagic = "LPKSHHRH";
  // Of longer fields the beginning is kept; of an entry with more, what fits.
  static constexpr size_t kMaxFieldBytes = 1 << 20;
  static constexpr size_t kMaxEntryBytes = 4 << 20;

  static bool Detect(std::string_view beginning) { return beginning.starts_with(kMagic); }
  // kCorrupt when libsystemd cannot read it; kDenied, kIo. It may be in use: entries that are written while
  // it is read may be there or not.
  static Result<std::unique_ptr<ByteStream>> Open(const std::string& path);

  // kCorrupt: what follows the entries that were given cannot be read.
  Result<size_t> Read(char* out, size_t size) override;

 private:
  struct Close {
    void operator()(sd_journal* journal) const;
  };
  using Handle = std::unique_ptr<sd_journal, Close>;

  JournalStream(Handle journal, const std::string& path) : journal_(std::move(journal)), path_(path) {}
  void AddEntry();

  Handle journal_;
  const std::string path_;
  uint64_t entries_ = 0;
  std::string lines_;  // from taken_ on not yet given out
  size_t taken_ = 0;
  bool at_end_ = false;
  Status failure_;
};

}  // namespace redthread
