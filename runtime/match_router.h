// MatchRouter: which partition of `matches` a match goes to, so that all that is judged together lies in one.
//
//   a detection rule's match   by what it is folded by: the rule and the entities
//   a correlation's            by the texts of its group, whatever the correlation: so one over another whose
//                              group is the same is in the same partition as that
//   what cannot be divided     into the partition of the empty group: correlations without group-by; chains
//                              whose correlations have different groups; first_seen with a learning period,
//                              which begins with the first match of any group
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/alert.h"
#include "correlate/correlation_match.h"
#include "correlate/correlation_plan.h"

namespace redthread {

// Immutable and thread-safe.
class MatchRouter {
 public:
  // `partitions`: above 0.
  MatchRouter(std::shared_ptr<const CorrelationPlan> plan, int32_t partitions);

  int32_t PartitionOf(const Rule& rule, const AlertGroup& group) const;
  int32_t PartitionOf(CorrelationIndex correlation, const Texts& group) const;
  // Whether all groups of a correlation go to one partition.
  bool is_whole(CorrelationIndex correlation) const { return whole_[correlation]; }

 private:
  bool FeedsSameGroup(CorrelationIndex lower) const;

  std::shared_ptr<const CorrelationPlan> plan_;
  uint64_t partitions_;
  std::vector<bool> whole_;  // by CorrelationIndex
};

}  // namespace redthread
