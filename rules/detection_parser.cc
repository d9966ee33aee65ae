#include "rules/detection_parser.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "rules/condition.h"
#include "rules/modifier.h"
#include "rules/nearest_name.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

bool Contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void MarkUsed(const ConditionNode& node, std::vector<bool>* used) {
  if (node.kind == ConditionNode::Kind::kSearch) (*used)[node.search] = true;
  for (const ConditionNode& child : node.children) MarkUsed(child, used);
}

}  // namespace

void DetectionParser::Parse(const YamlNode& map, const std::vector<std::string_view>& not_searches,
                            RuleLogic* logic, std::vector<std::string>* conditions) {
  if (map.entries() > kMaxSearches) {
    problems_->Add(map, "more than " + std::to_string(kMaxSearches) + " searches, split the rule");
    return;
  }
  logic->searches.reserve(map.entries());
  for (size_t i = 0; i < map.entries(); ++i) {
    const YamlNode& key = map.key(i);
    if (key.text == "condition" || Contains(not_searches, key.text)) continue;
    Search& search = logic->searches.emplace_back();
    search.name = key.text;
    ParseSearch(map.value(i), &search.root);
  }
  ParseConditions(map, logic, conditions);
}

void DetectionParser::ParseSearch(const YamlNode& node, SearchNode* out) {
  if (node.IsMap()) {
    ParseItemMap(node, out);
  } else if (node.IsSequence()) {
    ParseSearchList(node, out);
  } else {
    out->item.where = problems_->Place(node);
    AddValue(node, &out->item);
  }
}

void DetectionParser::ParseItemMap(const YamlNode& map, SearchNode* out) {
  if (map.entries() == 0) {
    problems_->Add(map, "an empty map would match every event, write `Field: value`");
    return;
  }
  if (map.entries() == 1) {
    ParseItem(map.key(0), map.value(0), &out->item);
    return;
  }
  out->kind = SearchNode::Kind::kAnd;
  out->children.resize(map.entries());
  for (size_t i = 0; i < map.entries(); ++i) ParseItem(map.key(i), map.value(i), &out->children[i].item);
}

void DetectionParser::ParseItem(const YamlNode& key, const YamlNode& value, DetectionItem* item) {
  item->where = problems_->Place(key);
  const size_t problems_before = problems_->problems().size();
  ParseKey(key, item);
  if (value.IsSequence()) {
    if (value.children.empty()) problems_->Add(value, "an empty list of values, write at least one");
    item->raw_values.reserve(value.children.size());
    for (const YamlNode& child : value.children) AddValue(child, item);
  } else {
    AddValue(value, item);
  }
  if (problems_->problems().size() > problems_before) item->raw_values.clear();
}

void DetectionParser::ParseSearchList(const YamlNode& list, SearchNode* out) {
  std::vector<SearchNode> children;
  SearchNode keywords;
  for (const YamlNode& child : list.children) {
    if (child.IsScalar()) {
      AddValue(child, &keywords.item);
    } else {
      ParseSearch(child, &children.emplace_back());
    }
  }
  if (!keywords.item.raw_values.empty()) {
    keywords.item.where = keywords.item.raw_values[0].where;
    children.push_back(std::move(keywords));
  }
  if (children.empty()) {
    problems_->Add(list, "an empty list matches nothing, write keywords or maps");
  } else if (children.size() == 1) {
    *out = std::move(children[0]);
  } else {
    out->kind = SearchNode::Kind::kOr;
    out->children = std::move(children);
  }
}

void DetectionParser::ParseKey(const YamlNode& key, DetectionItem* item) {
  const std::string_view text = key.text;
  size_t end = text.find('|');
  item->field = text.substr(0, end);
  while (end != std::string_view::npos) {
    const size_t start = end + 1;
    end = text.find('|', start);
    const std::string_view name = text.substr(start, end == std::string_view::npos ? end : end - start);
    if (const std::optional<Modifier> modifier = ParseModifier(name)) {
      item->modifiers.push_back(*modifier);
    } else {
      problems_->AddWithin(
          key, start,
          "`" + std::string(name) + "` is no modifier" +
              Suggestion(name, ModifierNames(), ", the known ones are " + JoinNames(ModifierNames())));
    }
  }
}

void DetectionParser::AddValue(const YamlNode& value, DetectionItem* item) {
  if (!value.IsScalar()) {
    problems_->Add(value, std::string("a value cannot be a ") + (value.IsMap() ? "map" : "list") +
                              ", write text, a number, a boolean or null");
    return;
  }
  RawValue& raw = item->raw_values.emplace_back(ResolveScalar(value));
  raw.where = problems_->Place(value);
}

void DetectionParser::ParseConditions(const YamlNode& detection, RuleLogic* logic,
                                      std::vector<std::string>* conditions) {
  const YamlNode* condition = detection.Find("condition");
  if (condition == nullptr || condition->IsNull()) {
    problems_->Add(condition != nullptr ? *condition : detection,
                   "no `condition`, add one like `condition: selection`");
    return;
  }
  std::vector<const YamlNode*> written;
  if (condition->IsSequence()) {
    for (const YamlNode& c : condition->children) written.push_back(&c);
    if (written.empty()) problems_->Add(*condition, "an empty list of conditions, write at least one");
  } else {
    written.push_back(condition);
  }
  std::vector<std::string_view> names;
  names.reserve(logic->searches.size());
  for (const Search& s : logic->searches) names.push_back(s.name);
  std::vector<ConditionNode> parsed;
  for (const YamlNode* c : written) {
    if (!ParseOneCondition(*c, names, &parsed.emplace_back())) parsed.pop_back();
    conditions->push_back(c->text);
  }
  if (parsed.empty() || parsed.size() < written.size()) return;
  if (parsed.size() == 1) {
    logic->condition = std::move(parsed[0]);
  } else {
    logic->condition.kind = ConditionNode::Kind::kOr;
    logic->condition.children = std::move(parsed);
  }
  WarnOfUnused(detection, *logic);
}

bool DetectionParser::ParseOneCondition(const YamlNode& node, const std::vector<std::string_view>& names,
                                        ConditionNode* condition) {
  if (!node.IsScalar() || node.IsNull()) {
    problems_->Add(node, "a condition must be text, like `selection and not filter`");
    return false;
  }
  ConditionError error;
  if (ParseCondition(node.text, names, condition, &error)) return true;
  problems_->AddWithin(node, error.offset, std::move(error.message));
  return false;
}

void DetectionParser::WarnOfUnused(const YamlNode& detection, const RuleLogic& logic) {
  std::vector<bool> used(logic.searches.size());
  MarkUsed(logic.condition, &used);
  size_t index = 0;
  for (size_t i = 0; i < detection.entries() && index < logic.searches.size(); ++i) {
    if (detection.key(i).text != logic.searches[index].name) continue;
    if (!used[index]) {
      warnings_->Add(detection.key(i),
                     "the condition does not use `" + detection.key(i).text + "`, so it has no effect");
    }
    ++index;
  }
}

}  // namespace redthread
