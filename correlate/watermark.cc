#include "correlate/watermark.h"

#include <algorithm>

namespace redthread {

void Watermark::AddSource(SourceId source, std::optional<Timestamp> known, bool holds) {
  const auto [added, is_new] = sources_.try_emplace(source);
  if (is_new) {
    added->second.time = known.value_or(Timestamp::Min());
    greatest_ = std::max(greatest_, added->second.time);
    Place(source, &added->second, holds);
  }
  if (holds) idle_since_.reset();
}

void Watermark::RemoveSource(SourceId source) {
  const auto found = sources_.find(source);
  if (found == sources_.end()) return;
  Place(source, &found->second, false);
  sources_.erase(found);
}

void Watermark::Observe(SourceId source, Timestamp event_time, Timestamp arrival) {
  Source& s = sources_[source];
  const Timestamp time = std::min(event_time, arrival) - lateness_;
  if (time <= s.time) return;
  s.time = time;
  greatest_ = std::max(greatest_, time);
  if (std::exchange(s.moved, true)) return;
  moved_.push_back(source);
}

void Watermark::SetHolds(SourceId source, bool holds) {
  Place(source, &sources_[source], holds);
  if (holds) idle_since_.reset();
}

bool Watermark::Holds(SourceId source) const {
  const auto found = sources_.find(source);
  return found != sources_.end() && found->second.holds;
}

void Watermark::Place(SourceId id, Source* source, bool holds) {
  if (source->holds) holding_.erase({source->placed, id});
  source->holds = holds;
  source->placed = source->time;
  if (holds) holding_.insert({source->placed, id});
}

Timestamp Watermark::At(Nanoseconds elapsed) {
  for (const SourceId id : moved_) {
    const auto found = sources_.find(id);
    if (found == sources_.end()) continue;
    found->second.moved = false;
    Place(id, &found->second, found->second.holds);
  }
  moved_.clear();
  if (!holding_.empty()) {
    stage_ = std::max(stage_, holding_.begin()->first);
    return stage_;
  }
  if (!idle_since_.has_value() || greatest_ > idle_base_ + (elapsed - *idle_since_)) {
    idle_since_ = elapsed;
    idle_base_ = std::max(greatest_, stage_);
  }
  // Nothing with a time has been seen yet: nothing waits either.
  if (idle_base_ != Timestamp::Min()) stage_ = std::max(stage_, idle_base_ + (elapsed - *idle_since_));
  return stage_;
}

Timestamp Watermark::AtEndOfInput() {
  if (greatest_ != Timestamp::Min()) stage_ = std::max(stage_, greatest_ + lateness_);
  return stage_;
}

std::optional<Timestamp> Watermark::Of(SourceId source) const {
  const auto found = sources_.find(source);
  if (found == sources_.end() || found->second.time == Timestamp::Min()) return std::nullopt;
  return found->second.time;
}

}  // namespace redthread
