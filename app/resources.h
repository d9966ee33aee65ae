// Resources: where the shipped rules and their data files lie.
//
// Looked for in this order: $REDTHREAD_SHARE_DIR; ../share/redthread beside the binary, where an installation
// has them; the source tree that the binary was built from.
#pragma once

#include <string>

#include "core/status.h"

namespace redthread {

struct Resources {
  std::string rules_pack;  // folder of the shipped rules
  std::string logsources;  // rules/logsources.yml
  std::string entities;    // rules/entities.yml
};

// NotFound when no place has them; the message names the places. A place counts when it has
// rules/logsources.yml.
Result<Resources> FindResources();

}  // namespace redthread
