#include "correlate/evidence_list.h"

#include <algorithm>

namespace redthread {

bool EvidenceList::Before(const MatchEvidence& a, const MatchEvidence& b) const {
  if (a.time != b.time) return a.time < b.time;
  if (a.rule != b.rule) return rules_->rules[a.rule].id < rules_->rules[b.rule].id;
  if (a.raw_hash != b.raw_hash) return a.raw_hash < b.raw_hash;
  return a.position < b.position;
}

void EvidenceList::Add(const MatchEvidence& evidence) {
  if (items_.size() == Alert::kMaxEvidence && !Before(evidence, items_.back())) return;
  const auto place =
      std::lower_bound(items_.begin(), items_.end(), evidence,
                       [this](const MatchEvidence& a, const MatchEvidence& b) { return Before(a, b); });
  if (place != items_.end() && !Before(evidence, *place)) return;
  items_.insert(place, evidence);
  if (items_.size() > Alert::kMaxEvidence) items_.pop_back();
}

}  // namespace redthread
