// What a configured source is to the runtime, whatever runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "runtime/kafka_inputs.h"

namespace redthread {

// The configuration has been checked, so it is a zone; null if the zone files went away meanwhile.
std::shared_ptr<const TimeZone> ZoneOf(const std::string& name);

// Networks that have been checked with the configuration.
std::vector<Cidr> NetworksOf(const std::vector<std::string>& texts);

KafkaInput KafkaInputOf(const KafkaSourceConfig& source);

}  // namespace redthread
