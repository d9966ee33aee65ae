// IngestCounts: what became of all that was read; nothing is dropped that does not stand here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/decoder.h"

namespace redthread {

// The years that records were taken to be of whose time names none.
struct AssumedYears {
  uint64_t records = 0;
  int first = 0, last = 0;

  void Add(int year) { *this += {1, year, year}; }
  AssumedYears& operator+=(const AssumedYears& other) {
    if (other.records == 0) return *this;
    first = records == 0 ? other.first : std::min(first, other.first);
    last = std::max(last, other.last);
    records += other.records;
    return *this;
  }
};

struct IngestCounts {
  uint64_t records = 0;    // physical records, blank ones and those below included
  uint64_t blank = 0;      // empty lines: counted in the index, no dead letters
  uint64_t repaired = 0;   // DecodeOutcome::kRepaired
  uint64_t damaged = 0;    // DecodeOutcome::kDamaged, but for oversized ones
  uint64_t dead = 0;       // DecodeOutcome::kDead, but for blank and oversized ones
  uint64_t oversized = 0;  // longer than the limit: only their beginning was read
  uint64_t bytes = 0;      // uncompressed, line ends included
  AssumedYears years;

  // Counts a record that was decoded and is not clean; not its year. Whether something of it is lost: damaged
  // or dead.
  bool Note(const DecodeResult& decoded);

  IngestCounts& operator+=(const IngestCounts& other) {
    records += other.records;
    blank += other.blank;
    repaired += other.repaired;
    damaged += other.damaged;
    dead += other.dead;
    oversized += other.oversized;
    bytes += other.bytes;
    years += other.years;
    return *this;
  }
};

}  // namespace redthread
