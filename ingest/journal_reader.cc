#include "ingest/journal_reader.h"

#include <fcntl.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace redthread {

namespace {

std::string HexadecimalOf(uint64_t number) {
  std::array<char, 16> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr};
}

}  // namespace

Result<std::unique_ptr<JournalReader>> JournalReader::Open(const JournalFile& file, uint64_t next) {
  const int fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return JournalFailure(file.path, errno);
  std::unique_ptr<JournalReader> reader(new JournalReader(file, fd, next));
  // The name may lead to another file by now.
  const Result<JournalFile> opened = JournalFile::Read("/proc/self/fd/" + std::to_string(fd));
  if (!opened.ok() || opened->id != file.id) return Status::NotFound(file.path + ": was replaced");
  RT_RETURN_IF_ERROR(reader->Reopen());
  return reader;
}

JournalReader::~JournalReader() {
  journal_.reset();
  ::close(fd_);
}

Result<JournalHandle> JournalReader::OpenHandle() const {
  // It closes the descriptor together with itself, once it is open.
  int fds[] = {::fcntl(fd_, F_DUPFD_CLOEXEC, 0)};
  if (fds[0] < 0) return JournalFailure(file_.path, errno);
  sd_journal* opened = nullptr;
  if (const int result = sd_journal_open_files_fd(&opened, fds, 1, 0); result < 0) {
    ::close(fds[0]);
    return JournalFailure(file_.path + ": is a journal that cannot be read", -result);
  }
  JournalHandle journal(opened);
  sd_journal_set_data_threshold(journal.get(), JournalEntry::kMaxFieldBytes);
  return journal;
}

Status JournalReader::Reopen() {
  Result<JournalHandle> opened = OpenHandle();
  if (!opened.ok()) return opened.status();
  const std::string cursor = "s=" + file_.series + ";i=" + HexadecimalOf(next_);
  const int result = next_ <= file_.first ? sd_journal_seek_head(opened->get())
                                          : sd_journal_seek_cursor(opened->get(), cursor.c_str());
  if (result < 0) return JournalFailure(file_.path + ": is a journal that cannot be read", -result);
  journal_ = std::move(*opened);
  return Status::Ok();
}

bool JournalReader::Next(size_t bytes, JournalEntries* entries) {
  entries->text.clear();
  entries->all.clear();
  while (entries->text.size() < bytes) {
    if (sd_journal_next(journal_.get()) <= 0) return false;
    const std::optional<JournalEntry> entry = JournalEntry::At(journal_.get());
    if (!entry.has_value()) return false;
    if (entry->number < next_) continue;
    const size_t begin = entries->text.size();
    JournalEntry::AppendLine(journal_.get(), &entries->text);
    entries->all.push_back({begin, entries->text.size() - begin - 1, entry->number});
    entries->mark = entry->mark;
    uint64_t microseconds = 0;
    if (sd_journal_get_realtime_usec(journal_.get(), &microseconds) >= 0)
      entries->time = Timestamp{} + std::chrono::microseconds(microseconds);
    next_ = entry->number + 1;
  }
  return true;
}

uint64_t JournalReader::Last() const {
  const Result<JournalHandle> journal = OpenHandle();
  if (!journal.ok() || sd_journal_seek_tail(journal->get()) < 0 || sd_journal_previous(journal->get()) <= 0)
    return 0;
  const std::optional<JournalEntry> entry = JournalEntry::At(journal->get());
  return entry.has_value() ? entry->number : 0;
}

uint64_t JournalReader::FindBehind(std::set<uint64_t>* marks) const {
  const Result<JournalHandle> journal = OpenHandle();
  uint64_t behind = 0;
  if (!journal.ok() || sd_journal_seek_head(journal->get()) < 0) return behind;
  while (sd_journal_next(journal->get()) > 0) {
    const std::optional<JournalEntry> entry = JournalEntry::At(journal->get());
    if (entry.has_value() && marks->erase(entry->mark) > 0) behind = entry->number + 1;
  }
  return behind;
}

}  // namespace redthread
