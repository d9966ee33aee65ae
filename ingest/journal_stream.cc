#include "ingest/journal_stream.h"

#include <systemd/sd-journal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/text.h"

namespace redthread {

namespace {

Status FailureOf(const std::string& what, int code) {
  const std::string message = what + ": " + std::generic_category().message(code);
  if (code == EACCES || code == EPERM) return Status::Denied(message);
  if (code == ENOENT) return Status::NotFound(message);
  return code == EIO ? Status::Io(message) : Status::Corrupt(message);
}

}  // namespace

void JournalStream::Close::operator()(sd_journal* journal) const { sd_journal_close(journal); }

Result<std::unique_ptr<ByteStream>> JournalStream::Open(const std::string& path) {
  const char* const paths[] = {path.c_str(), nullptr};
  sd_journal* opened = nullptr;
  if (const int result = sd_journal_open_files(&opened, const_cast<const char**>(paths), 0); result < 0)
    return FailureOf(path + ": is a journal that cannot be read", -result);
  Handle journal(opened);
  sd_journal_set_data_threshold(journal.get(), kMaxFieldBytes);
  if (const int result = sd_journal_seek_head(journal.get()); result < 0)
    return FailureOf(path + ": is a journal that cannot be read", -result);
  return std::unique_ptr<ByteStream>(new JournalStream(std::move(journal), path));
}

Result<size_t> JournalStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size() && !at_end_) {
    lines_.clear();
    taken_ = 0;
    const int result = sd_journal_next(journal_.get());
    if (result > 0) {
      AddEntry();
      continue;
    }
    at_end_ = true;
    if (result < 0) {
      failure_ =
          FailureOf(path_ + ": cannot be read behind " + std::to_string(entries_) + " entries", -result);
    }
  }
  if (taken_ == lines_.size() && !failure_.ok()) return failure_;
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

// An entry of which something cannot be read is a line with what can.
void JournalStream::AddEntry() {
  ++entries_;
  lines_ = "{";
  uint64_t microseconds = 0;
  if (sd_journal_get_realtime_usec(journal_.get(), &microseconds) >= 0)
    lines_.append("\"__REALTIME_TIMESTAMP\":\"").append(std::to_string(microseconds)).append("\"");
  const void* data = nullptr;
  size_t size = 0;
  sd_journal_restart_data(journal_.get());
  while (lines_.size() < kMaxEntryBytes &&
         sd_journal_enumerate_available_data(journal_.get(), &data, &size) > 0) {
    const std::string_view field(static_cast<const char*>(data), size);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    if (lines_.size() > 1) lines_.push_back(',');
    AppendJsonString(field.substr(0, equals), &lines_);
    lines_.push_back(':');
    AppendJsonString(field.substr(equals + 1, kMaxFieldBytes), &lines_);
  }
  lines_.append("}\n");
}

}  // namespace redthread
