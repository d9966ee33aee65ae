// SortedCorrelator: correlations over matches that come sorted by (correlation, group, time, reference), as
// `scan` and `hunt` have them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/status.h"
#include "correlate/correlation_plan.h"
#include "correlate/group_correlator.h"

namespace redthread {

// Memory: one group. One per thread.
class SortedCorrelator {
 public:
  struct Options {
    MatchLog::Options log;
    bool wants_hits = false;              // tell hits also of correlations that feed none
    Timestamp latest = Timestamp::Min();  // the greatest event time of all that was read
    // By CorrelationIndex: the time of the earliest match that has a group.
    std::vector<Timestamp> start;
  };
  using OnHit = std::function<Status(CorrelationIndex, const Texts& group, const CorrelationHit&)>;
  using OnAlert = std::function<Status(CorrelationIndex, const Texts& group, const CorrelationAlert&)>;
  // `plan` and `options` outlive the correlator.
  SortedCorrelator(const CorrelationPlan* plan, const Options* options, OnHit on_hit, OnAlert on_alert);

  // `bytes`: the match as EncodeMatch writes it.
  Status Add(CorrelationIndex correlation, const Texts& group, const CorrelationMatch& match,
             std::string_view bytes);
  // Ends the last group.
  Status Finish();

  // Matches whose fields had more combinations than are looked at.
  uint64_t cut() const { return cut_ + (judge_ != nullptr ? judge_->cut() : 0); }

 private:
  void Begin(CorrelationIndex correlation, const Texts& group);

  const CorrelationPlan* plan_;
  const Options* options_;
  OnHit on_hit_;
  OnAlert on_alert_;
  std::optional<CorrelationIndex> correlation_;  // of judge_
  Texts group_;
  bool open_ = false;
  std::unique_ptr<GroupCorrelator::Shared> shared_;  // of judge_
  std::unique_ptr<GroupCorrelator> judge_;
  uint64_t cut_ = 0;
};

// The matches that a hit is to the correlations over it: one for each of those and each group it belongs to.
// False when a hit belongs to more groups than are looked at.
using EmitMatch = std::function<void(CorrelationIndex, const Texts& group, const CorrelationMatch&)>;
bool FeedUpper(const CorrelationPlan& plan, CorrelationIndex lower, const Texts& group,
               const CorrelationHit& hit, const EmitMatch& emit);

}  // namespace redthread
