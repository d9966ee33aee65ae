#include "correlate/sorted_correlator.h"

#include <algorithm>

namespace redthread {

SortedCorrelator::SortedCorrelator(const CorrelationPlan* plan, const Options* options, OnHit on_hit,
                                   OnAlert on_alert)
    : plan_(plan), options_(options), on_hit_(std::move(on_hit)), on_alert_(std::move(on_alert)) {}

void SortedCorrelator::Begin(CorrelationIndex correlation, const Texts& group) {
  if (correlation_ != correlation) {
    if (judge_ != nullptr) cut_ += judge_->cut();
    GroupCorrelator::Options options;
    options.log = options_->log;
    options.wants_hits = options_->wants_hits || !plan_->node(correlation).upper.empty();
    options.wants_trigger = options.wants_hits;
    judge_.reset();
    shared_ = std::make_unique<GroupCorrelator::Shared>(
        &plan_->rules(), &plan_->correlation(correlation), options,
        [this](const CorrelationHit& hit) { return on_hit_(*correlation_, group_, hit); },
        [this](const CorrelationAlert& alert) { return on_alert_(*correlation_, group_, alert); });
    judge_ = std::make_unique<GroupCorrelator>(shared_.get());
    correlation_ = correlation;
  }
  group_ = group;
  judge_->Reset(options_->start[correlation], options_->latest);
  open_ = true;
}

Status SortedCorrelator::Add(CorrelationIndex correlation, const Texts& group, const CorrelationMatch& match,
                             std::string_view bytes) {
  if (!open_ || correlation_ != correlation || group_ != group) {
    RT_RETURN_IF_ERROR(Finish());
    Begin(correlation, group);
  }
  return judge_->Add(match, bytes);
}

Status SortedCorrelator::Finish() {
  if (!open_) return Status::Ok();
  open_ = false;
  return judge_->Finish();
}

bool FeedUpper(const CorrelationPlan& plan, CorrelationIndex lower, const Texts& group,
               const CorrelationHit& hit, const EmitMatch& emit) {
  const std::vector<std::string>& group_by = plan.correlation(lower).group_by;
  const std::vector<std::string>& carried = plan.node(lower).carried;
  // From the events behind the hit alone; and as its fields are seen from above, where its group comes first.
  const auto of_events = [&](const std::string& field) {
    const auto found = std::find(carried.begin(), carried.end(), field);
    const auto place = static_cast<size_t>(found - carried.begin());
    return place < hit.carried.size() ? hit.carried[place] : Texts();
  };
  const auto of_hit = [&](const std::string& field) {
    const auto found = std::find(group_by.begin(), group_by.end(), field);
    return found != group_by.end() ? Texts{group[static_cast<size_t>(found - group_by.begin())]}
                                   : of_events(field);
  };
  bool all = true;
  CorrelationMatch match;
  match.time = hit.end;
  match.evidence = hit.evidence;
  for (const CorrelationPlan::Feed& feed : plan.node(lower).upper) {
    const Correlation& upper = plan.correlation(feed.correlation);
    match.reference = feed.reference;
    match.values.clear();
    for (const std::string& field : upper.fields) match.values.push_back(of_hit(field));
    match.carried.clear();
    for (const std::string& field : plan.node(feed.correlation).carried)
      match.carried.push_back(of_events(field));
    std::vector<Texts> lists;
    for (const std::string& field : upper.rules[feed.reference].group_fields) {
      lists.push_back(field.empty() ? Texts() : of_hit(field));
    }
    Texts upper_group(lists.size());
    all &= ForEachCombination(lists, [&](const std::vector<size_t>& at) {
      for (size_t i = 0; i < lists.size(); ++i) upper_group[i] = lists[i][at[i]];
      emit(feed.correlation, upper_group, match);
    });
  }
  return all;
}

}  // namespace redthread
