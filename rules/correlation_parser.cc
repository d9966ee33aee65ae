#include "rules/correlation_parser.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "rules/condition.h"
#include "rules/description_parser.h"
#include "rules/nearest_name.h"
#include "rules/yaml_scalar.h"

namespace redthread {
namespace {

using Names = std::vector<std::string_view>;

constexpr CorrelationType kTypes[] = {CorrelationType::kEventCount,      CorrelationType::kValueCount,
                                      CorrelationType::kTemporal,        CorrelationType::kTemporalOrdered,
                                      CorrelationType::kValueSum,        CorrelationType::kValueAvg,
                                      CorrelationType::kValuePercentile, CorrelationType::kValueMedian,
                                      CorrelationType::kSilence,         CorrelationType::kFirstSeen};
constexpr BoundOp kBoundOps[] = {BoundOp::kGt,  BoundOp::kGte, BoundOp::kLt,
                                 BoundOp::kLte, BoundOp::kEq,  BoundOp::kNeq};

bool IsNumeric(CorrelationType type) {
  return type == CorrelationType::kValueSum || type == CorrelationType::kValueAvg ||
         type == CorrelationType::kValuePercentile || type == CorrelationType::kValueMedian;
}

bool TakesField(CorrelationType type) {
  return type == CorrelationType::kValueCount || type == CorrelationType::kFirstSeen || IsNumeric(type);
}

bool IsTemporal(CorrelationType type) {
  return type == CorrelationType::kTemporal || type == CorrelationType::kTemporalOrdered;
}

std::string Quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

double AsDouble(const Number& n) {
  return n.integral && n.real == 0 ? static_cast<double>(n.integer) : n.real;
}

// Reads one document; the members are what every step needs.
class Reader {
 public:
  Reader(ParsedCorrelation* parsed, ProblemList* problems, ProblemList* warnings)
      : parsed_(parsed), c_(parsed->correlation), problems_(problems), warnings_(warnings) {}

  void Read(const YamlNode& root) {
    ParseDescription(root, &c_, problems_, warnings_);
    for (const char* other : {"detection", "filter", "logsource"}) {
      if (const YamlNode* node = root.Find(other)) {
        problems_->Add(*node, std::string("a correlation has no `") + other +
                                  "`, write the rule as a document of its own");
      }
    }
    const YamlNode& map = *root.Find("correlation");
    if (!map.IsMap()) {
      problems_->Add(map, "`correlation` must be a map with type, rules and timespan");
      return;
    }
    problems_->RequireKnownKeys(map, "`correlation`",
                                {"type", "rules", "group-by", "aliases", "timespan", "timeframe", "condition",
                                 "generate", "expected", "forget_after"});
    const bool known_type = ReadType(map);
    ReadRules(map);
    ReadGroupBy(map);
    ReadAliases(map);
    ReadTimespan(map);
    ReadFlag(map, "generate", &c_.generate);
    if (!known_type) return;
    ReadCondition(map);
    ReadSilence(map);
  }

 private:
  // The node under `key`, or null after a complaint.
  const YamlNode* Require(const YamlNode& map, std::string_view key, const char* example) {
    const YamlNode* node = map.Find(key);
    if (node != nullptr && !node->IsNull()) return node;
    problems_->Add(node != nullptr ? *node : map,
                   "no `" + std::string(key) + "`, add one like `" + example + "`");
    return nullptr;
  }

  bool ReadType(const YamlNode& map) {
    const YamlNode* node = Require(map, "type", "type: event_count");
    if (node == nullptr) return false;
    const std::string text = ReadText(*node, "`type`", problems_);
    Names known;
    for (const CorrelationType type : kTypes) {
      known.push_back(CorrelationTypeName(type));
      if (text == known.back()) {
        c_.type = type;
        return true;
      }
    }
    problems_->Add(*node, Quoted(text) + " is no type of correlation" +
                              Suggestion(text, known, ", write one of " + JoinNames(known)));
    return false;
  }

  // The entries under `key`, none of them empty.
  std::vector<std::pair<std::string, const YamlNode*>> Entries(const YamlNode& node, const char* what) {
    std::vector<std::pair<std::string, const YamlNode*>> entries;
    const auto add = [&](const YamlNode& item) {
      std::string text = ReadText(item, what, problems_);
      if (item.IsScalar() && text.empty())
        problems_->Add(item, std::string(what) + " has an empty entry, remove it");
      entries.emplace_back(std::move(text), &item);
    };
    if (node.IsSequence()) {
      for (const YamlNode& item : node.children) add(item);
    } else {
      add(node);
    }
    return entries;
  }

  void ReadRules(const YamlNode& map) {
    const YamlNode* node = Require(map, "rules", "rules: [name_of_a_rule]");
    if (node == nullptr) return;
    const auto entries = Entries(*node, "`rules`");
    if (entries.empty()) problems_->Add(*node, "an empty list of rules, name at least one");
    if (entries.size() > Correlation::kMaxReferences) {
      problems_->Add(*node, "more than " + std::to_string(Correlation::kMaxReferences) +
                                " rules, split the correlation");
      return;
    }
    for (const auto& [text, item] : entries) {
      CorrelationReference& reference = c_.rules.emplace_back();
      reference.written = text;
      reference.where = problems_->Place(*item);
    }
  }

  void ReadGroupBy(const YamlNode& map) {
    const YamlNode* node = map.Find("group-by");
    if (node == nullptr || node->IsNull()) return;
    for (const auto& [text, item] : Entries(*node, "`group-by`")) {
      if (std::find(c_.group_by.begin(), c_.group_by.end(), text) != c_.group_by.end()) {
        problems_->Add(*item, Quoted(text) + " stands twice in `group-by`, remove one");
      }
      c_.group_by.push_back(text);
    }
  }

  void ReadAliases(const YamlNode& map) {
    const YamlNode* node = map.Find("aliases");
    if (node == nullptr || node->IsNull()) return;
    if (!node->IsMap()) {
      problems_->Add(*node, "`aliases` must be a map of aliases, each a map from rule to field");
      return;
    }
    for (size_t i = 0; i < node->entries(); ++i) ReadAlias(node->key(i), node->value(i));
  }

  void ReadAlias(const YamlNode& alias, const YamlNode& fields) {
    if (!fields.IsMap()) {
      problems_->Add(fields, "the alias " + Quoted(alias.text) + " must be a map from rule to field");
      return;
    }
    if (std::find(c_.group_by.begin(), c_.group_by.end(), alias.text) == c_.group_by.end()) {
      warnings_->Add(alias,
                     "the alias " + Quoted(alias.text) + " has no effect, `group-by` does not name it");
    }
    for (size_t i = 0; i < fields.entries(); ++i) {
      WrittenAlias& written = parsed_->aliases.emplace_back();
      written.alias = alias.text;
      written.rule = fields.key(i).text;
      written.field = ReadText(fields.value(i), "a field of an alias", problems_);
      written.where = problems_->Place(fields.key(i));
      if (written.field.empty() && fields.value(i).IsScalar()) {
        problems_->Add(fields.value(i),
                       "no field for " + Quoted(written.rule) + ", name one or remove the entry");
      }
    }
  }

  void ReadTimespan(const YamlNode& map) {
    const YamlNode* older = map.Find("timeframe");
    if (older != nullptr && map.Find("timespan") == nullptr) {
      warnings_->Add(*older, "`timeframe` is the older word, write `timespan`");
      ReadSpan(*older, "`timeframe`", 1, &c_.timespan);
      return;
    }
    if (older != nullptr) problems_->Add(*older, "both `timespan` and `timeframe`, remove this one");
    if (const YamlNode* node = Require(map, "timespan", "timespan: 10m")) {
      ReadSpan(*node, "`timespan`", 1, &c_.timespan);
    }
  }

  void ReadSpan(const YamlNode& node, const char* what, int64_t least, Nanoseconds* out) {
    const std::string text = ReadText(node, what, problems_);
    const std::optional<Nanoseconds> span = ParseTimespan(text);
    if (!span.has_value()) {
      problems_->Add(node, Quoted(text) + " is no " + (least > 0 ? "timespan" : "time") +
                               ", write a number and one of s, m, h, d, w, M and y, like 10m");
    } else if (span->count() < least) {
      problems_->Add(node, std::string("a ") + "timespan must be longer than 0, like 10m");
    } else {
      *out = *span;
    }
  }

  void ReadFlag(const YamlNode& map, const char* key, bool* out) {
    const YamlNode* node = map.Find(key);
    if (node == nullptr || node->IsNull()) return;
    const RawValue value = node->IsScalar() ? ResolveScalar(*node) : RawValue{};
    if (value.kind != RawValue::Kind::kBool) {
      problems_->Add(*node, Quoted(key) + " must be true or false");
    } else {
      *out = value.boolean;
    }
  }

  // The options that only silence has.
  void ReadSilence(const YamlNode& map) {
    if (c_.type != CorrelationType::kSilence) {
      for (const char* key : {"expected", "forget_after"}) {
        const YamlNode* node = map.Find(key);
        if (node != nullptr) problems_->Add(*node, Quoted(key) + " is for type silence alone, remove it");
      }
      return;
    }
    ReadFlag(map, "expected", &c_.expected);
    const YamlNode* node = map.Find("forget_after");
    if (node == nullptr || node->IsNull()) return;
    ReadSpan(*node, "`forget_after`", 1, &c_.forget_after);
    constexpr Nanoseconds kWeek = std::chrono::hours(7 * 24);
    if (c_.forget_after.count() == 0) return;  // complained of
    if (c_.forget_after < c_.timespan) {
      problems_->Add(*node, "`forget_after` must be at least the timespan, or there is nothing to tell");
    } else if (c_.expected && c_.forget_after < kWeek) {
      problems_->Add(*node, "`forget_after` must be at least 7d with `expected`, which looks at 7 days");
    }
  }

  void ReadCondition(const YamlNode& map) {
    const YamlNode* node = map.Find("condition");
    const bool given = node != nullptr && !node->IsNull();
    const std::string type = CorrelationTypeName(c_.type);
    if (given && c_.type == CorrelationType::kSilence) {
      problems_->Add(*node, "silence takes no condition, remove it");
    } else if (given && node->IsMap()) {
      ReadConditionMap(*node);
    } else if (given && node->IsScalar() && c_.type == CorrelationType::kTemporal) {
      ReadExpression(*node);
    } else if (given && node->IsScalar()) {
      problems_->Add(*node,
                     "a boolean condition needs type temporal, " + type + " takes a map like `{gte: 5}`");
    } else if (given) {
      problems_->Add(*node, "`condition` must be a map like `{gte: 5}`");
    } else if (IsTemporal(c_.type)) {
      c_.bounds.push_back({BoundOp::kGte, static_cast<double>(c_.rules.size())});
    } else if (c_.type == CorrelationType::kFirstSeen) {
      problems_->Add(map, "first_seen needs a field, add `condition: {field: name, learning: 7d}`");
    } else if (c_.type != CorrelationType::kSilence) {
      problems_->Add(map, "no `condition`, add one like `condition: {gte: 5}`");
    }
  }

  void ReadConditionMap(const YamlNode& map) {
    const std::string type = CorrelationTypeName(c_.type);
    Names known;
    if (TakesField(c_.type)) known.push_back("field");
    if (c_.type == CorrelationType::kValuePercentile) known.push_back("percentile");
    if (c_.type == CorrelationType::kFirstSeen) {
      known.push_back("learning");
    } else {
      for (const BoundOp op : kBoundOps) known.push_back(BoundOpName(op));
    }
    problems_->RequireKnownKeys(map, "a condition of " + type, known);
    ReadFields(map);
    for (const BoundOp op : kBoundOps) ReadBound(map, op);
    if (const YamlNode* node = map.Find("percentile")) ReadPercentile(*node);
    if (c_.type == CorrelationType::kFirstSeen) {
      ReadLearning(map);
    } else if (c_.bounds.empty() && IsTemporal(c_.type)) {
      c_.bounds.push_back({BoundOp::kGte, static_cast<double>(c_.rules.size())});
    } else if (c_.bounds.empty() && !AnyBoundWritten(map)) {
      problems_->Add(map, "the condition compares with nothing, add one of gt, gte, lt, lte, eq and neq");
    }
  }

  static bool AnyBoundWritten(const YamlNode& map) {
    return std::any_of(std::begin(kBoundOps), std::end(kBoundOps),
                       [&map](BoundOp op) { return map.Find(BoundOpName(op)) != nullptr; });
  }

  void ReadFields(const YamlNode& map) {
    if (!TakesField(c_.type)) return;
    const YamlNode* node = map.Find("field");
    const std::string type = CorrelationTypeName(c_.type);
    if (node == nullptr || node->IsNull()) {
      problems_->Add(map, type + " needs a field, add `field: name`");
      return;
    }
    for (auto& [text, item] : Entries(*node, "`field`")) {
      if (std::find(c_.fields.begin(), c_.fields.end(), text) != c_.fields.end()) {
        problems_->Add(*item, Quoted(text) + " stands twice in `field`, remove one");
      }
      c_.fields.push_back(text);
    }
    if (node->IsSequence() && node->children.empty())
      problems_->Add(*node, "an empty list of fields, name one");
    if (IsNumeric(c_.type) && c_.fields.size() > 1) problems_->Add(*node, type + " takes one field only");
  }

  std::optional<double> ReadNumber(const YamlNode& node, std::string_view what) {
    const RawValue value = node.IsScalar() ? ResolveScalar(node) : RawValue{};
    const double number = AsDouble(value.number);
    if (value.kind == RawValue::Kind::kNumber && std::isfinite(number)) return number;
    problems_->Add(node, "`" + std::string(what) + "` must be a number");
    return std::nullopt;
  }

  void ReadBound(const YamlNode& map, BoundOp op) {
    const YamlNode* node = map.Find(BoundOpName(op));
    if (node == nullptr || c_.type == CorrelationType::kFirstSeen) return;
    if (const std::optional<double> number = ReadNumber(*node, BoundOpName(op)))
      c_.bounds.push_back({op, *number});
  }

  void ReadPercentile(const YamlNode& node) {
    if (c_.type != CorrelationType::kValuePercentile) return;
    const std::optional<double> number = ReadNumber(node, "percentile");
    if (!number.has_value()) return;
    if (*number < 0 || *number > 100) {
      problems_->Add(node, "`percentile` must be from 0 to 100");
    } else {
      c_.percentile = *number;
    }
  }

  void ReadLearning(const YamlNode& map) {
    const YamlNode* node = map.Find("learning");
    if (node != nullptr && !node->IsNull()) {
      ReadSpan(*node, "`learning`", 0, &c_.learning);
    } else {
      warnings_->Add(map, "without a learning period everything is new at first, add `learning: 7d`");
    }
  }

  void ReadExpression(const YamlNode& node) {
    Names names;
    for (const CorrelationReference& reference : c_.rules) names.push_back(reference.written);
    ConditionNode written;
    ConditionError error;
    if (!ParseCondition(node.text, names, &written, &error, "rule of this correlation")) {
      problems_->AddWithin(node, error.offset, std::move(error.message));
      return;
    }
    c_.expression = PushDownNot(written);
    const ExpressionNames used = NamesOf(*c_.expression, c_.rules.size());
    if (!used.any_plain()) {
      problems_->Add(
          node,
          "every name of the condition is negated, so nothing could trigger it; name a rule without "
          "`not`, or write a correlation of type silence");
    }
    for (size_t i = 0; i < c_.rules.size(); ++i) {
      if (used.plain[i] || used.negated[i]) continue;
      warnings_->Add(c_.rules[i].where,
                     "the condition does not use " + Quoted(c_.rules[i].written) + ", so it decides nothing");
    }
  }

  ParsedCorrelation* parsed_;
  Correlation& c_;
  ProblemList* problems_;
  ProblemList* warnings_;
};

}  // namespace

ParsedCorrelation ParseCorrelation(const YamlNode& root, ProblemList* problems, ProblemList* warnings) {
  ParsedCorrelation parsed;
  Reader(&parsed, problems, warnings).Read(root);
  return parsed;
}

}  // namespace redthread
