// The slow twin of the detector: decides whether one rule matches one event, by definition alone.
//
// It is kept for ever, as RE2 keeps its backtracker: every shortcut of the detector (prefilter, shared tests,
// folded literals) has to agree with it on every event. It reads what the rule says (modifiers, values as
// written, searches, condition, filters), never what the loader lowered that to, and looks at the event as
// JSON. Clarity is all it is built for.
#pragma once

#include <unordered_map>

#include "core/log_source.h"
#include "tests/oracle/slow_value.h"

namespace redthread {

class SlowEvaluator {
 public:
  // Invalid when a value and its modifiers do not go together. The rule outlives the evaluator.
  static Result<SlowEvaluator> Compile(const Rule& rule, const SiteVariables& variables);

  // `flat`: the event as a JSON object, its shape taken off. `renames`: rule field -> event field, for the
  // log source through which the rule came to the event.
  bool Matches(const SlowJson& flat, const FieldRenames& renames) const;

  const Rule& rule() const { return *rule_; }
  // An item of the rule or of its filters, its modifiers applied.
  const SlowItem& item(const DetectionItem& item) const { return items_.at(&item); }

 private:
  explicit SlowEvaluator(const Rule& rule) : rule_(&rule) {}
  Status CompileLogic(const RuleLogic& logic, const SiteVariables& variables);
  Status CompileSearch(const SearchNode& node, const SiteVariables& variables);

  const Rule* rule_;
  std::unordered_map<const DetectionItem*, SlowItem> items_;
};

// All values at a field, in the event's order: the exact key first; else at each object on the way the whole
// remaining path as a key, else the part before its first dot. Arrays on the way fan out; one at the end is
// one value.
std::vector<SlowJson> SlowLookup(const SlowJson& flat, const std::string& field);

}  // namespace redthread
