// Real events of the reference data, one or a few of each kind, for tests to start from.
#pragma once

#include <vector>

#include "core/log_source.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

struct RealEvent {
  SlowJson flat;  // its shape taken off
  DeclaredLogSource declared;
  LogSourceFacts facts;  // what it is, by `declared` and its content
};

// A few events of each kind (log source, EventID) that stands in the files whose source is known, in the
// files' order: some thousand. Empty when there is no reference data.
std::vector<RealEvent> LoadRealEvents(const LogSourceMap& map);

}  // namespace redthread
