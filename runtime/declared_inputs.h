// What a configuration declares of the topics that are read, as bytes: part of what decides what matches, so
// workers that share the work take it from the rule bundle (RuleBundle::sources), as they do the rules.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/log_source.h"
#include "core/status.h"

namespace redthread {

struct DeclaredInput {
  std::string name;                 // of the source
  std::vector<std::string> topics;  // TopicFilter; the first input that names a topic reads it
  std::string format;               // ParseSourceFormat
  std::string time_zone;            // TimeZone::Load
  size_t max_record_bytes = 0;      // of longer ones only the beginning is kept
  DeclaredLogSource log_source;
  std::vector<std::string> trusted_proxies;  // ParseCidr
  bool operator==(const DeclaredInput&) const = default;
};

// The same inputs give the same bytes, always.
std::string EncodeInputs(const std::vector<DeclaredInput>& inputs);
// kCorrupt; also when a newer version wrote it.
Result<std::vector<DeclaredInput>> DecodeInputs(std::string_view bytes);

}  // namespace redthread
