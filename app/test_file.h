// Files that may stand beside a rule file.
#pragma once

#include <optional>
#include <string>

namespace redthread {

// The text of a file; nothing when there is none. *problem says when it is there and cannot be read.
std::optional<std::string> ReadTestFile(const std::string& path, std::string* problem);

}  // namespace redthread
