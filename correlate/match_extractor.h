// MatchExtractor: a detection rule matched an event -> the correlation matches that come of it.
#pragma once

#include <functional>
#include <memory>

#include "core/event.h"
#include "correlate/correlation_match.h"
#include "correlate/correlation_plan.h"

namespace redthread {

// One per thread.
class MatchExtractor {
 public:
  explicit MatchExtractor(std::shared_ptr<const CorrelationPlan> plan) : plan_(std::move(plan)) {}

  // Calls emit for every correlation that the rule feeds, with the group's values in the order of group_by.
  // The event has a time; `raw_hash` is that of its record. What emit is given is valid during the call.
  using Emit = std::function<void(CorrelationIndex, const Texts& group, const CorrelationMatch&)>;
  void Extract(const Event& event, const Hash128& raw_hash, RuleIndex rule, const Emit& emit);

  // Matches that take no part because the event lacks a field of the group.
  uint64_t without_group() const { return without_group_; }

 private:
  // The group of a match: a field of several values is one composite value. False when one is missing.
  bool ReadGroup(const Event& event, const std::vector<FieldId>& fields);

  std::shared_ptr<const CorrelationPlan> plan_;
  Texts group_;
  CorrelationMatch match_;
  uint64_t without_group_ = 0;
};

// The distinct texts of a field, in the event's order; replaces *out.
void ReadTexts(const Event& event, FieldId field, Texts* out);

// The text of a JSON array of strings, as a group shows a field of several values: ["x", "y"].
std::string CompositeText(const Texts& texts);

}  // namespace redthread
