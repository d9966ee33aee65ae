#include "app/test_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace redthread {

std::optional<std::string> ReadTestFile(const std::string& path, std::string* problem) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) {
    if (errno != ENOENT) *problem = std::string("cannot be read: ") + std::strerror(errno);
    return std::nullopt;
  }
  std::stringstream text;
  text << file.rdbuf();
  if (file.bad()) *problem = std::string("cannot be read: ") + std::strerror(errno);
  return text.str();
}

}  // namespace redthread
