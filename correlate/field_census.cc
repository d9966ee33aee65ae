#include "correlate/field_census.h"

#include <algorithm>

namespace redthread {
namespace {

// Calls visit(name of a field, as rules have it) for every field that the logic asks for.
template <typename Visit>
void ForEachField(const SearchNode& node, const Visit& visit) {
  for (const SearchNode& child : node.children) ForEachField(child, visit);
  if (node.kind != SearchNode::Kind::kItem || node.item.keywords()) return;
  visit(node.item.field);
  for (const MatchValue& value : node.item.values) {
    if (const auto* reference = std::get_if<MatchFieldRef>(&value.v)) visit(reference->field);
  }
}
template <typename Visit>
void ForEachField(const RuleLogic& logic, const Visit& visit) {
  for (const Search& search : logic.searches) ForEachField(search.root, visit);
}

FieldCensus::State StateOf(const Event& event, FieldId field) {
  const bool seen = event.AnyValue(field, [&event](NodeIndex i) {
    const Node& node = event.node(i);
    if (node.type == ValueType::kNull) return false;
    return node.type != ValueType::kString || node.raw_size > 0;
  });
  if (seen) return FieldCensus::State::kSeen;
  return event.Present(field) ? FieldCensus::State::kEmpty : FieldCensus::State::kNever;
}

}  // namespace

std::optional<std::string_view> OnlyEventId(const Event& event, FieldId event_id_field) {
  std::optional<std::string_view> event_id;
  int values = 0;
  event.AnyValue(event_id_field, [&](NodeIndex i) {
    event_id = event.Text(i);
    return ++values > 1;
  });
  if (values != 1) event_id.reset();
  return event_id;
}

void FieldCensus::Add(const Event& event, FactsId facts) {
  const uint32_t event_id_class = program_->EventIdClass(OnlyEventId(event, program_->event_id_field()));
  Kind* kind = last_;
  if (kind == nullptr || kind->facts != facts || kind->event_id_class != event_id_class)
    kind = FindKind(facts, event_id_class);
  last_ = kind;
  ++events_;
  ++kind->events;
  for (size_t i = 0; i < kind->open.size();) {
    State& state = kind->fields[kind->open[i]];
    state = std::max(state, StateOf(event, kind->open[i]));
    if (state == State::kSeen) {
      kind->open[i] = kind->open.back();
      kind->open.pop_back();
    } else {
      ++i;
    }
  }
}

void FieldCensus::Add(const FieldCensus& other) {
  events_ += other.events_;
  for (const auto& [key, theirs] : other.kinds_) {
    Kind& ours = *FindKind(theirs.facts, theirs.event_id_class);
    ours.events += theirs.events;
    for (size_t i = 0; i < ours.fields.size(); ++i)
      ours.fields[i] = std::max(ours.fields[i], theirs.fields[i]);
  }
}

FieldCensus::Kind* FieldCensus::FindKind(FactsId facts, uint32_t event_id_class) {
  const auto [entry, is_new] = kinds_.try_emplace(uint64_t{facts} << 32 | event_id_class);
  Kind& kind = entry->second;
  if (is_new) {
    kind.facts = facts;
    kind.event_id_class = event_id_class;
    Watch(&kind);
  }
  return &kind;
}

void FieldCensus::Watch(Kind* kind) const {
  kind->fields.resize(program_->fields().size());
  std::vector<bool> watched(kind->fields.size());
  for (const PartitionView& view : program_->PartitionFor(kind->facts, kind->event_id_class).views) {
    const auto watch = [&](const std::string& name) {
      const FieldId known = program_->fields().Find(name);
      if (known == kNoField) return;
      const FieldId field = Renamed(view.renames, known);
      if (!watched[field]) kind->open.push_back(field);
      watched[field] = true;
    };
    for (const RuleIndex index : view.rules) {
      const Rule& rule = program_->rules().rules[index];
      ForEachField(rule.logic, watch);
      for (const RuleFilter& filter : rule.filters) ForEachField(*filter.logic, watch);
    }
  }
}

}  // namespace redthread
