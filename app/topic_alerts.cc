#include "app/topic_alerts.h"

#include <algorithm>
#include <tuple>

#include "core/text.h"

namespace redthread {

void TopicAlerts::Add(std::string_view json, const std::string& place) {
  Result<TopicAlert> read = ParseTopicAlert(json);
  if (!read.ok()) {
    damage_.Note(Status::Corrupt(place + ": " + read.status().message()));
    return;
  }
  const auto found = alerts_.find(read->alert.id);
  if (found == alerts_.end()) {
    std::string id = read->alert.id;
    alerts_.emplace(std::move(id), std::move(*read));
  } else if (read->at >= found->second.at) {
    found->second = std::move(*read);
  }
}

void TopicAlerts::Finish() {
  by_time_.clear();
  for (const auto& [id, alert] : alerts_) by_time_.push_back(&alert.alert);
  std::sort(by_time_.begin(), by_time_.end(), [](const Alert* a, const Alert* b) {
    return std::tie(a->time, a->id) < std::tie(b->time, b->id);
  });
}

Status TopicAlerts::ForEach(const AlertQuery& query, const std::function<bool(const Alert&)>& visit,
                            Damage* damage) const {
  *damage = damage_;
  const size_t n = by_time_.size();
  for (size_t i = 0; i < n; ++i) {
    const Alert& alert = *by_time_[query.newest_first ? n - 1 - i : i];
    if (alert.time < query.begin || query.end < alert.time) continue;
    if (!visit(alert)) break;
  }
  return Status::Ok();
}

Result<Alert> TopicAlerts::Find(std::string_view prefix) const {
  constexpr size_t kCandidatesNamed = 3;
  std::string candidates;
  size_t n = 0;
  const auto begin = alerts_.lower_bound(prefix);
  for (auto i = begin; i != alerts_.end() && i->first.compare(0, prefix.size(), prefix) == 0; ++i, ++n) {
    if (i->first == prefix) return i->second.alert;
    if (n < kCandidatesNamed) candidates += (n == 0 ? "" : ", ") + i->first;
  }
  if (n == 0) return Status::NotFound("there is no alert " + Visible(prefix));
  if (n == 1) return begin->second.alert;
  return Status::Invalid("more than one alert begins with " + Visible(prefix) + ": " + candidates +
                         (n > kCandidatesNamed ? ", ..." : ""));
}

EvidenceLines TopicAlerts::Lines(const Alert&, Messages*) const { return {}; }

}  // namespace redthread
