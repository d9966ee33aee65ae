// What a configured source is to the runtime, whatever runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "core/record_origin.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "runtime/kafka_inputs.h"
#include "runtime/stored_input.h"
#include "storage/source_registry.h"

namespace redthread {

// The configuration has been checked, so it is a zone; null if the zone files went away meanwhile.
std::shared_ptr<const TimeZone> ZoneOf(const std::string& name);

// Networks that have been checked with the configuration.
std::vector<Cidr> NetworksOf(const std::vector<std::string>& texts);

// How the records of a configured source are to be read, as what an input is to whoever reads it: FileInput,
// ListenerInput, KafkaInput, StoredInput. The rest of it is left as it is by itself.
template <typename Input, typename SourceConfig>
Input InputOf(const SourceConfig& source) {
  Input input;
  input.log_source = source.log_source;
  input.format = ParseSourceFormat(source.format).value_or(SourceFormat::kAuto);
  input.zone = ZoneOf(source.time_zone);
  input.trusted_proxies = NetworksOf(source.trusted_proxies);
  if constexpr (requires { input.max_skew = source.max_skew; }) input.max_skew = source.max_skew;
  return input;
}

KafkaInput KafkaInputOf(const KafkaSourceConfig& source);

// The input that a source in the state is of; nothing is declared of one that the configuration names no
// more.
StoredInput StoredInputOf(const Config& config, const SourceState& state);

}  // namespace redthread
