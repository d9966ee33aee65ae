#include "correlate/explain.h"

#include <algorithm>

namespace redthread {

namespace {

class Explainer {
 public:
  Explainer(const Event& event, const FieldMap& renames) : event_(event), renames_(renames) {}

  // Appends the fields that made the node hold.
  bool Holds(const SearchNode& node, std::vector<std::string>* fields) {
    if (node.kind == SearchNode::Kind::kItem) {
      const bool holds = Holds(node.item);
      if (holds) fields->push_back(node.item.keywords() ? "keywords" : node.item.field);
      return holds;
    }
    const bool all = node.kind == SearchNode::Kind::kAnd;
    const size_t before = fields->size();
    size_t held = 0;
    for (const SearchNode& child : node.children) held += Holds(child, fields) ? 1 : 0;
    const bool holds = all ? held == node.children.size() : held > 0;
    if (!holds) fields->resize(before);  // what failed as a whole made nothing hold
    return holds;
  }

 private:
  bool Holds(const DetectionItem& item) {
    const FieldId field = item.keywords() ? kAnyField : event_.field_table().Find(item.field);
    const auto one = [&](const MatchValue& v) { return Holds(field, v, item.cased); };
    const bool holds = item.all ? std::all_of(item.values.begin(), item.values.end(), one)
                                : std::any_of(item.values.begin(), item.values.end(), one);
    return holds != item.negated;
  }

  bool Holds(FieldId field, const MatchValue& value, bool cased) {
    if (const auto* alternatives = std::get_if<MatchAlternatives>(&value.v)) {
      return std::any_of(alternatives->values.begin(), alternatives->values.end(),
                         [&](const MatchValue& v) { return Holds(field, v, cased); });
    }
    const auto* ref = std::get_if<MatchFieldRef>(&value.v);
    const FieldId other = ref == nullptr ? kNoField : event_.field_table().Find(ref->field);
    PredicateTable table;
    return table.Test(table.Add(field, value, cased, other), event_, renames_);
  }

  const Event& event_;
  const FieldMap& renames_;
};

}  // namespace

std::vector<MatchedSelection> ExplainMatch(const RuleLogic& logic, const Event& event,
                                           const FieldMap& renames) {
  Explainer explainer(event, renames);
  std::vector<MatchedSelection> matched;
  for (const Search& search : logic.searches) {
    MatchedSelection selection{search.name, {}};
    if (!explainer.Holds(search.root, &selection.fields)) continue;
    std::sort(selection.fields.begin(), selection.fields.end());
    selection.fields.erase(std::unique(selection.fields.begin(), selection.fields.end()),
                           selection.fields.end());
    matched.push_back(std::move(selection));
  }
  return matched;
}

}  // namespace redthread
