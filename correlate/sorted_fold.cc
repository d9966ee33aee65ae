#include "correlate/sorted_fold.h"

namespace redthread {

SortedFold::SortedFold(const RuleSet* rules, Nanoseconds window, Emit emit)
    : rules_(rules), window_(window), emit_(std::move(emit)) {}

Status SortedFold::Add(const FoldMatch& match) {
  const Rule& rule = rules_->rules[match.rule];
  if (match.time != kNoTime && match.time >= next_sweep_) {
    // Everything is looked at once a window, so each match pays for a constant share of it.
    RT_RETURN_IF_ERROR(CloseBefore(match.time - window_));
    next_sweep_ = match.time + window_;
  }
  const std::string key = FoldKey(rule, match.group);
  const auto found = open_.find(key);
  if (found == open_.end()) {
    open_.emplace(key, BeginAlert(rule, match));
    return Status::Ok();
  }
  const bool same_episode =
      match.time == kNoTime || (found->second.last != kNoTime && match.time - window_ <= found->second.last);
  if (same_episode) {
    FoldInto(rule, match, &found->second);
    return Status::Ok();
  }
  Alert closed = std::exchange(found->second, BeginAlert(rule, match));
  return Close(&closed);
}

Status SortedFold::Close(Alert* alert) {
  alert->state = AlertState::kFinal;
  alert->explain = ExplainFold(*alert);
  return emit_(*alert);
}

Status SortedFold::CloseBefore(Timestamp time) {
  for (auto it = open_.begin(); it != open_.end();) {
    if (it->second.last < time) {
      RT_RETURN_IF_ERROR(Close(&it->second));
      it = open_.erase(it);
    } else {
      ++it;
    }
  }
  return Status::Ok();
}

Status SortedFold::Finish() {
  for (auto& [key, alert] : open_) RT_RETURN_IF_ERROR(Close(&alert));
  open_.clear();
  return Status::Ok();
}

}  // namespace redthread
