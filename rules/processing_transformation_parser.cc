#include "rules/processing_transformation_parser.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "rules/detection_parser.h"
#include "rules/nearest_name.h"
#include "rules/processing_condition_parser.h"

namespace redthread {
namespace {

using Names = std::vector<std::string_view>;

std::string Quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// What a replacement written for Python's re.sub is for RE2. False when it is not to be had.
bool ToRe2Rewrite(std::string_view python, const re2::RE2& regex, std::string* rewrite) {
  for (size_t i = 0; i < python.size(); ++i) {
    if (python[i] != '\\') {
      *rewrite += python[i];
      continue;
    }
    if (++i == python.size()) return false;
    const char c = python[i];
    if (c == 'g') {
      const size_t close = python.find('>', i);
      if (i + 1 >= python.size() || python[i + 1] != '<' || close == std::string_view::npos) return false;
      const std::string name(python.substr(i + 2, close - i - 2));
      const auto named = regex.NamedCapturingGroups().find(name);
      const bool digit = name.size() == 1 && name[0] >= '0' && name[0] <= '9';
      if (named == regex.NamedCapturingGroups().end() && !digit) return false;
      const int group = digit ? name[0] - '0' : named->second;
      if (group > 9) return false;
      *rewrite += "\\" + std::to_string(group);
      i = close;
    } else if (c >= '1' && c <= '9') {
      if (i + 1 < python.size() && python[i + 1] >= '0' && python[i + 1] <= '9') return false;
      *rewrite += {'\\', c};
    } else if (c == 'n' || c == 't') {
      *rewrite += c == 'n' ? '\n' : '\t';
    } else if (c == '\\') {
      *rewrite += "\\\\";
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '0') {
      return false;
    } else {
      *rewrite += {'\\', '\\', c};  // Python leaves the backslash
    }
  }
  std::string error;
  return regex.CheckRewriteString(re2::StringPiece(rewrite->data(), rewrite->size()), &error);
}

// Reads the parameters of one item's transformation.
class TransformationReader {
 public:
  TransformationReader(const YamlNode& map, ProblemList* problems, ProblemList* notices)
      : map_(map), problems_(problems), notices_(notices) {}

  void Read(ProcessingItem* item) {
    const YamlNode* type = RequireScalar(map_, "type", problems_);
    const Spec* spec = type == nullptr ? nullptr : FindSpec(*type);
    if (spec == nullptr) return;
    RequireKnownKeys(*spec);
    item_ = item;
    (this->*spec->read)();
  }

 private:
  struct Spec {
    const char* name;
    Names keys;  // besides those of every item
    void (TransformationReader::*read)();
  };

  // Source: pySigma 1.5.1, sigma/processing/transformations/__init__.py.
  static const std::vector<Spec>& Specs() {
    using R = TransformationReader;
    static const auto* const kSpecs = new std::vector<Spec>{
        {"field_name_mapping", {"mapping"}, &R::ReadFieldMapping},
        {"field_name_prefix_mapping", {"mapping"}, &R::ReadPrefixMapping},
        {"field_name_prefix", {"prefix"}, &R::ReadPrefix},
        {"field_name_suffix", {"suffix"}, &R::ReadSuffix},
        {"drop_detection_item", {}, &R::ReadDrop},
        {"add_condition", {"conditions", "name", "template", "negated"}, &R::ReadAddCondition},
        {"change_logsource", {"category", "product", "service"}, &R::ReadChangeLogSource},
        {"replace_string",
         {"regex", "replacement", "skip_special", "interpret_special"},
         &R::ReadReplaceString},
        {"map_string", {"mapping"}, &R::ReadMapString},
        {"set_value", {"value", "force_type"}, &R::ReadSetValue},
        {"convert_type", {"target_type"}, &R::ReadConvertType},
        {"value_placeholders", {"include", "exclude"}, &R::ReadValuePlaceholders},
        {"wildcard_placeholders", {"include", "exclude"}, &R::ReadWildcardPlaceholders},
        {"hashes_fields",
         {"valid_hash_algos", "field_prefix", "drop_algo_prefix", "field_to_parse"},
         &R::ReadHashes},
        {"rule_failure", {"message"}, &R::ReadRuleFailure},
        {"detection_item_failure", {"message"}, &R::ReadItemFailure},
        {"strict_field_mapping_failure", {}, &R::ReadStrict},
        {"set_state", {"key", "val"}, &R::ReadSetState},
        {"set_custom_attribute", {"attribute", "value"}, &R::ReadSetAttribute},
        {"nest", {"items"}, &R::ReadNest},
        {"add_field", {"field"}, &R::ReadNoEffect},
        {"remove_field", {"field"}, &R::ReadNoEffect},
        {"set_field", {"fields"}, &R::ReadNoEffect},
        {"regex", {"method"}, &R::ReadRegex},
    };
    return *kSpecs;
  }

  // What pySigma has and redthread refuses, with the reason.
  static std::string_view WhyRefused(std::string_view type) {
    if (type == "query_expression_placeholders")
      return " makes text of a query language, and there is none here: use value_placeholders";
    if (type == "file_placeholders" || type == "http_placeholders" || type == "command_placeholders")
      return " reads from outside, which rules may not here: write the values into `vars` and use "
             "value_placeholders";
    if (type == "field_name_transform") return " needs a Python function: use field_name_mapping";
    if (type == "extract_fields" || type == "case") return " is not available here";
    return {};
  }

  const Spec* FindSpec(const YamlNode& type) {
    Names known;
    for (const Spec& spec : Specs()) {
      if (type.text == spec.name) return &spec;
      known.push_back(spec.name);
    }
    const std::string_view why = WhyRefused(type.text);
    problems_->Add(type, Quoted(type.text) + (why.empty() ? " is no transformation" +
                                                                Suggestion(type.text, known,
                                                                           ", which are " + JoinNames(known))
                                                          : std::string(why)));
    return nullptr;
  }

  void RequireKnownKeys(const Spec& spec) {
    Names known = {"id", "type"};
    known.insert(known.end(), spec.keys.begin(), spec.keys.end());
    YamlNode own;  // without the keys of tests
    own.kind = YamlNode::Kind::kMap;
    for (size_t i = 0; i < map_.entries(); ++i) {
      if (IsProcessingTestKey(map_.key(i).text)) continue;
      own.children.push_back(map_.key(i));
      own.children.push_back(map_.value(i));
    }
    problems_->RequireKnownKeys(own, Quoted(spec.name), known);
  }

  // The node under `key`, or null after a complaint.
  const YamlNode* Require(const char* key, YamlNode::Kind kind, const char* what) {
    const YamlNode* node = map_.Find(key);
    if (node != nullptr && node->kind == kind) return node;
    problems_->Add(node != nullptr ? *node : map_, Quoted(key) + " must be there, as " + what);
    return nullptr;
  }

  std::string Text(const char* key) {
    const YamlNode* node = RequireScalar(map_, key, problems_);
    return node != nullptr ? node->text : "";
  }

  void ReadFieldMapping() { item_->transformation = Mapping(false); }
  void ReadPrefixMapping() { item_->transformation = Mapping(true); }

  MapFields Mapping(bool prefixes) {
    MapFields fields;
    fields.prefixes = prefixes;
    const YamlNode* mapping = Require("mapping", YamlNode::Kind::kMap, "a map of field names");
    for (size_t i = 0; mapping != nullptr && i < mapping->entries(); ++i) {
      const YamlNode& key = mapping->key(i);
      const YamlNode& value = mapping->value(i);
      std::vector<std::string> names = ReadTextList(value, "the name of a field", problems_);
      if (names.empty() || std::find(names.begin(), names.end(), "") != names.end()) {
        problems_->Add(
            value, "no field name; to drop what asks for " + Quoted(key.text) + " use drop_detection_item");
      }
      if (prefixes && key.IsNull()) problems_->Add(key, "keywords have no name that could begin so");
      fields.mapping.emplace_back(key.IsNull() ? std::string() : key.text, std::move(names));
    }
    return fields;
  }

  void ReadPrefix() { item_->transformation = AffixFields{Text("prefix"), ""}; }
  void ReadSuffix() { item_->transformation = AffixFields{"", Text("suffix")}; }
  void ReadDrop() { item_->transformation = DropItems{}; }
  void ReadStrict() { item_->transformation = RequireMapping{}; }
  void ReadNoEffect() { item_->transformation = NoEffect{}; }
  void ReadRuleFailure() { item_->transformation = LeaveOut{Text("message"), false}; }
  void ReadItemFailure() { item_->transformation = LeaveOut{Text("message"), true}; }

  void ReadAddCondition() {
    AddSearch add;
    if (map_.Find("name") != nullptr) add.name = Text("name");
    add.is_template = FlagUnder(map_, "template", false, problems_);
    add.negated = FlagUnder(map_, "negated", false, problems_);
    const YamlNode* conditions = Require("conditions", YamlNode::Kind::kMap, "a map of fields and values");
    if (conditions != nullptr && conditions->entries() == 0)
      problems_->Add(*conditions, "an empty map adds no condition, write `Field: value`");
    for (size_t i = 0; conditions != nullptr && i < conditions->entries(); ++i) {
      DetectionParser(problems_, notices_)
          .ParseItem(conditions->key(i), conditions->value(i), &add.items.emplace_back());
    }
    item_->transformation = std::move(add);
  }

  void ReadChangeLogSource() {
    ChangeLogSource change;
    const auto key = [this](const char* name, std::string* out) {
      if (const YamlNode* node = map_.Find(name)) *out = Fold(ReadText(*node, Quoted(name), problems_));
    };
    key("product", &change.log_source.product);
    key("category", &change.log_source.category);
    key("service", &change.log_source.service);
    if (change.log_source.empty())
      problems_->Add(map_, "a rule without a log source never fires, name a product, category or service");
    item_->transformation = std::move(change);
  }

  void ReadReplaceString() {
    ReplaceString replace;
    replace.skip_special = FlagUnder(map_, "skip_special", false, problems_);
    replace.interpret_special = FlagUnder(map_, "interpret_special", false, problems_);
    const YamlNode* replacement = map_.Find("replacement");
    if (replacement == nullptr || !replacement->IsScalar()) {
      problems_->Add(map_, "`replacement` must be there, as text");
      replacement = nullptr;
    }
    if (const YamlNode* regex = RequireScalar(map_, "regex", problems_))
      replace.regex = CompileProcessingRegex(*regex, problems_);
    if (replace.regex != nullptr && replacement != nullptr &&
        !ToRe2Rewrite(ReadText(*replacement, "`replacement`", problems_), *replace.regex, &replace.rewrite)) {
      problems_->Add(*replacement,
                     "this replacement cannot be used: groups are \\1 to \\9 or \\g<name>, and "
                     "must be in the regex; a backslash itself is \\\\");
    }
    item_->transformation = std::move(replace);
  }

  void ReadMapString() {
    MapString map;
    const YamlNode* mapping = Require("mapping", YamlNode::Kind::kMap, "a map of texts");
    for (size_t i = 0; mapping != nullptr && i < mapping->entries(); ++i) {
      std::vector<std::string> texts = ReadTextList(mapping->value(i), "a text to put in", problems_);
      if (texts.empty()) problems_->Add(mapping->value(i), "nothing to put in, write at least one text");
      map.mapping[mapping->key(i).text] = std::move(texts);
    }
    item_->transformation = std::move(map);
  }

  void ReadSetValue() {
    const YamlNode* node = map_.Find("value");
    if (node == nullptr || !node->IsScalar()) {
      problems_->Add(node != nullptr ? *node : map_, "`value` must be text, a number, a boolean or null");
      return;
    }
    SetValue set{PlacedValue(*node, *problems_)};
    const std::string force = map_.Find("force_type") == nullptr ? "" : Text("force_type");
    if (force == "str") {
      set.value.kind = RawValue::Kind::kString;
    } else if (force == "num") {
      const std::optional<Number> number = ParseDecimal(set.value.text);
      if (!number.has_value()) problems_->Add(*node, Quoted(node->text) + " is no number");
      set.value.kind = RawValue::Kind::kNumber;
      set.value.number = number.value_or(Number{});
    } else if (!force.empty()) {
      problems_->Add(*map_.Find("force_type"), "`force_type` is `str` or `num`");
    }
    item_->transformation = std::move(set);
  }

  void ReadConvertType() {
    const std::string type = Text("target_type");
    if (!type.empty() && type != "str" && type != "num")
      problems_->Add(*map_.Find("target_type"), "`target_type` is `str` or `num`");
    item_->transformation = ConvertType{type == "num"};
  }

  void ReadValuePlaceholders() { ReadPlaceholders(false); }
  void ReadWildcardPlaceholders() { ReadPlaceholders(true); }
  void ReadPlaceholders(bool wildcard) {
    FillPlaceholders fill;
    fill.wildcard = wildcard;
    const YamlNode* include = map_.Find("include");
    const YamlNode* exclude = map_.Find("exclude");
    if (include != nullptr) fill.include = ReadTextList(*include, "`include`", problems_);
    if (exclude != nullptr) fill.exclude = ReadTextList(*exclude, "`exclude`", problems_);
    if (include != nullptr && exclude != nullptr)
      problems_->Add(*exclude, "`include` and `exclude` exclude each other, remove one");
    item_->transformation = std::move(fill);
  }

  void ReadHashes() {
    SplitHashes split;
    const YamlNode* algorithms =
        Require("valid_hash_algos", YamlNode::Kind::kSequence, "a list such as [MD5, SHA1, SHA256, IMPHASH]");
    if (algorithms != nullptr) split.algorithms = ReadTextList(*algorithms, "an algorithm", problems_);
    if (map_.Find("field_prefix") != nullptr)
      split.prefix = ReadText(*map_.Find("field_prefix"), "`field_prefix`", problems_);
    split.drop_algorithm = FlagUnder(map_, "drop_algo_prefix", false, problems_);
    if (split.drop_algorithm && split.prefix.empty())
      problems_->Add(map_, "without `field_prefix` and algorithm the fields have no name");
    if (const YamlNode* fields = map_.Find("field_to_parse"))
      split.fields = ReadTextList(*fields, "`field_to_parse`", problems_);
    item_->transformation = std::move(split);
  }

  void ReadSetState() {
    SetState set;
    set.key = Text("key");
    if (const YamlNode* value = RequireScalar(map_, "val", problems_))
      set.value = PlacedValue(*value, *problems_);
    item_->transformation = std::move(set);
  }

  void ReadSetAttribute() {
    SetAttribute set;
    set.name = Text("attribute");
    const YamlNode* value = map_.Find("value");
    if (value == nullptr || value->IsMap()) {
      problems_->Add(value != nullptr ? *value : map_, "`value` must be there, as one value or a list");
    } else if (value->IsScalar()) {
      set.values = {PlacedValue(*value, *problems_)};
    } else {
      set.list = true;
      for (const YamlNode& v : value->children) {
        if (v.IsScalar()) set.values.push_back(PlacedValue(v, *problems_));
      }
    }
    item_->transformation = std::move(set);
  }

  void ReadNest() {
    Nest nest;
    if (const YamlNode* items = Require("items", YamlNode::Kind::kSequence, "a list of items")) {
      for (const YamlNode& item : items->children)
        nest.items.push_back(ParseProcessingItem(item, problems_, notices_));
    }
    item_->transformation = std::move(nest);
  }

  // It is how a query language without it compares without regard to case.
  void ReadRegex() {
    const std::string method = map_.Find("method") == nullptr ? "ignore_case_brackets" : Text("method");
    if (method == "plain") {
      problems_->Add(*map_.Find("method"),
                     "this would compare with regard to case: write `|cased` in the rule");
    } else if (method != "ignore_case_flag" && method != "ignore_case_brackets") {
      problems_->Add(*map_.Find("method"), Quoted(method) + " is no method, use ignore_case_flag");
    } else {
      notices_->Add(map_, "`regex` has no effect here: text is compared without regard to case anyway");
    }
    item_->transformation = NoEffect{};
  }

  const YamlNode& map_;
  ProblemList* problems_;
  ProblemList* notices_;
  ProcessingItem* item_ = nullptr;
};

}  // namespace

bool FillPlaceholders::Handles(const std::string& name) const {
  const auto in = [&name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return include.has_value() ? in(*include) : !exclude.has_value() || !in(*exclude);
}

ProcessingItem ParseProcessingItem(const YamlNode& node, ProblemList* problems, ProblemList* notices) {
  ProcessingItem item;
  item.where = problems->Place(node);
  if (!node.IsMap()) {
    problems->Add(node, "an item must be a map, such as {type: field_name_mapping, mapping: {...}}");
    return item;
  }
  if (const YamlNode* id = node.Find("id")) item.id = ReadText(*id, "`id`", problems);
  TransformationReader(node, problems, notices).Read(&item);
  item.rule_test = ParseProcessingTest(node, ProcessingScope::kRule, problems);
  item.item_test = ParseProcessingTest(node, ProcessingScope::kDetectionItem, problems);
  item.field_test = ParseProcessingTest(node, ProcessingScope::kFieldName, problems);
  return item;
}

}  // namespace redthread
