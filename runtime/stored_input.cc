#include "runtime/stored_input.h"

#include <algorithm>

#include "ingest/file_identity.h"
#include "ingest/sender.h"

namespace redthread {

RecordOrigin OriginOf(const StoredInput& input, const SourceState& source, Timestamp arrival) {
  RecordOrigin origin;
  origin.format = input.format;
  origin.zone = input.zone.get();
  origin.written = arrival;
  origin.pushed = SenderIdentity::Decode(source.identity).has_value();
  origin.trusted_proxies = &input.trusted_proxies;
  origin.max_skew = input.max_skew;
  if (FileIdentity::Decode(source.identity).has_value())
    origin.written = std::min(arrival, ModifiedAt(source.path).value_or(arrival));
  return origin;
}

}  // namespace redthread
