// EvidenceList: the first Alert::kMaxEvidence of any number of events, in the order of evidence: (time, rule
// id, raw hash), and what else tells two apart.
#pragma once

#include <vector>

#include "correlate/correlation_match.h"
#include "rules/rule_set.h"

namespace redthread {

class EvidenceList {
 public:
  // `rules` outlives the list.
  explicit EvidenceList(const RuleSet* rules) : rules_(rules) {}
  // Keeps it if it is among the first; the same event a second time is no second evidence.
  void Add(const MatchEvidence& evidence);
  void Clear() { items_.clear(); }
  const std::vector<MatchEvidence>& items() const { return items_; }

 private:
  bool Before(const MatchEvidence& a, const MatchEvidence& b) const;

  const RuleSet* rules_;
  std::vector<MatchEvidence> items_;
};

}  // namespace redthread
