#include "tests/oracle/slow_evaluator.h"

#include "tests/oracle/slow_scalar.h"

namespace redthread {
namespace {

// ---- the event ----

void Walk(const SlowJson& node, const std::string& path, std::vector<SlowJson>* out) {
  if (node.is_array()) {
    for (const SlowJson& element : node) Walk(element, path, out);
  }
  if (!node.is_object()) return;
  if (node.contains(path)) {
    out->push_back(node.at(path));
    return;
  }
  const size_t dot = path.find('.');
  if (dot != std::string::npos && node.contains(path.substr(0, dot))) {
    Walk(node.at(path.substr(0, dot)), path.substr(dot + 1), out);
  }
}

void AddLeaves(const SlowJson& value, std::vector<SlowJson>* out) {
  if (!value.is_array()) {
    out->push_back(value);
    return;
  }
  for (const SlowJson& element : value) AddLeaves(element, out);
}

// Every scalar or object at the field.
std::vector<SlowJson> Leaves(const SlowJson& flat, const std::string& field) {
  std::vector<SlowJson> out;
  for (const SlowJson& value : SlowLookup(flat, field)) AddLeaves(value, &out);
  return out;
}

// The texts of all scalars anywhere in the event.
void AddTexts(const SlowJson& value, std::vector<SlowJson>* out) {
  if (value.is_structured()) {
    for (const SlowJson& child : value) AddTexts(child, out);
  } else if (const std::optional<std::string> text = ScalarText(value)) {
    out->push_back(*text);
  }
}

// ---- one item ----

std::string Renamed(const std::string& field, const FieldRenames& renames) {
  for (const auto& [from, to] : renames) {
    if (from == field) return to;
  }
  return field;
}

bool TextsAgree(const SlowFieldRef& ref, std::u32string a, std::u32string b, bool cased) {
  if (!cased) {
    a = SlowFold(a);
    b = SlowFold(b);
  }
  if (ref.open_left && ref.open_right) return a.find(b) != std::u32string::npos;
  if (b.size() > a.size()) return false;
  if (ref.open_left) return a.substr(a.size() - b.size()) == b;
  if (ref.open_right) return a.substr(0, b.size()) == b;
  return a == b;
}

bool FieldsAgree(const SlowFieldRef& ref, const std::vector<SlowJson>& own,
                 const std::vector<SlowJson>& other, bool cased) {
  for (const SlowJson& a : own) {
    for (const SlowJson& b : other) {
      const std::optional<std::string> text_a = ScalarText(a), text_b = ScalarText(b);
      if (text_a && text_b && TextsAgree(ref, Utf8ToCodePoints(*text_a), Utf8ToCodePoints(*text_b), cased)) {
        return true;
      }
    }
  }
  return false;
}

bool AnyMatches(const SlowValue& value, const std::vector<SlowScalar>& scalars, bool cased) {
  for (const SlowScalar& scalar : scalars) {
    if (ScalarMatches(value, scalar, cased)) return true;
  }
  return false;
}

// What an item looks at: of a field its leaves, for keywords the texts of the whole event.
struct Looked {
  std::vector<SlowJson> leaves;
  std::vector<SlowScalar> scalars;
};

Looked LookAt(const std::string& field, const SlowJson& flat) {
  Looked looked;
  if (field.empty()) {
    AddTexts(flat, &looked.leaves);
  } else {
    looked.leaves = Leaves(flat, field);
  }
  for (const SlowJson& leaf : looked.leaves) looked.scalars.emplace_back(leaf);
  return looked;
}

bool ValueMatches(const SlowValue& value, const std::string& field, const Looked& looked, bool cased,
                  const SlowJson& flat, const FieldRenames& renames) {
  if (std::holds_alternative<SlowNull>(value.v)) {
    for (const SlowJson& leaf : looked.leaves) {
      if (!leaf.is_null()) return false;
    }
    return true;
  }
  if (const auto* exists = std::get_if<SlowExists>(&value.v)) {
    return SlowLookup(flat, field).empty() != exists->wanted;
  }
  if (const auto* ref = std::get_if<SlowFieldRef>(&value.v)) {
    return FieldsAgree(*ref, looked.leaves, Leaves(flat, Renamed(ref->field, renames)), cased);
  }
  return AnyMatches(value, looked.scalars, cased);
}

bool ItemMatches(const std::string& rule_field, const SlowItem& item, const SlowJson& flat,
                 const FieldRenames& renames) {
  const std::string field = Renamed(rule_field, renames);
  const Looked looked = LookAt(field, flat);
  size_t matching = 0;
  for (const SlowValue& value : item.values) {
    const bool matches = rule_field.empty() ? AnyMatches(value, looked.scalars, item.cased)
                                            : ValueMatches(value, field, looked, item.cased, flat, renames);
    if (matches) ++matching;
  }
  const bool result = item.all ? matching == item.values.size() : matching > 0;
  return result != item.negated;
}

// ---- searches and conditions ----

using Items = std::unordered_map<const DetectionItem*, SlowItem>;

bool SearchMatches(const SearchNode& node, const Items& items, const SlowJson& flat,
                   const FieldRenames& renames) {
  if (node.kind == SearchNode::Kind::kItem) {
    return ItemMatches(node.item.field, items.at(&node.item), flat, renames);
  }
  size_t matching = 0;
  for (const SearchNode& child : node.children)
    matching += SearchMatches(child, items, flat, renames) ? 1 : 0;
  return node.kind == SearchNode::Kind::kAnd ? matching == node.children.size() : matching > 0;
}

bool ConditionHolds(const ConditionNode& node, const std::vector<bool>& searches) {
  if (node.kind == ConditionNode::Kind::kSearch) return searches[node.search];
  if (node.kind == ConditionNode::Kind::kNot) return !ConditionHolds(node.children[0], searches);
  size_t holding = 0;
  for (const ConditionNode& child : node.children) holding += ConditionHolds(child, searches) ? 1 : 0;
  return node.kind == ConditionNode::Kind::kAnd ? holding == node.children.size() : holding > 0;
}

bool LogicMatches(const RuleLogic& logic, const Items& items, const SlowJson& flat,
                  const FieldRenames& renames) {
  std::vector<bool> searches;
  for (const Search& search : logic.searches) {
    searches.push_back(SearchMatches(search.root, items, flat, renames));
  }
  return ConditionHolds(logic.condition, searches);
}

}  // namespace

std::vector<SlowJson> SlowLookup(const SlowJson& flat, const std::string& field) {
  if (flat.contains(field)) return {flat.at(field)};
  std::vector<SlowJson> out;
  if (field.find('.') != std::string::npos) Walk(flat, field, &out);
  return out;
}

Result<SlowEvaluator> SlowEvaluator::Compile(const Rule& rule, const SiteVariables& variables) {
  SlowEvaluator evaluator(rule);
  Status status = evaluator.CompileLogic(rule.logic, variables);
  for (const RuleFilter& filter : rule.filters) {
    if (status.ok()) status = evaluator.CompileLogic(*filter.logic, variables);
  }
  if (!status.ok()) return status;
  return evaluator;
}

Status SlowEvaluator::CompileLogic(const RuleLogic& logic, const SiteVariables& variables) {
  for (const Search& search : logic.searches) RT_RETURN_IF_ERROR(CompileSearch(search.root, variables));
  return Status::Ok();
}

Status SlowEvaluator::CompileSearch(const SearchNode& node, const SiteVariables& variables) {
  for (const SearchNode& child : node.children) RT_RETURN_IF_ERROR(CompileSearch(child, variables));
  if (node.kind != SearchNode::Kind::kItem) return Status::Ok();
  Result<SlowItem> item = ApplyModifiers(node.item, variables);
  if (!item.ok()) return Status::Invalid(rule_->id + ": " + node.item.field + ": " + item.status().message());
  items_.emplace(&node.item, std::move(item).value());
  return Status::Ok();
}

bool SlowEvaluator::Matches(const SlowJson& flat, const FieldRenames& renames) const {
  if (!LogicMatches(rule_->logic, items_, flat, renames)) return false;
  for (const RuleFilter& filter : rule_->filters) {
    if (!LogicMatches(*filter.logic, items_, flat, renames)) return false;
  }
  return true;
}

}  // namespace redthread
