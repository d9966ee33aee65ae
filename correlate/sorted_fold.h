// SortedFold: folds matches that come sorted by (fold key, time), as `scan` and `hunt` have them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/status.h"
#include "correlate/fold.h"
#include "rules/rule_set.h"

namespace redthread {

// Memory: one alert. One per thread.
class SortedFold {
 public:
  using Emit = std::function<Status(const Alert&)>;
  // `rules` outlives the fold. `emit` gets every alert once, complete and final.
  SortedFold(const RuleSet* rules, Nanoseconds window, Emit emit);

  // Matches of one fold key stand together and ascend by time.
  Status Add(std::string_view fold_key, const FoldMatch& match);
  // Emits what is still open.
  Status Finish();

 private:
  const RuleSet* rules_;
  Nanoseconds window_;
  Emit emit_;
  std::string key_;  // of open_
  std::optional<Alert> open_;
};

}  // namespace redthread
