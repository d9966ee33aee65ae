// JournalStream: a binary file of systemd's journal as lines of JSON, one an entry (journal_entry.h).
//
// Reading is libsystemd's, which knows all versions of the format, and the compression within.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/byte_stream.h"
#include "ingest/journal_entry.h"

namespace redthread {

// One per thread.
class JournalStream final : public ByteStream {
 public:
  // What such a file begins with.
  static constexpr std::string_view kMagic = "LPKSHHRH";

  static bool Detect(std::string_view beginning) { return beginning.starts_with(kMagic); }
  // kCorrupt when libsystemd cannot read it; kDenied, kIo. It may be in use: entries that are written while
  // it is read may be there or not.
  static Result<std::unique_ptr<ByteStream>> Open(const std::string& path);

  // kCorrupt: what follows the entries that were given cannot be read.
  Result<size_t> Read(char* out, size_t size) override;

 private:
  JournalStream(JournalHandle journal, const std::string& path) : journal_(std::move(journal)), path_(path) {}

  JournalHandle journal_;
  const std::string path_;
  uint64_t entries_ = 0;
  std::string lines_;  // from taken_ on not yet given out
  size_t taken_ = 0;
  bool at_end_ = false;
  Status failure_;
};

}  // namespace redthread
