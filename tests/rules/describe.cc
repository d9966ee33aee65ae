#include "tests/rules/describe.h"

#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

std::string Text(const Number& number) {
  RawValue value;
  value.kind = RawValue::Kind::kNumber;
  value.number = number;
  value.text = ".";
  return NumberText(value);
}

std::string Name(CompareOp op) {
  static const char* const kNames[] = {"eq", "lt", "lte", "gt", "gte"};
  return kNames[static_cast<int>(op)];
}

struct Describer {
  std::string operator()(const MatchNull&) const { return "null"; }
  std::string operator()(const MatchBool& v) const { return v.value ? "true" : "false"; }
  std::string operator()(const MatchNumber& v) const { return "number " + Text(v.value); }
  std::string operator()(const MatchPattern& v) const { return "pattern " + v.pattern.ToSigma(); }
  std::string operator()(const MatchRegex& v) const {
    return std::string("re[") + (v.ignore_case ? "i" : "") + (v.multi_line ? "m" : "") +
           (v.dot_all ? "s" : "") + "] " + v.source;
  }
  std::string operator()(const MatchCidr& v) const {
    std::string text = "cidr";
    for (int i = 0; i < (v.cidr.network.v6 ? 16 : 4); ++i) {
      text += (i == 0 ? " " : ".") + std::to_string(v.cidr.network.bytes[i]);
    }
    return text + "/" + std::to_string(v.cidr.prefix);
  }
  std::string operator()(const MatchCompare& v) const { return Name(v.op) + " " + Text(v.value); }
  std::string operator()(const MatchTimePart& v) const {
    static const char* const kParts[] = {"minute", "hour", "day", "week", "month", "year"};
    return std::string(kParts[static_cast<int>(v.part)]) + " " + Name(v.op) + " " + Text(v.value);
  }
  std::string operator()(const MatchExists& v) const { return v.wanted ? "exists" : "missing"; }
  std::string operator()(const MatchFieldRef& v) const {
    return "field " + std::string(v.open_left ? "*" : "") + v.field + (v.open_right ? "*" : "");
  }
  std::string operator()(const MatchAlternatives& v) const {
    std::string text = "any(";
    for (size_t i = 0; i < v.values.size(); ++i) text += (i > 0 ? ", " : "") + Describe(v.values[i]);
    return text + ")";
  }
};

}  // namespace

std::string Describe(const MatchValue& value) { return std::visit(Describer(), value.v); }

std::string Describe(const DetectionItem& item) {
  std::string text = item.negated ? "not " : "";
  text += item.keywords() ? "keywords" : item.field;
  if (item.cased) text += "[cased]";
  for (size_t i = 0; i < item.values.size(); ++i) {
    text += i == 0 ? ": " : item.all ? " & " : " | ";
    text += Describe(item.values[i]);
  }
  return text;
}

std::string Describe(const SearchNode& node) {
  if (node.kind == SearchNode::Kind::kItem) return Describe(node.item);
  std::string text = "(";
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) text += node.kind == SearchNode::Kind::kAnd ? " and " : " or ";
    text += Describe(node.children[i]);
  }
  return text + ")";
}

}  // namespace redthread
