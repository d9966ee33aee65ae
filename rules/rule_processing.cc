#include "rules/rule_processing.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "rules/processing_test.h"
#include "rules/processing_values.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

bool Has(const DetectionItem& item, Modifier m) {
  return std::find(item.modifiers.begin(), item.modifiers.end(), m) != item.modifiers.end();
}

// The names that a field gets; nothing when it keeps its own. "" is the name of keywords.
std::optional<std::vector<std::string>> TargetsOf(const MapFields& map, const std::string& field) {
  for (const auto& [from, to] : map.mapping) {
    if (!map.prefixes && from == field) return to;
    if (!map.prefixes || field.empty() || field.compare(0, from.size(), from) != 0) continue;
    std::vector<std::string> targets;
    for (const std::string& prefix : to) targets.push_back(prefix + field.substr(from.size()));
    return targets;
  }
  return std::nullopt;
}
std::optional<std::vector<std::string>> TargetsOf(const AffixFields& affix, const std::string& field) {
  if (field.empty()) return std::nullopt;
  return std::vector<std::string>{affix.prefix + field + affix.suffix};
}

template <typename T>
inline constexpr bool kMapsFields = std::is_same_v<T, MapFields> || std::is_same_v<T, AffixFields>;

void SetAttributeOf(const SetAttribute& set, std::vector<RuleAttribute>* attributes) {
  const auto named = [&set](const RuleAttribute& a) { return a.name == set.name; };
  attributes->erase(std::remove_if(attributes->begin(), attributes->end(), named), attributes->end());
  attributes->push_back({set.name, set.values, set.list});
}

// Runs items one after the other; what one does to the rule at hand, Derived::Do says.
template <typename Derived>
class Run {
 public:
  Run(const ProcessingPipelines& pipelines, ProblemList* problems)
      : pipelines_(pipelines), problems_(problems), problems_before_(problems->problems().size()) {}

  void RunAll() { RunItems(pipelines_.items); }
  std::string left_out() const { return left_out_; }

 protected:
  void RunItems(const std::vector<ProcessingItem>& items) {
    for (const ProcessingItem& item : items) {
      if (Ended()) return;
      if (!RuleTestHolds(item.rule_test, subject_)) continue;
      std::visit([&](const auto& t) { Dispatch(item, t); }, item.transformation);
      if (!item.id.empty()) subject_.applied.insert(item.id);
    }
  }

  bool Ended() const { return !left_out_.empty() || problems_->problems().size() > problems_before_; }

  void LeaveOutFor(const std::string& message) { left_out_ = message.empty() ? "no reason given" : message; }

  // The names that `field` gets where the tests hold; its own else.
  template <typename Transformation>
  std::vector<std::string> Mapped(const ProcessingItem& p, const Transformation& t, const std::string& field,
                                  const DetectionItem* item) {
    const auto targets = TargetsOf(t, field);
    if (!targets.has_value() || !FieldTestHolds(p.field_test, subject_, field, item)) return {field};
    if (*targets == std::vector<std::string>{field}) return {field};
    std::set<std::string> ids = std::move(subject_.field_applied[field]);
    if (!p.id.empty()) ids.insert(p.id);
    subject_.field_applied.erase(field);
    for (const std::string& target : *targets) subject_.field_applied[target] = ids;
    return *targets;
  }

  const ProcessingPipelines& pipelines_;
  ProblemList* problems_;
  ProcessingSubject subject_;

 private:
  template <typename T>
  void Dispatch(const ProcessingItem& item, const T& t) {
    if constexpr (std::is_same_v<T, Nest>) {
      RunItems(t.items);
    } else if constexpr (std::is_same_v<T, SetState>) {
      subject_.state[t.key] = t.value;
    } else if constexpr (std::is_same_v<T, SetAttribute>) {
      SetAttributeOf(t, &subject_.attributes);
    } else if constexpr (std::is_same_v<T, LeaveOut>) {
      t.of_item ? static_cast<Derived*>(this)->DoItemFailure(item, t) : LeaveOutFor(t.message);
    } else if constexpr (!std::is_same_v<T, NoEffect>) {
      static_cast<Derived*>(this)->Do(item, t);
    }
  }

  const size_t problems_before_;
  std::string left_out_;
};

// ---- detection rules ----

class RuleRun : public Run<RuleRun> {
 public:
  RuleRun(const ProcessingPipelines& pipelines, RuleInProcess* rule, ProblemList* problems)
      : Run(pipelines, problems), rule_(rule) {
    subject_.log_sources = {rule->log_source};
    subject_.logics = {rule->logic};
    subject_.logics.insert(subject_.logics.end(), rule->filters.begin(), rule->filters.end());
    subject_.attributes = std::move(rule->attributes);
  }

  void Finish() {
    if (Ended()) return;
    ForgetIds();
    if (!dropped_) return;
    for (RuleLogic* filter : rule_->filters) RemoveEmpty(filter);
    RemoveEmpty(rule_->logic);
    if (rule_->logic->searches.empty())
      LeaveOutFor("a processing pipeline drops all that the rule asks for, so it would match every event");
  }

  template <typename T>
  std::enable_if_t<kMapsFields<T>> Do(const ProcessingItem& p, const T& map) {
    ForEach(p, [&](SearchNode* node) { MapItem(p, map, node); });
  }

  void Do(const ProcessingItem& p, const DropItems&) {
    ForEach(p, [&](SearchNode* node) {
      *node = SearchNode();
      node->kind = SearchNode::Kind::kOr;
      dropped_ = true;
    });
  }

  void Do(const ProcessingItem&, const ChangeLogSource& change) { *rule_->log_source = change.log_source; }

  void Do(const ProcessingItem& p, const AddSearch& add) {
    RuleLogic* logic = rule_->logic;
    Search& search = logic->searches.emplace_back();
    search.name = UnusedName(add.name.empty() ? "_cond" : add.name);
    for (const DetectionItem& item : add.items) {
      SearchNode& node = search.root.children.emplace_back();
      node.item = item;
      if (add.is_template) FillTemplate(&node.item);
      Mark(p, &node.item);
    }
    if (search.root.children.size() == 1) {
      SearchNode only = std::move(search.root.children[0]);
      search.root = std::move(only);
    } else {
      search.root.kind = SearchNode::Kind::kAnd;
    }
    Require(static_cast<uint32_t>(logic->searches.size() - 1), add.negated);
    const std::string condition = (add.negated ? "not " : "") + search.name + " and (";
    for (std::string& written : *rule_->conditions) written = condition + written + ")";
  }

  void Do(const ProcessingItem& p, const ReplaceString& t) { ChangeValues(p, t); }
  void Do(const ProcessingItem& p, const MapString& t) { ChangeValues(p, t); }
  void Do(const ProcessingItem& p, const SetValue& t) { ChangeValues(p, t); }
  void Do(const ProcessingItem& p, const ConvertType& t) {
    ForEach(p, [&](SearchNode* node) {
      if (Apply(t, &node->item, problems_)) Mark(p, &node->item);
    });
  }

  void Do(const ProcessingItem& p, const FillPlaceholders& fill) {
    ForEach(p, [&](SearchNode* node) {
      if (Has(node->item, Modifier::kExpand)) Fill(p, fill, node);
    });
  }

  void Do(const ProcessingItem& p, const SplitHashes& split) {
    ForEach(p, [&](SearchNode* node) {
      std::optional<std::vector<DetectionItem>> items = SplitHashesOf(split, node->item);
      if (!items.has_value()) return;
      if (items->empty())
        return LeaveOutFor("hashes_fields knows none of the hashes in `" + node->item.field + "`");
      for (DetectionItem& item : *items) Mark(p, &item);
      Replace(std::move(*items), SearchNode::Kind::kOr, node);
    });
  }

  void Do(const ProcessingItem&, const RequireMapping&) {
    std::set<std::string> unmapped;
    const ProcessingItem any;
    ForEach(any, [&](SearchNode* node) {
      if (!node->item.keywords() && mapped_.count(node->item.field) == 0) unmapped.insert(node->item.field);
    });
    if (unmapped.empty()) return;
    std::string names;
    for (const std::string& name : unmapped) names += (names.empty() ? "`" : ", `") + name + "`";
    LeaveOutFor("the processing pipelines map no " + names);
  }

  void DoItemFailure(const ProcessingItem& p, const LeaveOut& fail) {
    ForEach(p, [&](SearchNode*) { LeaveOutFor(fail.message); });
  }

 private:
  // Calls visit(node) for each item of the rule and its filters for which the tests hold. What visit puts in
  // its place is not visited.
  template <typename Visit>
  void ForEach(const ProcessingItem& p, const Visit& visit) {
    const auto walk = [&](RuleLogic* logic) {
      for (Search& search : logic->searches) Walk(p, &search.root, visit);
    };
    walk(rule_->logic);
    for (RuleLogic* filter : rule_->filters) walk(filter);
  }
  template <typename Visit>
  void Walk(const ProcessingItem& p, SearchNode* node, const Visit& visit) {
    if (node->kind == SearchNode::Kind::kItem) {
      if (ItemTestsHold(p, subject_, node->item)) visit(node);
      return;
    }
    for (SearchNode& child : node->children) Walk(p, &child, visit);
  }

  template <typename T>
  void ChangeValues(const ProcessingItem& p, const T& t) {
    ForEach(p, [&](SearchNode* node) {
      if (Apply(t, &node->item)) Mark(p, &node->item);
    });
  }

  static void Mark(const ProcessingItem& p, DetectionItem* item) {
    if (!p.id.empty()) item->processed_by.push_back(p.id);
  }

  // Puts these items in the place of `node`.
  static void Replace(std::vector<DetectionItem> items, SearchNode::Kind kind, SearchNode* node) {
    if (items.size() == 1) {
      node->item = std::move(items[0]);
      return;
    }
    *node = SearchNode();
    node->kind = kind;
    for (DetectionItem& item : items) node->children.emplace_back().item = std::move(item);
  }

  template <typename T>
  void MapItem(const ProcessingItem& p, const T& map, SearchNode* node) {
    DetectionItem& item = node->item;
    bool changed = MapReferences(p, map, &item);
    std::vector<std::string> names = {item.field};
    const auto targets = TargetsOf(map, item.field);
    if (targets.has_value() && FieldTestHolds(p.field_test, subject_, item.field, &item)) {
      changed = true;
      mapped_.insert(item.field);
      mapped_.insert(targets->begin(), targets->end());
      names = *targets;
      if (item.keywords()) KeepOpen(&item);
    }
    if (!changed) return;
    Mark(p, &item);
    std::vector<DetectionItem> items(names.size(), item);
    for (size_t i = 0; i < names.size(); ++i) items[i].field = names[i];
    // None of the fields may have a value that the rule excludes.
    Replace(std::move(items), Has(item, Modifier::kNeq) ? SearchNode::Kind::kAnd : SearchNode::Kind::kOr,
            node);
  }

  // A keyword is searched for anywhere; so is the value of the field that it becomes.
  static void KeepOpen(DetectionItem* item) {
    constexpr Modifier kNoText[] = {Modifier::kContains, Modifier::kStartsWith, Modifier::kEndsWith,
                                    Modifier::kRe,       Modifier::kCidr,       Modifier::kLt,
                                    Modifier::kLte,      Modifier::kGt,         Modifier::kGte};
    for (const Modifier m : kNoText) {
      if (Has(*item, m)) return;
    }
    item->modifiers.push_back(Modifier::kContains);
  }

  template <typename T>
  bool MapReferences(const ProcessingItem& p, const T& map, DetectionItem* item) {
    const std::vector<std::string> referred = ReferredFields(*item);
    std::vector<RawValue> values;
    for (size_t i = 0; i < referred.size(); ++i) {
      const std::vector<std::string> names = Mapped(p, map, referred[i], item);
      if (names == std::vector<std::string>{referred[i]}) {
        values.push_back(item->raw_values[i]);
        continue;
      }
      for (const std::string& name : names) {
        RawValue& value = values.emplace_back();
        value.text = Pattern::Literal(name).ToSigma();
        value.where = item->raw_values[i].where;
      }
    }
    const bool changed = values.size() != referred.size() ||
                         !std::equal(values.begin(), values.end(), item->raw_values.begin(),
                                     [](const RawValue& a, const RawValue& b) { return a.text == b.text; });
    if (changed) item->raw_values = std::move(values);
    return changed;
  }

  void Fill(const ProcessingItem& p, const FillPlaceholders& fill, SearchNode* node) {
    DetectionItem& item = node->item;
    bool handled = false, left = false;
    for (const RawValue& value : item.raw_values) {
      for (const std::string& name : PlaceholdersOf(value.text)) (fill.Handles(name) ? handled : left) = true;
    }
    if (!handled) return;
    Mark(p, &item);
    DetectionItem filled = item;
    filled.raw_values.clear();
    if (!left) {
      filled.modifiers.erase(std::remove(filled.modifiers.begin(), filled.modifiers.end(), Modifier::kExpand),
                             filled.modifiers.end());
    }
    // Under `all`, one of the values that a placeholder stands for is enough.
    std::vector<DetectionItem> items;
    for (const RawValue& value : item.raw_values) {
      std::vector<RawValue> values = FillValue(fill, pipelines_.variables, value, problems_);
      if (items.empty() || Has(item, Modifier::kAll)) items.push_back(filled);
      std::move(values.begin(), values.end(), std::back_inserter(items.back().raw_values));
    }
    if (items.size() > 1 || Has(item, Modifier::kAll)) {
      for (DetectionItem& one : items)
        one.modifiers.erase(std::remove(one.modifiers.begin(), one.modifiers.end(), Modifier::kAll),
                            one.modifiers.end());
    }
    Replace(std::move(items), SearchNode::Kind::kAnd, node);
  }

  // Source: Python's string.Template, safe_substitute. A part of the log source that the rule lacks stays as
  // it is written, which no event is.
  void FillTemplate(DetectionItem* item) {
    const LogSource& source = *rule_->log_source;
    const std::pair<std::string, const std::string*> kNames[] = {
        {"category", &source.category}, {"product", &source.product}, {"service", &source.service}};
    for (RawValue& value : item->raw_values) {
      if (value.kind != RawValue::Kind::kString) continue;
      std::string filled;
      for (size_t i = 0; i < value.text.size();) {
        size_t used = 0;
        for (const auto& [name, text] : kNames) {
          for (const std::string& form : {"${" + name + "}", "$" + name}) {
            if (used > 0 || text->empty() || value.text.compare(i, form.size(), form) != 0) continue;
            used = form.size();
            filled += Pattern::Literal(*text).ToSigma();
          }
        }
        if (used == 0 && value.text.compare(i, 2, "$$") == 0) used = 1;
        if (used <= 1) filled += value.text[i];
        i += used <= 1 ? used + 1 : used;
      }
      if (filled != value.text) value.text_column = 0;
      value.text = std::move(filled);
    }
  }

  std::string UnusedName(const std::string& wanted) const {
    const auto used = [this](const std::string& name) {
      return std::any_of(rule_->logic->searches.begin(), rule_->logic->searches.end(),
                         [&name](const Search& s) { return s.name == name; });
    };
    std::string name = wanted;
    for (int n = 2; used(name); ++n) name = wanted + "_" + std::to_string(n);
    return name;
  }

  // The rule's condition, and the search.
  void Require(uint32_t search, bool negated) {
    ConditionNode leaf;
    leaf.search = search;
    if (negated) {
      ConditionNode node;
      node.kind = ConditionNode::Kind::kNot;
      node.children.push_back(std::move(leaf));
      leaf = std::move(node);
    }
    ConditionNode both;
    both.kind = ConditionNode::Kind::kAnd;
    both.children.push_back(std::move(leaf));
    both.children.push_back(std::move(rule_->logic->condition));
    rule_->logic->condition = std::move(both);
  }

  // ---- afterwards ----

  void ForgetIds() {
    const auto forget = [](auto& self, SearchNode* node) -> void {
      node->item.processed_by = {};
      for (SearchNode& child : node->children) self(self, &child);
    };
    for (Search& search : rule_->logic->searches) forget(forget, &search.root);
    for (RuleLogic* filter : rule_->filters) {
      for (Search& search : filter->searches) forget(forget, &search.root);
    }
  }

  // False when nothing is left of it.
  static bool RemoveEmpty(SearchNode* node) {
    if (node->kind == SearchNode::Kind::kItem) return true;
    std::vector<SearchNode> left;
    for (SearchNode& child : node->children) {
      if (RemoveEmpty(&child)) left.push_back(std::move(child));
    }
    if (left.size() == 1) {
      SearchNode only = std::move(left[0]);
      *node = std::move(only);
      return true;
    }
    node->children = std::move(left);
    return !node->children.empty();
  }

  // The same of a condition; `place`: where searches are now, or nowhere.
  static bool RemoveEmpty(const std::vector<std::optional<uint32_t>>& place, ConditionNode* node) {
    if (node->kind == ConditionNode::Kind::kSearch) {
      const std::optional<uint32_t> now = place[node->search];
      node->search = now.value_or(0);
      return now.has_value();
    }
    std::vector<ConditionNode> left;
    for (ConditionNode& child : node->children) {
      if (RemoveEmpty(place, &child)) left.push_back(std::move(child));
    }
    if (left.size() == 1 && node->kind != ConditionNode::Kind::kNot) {
      ConditionNode only = std::move(left[0]);
      *node = std::move(only);
      return true;
    }
    node->children = std::move(left);
    return !node->children.empty();
  }

  // Source: pySigma 1.5.1, conditions.py: what is dropped leaves and, or and not, which vanish when they are
  // empty themselves.
  static void RemoveEmpty(RuleLogic* logic) {
    std::vector<Search> left;
    std::vector<std::optional<uint32_t>> place;
    for (Search& search : logic->searches) {
      const bool stays = RemoveEmpty(&search.root);
      place.push_back(stays ? std::optional<uint32_t>(left.size()) : std::nullopt);
      if (stays) left.push_back(std::move(search));
    }
    logic->searches = std::move(left);
    if (!RemoveEmpty(place, &logic->condition)) logic->searches.clear();
  }

  RuleInProcess* rule_;
  std::set<std::string> mapped_;  // names of fields that were mapped, before and after
  bool dropped_ = false;
};

// ---- correlations ----

class CorrelationRun : public Run<CorrelationRun> {
 public:
  CorrelationRun(const ProcessingPipelines& pipelines, CorrelationInProcess* correlation,
                 ProblemList* problems)
      : Run(pipelines, problems), parsed_(*correlation->parsed) {
    subject_.correlation = true;
    for (const LogSource& source : correlation->log_sources) subject_.log_sources.push_back(&source);
    subject_.attributes = std::move(correlation->attributes);
  }

  template <typename T>
  std::enable_if_t<kMapsFields<T>> Do(const ProcessingItem& p, const T& map) {
    for (WrittenAlias& alias : parsed_.aliases) {
      std::vector<std::string> names = Mapped(p, map, alias.field, nullptr);
      MustBeOne(names, alias.field, "an alias", alias.where);
      alias.field = std::move(names[0]);
    }
    std::vector<std::string> group_by;
    for (const std::string& field : parsed_.correlation.group_by) {
      const std::vector<std::string> names =
          IsAlias(field) ? std::vector<std::string>{field} : Mapped(p, map, field, nullptr);
      for (const std::string& name : names) {
        if (std::find(group_by.begin(), group_by.end(), name) == group_by.end()) group_by.push_back(name);
      }
    }
    parsed_.correlation.group_by = std::move(group_by);
    for (std::string& field : parsed_.correlation.fields) {
      std::vector<std::string> names = Mapped(p, map, field, nullptr);
      MustBeOne(names, field, "the field of a condition", parsed_.correlation.where);
      field = std::move(names[0]);
    }
  }
  // What is about detections leaves a correlation as it is.
  template <typename T>
  std::enable_if_t<!kMapsFields<T>> Do(const ProcessingItem&, const T&) {}
  void DoItemFailure(const ProcessingItem&, const LeaveOut&) {}

 private:
  bool IsAlias(const std::string& name) const {
    return std::any_of(parsed_.aliases.begin(), parsed_.aliases.end(),
                       [&name](const WrittenAlias& a) { return a.alias == name; });
  }

  void MustBeOne(const std::vector<std::string>& names, const std::string& field, const char* what,
                 const SourceLocation& where) {
    if (names.size() == 1) return;
    problems_->Add(where, "a processing pipeline maps `" + field + "` to several fields, and " + what +
                              " can be only one");
  }

  ParsedCorrelation& parsed_;
};

}  // namespace

std::vector<RuleAttribute> ReadRuleAttributes(const YamlNode& root) {
  std::vector<RuleAttribute> attributes;
  for (size_t i = 0; i < root.entries(); ++i) {
    const YamlNode& value = root.value(i);
    if (value.IsMap()) continue;
    RuleAttribute& attribute = attributes.emplace_back();
    attribute.name = root.key(i).text;
    attribute.list = value.IsSequence();
    if (value.IsScalar()) attribute.values = {ResolveScalar(value)};
    for (const YamlNode& child : value.children) {
      if (child.IsScalar()) attribute.values.push_back(ResolveScalar(child));
    }
  }
  return attributes;
}

std::string ProcessRule(const ProcessingPipelines& pipelines, RuleInProcess* rule, ProblemList* problems) {
  RuleRun run(pipelines, rule, problems);
  run.RunAll();
  run.Finish();
  return run.left_out();
}

std::string ProcessCorrelation(const ProcessingPipelines& pipelines, CorrelationInProcess* correlation,
                               ProblemList* problems) {
  CorrelationRun run(pipelines, correlation, problems);
  run.RunAll();
  return run.left_out();
}

}  // namespace redthread
