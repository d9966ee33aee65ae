// Detection: one rule matched one event.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace redthread {

// Sigma's levels; a rule without one is informational.
enum class Level : uint8_t { kInformational, kLow, kMedium, kHigh, kCritical };
const char* LevelName(Level level);
// False when `name` is no level.
bool ParseLevel(const std::string& name, Level* level);

// The index of a rule in its RuleSet.
using RuleIndex = uint32_t;

// Which fields made a search identifier true.
struct MatchedSelection {
  std::string name;                 // "selection"
  std::vector<std::string> fields;  // as the rule names them; "keywords" for unbound values
};

}  // namespace redthread
