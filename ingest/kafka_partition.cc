#include "ingest/kafka_partition.h"

#include <charconv>

namespace redthread {

namespace {

constexpr std::string_view kKind = "kafka:";

}  // namespace

std::string KafkaPartition::Path() const { return topic + "/" + std::to_string(partition); }

std::string KafkaIdentity::Encode() const {
  std::string text(kKind);
  return text.append(cluster)
      .append(":")
      .append(std::to_string(partition.partition))
      .append(":")
      .append(partition.topic);
}

std::optional<KafkaIdentity> KafkaIdentity::Decode(std::string_view text) {
  if (text.substr(0, kKind.size()) != kKind) return std::nullopt;
  text.remove_prefix(kKind.size());
  const size_t first = text.find(':');
  const size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos || second + 1 == text.size()) return std::nullopt;
  KafkaIdentity identity;
  identity.cluster = text.substr(0, first);
  const char* const end = text.data() + second;
  const auto [stop, error] = std::from_chars(text.data() + first + 1, end, identity.partition.partition);
  if (error != std::errc() || stop != end || identity.partition.partition < 0) return std::nullopt;
  identity.partition.topic = text.substr(second + 1);
  return identity;
}

}  // namespace redthread
