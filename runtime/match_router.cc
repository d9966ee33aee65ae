#include "runtime/match_router.h"

#include <algorithm>
#include <cstring>

#include "core/hash.h"
#include "correlate/fold.h"

namespace redthread {
namespace {

// The same for everybody, in every version: where a match goes decides which state it meets.
uint64_t PlaceOf(std::string_view bytes) {
  const Hash128 hash = HashBytes(bytes);
  uint64_t place = 0;
  for (size_t i = 0; i < sizeof place; ++i) place = place << 8 | hash[i];
  return place;
}

std::string SpellingOf(const Texts& group) {
  std::string bytes;
  for (const std::string& text : group) {
    bytes += std::to_string(text.size());
    bytes += ':';
    bytes += text;
  }
  return bytes;
}

}  // namespace

MatchRouter::MatchRouter(std::shared_ptr<const CorrelationPlan> plan, int32_t partitions)
    : plan_(std::move(plan)), partitions_(static_cast<uint64_t>(partitions)) {
  const std::vector<Correlation>& correlations = plan_->rules().correlations;
  whole_.resize(correlations.size());
  for (CorrelationIndex i = 0; i < correlations.size(); ++i)
    whole_[i] = correlations[i].learning.count() > 0 || !FeedsSameGroup(i);
  // What stands on one that is not divided, and what it stands on, is not divided either.
  for (bool changed = true; changed;) {
    changed = false;
    for (CorrelationIndex lower = 0; lower < correlations.size(); ++lower) {
      for (const CorrelationPlan::Feed& feed : plan_->node(lower).upper) {
        if (whole_[lower] == whole_[feed.correlation]) continue;
        whole_[lower] = whole_[feed.correlation] = true;
        changed = true;
      }
    }
  }
}

// Whether a hit of a group is a match of the very same group above.
bool MatchRouter::FeedsSameGroup(CorrelationIndex lower) const {
  const std::vector<CorrelationPlan::Feed>& upper = plan_->node(lower).upper;
  return std::all_of(upper.begin(), upper.end(), [&](const CorrelationPlan::Feed& feed) {
    return plan_->correlation(feed.correlation).rules[feed.reference].group_fields ==
           plan_->correlation(lower).group_by;
  });
}

int32_t MatchRouter::PartitionOf(const Rule& rule, const AlertGroup& group) const {
  return static_cast<int32_t>(PlaceOf(FoldKey(rule, group)) % partitions_);
}

int32_t MatchRouter::PartitionOf(CorrelationIndex correlation, const Texts& group) const {
  const std::string spelling = whole_[correlation] ? std::string() : SpellingOf(group);
  return static_cast<int32_t>(PlaceOf(spelling) % partitions_);
}

}  // namespace redthread
