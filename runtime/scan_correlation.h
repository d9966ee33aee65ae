// ScanCorrelation: the correlations of a scan: matches sorted by (correlation, group, time), judged group by
// group, level by level, so that memory grows neither with matches nor with groups.
//
// Correlations over detection rules are level 0. Their hits are matches of those over them, which are sorted
// and judged when all that is below them has been.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "correlate/correlation_plan.h"
#include "correlate/sorted_correlator.h"
#include "runtime/spill_sorter.h"

namespace redthread {

// One match, as it is sorted.
struct CorrelationRow {
  CorrelationIndex correlation = 0;
  Timestamp time;
  std::string key, value;
};
CorrelationRow MakeCorrelationRow(CorrelationIndex correlation, const Texts& group,
                                  const CorrelationMatch& match);

// One per scan, one thread at a time: Add in any order, then Run.
class ScanCorrelation {
 public:
  // `max_sort_bytes`: of matches kept in memory, over all levels; `window`: of one group.
  ScanCorrelation(std::shared_ptr<const CorrelationPlan> plan, size_t max_sort_bytes,
                  const MatchLog::Options& window);

  // kIo when matches cannot be kept.
  Status Add(const CorrelationRow& row);
  // An event of that time was read, whether it matches or not.
  void Saw(Timestamp time) { options_.latest = std::max(options_.latest, time); }

  // Tells every alert, and with `wants_hits` every hit, each correlation's groups and times in order. Ends
  // the use.
  Status Run(bool wants_hits, const SortedCorrelator::OnHit& on_hit,
             const SortedCorrelator::OnAlert& on_alert);

  // Matches or hits whose fields had more combinations of values than are looked at (kMaxCombinations).
  uint64_t cut() const { return cut_; }

 private:
  Status RunLevel(uint32_t level, const SortedCorrelator::OnHit& on_hit,
                  const SortedCorrelator::OnAlert& on_alert);
  Status FeedHit(CorrelationIndex lower, const Texts& group, const CorrelationHit& hit);

  std::shared_ptr<const CorrelationPlan> plan_;
  SortedCorrelator::Options options_;
  std::vector<std::unique_ptr<SpillSorter>> levels_;  // by height
  uint64_t cut_ = 0;
};

}  // namespace redthread
