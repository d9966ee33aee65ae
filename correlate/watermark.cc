#include "correlate/watermark.h"

#include <algorithm>

namespace redthread {

void Watermark::AddSource(SourceId source, std::optional<Timestamp> known) {
  sources_.try_emplace(source, Source{known.value_or(Timestamp::Min()), false});
  idle_since_.reset();
}

void Watermark::Observe(SourceId source, Timestamp event_time, Timestamp arrival) {
  Source& s = sources_[source];
  s.time = std::max(s.time, std::min(event_time, arrival) - lateness_);
}

void Watermark::SetAtEnd(SourceId source, bool at_end) {
  sources_[source].at_end = at_end;
  if (!at_end) idle_since_.reset();
}

Timestamp Watermark::At(Nanoseconds elapsed) {
  Timestamp least = Timestamp::Max();
  Timestamp greatest = Timestamp::Min();
  bool all_at_end = true;
  for (const auto& [id, s] : sources_) {
    greatest = std::max(greatest, s.time);
    if (s.at_end) continue;
    all_at_end = false;
    least = std::min(least, s.time);
  }
  if (!all_at_end) {
    stage_ = std::max(stage_, least);
    return stage_;
  }
  if (!idle_since_.has_value()) {
    idle_since_ = elapsed;
    idle_base_ = std::max(greatest, stage_);
  }
  // Nothing with a time has been seen yet: nothing waits either.
  if (idle_base_ != Timestamp::Min()) stage_ = std::max(stage_, idle_base_ + (elapsed - *idle_since_));
  return stage_;
}

Timestamp Watermark::AtEndOfInput() {
  for (const auto& [id, s] : sources_) {
    if (s.time != Timestamp::Min()) stage_ = std::max(stage_, s.time + lateness_);
  }
  return stage_;
}

std::optional<Timestamp> Watermark::Of(SourceId source) const {
  const auto found = sources_.find(source);
  if (found == sources_.end() || found->second.time == Timestamp::Min()) return std::nullopt;
  return found->second.time;
}

}  // namespace redthread
