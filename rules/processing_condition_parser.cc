#include "rules/processing_condition_parser.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/text.h"
#include "rules/condition.h"
#include "rules/nearest_name.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

using Type = ProcessingCondition::Type;
using Names = std::vector<std::string_view>;

constexpr auto kRule = static_cast<uint8_t>(ProcessingScope::kRule);
constexpr auto kItem = static_cast<uint8_t>(ProcessingScope::kDetectionItem);
constexpr auto kField = static_cast<uint8_t>(ProcessingScope::kFieldName);
constexpr size_t kMaxRegexMemory = size_t{8} << 20;  // bytes, program and automata together

struct Spec {
  const char* name;
  Type type;
  uint8_t scopes;
  Names keys;  // besides `type`
};

// Source: pySigma 1.5.1, sigma/processing/conditions/__init__.py.
const std::vector<Spec>& Specs() {
  static const auto* const kSpecs = new std::vector<Spec>{
      {"logsource", Type::kLogSource, kRule, {"category", "product", "service"}},
      {"contains_detection_item", Type::kContainsDetectionItem, kRule, {"field", "value"}},
      {"contains_field", Type::kContainsField, kRule, {"field"}},
      {"is_sigma_rule", Type::kIsSigmaRule, kRule, {}},
      {"is_sigma_correlation_rule", Type::kIsSigmaCorrelationRule, kRule, {}},
      {"rule_attribute", Type::kRuleAttribute, kRule, {"attribute", "value", "op"}},
      {"tag", Type::kTag, kRule, {"tag"}},
      {"processing_item_applied",
       Type::kProcessingItemApplied,
       kRule | kItem | kField,
       {"processing_item_id"}},
      {"processing_state", Type::kProcessingState, kRule | kItem | kField, {"key", "val", "op"}},
      {"match_string", Type::kMatchString, kItem, {"cond", "pattern", "negate"}},
      {"match_value", Type::kMatchValue, kItem, {"cond", "value"}},
      {"contains_wildcard", Type::kContainsWildcard, kItem, {"cond"}},
      {"is_null", Type::kIsNull, kItem, {"cond"}},
      {"include_fields", Type::kIncludeFields, kField, {"fields", "mode"}},
      {"exclude_fields", Type::kExcludeFields, kField, {"fields", "mode"}},
  };
  return *kSpecs;
}

struct ScopeWords {
  ProcessingScope scope;
  const char* prefix;   // of the keys
  const char* subject;  // in complaints
};
constexpr ScopeWords kScopes[] = {
    {ProcessingScope::kRule, "rule", "rules"},
    {ProcessingScope::kDetectionItem, "detection_item", "detection items"},
    {ProcessingScope::kFieldName, "field_name", "field names"},
};

std::string Quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// The word under `key`, as its index in `known`. The first one when the key is not there.
size_t ChoiceUnder(const YamlNode& map, std::string_view key, const Names& known, ProblemList* problems) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr || node->IsNull()) return 0;
  const std::string text = ReadText(*node, Quoted(key), problems);
  const auto found = std::find(known.begin(), known.end(), text);
  if (found != known.end()) return static_cast<size_t>(found - known.begin());
  if (node->IsScalar())
    problems->Add(*node, Quoted(text) + " is none of " + JoinNames(known) + Suggestion(text, known, ""));
  return 0;
}

// One condition; the members are what every kind needs.
class ConditionReader {
 public:
  ConditionReader(const YamlNode& map, const ScopeWords& scope, ProblemList* problems)
      : map_(map), scope_(scope), problems_(problems) {}

  ProcessingCondition Read() {
    if (!map_.IsMap()) {
      problems_->Add(map_, "a condition must be a map, such as {type: logsource, product: windows}");
      return {};
    }
    const YamlNode* type = RequireScalar(map_, "type", problems_);
    const Spec* spec = type == nullptr ? nullptr : FindSpec(*type);
    if (spec == nullptr) return {};
    Names keys = spec->keys;
    keys.push_back("type");
    problems_->RequireKnownKeys(map_, "the condition " + Quoted(spec->name), keys);
    condition_.type = spec->type;
    ReadParameters();
    return std::move(condition_);
  }

 private:
  const Spec* FindSpec(const YamlNode& type) {
    Names known;
    for (const Spec& spec : Specs()) {
      if ((spec.scopes & static_cast<uint8_t>(scope_.scope)) == 0) continue;
      if (type.text == spec.name) return &spec;
      known.push_back(spec.name);
    }
    problems_->Add(type, Quoted(type.text) + " is no condition on " + scope_.subject +
                             Suggestion(type.text, known, ", which are " + JoinNames(known)));
    return nullptr;
  }

  void ReadParameters() {
    switch (condition_.type) {
      case Type::kLogSource:
        return ReadLogSource();
      case Type::kContainsDetectionItem:
        ReadName("field");
        return ReadValue("value");
      case Type::kContainsField:
        return ReadName("field");
      case Type::kProcessingItemApplied:
        return ReadName("processing_item_id");
      case Type::kProcessingState:
        ReadName("key");
        ReadValue("val");
        return ReadOp({"eq", "ne", "gt", "gte", "lt", "lte"});
      case Type::kRuleAttribute:
        return ReadAttribute();
      case Type::kTag:
        return ReadName("tag");
      case Type::kMatchString:
        ReadQuantifier();
        condition_.negate = FlagUnder(map_, "negate", false, problems_);
        if (const YamlNode* pattern = RequireScalar(map_, "pattern", problems_))
          condition_.patterns = {CompileProcessingRegex(*pattern, problems_)};
        return;
      case Type::kMatchValue:
        ReadQuantifier();
        return ReadValue("value");
      case Type::kContainsWildcard:
      case Type::kIsNull:
        return ReadQuantifier();
      case Type::kIncludeFields:
      case Type::kExcludeFields:
        return ReadFields();
      case Type::kIsSigmaRule:
      case Type::kIsSigmaCorrelationRule:
        return;
    }
  }

  void ReadLogSource() {
    const auto key = [this](const char* name, std::string* out) {
      if (const YamlNode* node = map_.Find(name)) *out = Fold(ReadText(*node, Quoted(name), problems_));
    };
    key("product", &condition_.log_source.product);
    key("category", &condition_.log_source.category);
    key("service", &condition_.log_source.service);
    if (condition_.log_source.empty())
      problems_->Add(map_, "this would hold for every rule, name a product, category or service");
  }

  void ReadName(const char* key) {
    if (const YamlNode* node = RequireScalar(map_, key, problems_)) condition_.name = node->text;
  }

  void ReadValue(const char* key) {
    const YamlNode* node = map_.Find(key);
    if (node != nullptr && node->IsScalar()) {
      condition_.value = PlacedValue(*node, *problems_);
    } else {
      problems_->Add(node != nullptr ? *node : map_,
                     Quoted(key) + " must be there, as text, a number, a boolean or null");
    }
  }

  void ReadOp(const Names& known) {
    constexpr ProcessingOp kOps[] = {ProcessingOp::kEq,  ProcessingOp::kNe,   ProcessingOp::kGt,
                                     ProcessingOp::kGte, ProcessingOp::kLt,   ProcessingOp::kLte,
                                     ProcessingOp::kIn,  ProcessingOp::kNotIn};
    condition_.op = kOps[ChoiceUnder(map_, "op", known, problems_)];
  }

  void ReadAttribute() {
    ReadName("attribute");
    ReadValue("value");
    ReadOp({"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in"});
    if (condition_.value.where.file == nullptr) return;  // it is not there, which has been told
    const std::string& value = condition_.value.text;
    const Names levels = {"informational", "low", "medium", "high", "critical"};
    const Names statuses = {"unsupported", "deprecated", "experimental", "test", "stable"};
    if (condition_.name == "level") RequireOneOf(levels, value);
    if (condition_.name == "status") RequireOneOf(statuses, value);
  }

  void RequireOneOf(const Names& known, const std::string& value) {
    if (std::find(known.begin(), known.end(), Fold(value)) != known.end()) return;
    problems_->Add(condition_.value.where,
                   Quoted(value) + " is none of " + JoinNames(known) + Suggestion(value, known, ""));
  }

  void ReadQuantifier() {
    if (RequireScalar(map_, "cond", problems_) != nullptr)
      condition_.all = ChoiceUnder(map_, "cond", {"any", "all"}, problems_) == 1;
  }

  void ReadFields() {
    const YamlNode* fields = map_.Find("fields");
    if (fields == nullptr || !fields->IsSequence()) {
      problems_->Add(fields != nullptr ? *fields : map_, "`fields` must be a list of field names");
      return;
    }
    const bool regex = ChoiceUnder(map_, "mode", {"plain", "re"}, problems_) == 1;
    for (const YamlNode& field : fields->children) {
      const std::string text = ReadText(field, "a field name", problems_);
      if (!field.IsScalar()) continue;
      if (regex) {
        condition_.patterns.push_back(CompileProcessingRegex(field, problems_));
      } else {
        condition_.fields.push_back(text);
      }
    }
  }

  const YamlNode& map_;
  const ScopeWords& scope_;
  ProblemList* problems_;
  ProcessingCondition condition_;
};

// `and` or `or` over all conditions.
ConditionNode Linked(size_t count, bool any) {
  ConditionNode node;
  node.kind = any ? ConditionNode::Kind::kOr : ConditionNode::Kind::kAnd;
  for (uint32_t i = 0; i < count; ++i) {
    ConditionNode& leaf = node.children.emplace_back();
    leaf.search = i;
  }
  return node;
}

void MarkNamed(const ConditionNode& node, std::vector<bool>* named) {
  if (node.kind == ConditionNode::Kind::kSearch) (*named)[node.search] = true;
  for (const ConditionNode& child : node.children) MarkNamed(child, named);
}

// All conditions and the expression over them.
class TestReader {
 public:
  TestReader(const YamlNode& item, const ScopeWords& scope, ProblemList* problems)
      : item_(item), scope_(scope), problems_(problems) {}

  ProcessingTest Read() {
    const std::string prefix = scope_.prefix;
    const YamlNode* conditions = item_.Find(prefix + "_conditions");
    const YamlNode* expression = item_.Find(prefix + "_cond_expr");
    if (conditions != nullptr && !conditions->IsNull()) ReadConditions(*conditions);
    test_.negated = FlagUnder(item_, prefix + "_cond_not", false, problems_);
    const bool any = ChoiceUnder(item_, prefix + "_cond_op", {"and", "or"}, problems_) == 1;
    if (expression != nullptr && !expression->IsNull()) {
      ReadExpression(*expression, conditions);
    } else {
      test_.expression = Linked(test_.conditions.size(), any);
    }
    if (test_.negated && test_.conditions.empty()) {
      const YamlNode& key = *item_.Find(prefix + "_cond_not");
      problems_->Add(key, "there are no " + Quoted(prefix + "_conditions") + " to negate");
    }
    return std::move(test_);
  }

 private:
  void ReadConditions(const YamlNode& node) {
    if (node.IsScalar()) {
      problems_->Add(node, "conditions are a list, or a map of names and conditions");
      return;
    }
    const size_t count = node.IsMap() ? node.entries() : node.children.size();
    for (size_t i = 0; i < count; ++i) {
      const YamlNode& map = node.IsMap() ? node.value(i) : node.children[i];
      test_.conditions.push_back(ConditionReader(map, scope_, problems_).Read());
    }
  }

  void ReadExpression(const YamlNode& node, const YamlNode* conditions) {
    if (item_.Find(std::string(scope_.prefix) + "_cond_op") != nullptr)
      problems_->Add(node, "an expression says itself how conditions go together, remove `_cond_op`");
    if (!node.IsScalar() || conditions == nullptr || !conditions->IsMap()) {
      problems_->Add(node, "an expression is text over names: write the conditions as `name: {type: ...}`");
      return;
    }
    Names names;
    for (size_t i = 0; i < conditions->entries(); ++i) names.push_back(conditions->key(i).text);
    ConditionError error;
    if (!ParseCondition(node.text, names, &test_.expression, &error, "condition of this item")) {
      problems_->AddWithin(node, error.offset, std::move(error.message));
      return;
    }
    std::vector<bool> named(names.size());
    MarkNamed(test_.expression, &named);
    for (size_t i = 0; i < named.size(); ++i) {
      if (!named[i]) problems_->Add(conditions->key(i), "the expression does not name this condition");
    }
  }

  const YamlNode& item_;
  const ScopeWords& scope_;
  ProblemList* problems_;
  ProcessingTest test_;
};

}  // namespace

ProcessingTest ParseProcessingTest(const YamlNode& item, ProcessingScope scope, ProblemList* problems) {
  for (const ScopeWords& words : kScopes) {
    if (words.scope == scope) return TestReader(item, words, problems).Read();
  }
  return {};
}

bool IsProcessingTestKey(std::string_view key) {
  for (const ScopeWords& words : kScopes) {
    const std::string_view prefix = words.prefix;
    if (key.substr(0, prefix.size()) != prefix) continue;
    const std::string_view rest = key.substr(prefix.size());
    if (rest == "_conditions" || rest == "_cond_op" || rest == "_cond_not" || rest == "_cond_expr")
      return true;
  }
  return false;
}

SharedRegex CompileProcessingRegex(const YamlNode& node, ProblemList* problems) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<int64_t>(kMaxRegexMemory));
  auto regex =
      std::make_shared<const re2::RE2>(re2::StringPiece(node.text.data(), node.text.size()), options);
  if (regex->ok()) return regex;
  const size_t place = node.text.find(regex->error_arg());
  problems->AddWithin(node, place == std::string::npos ? 0 : place,
                      "this regular expression does not compile under RE2: " + regex->error());
  return nullptr;
}

bool FlagUnder(const YamlNode& map, std::string_view key, bool otherwise, ProblemList* problems) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr || node->IsNull()) return otherwise;
  const std::optional<bool> flag = node->IsScalar() && node->plain ? ParseYamlBool(node->text) : std::nullopt;
  if (!flag.has_value()) problems->Add(*node, Quoted(key) + " must be `true` or `false`");
  return flag.value_or(otherwise);
}

const YamlNode* RequireScalar(const YamlNode& map, std::string_view key, ProblemList* problems) {
  const YamlNode* node = map.Find(key);
  if (node != nullptr && node->IsScalar() && !node->IsNull()) return node;
  problems->Add(node != nullptr ? *node : map, Quoted(key) + " must be there, as text");
  return nullptr;
}

RawValue PlacedValue(const YamlNode& scalar, const ProblemList& problems) {
  RawValue value = ResolveScalar(scalar);
  value.where = problems.Place(scalar);
  return value;
}

}  // namespace redthread
