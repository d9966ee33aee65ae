// CorrelationPlan: who correlates what: for each detection rule and each correlation, which correlations its
// matches feed, and which fields they have to bring along. Made once for a rule set.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/field_table.h"
#include "rules/rule_set.h"

namespace redthread {

// Immutable and thread-safe after construction.
class CorrelationPlan {
 public:
  struct Feed {
    CorrelationIndex correlation = 0;
    uint32_t reference = 0;  // index into its `rules`
  };
  struct Node {
    // Fields of the events behind a match that are not asked here but further up: by correlations over this
    // one's hits.
    std::vector<std::string> carried;
    std::vector<Feed> upper;  // what its hits feed
    // The numbers of what is read from an event: by reference and entry of group_by (kNoField: an alias that
    // says nothing), by entry of `fields`, by entry of `carried`.
    std::vector<std::vector<FieldId>> group_ids;
    std::vector<FieldId> value_ids, carried_ids;
    // The detection rules that it stands on, directly or through others, in the order of its references.
    std::vector<RuleIndex> leaf_rules;
    // How far behind the watermark its matches can still come in order: lower correlations answer so late.
    Nanoseconds input_delay{0};
  };

  // Numbers in `fields`, which is not in use yet, every field that is read.
  CorrelationPlan(std::shared_ptr<const RuleSet> rules, FieldTable* fields);

  const RuleSet& rules() const { return *rules_; }
  const Correlation& correlation(CorrelationIndex i) const { return rules_->correlations[i]; }
  const Node& node(CorrelationIndex i) const { return nodes_[i]; }
  // What the matches of a detection rule feed.
  const std::vector<Feed>& feeds(RuleIndex rule) const { return feeds_[rule]; }
  // One more than the height of the highest correlation; 0: there is none.
  uint32_t levels() const { return levels_; }

 private:
  void CarryUpwards();
  void LookDownwards();

  std::shared_ptr<const RuleSet> rules_;
  std::vector<Node> nodes_;               // by CorrelationIndex
  std::vector<std::vector<Feed>> feeds_;  // by RuleIndex
  uint32_t levels_ = 0;
};

}  // namespace redthread
