#include "rules/processing_test.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/text.h"
#include "rules/processing_values.h"

namespace redthread {
namespace {

using Type = ProcessingCondition::Type;

template <typename Holds>
bool Evaluate(const ConditionNode& node, const std::vector<ProcessingCondition>& conditions,
              const Holds& holds) {
  const auto child = [&](const ConditionNode& c) { return Evaluate(c, conditions, holds); };
  switch (node.kind) {
    case ConditionNode::Kind::kSearch:
      return holds(conditions[node.search]);
    case ConditionNode::Kind::kNot:
      return !child(node.children[0]);
    case ConditionNode::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), child);
    case ConditionNode::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), child);
  }
  return false;
}

template <typename Holds>
bool TestHolds(const ProcessingTest& test, const Holds& holds) {
  return test.conditions.empty() || Evaluate(test.expression, test.conditions, holds) != test.negated;
}

bool BeginsWith(const SharedRegex& regex, const std::string& text) {
  return regex->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_START,
                      nullptr, 0);
}

// a `op` b, by their order.
bool Ordered(ProcessingOp op, int order) {
  switch (op) {
    case ProcessingOp::kEq:
      return order == 0;
    case ProcessingOp::kNe:
      return order != 0;
    case ProcessingOp::kGt:
      return order > 0;
    case ProcessingOp::kGte:
      return order >= 0;
    case ProcessingOp::kLt:
      return order < 0;
    case ProcessingOp::kLte:
      return order <= 0;
    case ProcessingOp::kIn:
    case ProcessingOp::kNotIn:
      break;
  }
  return false;
}

// Values of different kinds are unequal and have no order.
bool Compares(const RawValue& a, ProcessingOp op, const RawValue& b) {
  if (a.kind != b.kind) return op == ProcessingOp::kNe;
  switch (a.kind) {
    case RawValue::Kind::kNumber: {
      const std::optional<int> order = Compare(a.number, b.number);
      return order.has_value() ? Ordered(op, *order) : op == ProcessingOp::kNe;
    }
    case RawValue::Kind::kString:
      return Ordered(op, a.text.compare(b.text));
    case RawValue::Kind::kBool:
      return Ordered(op, static_cast<int>(a.boolean) - static_cast<int>(b.boolean));
    case RawValue::Kind::kNull:
      break;
  }
  return Ordered(op, 0);
}

// The place of a word in a scale, or -1.
int Rank(const std::string& word, const std::vector<std::string_view>& scale) {
  const auto found = std::find(scale.begin(), scale.end(), Fold(word));
  return found == scale.end() ? -1 : static_cast<int>(found - scale.begin());
}

// "2024/02/03" as "2024-02-03".
std::string Date(std::string text) {
  std::replace(text.begin(), text.end(), '/', '-');
  return text;
}

bool AttributeHolds(const ProcessingCondition& condition, const RuleAttribute& attribute) {
  const RawValue& wanted = condition.value;
  const ProcessingOp op = condition.op;
  if (attribute.list || attribute.name == "tags" || attribute.name == "references" ||
      attribute.name == "falsepositives") {
    const bool in = std::any_of(attribute.values.begin(), attribute.values.end(),
                                [&](const RawValue& v) { return v.text == wanted.text; });
    if (op == ProcessingOp::kIn || op == ProcessingOp::kNotIn) return in == (op == ProcessingOp::kIn);
    return op == ProcessingOp::kNe;  // no list equals one value
  }
  if (attribute.values.empty()) return false;
  const RawValue& value = attribute.values[0];
  if (attribute.name == "level" || attribute.name == "status") {
    const std::vector<std::string_view> levels = {"informational", "low", "medium", "high", "critical"};
    const std::vector<std::string_view> statuses = {"unsupported", "deprecated", "experimental", "test",
                                                    "stable"};
    const auto& scale = attribute.name == "level" ? levels : statuses;
    return Ordered(op, Rank(value.text, scale) - Rank(wanted.text, scale));
  }
  if (attribute.name == "date" || attribute.name == "modified")
    return Ordered(op, Date(value.text).compare(Date(wanted.text)));
  if (attribute.name == "id") return Ordered(op, Fold(value.text).compare(Fold(wanted.text)));
  return Compares(value, op, wanted);
}

bool StateHolds(const ProcessingCondition& condition, const ProcessingSubject& subject) {
  const auto found = subject.state.find(condition.name);
  return found != subject.state.end() && Compares(found->second, condition.op, condition.value);
}

bool FieldListed(const ProcessingCondition& condition, const std::string& field) {
  if (field.empty()) return false;
  return std::find(condition.fields.begin(), condition.fields.end(), field) != condition.fields.end() ||
         std::any_of(condition.patterns.begin(), condition.patterns.end(),
                     [&field](const SharedRegex& regex) { return BeginsWith(regex, field); });
}

bool WasProcessedBy(const DetectionItem& item, const std::string& id) {
  return std::find(item.processed_by.begin(), item.processed_by.end(), id) != item.processed_by.end();
}

template <typename Holds>
bool AnyItem(const SearchNode& node, const Holds& holds) {
  if (node.kind == SearchNode::Kind::kItem) return holds(node.item);
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](const SearchNode& child) { return AnyItem(child, holds); });
}

template <typename Holds>
bool AnyItem(const ProcessingSubject& subject, const Holds& holds) {
  for (const RuleLogic* logic : subject.logics) {
    for (const Search& search : logic->searches) {
      if (AnyItem(search.root, holds)) return true;
    }
  }
  return false;
}

bool HasLogSource(const ProcessingSubject& subject, const LogSource& wanted) {
  return std::any_of(subject.log_sources.begin(), subject.log_sources.end(), [&](const LogSource* s) {
    return (wanted.product.empty() || wanted.product == s->product) &&
           (wanted.category.empty() || wanted.category == s->category) &&
           (wanted.service.empty() || wanted.service == s->service);
  });
}

bool HasTag(const ProcessingSubject& subject, const std::string& tag) {
  return std::any_of(subject.attributes.begin(), subject.attributes.end(), [&](const RuleAttribute& a) {
    return a.name == "tags" &&
           std::any_of(a.values.begin(), a.values.end(), [&](const RawValue& v) { return v.text == tag; });
  });
}

bool RuleConditionHolds(const ProcessingCondition& condition, const ProcessingSubject& subject) {
  switch (condition.type) {
    case Type::kLogSource:
      return HasLogSource(subject, condition.log_source);
    case Type::kContainsField:
      return AnyItem(subject, [&](const DetectionItem& item) { return item.field == condition.name; });
    case Type::kContainsDetectionItem:
      return AnyItem(subject, [&](const DetectionItem& item) {
        return item.field == condition.name &&
               std::any_of(item.raw_values.begin(), item.raw_values.end(), [&](const RawValue& value) {
                 return ProcessedValueIs(item, value, condition.value);
               });
      });
    case Type::kProcessingItemApplied:
      return subject.applied.count(condition.name) > 0;
    case Type::kProcessingState:
      return StateHolds(condition, subject);
    case Type::kIsSigmaRule:
      return !subject.correlation;
    case Type::kIsSigmaCorrelationRule:
      return subject.correlation;
    case Type::kRuleAttribute: {
      const auto named = [&](const RuleAttribute& a) { return a.name == condition.name; };
      const auto found = std::find_if(subject.attributes.begin(), subject.attributes.end(), named);
      return found != subject.attributes.end() && AttributeHolds(condition, *found);
    }
    case Type::kTag:
      return HasTag(subject, condition.name);
    default:
      return false;  // on other things than rules: the parser refuses it here
  }
}

bool ValueConditionHolds(const ProcessingCondition& condition, const DetectionItem& item,
                         const RawValue& value) {
  const std::optional<Pattern> text = ProcessedText(item, value);
  switch (condition.type) {
    case Type::kMatchString:
      return (text.has_value() && BeginsWith(condition.patterns[0], PlainSigmaText(*text))) !=
             condition.negate;
    case Type::kMatchValue:
      return ProcessedValueIs(item, value, condition.value);
    case Type::kContainsWildcard:
      return text.has_value() && text->HasWildcard();
    default:
      return value.kind == RawValue::Kind::kNull;
  }
}

bool ItemConditionHolds(const ProcessingCondition& condition, const ProcessingSubject& subject,
                        const DetectionItem& item) {
  if (condition.type == Type::kProcessingItemApplied) return WasProcessedBy(item, condition.name);
  if (condition.type == Type::kProcessingState) return StateHolds(condition, subject);
  const auto holds = [&](const RawValue& value) { return ValueConditionHolds(condition, item, value); };
  return condition.all ? std::all_of(item.raw_values.begin(), item.raw_values.end(), holds)
                       : std::any_of(item.raw_values.begin(), item.raw_values.end(), holds);
}

bool FieldConditionHolds(const ProcessingCondition& condition, const ProcessingSubject& subject,
                         const std::string& field, const DetectionItem* item) {
  switch (condition.type) {
    case Type::kIncludeFields:
      return FieldListed(condition, field);
    case Type::kExcludeFields:
      return !FieldListed(condition, field);
    case Type::kProcessingItemApplied: {
      if (item != nullptr && WasProcessedBy(*item, condition.name)) return true;
      const auto found = subject.field_applied.find(field);
      return found != subject.field_applied.end() && found->second.count(condition.name) > 0;
    }
    default:
      return StateHolds(condition, subject);
  }
}

}  // namespace

bool RuleTestHolds(const ProcessingTest& test, const ProcessingSubject& subject) {
  return TestHolds(test, [&](const ProcessingCondition& c) { return RuleConditionHolds(c, subject); });
}

bool FieldTestHolds(const ProcessingTest& test, const ProcessingSubject& subject, const std::string& field,
                    const DetectionItem* item) {
  return TestHolds(
      test, [&](const ProcessingCondition& c) { return FieldConditionHolds(c, subject, field, item); });
}

bool ItemTestsHold(const ProcessingItem& processing, const ProcessingSubject& subject,
                   const DetectionItem& item) {
  if (!TestHolds(processing.item_test,
                 [&](const ProcessingCondition& c) { return ItemConditionHolds(c, subject, item); }))
    return false;
  const std::vector<std::string> referred = ReferredFields(item);
  return TestHolds(processing.field_test, [&](const ProcessingCondition& c) {
    return FieldConditionHolds(c, subject, item.field, &item) ||
           std::any_of(referred.begin(), referred.end(), [&](const std::string& field) {
             return FieldConditionHolds(c, subject, field, &item);
           });
  });
}

std::vector<std::string> ReferredFields(const DetectionItem& item) {
  std::vector<std::string> fields;
  if (std::find(item.modifiers.begin(), item.modifiers.end(), Modifier::kFieldRef) == item.modifiers.end())
    return fields;
  for (const RawValue& value : item.raw_values) {
    const Pattern name = Pattern::Parse(value.text);
    fields.push_back(name.HasWildcard() ? std::string() : name.Plain());
  }
  return fields;
}

}  // namespace redthread
