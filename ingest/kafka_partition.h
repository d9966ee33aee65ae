// KafkaPartition: one partition of a topic. Its own source for positions and watermarks: a record's index is
// its offset.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redthread {

struct KafkaPartition {
  std::string topic;
  int32_t partition = 0;
  auto operator<=>(const KafkaPartition&) const = default;
  // For people, and the `source` of what comes of it: "topic/partition".
  std::string Path() const;
};

// What the database knows a partition by. A topic that was deleted and made again has the same identity, and
// other records: that is told by comparing a record (KafkaInputs), and resolved by a new epoch.
struct KafkaIdentity {
  std::string cluster;  // its id, which the brokers made up
  KafkaPartition partition;
  bool operator==(const KafkaIdentity&) const = default;

  // "kafka", cluster, partition and topic, colons between: "kafka:4L6g3nShT-eMCtK--X86sw:0:logs".
  std::string Encode() const;
  // Nothing when `text` is no identity of a partition.
  static std::optional<KafkaIdentity> Decode(std::string_view text);
};

}  // namespace redthread
