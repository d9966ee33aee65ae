// The census of what `run` has stored: every raw line once more through decoder, classifier and detector.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/log_source.h"
#include "core/record_origin.h"
#include "core/status.h"
#include "core/time_zone.h"
#include "correlate/field_census.h"
#include "runtime/engine.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "storage/state_reader.h"

namespace redthread {

// What the configuration says of a source.
struct StoredInput {
  DeclaredLogSource log_source;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;  // null: UTC
};

struct StoredCensus {
  uint64_t sources = 0;           // with stored records
  std::vector<uint64_t> by_rule;  // detections by RuleIndex
  Damage damage;                  // rows that could not be read
};

// Adds the records of `range` to *census, which is over the engine's program. `input_of` is asked once for
// each source.
Result<StoredCensus> TakeStoredCensus(const StateReader& reader, std::shared_ptr<const Engine> engine,
                                      const EventStore::Range& range,
                                      const std::function<StoredInput(const SourceState&)>& input_of,
                                      FieldCensus* census);

}  // namespace redthread
