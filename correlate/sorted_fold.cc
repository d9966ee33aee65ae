#include "correlate/sorted_fold.h"

namespace redthread {

SortedFold::SortedFold(const RuleSet* rules, Nanoseconds window, Emit emit)
    : rules_(rules), window_(window), emit_(std::move(emit)) {}

Status SortedFold::Add(std::string_view fold_key, const FoldMatch& match) {
  const Rule& rule = rules_->rules[match.rule];
  if (open_.has_value() && key_ == fold_key && SameEpisode(open_->last, match.time, window_)) {
    FoldInto(rule, match, &*open_);
    return Status::Ok();
  }
  RT_RETURN_IF_ERROR(Finish());
  key_ = fold_key;
  open_ = BeginAlert(rule, match);
  return Status::Ok();
}

Status SortedFold::Finish() {
  if (!open_.has_value()) return Status::Ok();
  open_->state = AlertState::kFinal;
  open_->explain = ExplainFold(*open_);
  const Status status = emit_(*open_);
  open_.reset();
  return status;
}

}  // namespace redthread
