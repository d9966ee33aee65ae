// The slow twin of the decoders' shapes and of the event clock: a record as its shipper nested it -> the flat
// fields that rules name.
#pragma once

#include "core/timestamp.h"
#include "tests/oracle/slow_text.h"

namespace redthread {

// Takes the shape off: evtx_dump JSON, winlogbeat 7 and 6, flat Windows; everything else stays as it is.
SlowJson SlowFlatten(const SlowJson& record);

// Event time: the first of the known time fields of `flat` that can be read.
std::optional<Timestamp> SlowEventTime(const SlowJson& flat);

// One JSON value as a time; nothing when it is none, or lies outside of 64 bits of nanoseconds.
std::optional<Timestamp> SlowTime(const SlowJson& value);

}  // namespace redthread
