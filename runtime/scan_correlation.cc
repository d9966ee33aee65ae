#include "runtime/scan_correlation.h"

#include <algorithm>

#include "storage/key.h"

namespace redthread {
namespace {

constexpr char kMatchKey = 'c';
constexpr size_t kLeastSortBytes = 1 << 20;

bool ReadKey(std::string_view key, const CorrelationPlan& plan, CorrelationIndex* correlation, Texts* group) {
  KeyReader reader(key);
  if (!reader.Kind(kMatchKey) || !reader.U32(correlation) ||
      *correlation >= plan.rules().correlations.size()) {
    return false;
  }
  group->resize(plan.correlation(*correlation).group_by.size());
  return std::all_of(group->begin(), group->end(),
                     [&reader](std::string& text) { return reader.String(&text); });
}

}  // namespace

CorrelationRow MakeCorrelationRow(CorrelationIndex correlation, const Texts& group,
                                  const CorrelationMatch& match) {
  CorrelationRow row;
  row.correlation = correlation;
  row.time = match.time;
  KeyWriter key(kMatchKey);
  key.U32(correlation);
  for (const std::string& text : group) key.String(text);
  row.key = key.Time(match.time).U32(match.reference).str();
  EncodeMatch(match, &row.value);
  return row;
}

ScanCorrelation::ScanCorrelation(std::shared_ptr<const CorrelationPlan> plan, size_t max_sort_bytes,
                                 const MatchLog::Options& window)
    : plan_(std::move(plan)) {
  options_.log = window;
  options_.start.assign(plan_->rules().correlations.size(), Timestamp::Max());
  const size_t share = std::max(max_sort_bytes / std::max(plan_->levels(), 1U), kLeastSortBytes);
  for (uint32_t level = 0; level < plan_->levels(); ++level) {
    levels_.push_back(std::make_unique<SpillSorter>(SpillSorter::Options{share, {}}));
  }
}

Status ScanCorrelation::Add(const CorrelationRow& row) {
  Timestamp& start = options_.start[row.correlation];
  start = std::min(start, row.time);
  return levels_[plan_->correlation(row.correlation).height]->Add(row.key, row.value);
}

Status ScanCorrelation::Run(bool wants_hits, const SortedCorrelator::OnHit& on_hit,
                            const SortedCorrelator::OnAlert& on_alert) {
  options_.wants_hits = wants_hits;
  for (uint32_t level = 0; level < plan_->levels(); ++level) {
    RT_RETURN_IF_ERROR(RunLevel(level, on_hit, on_alert));
    levels_[level].reset();
  }
  return Status::Ok();
}

Status ScanCorrelation::RunLevel(uint32_t level, const SortedCorrelator::OnHit& on_hit,
                                 const SortedCorrelator::OnAlert& on_alert) {
  const auto told = [&](CorrelationIndex i, const Texts& group, const CorrelationHit& hit) {
    RT_RETURN_IF_ERROR(FeedHit(i, group, hit));
    return options_.wants_hits ? on_hit(i, group, hit) : Status::Ok();
  };
  SortedCorrelator correlator(plan_.get(), &options_, told, on_alert);
  CorrelationIndex correlation = 0;
  Texts group;
  CorrelationMatch match;
  RT_RETURN_IF_ERROR(levels_[level]->Sorted([&](std::string_view key, std::string_view value) {
    if (!ReadKey(key, *plan_, &correlation, &group) || !DecodeMatch(value, MatchPart::kAll, &match)) {
      return Status::Corrupt("a sorted match of a correlation cannot be read back");
    }
    return correlator.Add(correlation, group, match, value);
  }));
  RT_RETURN_IF_ERROR(correlator.Finish());
  cut_ += correlator.cut();
  return Status::Ok();
}

Status ScanCorrelation::FeedHit(CorrelationIndex lower, const Texts& group, const CorrelationHit& hit) {
  Status status;
  const bool all =
      FeedUpper(*plan_, lower, group, hit,
                [&](CorrelationIndex upper, const Texts& upper_group, const CorrelationMatch& match) {
                  if (status.ok()) status = Add(MakeCorrelationRow(upper, upper_group, match));
                });
  if (!all) ++cut_;
  return status;
}

}  // namespace redthread
