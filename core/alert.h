// Alert: what a person is told. One per episode; later matches of the episode fold into it. Revised, never
// doubled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/detection.h"
#include "core/hash.h"
#include "core/position.h"
#include "core/timestamp.h"

namespace redthread {

// Stands where events have no time that could be read: such alerts have no episode, one folds all of them.
inline constexpr Timestamp kNoTime = Timestamp::Min();

enum class AlertState : uint8_t { kEarly, kFinal, kWithdrawn };
const char* AlertStateName(AlertState state);

// One event that an alert stands on.
struct Evidence {
  Timestamp time;
  std::string rule_id;
  std::string source;  // the path as given
  Position position;
  Hash128 raw_hash{};  // of the raw record
};

// What the alert is about: name and value, sorted by name.
using AlertGroup = std::vector<std::pair<std::string, std::string>>;

struct Alert {
  std::string id;         // hex; a hash of (rule id, rule content, group, time)
  uint32_t revision = 1;  // grows by one with each change that is told
  AlertState state = AlertState::kEarly;
  bool late = false;         // came of events below the watermark
  bool by_clock = false;     // an early silence that no event confirms yet: all input had stopped
  bool correlation = false;  // else: of a detection rule, folded by its entities
  std::string rule_id;
  std::string rule_title;
  Level level = Level::kInformational;
  std::vector<std::string> tags;
  AlertGroup group;
  Timestamp time;  // when it fired
  Timestamp first;
  Timestamp last;
  uint64_t count = 0;
  std::optional<Timestamp> ended;  // of a silence: when its group was heard again
  std::vector<Evidence> evidence;  // sorted by (time, rule id, raw hash): the first kMaxEvidence
  std::string explain;
  std::string
      replaced_by;  // of a withdrawn alert: the id of the one that stands in its place, if there is one
  static constexpr size_t kMaxEvidence = 100;

  // Keeps `e` if it is among the first kMaxEvidence in the order of evidence. The same event a second time is
  // no second evidence.
  void AddEvidence(const Evidence& e);
};

// The order of evidence: (time, rule id, raw hash), so that it is the same whatever file or partition the
// records came from.
bool operator<(const Evidence& a, const Evidence& b);

}  // namespace redthread
