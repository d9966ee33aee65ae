#include "app/input_options.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "ingest/journal_file.h"
#include "ingest/kafka_partition.h"
#include "ingest/kafka_settings.h"
#include "ingest/sender.h"

namespace redthread {

std::shared_ptr<const TimeZone> ZoneOf(const std::string& name) {
  Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Load(name);
  return zone.ok() ? std::move(*zone) : nullptr;
}

std::vector<Cidr> NetworksOf(const std::vector<std::string>& texts) {
  std::vector<Cidr> networks;
  for (const std::string& text : texts) networks.push_back(ParseCidr(text).value_or(Cidr{}));
  return networks;
}

KafkaInput KafkaInputOf(const KafkaSourceConfig& source) {
  KafkaInput input = InputOf<KafkaInput>(source);
  input.name = source.name;
  input.settings = source.settings;
  input.topics = source.topics;
  input.max_record_bytes = source.max_record_bytes;
  return input;
}

namespace {

// Whether a file was found by a pattern: it is that path or below it, or the glob matches.
bool IsFoundBy(const std::string& pattern, const std::string& path) {
  return path == pattern || path.compare(0, pattern.size() + 1, pattern + "/") == 0 ||
         fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
}

bool Reads(const std::vector<std::string>& paths, const SourceState& state) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& pattern) { return IsFoundBy(pattern, state.path); });
}

template <typename SourceConfig>
std::optional<StoredInput> InputNamed(const std::vector<SourceConfig>& sources, const std::string& name) {
  for (const SourceConfig& source : sources) {
    if (source.name == name) return InputOf<StoredInput>(source);
  }
  return std::nullopt;
}

}  // namespace

StoredInput StoredInputOf(const Config& config, const SourceState& state) {
  if (const auto sender = SenderIdentity::Decode(state.identity)) {
    std::optional<StoredInput> input = InputNamed(config.syslog_sources, sender->input);
    if (!input.has_value()) input = InputNamed(config.http_sources, sender->input);
    return std::move(input).value_or(StoredInput{});
  }
  if (const auto kafka = KafkaIdentity::Decode(state.identity)) {
    for (const KafkaSourceConfig& source : config.kafka_sources) {
      const Result<TopicFilter> topics = TopicFilter::Of(source.topics);
      if (topics.ok() && topics->Matches(kafka->partition.topic)) return InputOf<StoredInput>(source);
    }
    return {};
  }
  if (JournalIdentity::Decode(state.identity).has_value()) {
    for (const JournalSourceConfig& source : config.journal_sources) {
      if (Reads(source.folders, state))
        return {source.log_source, SourceFormat::kAuto, ZoneOf(source.time_zone),
                NetworksOf(source.trusted_proxies)};
    }
    return {};
  }
  for (const FileSourceConfig& source : config.file_sources) {
    if (Reads(source.paths, state)) return InputOf<StoredInput>(source);
  }
  return {};
}

}  // namespace redthread
