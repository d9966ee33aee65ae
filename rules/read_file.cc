#include "rules/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace redthread {
namespace {

Status ErrnoStatus(const std::string& path, int error) {
  std::string message = path + ": " + std::strerror(error);
  if (error == ENOENT || error == ENOTDIR) return Status::NotFound(std::move(message));
  if (error == EACCES || error == EPERM) return Status::Denied(std::move(message));
  return Status::Io(std::move(message));
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus(path, errno);
  std::string text;
  struct stat info = {};
  if (fstat(file, &info) == 0 && info.st_size > 0 && static_cast<size_t>(info.st_size) <= max_bytes) {
    text.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  Status status;
  while (true) {
    // One byte more than the file has, so that its end is seen without growing.
    const size_t room = text.capacity() > text.size() ? text.capacity() - text.size() : size_t{64} << 10;
    const size_t used = text.size();
    text.resize(used + room);
    const ssize_t got = read(file, text.data() + used, room);
    text.resize(used + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) status = ErrnoStatus(path, errno);
    if (got <= 0) break;
    if (text.size() > max_bytes) {
      status = Status::Limit(path + ": longer than " + std::to_string(max_bytes >> 20) + " MiB");
      break;
    }
  }
  close(file);
  if (!status.ok()) return status;
  return text;
}

}  // namespace redthread
