// Sample logs: one month (October 2026) of a firm of twenty people, for the tour and for trying out rules.
//
// Deterministic: the same seed gives the same bytes on every machine. What the seed changes is the routine;
// the story (demo_story.h) stays the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

struct DemoSummary {
  struct File {
    std::string path;
    uint64_t lines = 0;
    uint64_t bytes = 0;
  };
  std::vector<File> files;  // one for each source
  uint64_t lines = 0;
  uint64_t bytes = 0;
  Timestamp first;  // begin and end of the month, by the firm's clock
  Timestamp last;
};

// Writes the files into `folder`, which is created where it is missing; files of these names are overwritten.
// kIo when the disk does not take them; what was written then stays.
Status WriteDemoLogs(const std::string& folder, uint64_t seed, DemoSummary* out);

}  // namespace redthread
