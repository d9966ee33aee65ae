// SortedFold: folds matches that come in the order of their time, as `scan` and `hunt` have them.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "core/status.h"
#include "correlate/fold.h"
#include "rules/rule_set.h"

namespace redthread {

// Memory: one alert for each (rule, entities) that matched within the last window. One per thread.
class SortedFold {
 public:
  using Emit = std::function<Status(const Alert&)>;
  // `rules` outlives the fold. `emit` gets every alert once, complete and final, in the order in which they
  // close.
  SortedFold(const RuleSet* rules, Nanoseconds window, Emit emit);

  // Matches ascend by time; those without one (kNoTime) come first.
  Status Add(const FoldMatch& match);
  // Emits what is still open.
  Status Finish();

 private:
  Status Close(Alert* alert);
  Status CloseBefore(Timestamp time);

  const RuleSet* rules_;
  Nanoseconds window_;
  Emit emit_;
  std::unordered_map<std::string, Alert> open_;  // by fold key
  Timestamp next_sweep_ = Timestamp::Min();
};

}  // namespace redthread
