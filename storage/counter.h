// Counters in column family `meta`: numbers that are given out once and never again.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/status.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

// The last number given out under that name, 0 before the first. kCorrupt.
Result<uint64_t> LastNumber(const StateReader& reader, std::string_view name);

// Gives out the next one, from 1. kCorrupt.
Result<uint64_t> NextNumber(StateTransaction* transaction, std::string_view name);

}  // namespace redthread
