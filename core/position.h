// Position: which physical record of which input. It is the identity of a record everywhere: in output, in
// state, in dedup.
#pragma once

#include <compare>
#include <cstdint>

namespace redthread {

// A small number that stands for one source (one file identity, one sender). Given out by storage, in order
// of first sight, and stored with what identifies the source; in `scan`, the ordinal of the input.
using SourceId = uint32_t;

struct Position {
  SourceId source = 0;
  uint32_t epoch = 0;   // grows when the source starts over under the same identity (a file was truncated)
  uint64_t index = 0;   // 0-based ordinal of the physical record, blank and undecodable ones counted
  uint64_t cursor = 0;  // where reading resumes *after* this record: an uncompressed byte offset for files

  // Order and identity of records; the cursor follows from the rest and takes no part.
  friend constexpr auto operator<=>(const Position& a, const Position& b) {
    if (auto c = a.source <=> b.source; c != 0) return c;
    if (auto c = a.epoch <=> b.epoch; c != 0) return c;
    return a.index <=> b.index;
  }
  friend constexpr bool operator==(const Position& a, const Position& b) { return (a <=> b) == 0; }
};

}  // namespace redthread
