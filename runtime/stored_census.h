// The census of what `run` has stored: every raw line once more through decoder, classifier and detector.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/status.h"
#include "correlate/field_census.h"
#include "runtime/engine.h"
#include "runtime/stored_input.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "storage/state_reader.h"

namespace redthread {

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
