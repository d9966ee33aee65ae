#include "correlate/correlation_plan.h"

#include <algorithm>

namespace redthread {
namespace {

bool Contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

CorrelationPlan::CorrelationPlan(std::shared_ptr<const RuleSet> rules, FieldTable* fields)
    : rules_(std::move(rules)), nodes_(rules_->correlations.size()), feeds_(rules_->rules.size()) {
  for (CorrelationIndex i = 0; i < nodes_.size(); ++i) {
    const Correlation& c = correlation(i);
    levels_ = std::max(levels_, c.height + 1);
    for (uint32_t r = 0; r < c.rules.size(); ++r) {
      std::vector<Feed>& feeds =
          c.rules[r].to_correlation ? nodes_[c.rules[r].index].upper : feeds_[c.rules[r].index];
      feeds.push_back({i, r});
    }
  }
  CarryUpwards();
  LookDownwards();
  for (CorrelationIndex i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    for (const CorrelationReference& reference : correlation(i).rules) {
      std::vector<FieldId>& ids = node.group_ids.emplace_back();
      for (const std::string& field : reference.group_fields) {
        ids.push_back(field.empty() ? kNoField : fields->Add(field));
      }
    }
    for (const std::string& field : correlation(i).fields) node.value_ids.push_back(fields->Add(field));
    for (const std::string& field : node.carried) node.carried_ids.push_back(fields->Add(field));
  }
}

// From the lowest up: what each stands on, and how late it hears of it.
void CorrelationPlan::LookDownwards() {
  for (uint32_t height = 0; height < levels_; ++height) {
    for (CorrelationIndex i = 0; i < nodes_.size(); ++i) {
      if (correlation(i).height != height) continue;
      Node& node = nodes_[i];
      for (const CorrelationReference& reference : correlation(i).rules) {
        if (!reference.to_correlation) {
          node.leaf_rules.push_back(reference.index);
          continue;
        }
        const Node& lower = nodes_[reference.index];
        const Correlation& c = correlation(reference.index);
        node.leaf_rules.insert(node.leaf_rules.end(), lower.leaf_rules.begin(), lower.leaf_rules.end());
        // Only a condition with `not` is answered later than the time that its hit bears.
        const Nanoseconds own = c.judgement() == Judgement::kWaiting ? c.timespan : Nanoseconds(0);
        const Nanoseconds delay = (Timestamp{lower.input_delay.count()} + own) - Timestamp{0};  // saturating
        node.input_delay = std::max(node.input_delay, delay);
      }
    }
  }
}

// From the highest down: what a correlation asks of a lower one's events, the lower one's matches carry.
void CorrelationPlan::CarryUpwards() {
  std::vector<CorrelationIndex> order(nodes_.size());
  for (CorrelationIndex i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [this](CorrelationIndex a, CorrelationIndex b) {
    return correlation(a).height > correlation(b).height;
  });
  for (const CorrelationIndex i : order) {
    const Correlation& c = correlation(i);
    for (const CorrelationReference& reference : c.rules) {
      if (!reference.to_correlation) continue;
      std::vector<std::string>& carried = nodes_[reference.index].carried;
      const auto carry = [&carried](const std::string& field) {
        if (!field.empty() && !Contains(carried, field)) carried.push_back(field);
      };
      // A hit's group answers for the fields it is grouped by.
      const std::vector<std::string>& known = correlation(reference.index).group_by;
      for (const std::string& field : c.fields) {
        if (!Contains(known, field)) carry(field);
      }
      for (const std::string& field : reference.group_fields) {
        if (!Contains(known, field)) carry(field);
      }
      for (const std::string& field : nodes_[i].carried) carry(field);
    }
  }
}

}  // namespace redthread
