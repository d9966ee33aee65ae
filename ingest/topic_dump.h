// ReadTopic: all that a topic holds at one moment. For topics that are small or compacted, and for commands.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/timestamp.h"
#include "ingest/kafka_settings.h"

namespace redthread {

// Texts live as long as the visit.
struct TopicRecord {
  int32_t partition = 0;
  int64_t offset = 0;
  std::optional<Timestamp> written;       // as KafkaRecords::Record::written
  std::string_view key;                   // "" also when there is none
  std::optional<std::string_view> value;  // nothing: a tombstone
};

// By partition.
using TopicOffsets = std::map<int32_t, int64_t>;

// Visits the records of all partitions, those of a partition in order, up to where each ended when it was
// called; memory is bounded. A partition begins at its first record, or at `from`, where an earlier call has
// stopped. Returns where to go on.
// Errors: the first of `visit`, which ends it; kNotFound: there is no such topic; kUnavailable: nothing has
// come for as long as `patience`, or for 5 s where that is less; kInvalid: settings, or a partition ends
// before `from`; as RdStatus for what cannot be read.
Result<TopicOffsets> ReadTopic(const KafkaSettings& settings, const std::string& topic,
                               const std::function<Status(const TopicRecord&)>& visit, Nanoseconds patience,
                               TopicOffsets from = {});

}  // namespace redthread
