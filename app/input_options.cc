#include "app/input_options.h"

#include <utility>

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
  KafkaInput input;
  input.name = source.name;
  input.settings = source.settings;
  input.topics = source.topics;
  input.log_source = source.log_source;
  input.format = ParseSourceFormat(source.format).value_or(SourceFormat::kAuto);
  input.zone = ZoneOf(source.time_zone);
  input.trusted_proxies = NetworksOf(source.trusted_proxies);
  input.max_record_bytes = source.max_record_bytes;
  return input;
}

}  // namespace redthread
