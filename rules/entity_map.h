// Reads rules/entities.yml.
#pragma once

#include <string>

#include "core/entity_map.h"
#include "core/status.h"

namespace redthread {

// Invalid with everything that is wrong, each "file:line:col: ..."; NotFound or Io when the file cannot be
// read.
Result<EntityMap> LoadEntityMap(const std::string& path);

}  // namespace redthread
