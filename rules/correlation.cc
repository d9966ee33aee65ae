#include "rules/correlation.h"

#include <algorithm>
#include <charconv>

#include "rules/condition.h"

namespace redthread {
namespace {

using Kind = ConditionNode::Kind;

ConditionNode PushDown(const ConditionNode& node, bool negated) {
  if (node.kind == Kind::kNot) return PushDown(node.children[0], !negated);
  if (node.kind == Kind::kSearch) {
    if (!negated) return node;
    ConditionNode out;
    out.kind = Kind::kNot;
    out.children.push_back(node);
    return out;
  }
  ConditionNode out;
  out.kind = (node.kind == Kind::kAnd) == negated ? Kind::kOr : Kind::kAnd;
  out.children.reserve(node.children.size());
  for (const ConditionNode& child : node.children) out.children.push_back(PushDown(child, negated));
  return out;
}

void Collect(const ConditionNode& node, ExpressionNames* names) {
  if (node.kind == Kind::kSearch) {
    names->plain[node.search] = true;
  } else if (node.kind == Kind::kNot) {
    names->negated[node.children[0].search] = true;
  } else {
    for (const ConditionNode& child : node.children) Collect(child, names);
  }
}

std::string NumberWords(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

void AppendJoined(std::string_view text, std::string* out) {
  if (!out->empty()) *out += ", ";
  *out += text;
}

bool IsLower(BoundOp op) { return op == BoundOp::kGt || op == BoundOp::kGte; }

}  // namespace

const char* CorrelationTypeName(CorrelationType type) {
  static constexpr const char* kNames[] = {
      "event_count", "value_count",      "temporal",     "temporal_ordered", "value_sum",
      "value_avg",   "value_percentile", "value_median", "silence",          "first_seen"};
  return kNames[static_cast<size_t>(type)];
}

const char* BoundOpName(BoundOp op) {
  static constexpr const char* kNames[] = {"gt", "gte", "lt", "lte", "eq", "neq"};
  return kNames[static_cast<size_t>(op)];
}

bool CorrelationBound::Holds(double v) const {
  switch (op) {
    case BoundOp::kGt:
      return v > value;
    case BoundOp::kGte:
      return v >= value;
    case BoundOp::kLt:
      return v < value;
    case BoundOp::kLte:
      return v <= value;
    case BoundOp::kEq:
      return v == value;
    case BoundOp::kNeq:
      break;
  }
  return v != value;
}

bool Correlation::Holds(double value) const {
  return std::all_of(bounds.begin(), bounds.end(),
                     [value](const CorrelationBound& bound) { return bound.Holds(value); });
}

Judgement Correlation::judgement() const {
  switch (type) {
    case CorrelationType::kSilence:
      return Judgement::kSilence;
    case CorrelationType::kFirstSeen:
      return Judgement::kFirstSeen;
    case CorrelationType::kValueAvg:
    case CorrelationType::kValuePercentile:
    case CorrelationType::kValueMedian:
      return Judgement::kSliding;
    default:
      break;
  }
  if (expression.has_value()) {
    return NamesOf(*expression, rules.size()).any_negated() ? Judgement::kWaiting : Judgement::kSliding;
  }
  // A trailing window would answer "fewer than 5" on the way up to 5.
  const bool lower =
      std::all_of(bounds.begin(), bounds.end(), [](const CorrelationBound& b) { return IsLower(b.op); });
  return lower ? Judgement::kSliding : Judgement::kTumbling;
}

std::string ConditionWords(const Correlation& correlation) {
  std::string fields;
  std::string bounds;
  if (correlation.expression.has_value()) {
    std::vector<std::string_view> names;
    for (const CorrelationReference& reference : correlation.rules) names.push_back(reference.written);
    return ConditionText(*correlation.expression, names);
  }
  for (const std::string& field : correlation.fields) AppendJoined(field, &fields);
  for (const CorrelationBound& bound : correlation.bounds) {
    AppendJoined(std::string(BoundOpName(bound.op)) + " " + NumberWords(bound.value), &bounds);
  }
  if (correlation.type == CorrelationType::kValuePercentile) {
    fields = "percentile " + NumberWords(correlation.percentile) + " of " + fields;
  }
  if (correlation.type == CorrelationType::kFirstSeen) {
    const bool learns = correlation.learning.count() > 0;
    AppendJoined(learns ? "after learning for " + FormatTimespan(correlation.learning) : "without learning",
                 &fields);
  }
  if (correlation.expected) AppendJoined("of what was heard in 20 of 24 hours on 5 of 7 days", &fields);
  if (correlation.forget_after.count() > 0)
    AppendJoined("forgotten after " + FormatTimespan(correlation.forget_after), &fields);
  return fields.empty() || bounds.empty() ? fields + bounds : fields + " " + bounds;
}

bool ExpressionNames::any_plain() const { return std::find(plain.begin(), plain.end(), true) != plain.end(); }

bool ExpressionNames::any_negated() const {
  return std::find(negated.begin(), negated.end(), true) != negated.end();
}

ExpressionNames NamesOf(const ConditionNode& expression, size_t references) {
  ExpressionNames names{std::vector<bool>(references), std::vector<bool>(references)};
  Collect(expression, &names);
  return names;
}

ConditionNode PushDownNot(const ConditionNode& condition) { return PushDown(condition, false); }

}  // namespace redthread
