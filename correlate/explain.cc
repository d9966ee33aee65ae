#include "correlate/explain.h"

#include <algorithm>

namespace redthread {

namespace {

// Walks a search; *next is the number of the next item.
bool Holds(const SearchNode& node, const std::function<bool(size_t)>& holds, size_t* next,
           std::vector<std::string>* fields) {
  if (node.kind == SearchNode::Kind::kItem) {
    if (!holds((*next)++)) return false;
    fields->push_back(node.item.keywords() ? "keywords" : node.item.field);
    return true;
  }
  const size_t before = fields->size();
  size_t held = 0;
  for (const SearchNode& child : node.children) held += Holds(child, holds, next, fields) ? 1 : 0;
  const bool all = node.kind == SearchNode::Kind::kAnd;
  const bool whole = all ? held == node.children.size() : held > 0;
  if (!whole) fields->resize(before);  // what failed as a whole made nothing hold
  return whole;
}

}  // namespace

std::vector<MatchedSelection> ExplainMatch(const RuleLogic& logic, const std::function<bool(size_t)>& holds) {
  std::vector<MatchedSelection> matched;
  size_t next = 0;
  for (const Search& search : logic.searches) {
    MatchedSelection selection{search.name, {}};
    if (!Holds(search.root, holds, &next, &selection.fields)) continue;
    std::sort(selection.fields.begin(), selection.fields.end());
    selection.fields.erase(std::unique(selection.fields.begin(), selection.fields.end()),
                           selection.fields.end());
    matched.push_back(std::move(selection));
  }
  return matched;
}

}  // namespace redthread
