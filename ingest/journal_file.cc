#include "ingest/journal_file.h"

#include <fcntl.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "core/hash.h"
#include "ingest/journal_entry.h"
#include "ingest/journal_stream.h"
#include "ingest/little_endian.h"

namespace redthread {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKind = "journal:";

// Where things stand in a file. Source: systemd, "Journal File Format", struct Header.
constexpr size_t kHeaderBytes = 208;
constexpr size_t kState = 16, kFileId = 24, kSeries = 72, kEntries = 152, kLast = 160, kFirst = 168,
                 kFirstTime = 184;
constexpr char kStateArchived = 2;

std::string IdAt(std::string_view header, size_t at) {
  Hash128 id;
  std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(at), id.size(), id.begin());
  return HexOf(id);
}

std::string MachineId() {
  sd_id128_t id;
  std::array<char, SD_ID128_STRING_MAX> text{};
  return sd_id128_get_machine(&id) < 0 ? std::string() : sd_id128_to_string(id, text.data());
}

bool IsJournalName(std::string_view name) {
  return name.ends_with(".journal") || name.ends_with(".journal~");
}

void FindIn(const std::string& folder, JournalFolder* found, bool* any) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string path = entry->path().string();
    std::error_code ignored;
    if (!IsJournalName(path) || !entry->is_regular_file(ignored)) continue;
    *any = true;
    if (found->files.size() == JournalFolder::kMaxFiles) {
      found->problems.push_back(Status::Limit(folder + ": has more than " +
                                              std::to_string(JournalFolder::kMaxFiles) +
                                              " files of the journal, the others are not read"));
      return;
    }
    Result<JournalFile> file = JournalFile::Read(path);
    if (file.ok()) {
      found->files.push_back(std::move(*file));
    } else if (file.status().code() != StatusCode::kNotFound) {  // else it was renamed or removed just now
      found->problems.push_back(file.status());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory)
    found->problems.push_back(JournalFailure(folder, error.value()));
}

}  // namespace

std::string JournalFile::Home() const {
  const size_t name = path.rfind('/') + 1;  // 0 without a folder
  const size_t end = std::min(path.find('@', name), path.rfind(".journal"));
  return path.substr(0, end) + ".journal";
}

Result<JournalFile> JournalFile::Read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return JournalFailure(path, errno);
  std::string header(kHeaderBytes, '\0');
  const ssize_t n = ::pread(fd, header.data(), header.size(), 0);
  const int code = errno;
  ::close(fd);
  if (n < 0) return JournalFailure(path, code);
  if (static_cast<size_t>(n) < kHeaderBytes || !JournalStream::Detect(header))
    return Status::Corrupt(path + ": is a journal that cannot be read: it has no header of one");
  const auto number = [&](size_t at) { return LoadLittleEndian<uint64_t>(header.data() + at); };
  JournalFile file;
  file.path = path;
  file.id = IdAt(header, kFileId);
  file.series = IdAt(header, kSeries);
  file.entries = number(kEntries);
  file.first = number(kFirst);
  file.last = number(kLast);
  file.first_time = Timestamp{static_cast<int64_t>(number(kFirstTime) & (~uint64_t{0} >> 11)) * 1000};
  file.archived =
      header[kState] == kStateArchived || path.find('@', path.rfind('/') + 1) != std::string::npos;
  return file;
}

std::string JournalIdentity::Encode() const { return std::string(kKind) + file; }

std::optional<JournalIdentity> JournalIdentity::Decode(std::string_view text) {
  if (!text.starts_with(kKind)) return std::nullopt;
  text.remove_prefix(kKind.size());
  if (!ParseHash(text).has_value()) return std::nullopt;
  return JournalIdentity{std::string(text)};
}

JournalFolder FindJournalFiles(const std::vector<std::string>& folders) {
  JournalFolder found;
  const std::string machine = MachineId();
  bool any = false;
  for (size_t n = 0; n < folders.size() && !any; ++n) {
    found.chosen = n;
    FindIn(folders[n], &found, &any);
    if (!machine.empty()) FindIn(folders[n] + "/" + machine, &found, &any);
  }
  std::sort(found.files.begin(), found.files.end(), [](const JournalFile& a, const JournalFile& b) {
    return std::tie(a.first_time, a.path) < std::tie(b.first_time, b.path);
  });
  return found;
}

}  // namespace redthread
