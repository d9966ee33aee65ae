// RawPosition: how far a partition of a raw topic was read, as it lies with the group: the offset, and in the
// note beside it what whoever goes on has to know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/timestamp.h"

namespace redthread {

struct RawPosition {
  uint64_t next = 0;         // the offset of the next record
  uint32_t epoch = 0;        // of the source: grows when a topic that was made again is to be read anew
  uint64_t rules = 0;        // the epoch of the rules that the records before `next` were run with
  uint64_t fingerprint = 0;  // FingerprintOf the record before `next`; 0: none was read
  std::optional<Timestamp> seen, greatest;  // FrameHead's

  // All but `next`, in ASCII: "v1 epoch=0 rules=3 mark=9f.. seen=17.. greatest=17..".
  std::string Note() const;
  // Nothing when the note is none that this version can read.
  static std::optional<RawPosition> Of(int64_t next, std::string_view note);
};

}  // namespace redthread
