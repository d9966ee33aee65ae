// RawPosition: how far a partition of a raw topic was read, as it lies with the group: the offset, and in the
// note beside it what whoever goes on has to know.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/timestamp.h"

namespace redthread {

struct RawPosition {
  uint64_t next = 0;  // the offset of the next record
  // Of the source: grows when a topic that was made again, or a part of it, is read anew. 0: as it was
  // before.
  uint32_t epoch = 0;
  uint64_t rules = 0;        // the epoch of the rules that the records before `next` were run with
  uint64_t fingerprint = 0;  // FingerprintOf the record before `next`; 0: none was read
  std::optional<Timestamp> seen, greatest;  // FrameHead's
  bool ended = false;                       // all partitions of `matches` were told that the input has ended

  // All but `next`, in ASCII: "v1 epoch=0 rules=3 mark=9f.. seen=17.. greatest=17..".
  std::string Note() const;
  // Nothing when the note is none that this version can read.
  static std::optional<RawPosition> Of(int64_t next, std::string_view note);
};

// The epoch of what begins then: seconds since 1970.
inline uint32_t EpochOf(Timestamp time) {
  return static_cast<uint32_t>(std::max<int64_t>(1, time.ns / 1'000'000'000));
}

}  // namespace redthread
