// The tour as text for a terminal: calm, at most `width` columns, and readable without colour.
#pragma once

#include <cstdint>
#include <string>

#include "app/tour.h"
#include "core/timestamp.h"

namespace redthread {

struct TourFacts {
  uint64_t lines = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t rules = 0;       // of the pack, without probes
  Nanoseconds elapsed{0};   // processing time of reading and matching
  std::string logs_folder;  // where the logs stay; empty when they are removed
};

// Times are UTC. Text from logs is made visible.
std::string RenderTour(const Tour& tour, const TourFacts& facts, int width, bool color);

}  // namespace redthread
