// DeadLetter: a record that could not be read, kept with the reason and the place. IngestCounts: what became
// of all that was read; nothing is dropped that does not stand here.
#pragma once

#include <cstdint>
#include <string>

#include "core/position.h"

namespace redthread {

struct DeadLetter {
  // Bytes of the record that are kept.
  static constexpr size_t kMaxRawBytes = 64 << 10;

  std::string source;   // the path as given
  Position position;    // its index and cursor; the source is the caller's to fill in
  std::string reason;   // one phrase
  uint64_t offset = 0;  // byte offset in the record at which it was noticed
  std::string raw;      // the record's beginning
};

struct IngestCounts {
  uint64_t records = 0;    // physical records, blank ones and those below included
  uint64_t blank = 0;      // empty lines: counted in the index, no dead letters
  uint64_t repaired = 0;   // DecodeOutcome::kRepaired
  uint64_t damaged = 0;    // DecodeOutcome::kDamaged
  uint64_t dead = 0;       // DecodeOutcome::kDead, but for blank ones
  uint64_t oversized = 0;  // longer than the limit: never read whole
  uint64_t bytes = 0;      // uncompressed, line ends included

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
