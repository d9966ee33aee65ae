// SourceFields: the names of the fields that a source's records were seen to have, for people to look at and
// to map. Nothing of it decides an answer.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "core/position.h"
#include "core/status.h"
#include "storage/state_reader.h"
#include "storage/state_transaction.h"

namespace redthread {

struct SourceFields {
  static constexpr size_t kMaxNames = 256;
  static constexpr size_t kMaxNameBytes = 128;

  std::set<std::string, std::less<>> names;
  bool more = false;  // there were others, beyond the limits

  // Whether anything of it changed.
  bool Add(std::string_view name);
};

// Empty for a source of which no names are known. kCorrupt when its row is damaged.
Result<SourceFields> GetSourceFields(const StateReader& reader, SourceId id);
void PutSourceFields(StateTransaction* transaction, SourceId id, const SourceFields& fields);

}  // namespace redthread
