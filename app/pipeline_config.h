// The section `kafka:` of the configuration: workers that share the work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"

namespace redthread {

// The brokers, properties and group below `entry`: "kafka", "sources.logs".
KafkaSettings KafkaSettingsOf(const std::vector<Setting>& settings, const std::string& entry);

// What the section says; nothing when it is not there.
std::optional<PipelineConfig> PipelineOf(const std::vector<Setting>& settings);

// Whether the setting stands in the section.
bool IsPipelineSetting(const SettingSpec& spec);

// Adds what no single setting of it shows to be wrong. Requires loaded->config.
void CheckPipeline(LoadedConfig* loaded);

}  // namespace redthread
