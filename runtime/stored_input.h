// What the configuration says of a source whose records are stored, for who reads these once more.
#pragma once

#include <memory>
#include <vector>

#include "core/log_source.h"
#include "core/record_origin.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "core/timestamp.h"
#include "storage/source_registry.h"

namespace redthread {

struct StoredInput {
  DeclaredLogSource log_source;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;  // of times that name none; null: UTC
  std::vector<Cidr> trusted_proxies;     // RecordOrigin
  Nanoseconds max_skew{0};               // RecordOrigin
};

// What is known of a record of `source` that came at `arrival`, as far as it was when the record was first
// read. When a file had last been written to then is not stored: the file says when it was since, if it is
// still there. Valid while `input` is.
RecordOrigin OriginOf(const StoredInput& input, const SourceState& source, Timestamp arrival);

}  // namespace redthread
