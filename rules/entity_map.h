// Reads rules/entities.yml.
#pragma once

#include <string>
#include <string_view>

#include "core/entity_map.h"
#include "core/status.h"

namespace redthread {

// Invalid with everything that is wrong, each "file:line:col: ..."; NotFound or Io when the file cannot be
// read.
Result<EntityMap> LoadEntityMap(const std::string& path);
// The same of its text; `file` is the name used in complaints.
Result<EntityMap> LoadEntityMapFromText(std::string_view yaml, const std::string& file);

}  // namespace redthread
