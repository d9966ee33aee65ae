#include "ingest/journal_stream.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <cstring>

namespace redthread {

Result<std::unique_ptr<ByteStream>> JournalStream::Open(const std::string& path) {
  const char* const paths[] = {path.c_str(), nullptr};
  sd_journal* opened = nullptr;
  if (const int result = sd_journal_open_files(&opened, const_cast<const char**>(paths), 0); result < 0)
    return JournalFailure(path + ": is a journal that cannot be read", -result);
  JournalHandle journal(opened);
  sd_journal_set_data_threshold(journal.get(), JournalEntry::kMaxFieldBytes);
  if (const int result = sd_journal_seek_head(journal.get()); result < 0)
    return JournalFailure(path + ": is a journal that cannot be read", -result);
  return std::unique_ptr<ByteStream>(new JournalStream(std::move(journal), path));
}

Result<size_t> JournalStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size() && !at_end_) {
    lines_.clear();
    taken_ = 0;
    const int result = sd_journal_next(journal_.get());
    if (result > 0) {
      ++entries_;
      JournalEntry::AppendLine(journal_.get(), &lines_);
      continue;
    }
    at_end_ = true;
    if (result < 0) {
      failure_ =
          JournalFailure(path_ + ": cannot be read behind " + std::to_string(entries_) + " entries", -result);
    }
  }
  if (taken_ == lines_.size() && !failure_.ok()) return failure_;
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

}  // namespace redthread
