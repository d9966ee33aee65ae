#include "correlate/coverage.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "core/text.h"

namespace redthread {
namespace {

using Reason = RuleCoverage::Reason;
using State = FieldCensus::State;

enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

// Whether an expression can hold with the fields at hand. When it cannot: the fewest fields whose lack is
// enough for that.
struct Verdict {
  Truth truth = Truth::kUnknown;
  std::set<std::string> lacking;  // of kFalse
};

Verdict Not(Verdict v) {
  if (v.truth == Truth::kUnknown) return v;
  return {v.truth == Truth::kTrue ? Truth::kFalse : Truth::kTrue, {}};
}

Verdict And(const std::vector<Verdict>& all) {
  Verdict result{Truth::kTrue, {}};
  const Verdict* least = nullptr;
  for (const Verdict& v : all) {
    if (v.truth == Truth::kUnknown) result.truth = Truth::kUnknown;
    if (v.truth != Truth::kFalse) continue;
    const bool fewer = least == nullptr || least->lacking.empty() ||
                       (!v.lacking.empty() && v.lacking.size() < least->lacking.size());
    if (fewer) least = &v;
  }
  return least != nullptr ? *least : result;
}

Verdict Or(const std::vector<Verdict>& any) {
  Verdict result{Truth::kFalse, {}};
  for (const Verdict& v : any) {
    if (v.truth == Truth::kTrue) return v;
    if (v.truth == Truth::kUnknown) result.truth = Truth::kUnknown;
    result.lacking.insert(v.lacking.begin(), v.lacking.end());
  }
  if (result.truth != Truth::kFalse) result.lacking.clear();
  return result;
}

// Rules on one kind of event.
class KindJudge {
 public:
  KindJudge(const RuleProgram& program, const FieldCensus::Kind& kind, const FieldMap& renames)
      : fields_(program.fields()), kind_(kind), renames_(renames) {}

  Verdict Judge(const Rule& rule) const {
    std::vector<Verdict> all = {Judge(rule.logic)};
    for (const RuleFilter& filter : rule.filters) all.push_back(Judge(*filter.logic));
    return And(all);
  }

 private:
  Verdict Judge(const RuleLogic& logic) const {
    std::vector<Verdict> searches;
    for (const Search& search : logic.searches) searches.push_back(Judge(search.root));
    return Judge(logic.condition, searches);
  }

  static Verdict Judge(const ConditionNode& node, const std::vector<Verdict>& searches) {
    if (node.kind == ConditionNode::Kind::kSearch) return searches[node.search];
    std::vector<Verdict> children;
    for (const ConditionNode& child : node.children) children.push_back(Judge(child, searches));
    if (node.kind == ConditionNode::Kind::kNot) return Not(children[0]);
    return node.kind == ConditionNode::Kind::kAnd ? And(children) : Or(children);
  }

  Verdict Judge(const SearchNode& node) const {
    if (node.kind == SearchNode::Kind::kItem) return Judge(node.item);
    std::vector<Verdict> children;
    for (const SearchNode& child : node.children) children.push_back(Judge(child));
    return node.kind == SearchNode::Kind::kAnd ? And(children) : Or(children);
  }

  Verdict Judge(const DetectionItem& item) const {
    if (item.keywords()) return {};
    const auto [name, state] = StateOf(item.field);
    if (state == State::kSeen && !Has(item, Modifier::kFieldRef)) return {};
    std::vector<Verdict> values;
    for (const MatchValue& value : item.values) values.push_back(Judge(value, name, state));
    Verdict all = item.all ? And(values) : Or(values);
    return item.negated ? Not(std::move(all)) : all;
  }

  static bool Has(const DetectionItem& item, Modifier m) {
    return std::find(item.modifiers.begin(), item.modifiers.end(), m) != item.modifiers.end();
  }

  // A value on a field that never came, or came empty only.
  Verdict Judge(const MatchValue& value, const std::string& name, State state) const {
    if (const auto* any = std::get_if<MatchAlternatives>(&value.v)) {
      std::vector<Verdict> values;
      for (const MatchValue& v : any->values) values.push_back(Judge(v, name, state));
      return Or(values);
    }
    if (const auto* reference = std::get_if<MatchFieldRef>(&value.v)) {
      if (state == State::kNever) return {Truth::kFalse, {name}};
      const auto [other, other_state] = StateOf(reference->field);
      if (other_state == State::kNever) return {Truth::kFalse, {other}};
      return {};
    }
    if (state == State::kEmpty) return CanHoldOfEmpty(value) ? Verdict{} : Verdict{Truth::kFalse, {name}};
    const auto* exists = std::get_if<MatchExists>(&value.v);
    const bool holds = std::holds_alternative<MatchNull>(value.v) || (exists != nullptr && !exists->wanted);
    return holds ? Verdict{Truth::kTrue, {}} : Verdict{Truth::kFalse, {name}};
  }

  static bool CanHoldOfEmpty(const MatchValue& value) {
    if (const auto* pattern = std::get_if<MatchPattern>(&value.v)) return Matches(pattern->pattern, "");
    return std::holds_alternative<MatchNull>(value.v) || std::holds_alternative<MatchExists>(value.v) ||
           std::holds_alternative<MatchRegex>(value.v);
  }

  // What the event calls a rule's field, and how it was seen there.
  std::pair<std::string, State> StateOf(const std::string& field) const {
    const FieldId known = fields_.Find(field);
    if (known == kNoField) return {field, State::kNever};
    const FieldId id = Renamed(renames_, known);
    return {fields_.Name(id), kind_.fields[id]};
  }

  const FieldTable& fields_;
  const FieldCensus::Kind& kind_;
  const FieldMap& renames_;
};

bool IsAmong(const std::vector<std::string>& held, const std::string& wanted) {
  return wanted.empty() || std::find(held.begin(), held.end(), wanted) != held.end();
}

// Whether events of these facts are of the log source, as RuleProgram has it.
bool IsOf(const LogSourceFacts& facts, const LogSource& wanted) {
  if (wanted.empty() || !IsAmong(facts.products, wanted.product) || !IsAmong(facts.services, wanted.service))
    return false;
  return wanted.category.empty() ||
         std::any_of(facts.categories.begin(), facts.categories.end(),
                     [&](const auto& category) { return category.category == wanted.category; });
}

// The EventIDs that a rule names.
void AddEventIds(const SearchNode& node, std::set<std::string>* ids) {
  for (const SearchNode& child : node.children) AddEventIds(child, ids);
  if (node.kind != SearchNode::Kind::kItem || node.item.field != "EventID" || node.item.negated) return;
  for (const RawValue& value : node.item.raw_values) ids->insert(value.text);
}

class CoverageMaker {
 public:
  CoverageMaker(const FieldCensus& census, const FactsTable& facts)
      : census_(census), facts_(facts), set_(census.program().rules()) {}

  Coverage Make() {
    coverage_.rules.resize(set_.rules.size());
    for (RuleCoverage& rule : coverage_.rules) rule.reason = Reason::kLogSource;
    for (const auto& [key, kind] : census_.kinds()) JudgeKind(kind);
    for (RuleIndex i = 0; i < set_.rules.size(); ++i) {
      if (coverage_.rules[i].reason == Reason::kLogSource) LookForEvents(i);
    }
    JudgeCorrelations();
    return std::move(coverage_);
  }

 private:
  void JudgeKind(const FieldCensus::Kind& kind) {
    const RuleProgram& program = census_.program();
    for (const PartitionView& view : program.PartitionFor(kind.facts, kind.event_id_class).views) {
      const KindJudge judge(program, kind, view.renames);
      for (const RuleIndex i : view.rules) {
        RuleCoverage& rule = coverage_.rules[i];
        if (rule.can_fire()) continue;
        Verdict verdict = judge.Judge(set_.rules[i]);
        if (verdict.truth != Truth::kFalse) {
          rule = {};
        } else if (rule.reason != Reason::kFields || verdict.lacking.size() < rule.missing.size()) {
          rule = {Reason::kFields,
                  {verdict.lacking.begin(), verdict.lacking.end()},
                  kind.facts,
                  EventIdOf(set_.rules[i], kind)};
        }
      }
    }
  }

  // The EventID of such events, where the rule names it, or its log source stands for it.
  std::string EventIdOf(const Rule& rule, const FieldCensus::Kind& kind) const {
    std::set<std::string> ids;
    for (const Search& search : rule.logic.searches) AddEventIds(search.root, &ids);
    for (const std::string& id : ids) {
      if (census_.program().EventIdClass(id) == kind.event_id_class) return id;
    }
    return {};
  }

  void LookForEvents(RuleIndex i) {
    const Rule& rule = set_.rules[i];
    const auto came = [&](const auto& entry) {
      return IsOf(facts_.Get(entry.second.facts), rule.log_source);
    };
    if (std::none_of(census_.kinds().begin(), census_.kinds().end(), came)) return;
    std::set<std::string> ids;
    for (const Search& search : rule.logic.searches) AddEventIds(search.root, &ids);
    coverage_.rules[i].reason = Reason::kEvent;
    coverage_.rules[i].missing.assign(ids.begin(), ids.end());
  }

  // They stand in any order, so from the lowest level up.
  void JudgeCorrelations() {
    coverage_.correlations.resize(set_.correlations.size());
    for (uint32_t height = 0; height <= Correlation::kMaxHeight; ++height) {
      for (CorrelationIndex i = 0; i < set_.correlations.size(); ++i) {
        if (set_.correlations[i].height == height) JudgeCorrelation(i);
      }
    }
  }

  void JudgeCorrelation(CorrelationIndex i) {
    const Correlation& correlation = set_.correlations[i];
    std::set<std::string> cannot;
    bool any = false;
    for (const CorrelationReference& reference : correlation.rules) {
      const RuleCoverage& rule = reference.to_correlation ? coverage_.correlations[reference.index]
                                                          : coverage_.rules[reference.index];
      any = any || rule.can_fire();
      if (!rule.can_fire()) cannot.insert(reference.written);
    }
    const bool needs_all =
        (correlation.type == CorrelationType::kTemporal ||
         correlation.type == CorrelationType::kTemporalOrdered) &&
        !correlation.expression.has_value() &&
        std::all_of(correlation.bounds.begin(), correlation.bounds.end(), [&](const auto& b) {
          return b.op == BoundOp::kGte && b.value >= static_cast<double>(correlation.rules.size());
        });
    if (needs_all ? cannot.empty() : any) return;
    coverage_.correlations[i] = {Reason::kRules, {cannot.begin(), cannot.end()}, FactsTable::kNoFacts, {}};
  }

  const FieldCensus& census_;
  const FactsTable& facts_;
  const RuleSet& set_;
  Coverage coverage_;
};

}  // namespace

Coverage CoverageOf(const FieldCensus& census, const FactsTable& facts) {
  return CoverageMaker(census, facts).Make();
}

}  // namespace redthread
