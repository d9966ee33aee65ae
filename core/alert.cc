#include "core/alert.h"

namespace redthread {

const char* AlertStateName(AlertState state) {
  switch (state) {
    case AlertState::kEarly:
      return "early";
    case AlertState::kFinal:
      return "final";
    case AlertState::kWithdrawn:
      return "withdrawn";
  }
  return "";
}

namespace {
constexpr const char* kLevelNames[] = {"informational", "low", "medium", "high", "critical"};
}  // namespace

const char* LevelName(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

bool ParseLevel(const std::string& name, Level* level) {
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (name == kLevelNames[i]) {
      *level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

}  // namespace redthread
