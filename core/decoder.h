// Decoder: bytes of one record -> Event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/record_origin.h"

namespace redthread {

// How well a record could be read.
enum class DecodeOutcome : uint8_t {
  kClean,     // as its format demands
  kRepaired,  // all of it was read, but something had to be replaced (broken UTF-8, a raw control character)
  kDamaged,   // part of it was read, the rest could not be (a line cut short)
  kDead,      // nothing could be read: it becomes a dead letter; the Event holds the raw text as field "raw"
};

struct DecodeResult {
  DecodeOutcome outcome = DecodeOutcome::kClean;
  const char* reason = "";  // of all but kClean: one phrase, "string without an end", static
  size_t offset = 0;        // of all but kClean: byte offset in the record at which it was noticed
  int assumed_year = 0;     // of the event time, when the record does not say one; else 0
  SourceFormat format = SourceFormat::kAuto;  // that it was read as; kAuto: as none
};

// One per thread.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // The bytes that must be readable (any content) after a record handed to Decode.
  static constexpr size_t kPadding = 64;
  // Fills `event`, which has been cleared, and its time, where the format has one place for it. `record` is
  // without its line end, is followed by kPadding readable bytes, and must stay as it is until the event is
  // cleared again.
  virtual DecodeResult Decode(std::string_view record, const RecordOrigin& origin, Event* event) = 0;
};

}  // namespace redthread
