#include "correlate/rule_program.h"

#include <algorithm>
#include <charconv>

#include "correlate/regex_literals.h"

namespace redthread {

namespace {

// EventID classes. A value that cannot be told apart safely (missing, several, not a plain number) refutes
// nothing.
constexpr uint32_t kAnyEventId = 0;
constexpr uint32_t kUnnamedEventId = 1;  // a plain number that no rule names
constexpr uint32_t kFirstNamedEventId = 2;

// A plain decimal number without sign or leading zero: equal texts are equal numbers and the other way round.
std::optional<int64_t> PlainInteger(std::string_view text) {
  if (text.empty() || text.size() > 10 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// Fragments that stand in a great part of all events. A literal within one of them tells little.
constexpr std::string_view kCommonText =
    "c:\\windows\\system32\\svchost.exe\n\\windows\\syswow64\\\nc:\\program files "
    "(x86)\\\nc:\\programdata\\microsoft\\\n"
    "\\appdata\\local\\temp\\\n\\appdata\\roaming\\microsoft\\\nc:\\users\\\nnt "
    "authority\\system\n.exe\n.dll\n.sys\n.tmp\n"
    "microsoft-windows-\n\\windowspowershell\\v1.0\\powershell.exe\n\\explorer.exe\n\\lsass.exe\n\\services."
    "exe\n\\wmiprvse.exe\n"
    "hklm\\software\\microsoft\\windows\\currentversion\\\nhklm\\system\\currentcontrolset\\services\\\nhkcu"
    "\\software\\\n"
    "\\registry\\machine\\\nmicrosoft corporation\ntrue\nfalse\n0x0\n\\device\\\n-nop -noni -w hidden -enc "
    "\nhttps://www.\n"
    "\\classes\\\n\\policies\\\n\\control\\\n\\cmd.exe\n\\conhost.exe\n\\windows\\\n\\microsoft\\\n"
    "get\npost\nhead\n200\n404\nhttp/1.1\nmozilla/5.0 (\n";

double LiteralCost(std::string_view literal, LiteralIndex::Anchor anchor) {
  const size_t n = literal.size();
  double cost = n >= 8 ? 1 : n >= 6 ? 1.5 : n == 5 ? 3 : n == 4 ? 6 : 400;
  if (kCommonText.find(literal) != std::string_view::npos)
    cost *= anchor == LiteralIndex::Anchor::kAnywhere ? 200 : 60;
  return cost;
}

}  // namespace

// ---- from rules to expressions
// ---------------------------------------------------------------------------------------

RuleProgram::RuleProgram(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map, FieldTable* fields,
                         const FactsTable* facts, NeedFilter drop_need)
    : rules_(std::move(rules)),
      fields_(fields),
      facts_(facts),
      drop_need_(std::move(drop_need)),
      event_id_field_(fields->Add("EventID")) {
  for (const Rule& rule : rules_->rules) {
    first_item_.push_back(items_.size());
    std::vector<ExprIndex> all{CompileLogic(rule.logic)};
    const size_t end_of_items = items_.size();
    for (const RuleFilter& filter : rule.filters) all.push_back(CompileLogic(*filter.logic));
    items_.resize(end_of_items);
    roots_.push_back(Combine(ExprNode::Op::kAnd, std::move(all)));
  }
  predicates_.Seal();
  const auto add_renames = [&](const FieldRenames& renames) {
    for (const auto& [from, to] : renames) {
      fields_->Add(from);
      fields_->Add(to);
    }
  };
  for (const LogSourceMap::Category& c : map.categories) add_renames(c.renames);
  for (const LogSourceMap::Other& o : map.others) add_renames(o.renames);

  event_id_text_.resize(kFirstNamedEventId);
  for (PredicateId id = 0; id < predicates_.size(); ++id) {
    const Predicate& p = predicates_[id];
    if (p.field != event_id_field_) continue;
    std::string text;
    if (p.kind == Predicate::Kind::kNumber) {
      const Number& n = predicates_.NumberOf(p);
      text = n.integral ? std::to_string(n.integer) : JsonNumberText(std::to_string(n.real));  // 4688.0
    } else if (p.kind == Predicate::Kind::kEquals) {
      text = predicates_.Literal(p);
    }
    const std::optional<int64_t> value = PlainInteger(text);
    if (!value.has_value()) continue;
    if (event_id_class_.try_emplace(*value, static_cast<uint32_t>(event_id_text_.size())).second)
      event_id_text_.push_back(text);
  }
}

ExprIndex RuleProgram::Append(ExprNode node) {
  nodes_.push_back(node);
  return static_cast<ExprIndex>(nodes_.size() - 1);
}

// How long it takes to evaluate, roughly: 0 for comparisons, 1 with a wildcard pattern in it, 2 with a
// regular expression.
int RuleProgram::Effort(ExprIndex i) const {
  const ExprNode& n = nodes_[i];
  if (n.op == ExprNode::Op::kPredicate) {
    const Predicate& p = predicates_[n.first];
    if (p.kind == Predicate::Kind::kRegex) return 3;
    if (p.field == kAnyField) return 2;  // a walk over all values
    return p.kind == Predicate::Kind::kPattern ? 1 : 0;
  }
  int effort = 0;
  for (uint32_t c = 0; c < n.count; ++c) effort = std::max(effort, Effort(n.first + c));
  return effort;
}

ExprIndex RuleProgram::Combine(ExprNode::Op op, std::vector<ExprIndex> children) {
  if (children.size() == 1 && op != ExprNode::Op::kNot) return children[0];
  // Cheap ones first: they often decide before a regular expression is asked.
  std::stable_sort(children.begin(), children.end(),
                   [this](ExprIndex a, ExprIndex b) { return Effort(a) < Effort(b); });
  const auto first = static_cast<ExprIndex>(nodes_.size());
  for (const ExprIndex c : children) {
    const ExprNode copy = nodes_[c];  // push_back may move the pool
    nodes_.push_back(copy);
  }
  return Append({op, first, static_cast<uint32_t>(children.size())});
}

ExprIndex RuleProgram::CompileValue(FieldId field, const MatchValue& value, bool cased) {
  if (const auto* alternatives = std::get_if<MatchAlternatives>(&value.v)) {
    std::vector<ExprIndex> any;
    for (const MatchValue& v : alternatives->values) any.push_back(CompileValue(field, v, cased));
    return Combine(ExprNode::Op::kOr, std::move(any));
  }
  const auto* ref = std::get_if<MatchFieldRef>(&value.v);
  const FieldId other = ref == nullptr ? kNoField : fields_->Add(ref->field);
  return Append({ExprNode::Op::kPredicate, predicates_.Add(field, value, cased, other), 0});
}

ExprIndex RuleProgram::CompileItem(const DetectionItem& item) {
  const FieldId field = item.keywords() ? kAnyField : fields_->Add(item.field);
  std::vector<ExprIndex> values;
  for (const MatchValue& v : item.values) values.push_back(CompileValue(field, v, item.cased));
  const ExprIndex combined = Combine(item.all ? ExprNode::Op::kAnd : ExprNode::Op::kOr, std::move(values));
  items_.push_back(item.negated ? Combine(ExprNode::Op::kNot, {combined}) : combined);
  return items_.back();
}

ExprIndex RuleProgram::CompileSearch(const SearchNode& node) {
  if (node.kind == SearchNode::Kind::kItem) return CompileItem(node.item);
  std::vector<ExprIndex> children;
  for (const SearchNode& child : node.children) children.push_back(CompileSearch(child));
  return Combine(node.kind == SearchNode::Kind::kAnd ? ExprNode::Op::kAnd : ExprNode::Op::kOr,
                 std::move(children));
}

ExprIndex RuleProgram::CompileCondition(const ConditionNode& condition,
                                        const std::vector<ExprIndex>& searches) {
  if (condition.kind == ConditionNode::Kind::kSearch) return searches[condition.search];
  std::vector<ExprIndex> children;
  for (const ConditionNode& child : condition.children) children.push_back(CompileCondition(child, searches));
  switch (condition.kind) {
    case ConditionNode::Kind::kNot:
      return Combine(ExprNode::Op::kNot, std::move(children));
    case ConditionNode::Kind::kAnd:
      return Combine(ExprNode::Op::kAnd, std::move(children));
    default:
      return Combine(ExprNode::Op::kOr, std::move(children));
  }
}

ExprIndex RuleProgram::CompileLogic(const RuleLogic& logic) {
  std::vector<ExprIndex> searches;
  for (const Search& search : logic.searches) searches.push_back(CompileSearch(search.root));
  return CompileCondition(logic.condition, searches);
}

// ---- partitions
// ------------------------------------------------------------------------------------------------------

uint32_t RuleProgram::EventIdClass(std::optional<std::string_view> event_id) const {
  const std::optional<int64_t> value = event_id.has_value() ? PlainInteger(*event_id) : std::nullopt;
  if (!value.has_value()) return kAnyEventId;
  const auto named = event_id_class_.find(*value);
  return named == event_id_class_.end() ? kUnnamedEventId : named->second;
}

const Partition& RuleProgram::PartitionFor(FactsId facts, uint32_t event_id_class) const {
  const uint64_t key = uint64_t{facts} << 32 | event_id_class;
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Partition>& partition = partitions_[key];
  if (partition == nullptr) partition = MakePartition(facts, event_id_class);
  return *partition;
}

std::unique_ptr<Partition> RuleProgram::MakePartition(FactsId facts_id, uint32_t event_id_class) const {
  const LogSourceFacts& facts = facts_->Get(facts_id);
  const auto among = [](const std::vector<std::string>& held, const std::string& wanted) {
    return wanted.empty() || std::find(held.begin(), held.end(), wanted) != held.end();
  };
  // Rules without a category see the renames of the product; those of a category also its own, per source of
  // that category.
  std::vector<RuleIndex> without_category;
  std::vector<std::vector<RuleIndex>> by_category(facts.categories.size());
  for (RuleIndex r = 0; r < rules_->rules.size(); ++r) {
    const LogSource& wanted = rules_->rules[r].log_source;
    if (wanted.empty() || !among(facts.products, wanted.product) || !among(facts.services, wanted.service))
      continue;
    if (wanted.category.empty()) {
      without_category.push_back(r);
      continue;
    }
    for (size_t c = 0; c < facts.categories.size(); ++c) {
      if (facts.categories[c].category == wanted.category) by_category[c].push_back(r);
    }
  }
  auto partition = std::make_unique<Partition>();
  // Categories without renames of their own share the view of the rules without category.
  for (size_t c = 0; c < facts.categories.size(); ++c) {
    if (!facts.categories[c].renames.empty()) continue;
    without_category.insert(without_category.end(), by_category[c].begin(), by_category[c].end());
    by_category[c].clear();
  }
  AddView(facts.renames, std::move(without_category), event_id_class, partition.get());
  for (size_t c = 0; c < facts.categories.size(); ++c) {
    FieldRenames renames = facts.renames;
    renames.insert(renames.end(), facts.categories[c].renames.begin(), facts.categories[c].renames.end());
    AddView(renames, std::move(by_category[c]), event_id_class, partition.get());
  }
  return partition;
}

void RuleProgram::AddView(const FieldRenames& renames, std::vector<RuleIndex> rules, uint32_t event_id_class,
                          Partition* partition) const {
  PartitionView& view = partition->views.emplace_back();
  for (const auto& [from, to] : renames) {
    const FieldId source = fields_->Find(from);
    const FieldId target = fields_->Find(to);
    if (source == kNoField || target == kNoField) continue;
    for (auto id = static_cast<FieldId>(view.renames.size()); id <= source; ++id) view.renames.push_back(id);
    view.renames[source] = target;
  }
  std::sort(rules.begin(), rules.end());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  view.answered.resize(predicates_.size());
  // A rename of EventID itself would make its class mean something else.
  if (Renamed(view.renames, event_id_field_) != event_id_field_) event_id_class = kAnyEventId;

  for (const RuleIndex rule : rules) {
    if (Evaluate(roots_[rule], event_id_class) == Truth::kFalse) continue;
    const auto owner = static_cast<uint32_t>(view.rules.size());
    view.rules.push_back(rule);
    const std::optional<NeedSet> needs = Needs(roots_[rule], false, event_id_class);
    if (!needs.has_value()) {
      view.always.push_back(owner);
      continue;
    }
    std::vector<PredicateId> tests;
    for (const Need& need : needs->needs) {
      const FieldId field = need.field == kAnyField ? kAnyField : Renamed(view.renames, need.field);
      if (drop_need_ != nullptr && drop_need_(rule, field, need.literal, need.anchor)) continue;
      auto found = std::find_if(view.literals.begin(), view.literals.end(),
                                [&](const auto& f) { return f.field == field; });
      if (found == view.literals.end()) {
        view.literals.push_back({field, {}});
        found = view.literals.end() - 1;
      }
      found->index.Add(need.literal, need.anchor, owner);
      if (field == kAnyField) {
        view.keywords.Add(need.literal, owner);
      } else if (!view.answered[need.test()]) {
        found->index.Add(need.literal, need.anchor, need.answer);
        tests.push_back(need.test());
      }
    }
    for (const PredicateId test : tests) view.answered[test] = true;
  }
  if (view.rules.empty()) {
    partition->views.pop_back();
    return;
  }
  for (PartitionView::FieldLiterals& f : view.literals) f.index.Build();
  view.keywords.Build();
  view.tests.resize(view.literals.size());
}

void RuleProgram::CollectTests(ExprIndex i, FieldId field, const FieldMap& renames,
                               std::vector<PredicateId>* tests) const {
  const ExprNode& n = nodes_[i];
  if (n.op != ExprNode::Op::kPredicate) {
    for (uint32_t c = 0; c < std::max(n.count, 1u); ++c) CollectTests(n.first + c, field, renames, tests);
    return;
  }
  if (Renamed(renames, predicates_[n.first].field) == field) tests->push_back(n.first);
}

const FieldTests& RuleProgram::TestsOf(const PartitionView& view, size_t field) const {
  const std::lock_guard lock(view.tests_mutex);
  std::unique_ptr<const FieldTests>& made = view.tests[field];
  if (made != nullptr) return *made;
  auto tests = std::make_unique<FieldTests>();
  std::vector<PredicateId> ids;
  for (const RuleIndex rule : view.rules)
    CollectTests(roots_[rule], view.literals[field].field, view.renames, &ids);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (const PredicateId id : ids) {
    const std::optional<NeedSet> needs = NeedsOf(id);
    if (!needs.has_value()) continue;
    for (const Need& need : needs->needs) tests->index.Add(need.literal, need.anchor, need.answer);
    tests->predicates.push_back(id);
  }
  tests->index.AddAll(view.literals[field].index);
  tests->index.Build();
  made = std::move(tests);
  return *made;
}

RuleProgram::Truth RuleProgram::Evaluate(ExprIndex i, uint32_t event_id_class) const {
  const ExprNode& n = nodes_[i];
  if (event_id_class == kAnyEventId) return Truth::kUnknown;
  switch (n.op) {
    case ExprNode::Op::kPredicate: {
      const Predicate& p = predicates_[n.first];
      // Parts of a time are taken from a number otherwise than from its text.
      if (p.field != event_id_field_ || p.kind == Predicate::Kind::kFieldRef ||
          p.kind == Predicate::Kind::kTimePart)
        return Truth::kUnknown;
      if (event_id_class >= kFirstNamedEventId) {
        return predicates_.TestText(n.first, event_id_text_[event_id_class]) ? Truth::kTrue : Truth::kFalse;
      }
      const bool names_one =
          p.kind == Predicate::Kind::kNumber || p.kind == Predicate::Kind::kBool ||
          (p.kind == Predicate::Kind::kEquals && PlainInteger(predicates_.Literal(p)).has_value());
      return names_one ? Truth::kFalse : Truth::kUnknown;
    }
    case ExprNode::Op::kNot: {
      const Truth t = Evaluate(n.first, event_id_class);
      return t == Truth::kUnknown ? t : t == Truth::kTrue ? Truth::kFalse : Truth::kTrue;
    }
    case ExprNode::Op::kAnd:
    case ExprNode::Op::kOr: {
      const Truth decisive = n.op == ExprNode::Op::kAnd ? Truth::kFalse : Truth::kTrue;
      Truth result = decisive == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
      for (uint32_t c = 0; c < n.count; ++c) {
        const Truth t = Evaluate(n.first + c, event_id_class);
        if (t == decisive) return decisive;
        if (t == Truth::kUnknown) result = t;
      }
      return result;
    }
  }
  return Truth::kUnknown;
}

std::optional<RuleProgram::NeedSet> RuleProgram::Needs(ExprIndex i, bool negated,
                                                       uint32_t event_id_class) const {
  const ExprNode& n = nodes_[i];
  if (n.op == ExprNode::Op::kPredicate) return negated ? std::nullopt : NeedsOf(n.first);
  if (n.op == ExprNode::Op::kNot) return Needs(n.first, !negated, event_id_class);
  const bool conjunction = (n.op == ExprNode::Op::kAnd) != negated;  // De Morgan
  const Truth impossible = negated ? Truth::kTrue : Truth::kFalse;
  std::optional<NeedSet> result;
  if (!conjunction) result.emplace();
  for (uint32_t c = 0; c < n.count; ++c) {
    // A branch that the EventID rules out needs nothing: it cannot be the one that holds.
    if (!conjunction && Evaluate(n.first + c, event_id_class) == impossible) continue;
    std::optional<NeedSet> child = Needs(n.first + c, negated, event_id_class);
    if (conjunction) {
      if (child.has_value() && (!result.has_value() || child->cost < result->cost)) result = std::move(child);
    } else {
      if (!child.has_value()) return std::nullopt;
      result->cost += child->cost;
      std::move(child->needs.begin(), child->needs.end(), std::back_inserter(result->needs));
    }
  }
  return result;
}

std::optional<RuleProgram::NeedSet> RuleProgram::NeedsOf(PredicateId id) const {
  using Anchor = LiteralIndex::Anchor;
  const Predicate& p = predicates_[id];
  NeedSet best;
  // Folded texts are searched for folded literals, whatever the script: both were folded code point by code
  // point.
  const auto offer = [&](std::string_view text, Anchor anchor) {
    if (text.empty()) return;
    const std::string folded = Fold(text);
    const double cost = LiteralCost(folded, anchor);
    if (best.needs.empty() || cost < best.cost) best = {{{p.field, folded, anchor, kMayHold | id}}, cost};
  };
  const auto offer_whole = [&](Anchor anchor) {
    offer(predicates_.Literal(p), anchor);
    if (!p.cased && !best.needs.empty()) best.needs[0].answer = kHolds | id;
  };
  switch (p.kind) {
    case Predicate::Kind::kEquals:
      offer_whole(Anchor::kWhole);
      break;
    case Predicate::Kind::kStartsWith:
      offer_whole(Anchor::kStart);
      break;
    case Predicate::Kind::kEndsWith:
      offer_whole(Anchor::kEnd);
      break;
    case Predicate::Kind::kContains:
      offer_whole(Anchor::kAnywhere);
      break;
    case Predicate::Kind::kPattern:
      for (const Pattern::Part& part : predicates_.PatternOf(p).parts) offer(part.literal, Anchor::kAnywhere);
      break;
    case Predicate::Kind::kNumber: {
      // Whatever equals a whole number is written with its digits: 7, "007", "+7", 7.0; but 1e16 is "1e+16".
      constexpr int64_t kFirstWithExponent = 10000000000000000;
      const Number& n = predicates_.NumberOf(p);
      if (n.integral && n.integer > -kFirstWithExponent && n.integer < kFirstWithExponent)
        offer(std::to_string(n.integer < 0 ? -n.integer : n.integer), Anchor::kAnywhere);
      break;
    }
    case Predicate::Kind::kBool:
      offer(predicates_.BoolOf(p) ? "true" : "false", Anchor::kWhole);
      break;
    case Predicate::Kind::kRegex: {
      for (const std::string& literal : RequiredLiterals(predicates_.RegexOf(p))) {
        if (literal.empty()) return std::nullopt;
        best.needs.push_back({p.field, literal, Anchor::kAnywhere, kMayHold | id});
        best.cost += LiteralCost(literal, Anchor::kAnywhere);
      }
      break;
    }
    default:
      break;
  }
  if (best.needs.empty()) return std::nullopt;
  return best;
}

}  // namespace redthread
