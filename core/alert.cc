#include "core/alert.h"

#include <algorithm>
#include <tuple>

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

bool operator<(const Evidence& a, const Evidence& b) {
  return std::tie(a.time, a.rule_id, a.raw_hash, a.source, a.position) <
         std::tie(b.time, b.rule_id, b.raw_hash, b.source, b.position);
}

void Alert::AddEvidence(const Evidence& e) {
  if (evidence.size() == kMaxEvidence && !(e < evidence.back())) return;
  const auto place = std::lower_bound(evidence.begin(), evidence.end(), e);
  if (place != evidence.end() && !(e < *place)) return;
  evidence.insert(place, e);
  if (evidence.size() > kMaxEvidence) evidence.pop_back();
}

}  // namespace redthread
