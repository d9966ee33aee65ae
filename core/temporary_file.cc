#include "core/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace redthread {
namespace {

std::string OrDefault(const std::string& folder) {
  if (!folder.empty()) return folder;
  const char* tmp = std::getenv("TMPDIR");
  return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

}  // namespace

Status TemporaryFileError(const char* what, const std::string& folder) {
  return Status::Io("a temporary file in " + OrDefault(folder) + " could not be " + what + ": " +
                    std::strerror(errno) + " (set TMPDIR to a folder with room)");
}

Result<int> OpenTemporaryFile(const std::string& folder) {
  std::string path = OrDefault(folder) + "/redthread-XXXXXX";
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return TemporaryFileError("created", folder);
  unlink(path.c_str());
  return file;
}

}  // namespace redthread
