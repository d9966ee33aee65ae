// IngestCounts: what became of all that was read; nothing is dropped that does not stand here.
#pragma once

#include <cstdint>

#include "core/decoder.h"

namespace redthread {

struct IngestCounts {
  uint64_t records = 0;    // physical records, blank ones and those below included
  uint64_t blank = 0;      // empty lines: counted in the index, no dead letters
  uint64_t repaired = 0;   // DecodeOutcome::kRepaired
  uint64_t damaged = 0;    // DecodeOutcome::kDamaged, but for oversized ones
  uint64_t dead = 0;       // DecodeOutcome::kDead, but for blank and oversized ones
  uint64_t oversized = 0;  // longer than the limit: only their beginning was read
  uint64_t bytes = 0;      // uncompressed, line ends included

  // Counts a record that was decoded and is not clean. Whether something of it is lost: damaged or dead.
  bool Note(const DecodeResult& decoded);

  IngestCounts& operator+=(const IngestCounts& other) {
    records += other.records;
    blank += other.blank;
    repaired += other.repaired;
    damaged += other.damaged;
    dead += other.dead;
    oversized += other.oversized;
    bytes += other.bytes;
    return *this;
  }
};

}  // namespace redthread
