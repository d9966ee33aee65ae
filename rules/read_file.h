// Small files, whole.
#pragma once

#include <cstddef>
#include <string>

#include "core/status.h"

namespace redthread {

inline constexpr size_t kMaxRuleFile = size_t{16} << 20;  // bytes; SigmaHQ's largest is below 64 KiB

// The bytes of a file. NotFound, Denied or Io when it cannot be read, Limit when it is longer than max_bytes;
// the message names the path.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = kMaxRuleFile);

}  // namespace redthread
