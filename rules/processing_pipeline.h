// ProcessingPipeline: how rules are rewritten before they are used, so that rules written for one naming of
// fields fit events of another.
//
// The form is pySigma's: a list of items, each a transformation with conditions on the rule, on the single
// detection item and on the field name. Items of several files are one list, by priority, then by path; each
// rule goes through all of it, in order. Nothing here runs anything: see rule_processing.h.
// Source: pySigma 1.5.1, sigma/processing; what redthread has no use for: docs/rules.md, "Processing
// pipelines".
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/log_source.h"
#include "core/status.h"
#include "rules/rule.h"
#include "rules/rule_set.h"

namespace re2 {
class RE2;
}

namespace redthread {

using SharedRegex = std::shared_ptr<const re2::RE2>;

// ---- conditions ----

enum class ProcessingOp : uint8_t { kEq, kNe, kGt, kGte, kLt, kLte, kIn, kNotIn };

struct ProcessingCondition {
  enum class Type : uint8_t {
    kLogSource,              // the rule's has these keys; a correlation's: that of a rule it refers to
    kContainsDetectionItem,  // some item has this field and this value
    kContainsField,
    kProcessingItemApplied,  // on the rule, the detection item or the field name
    kProcessingState,        // what set_state has set
    kIsSigmaRule,
    kIsSigmaCorrelationRule,
    kRuleAttribute,
    kTag,
    kMatchString,  // the beginning of a value's text, by a regex
    kMatchValue,
    kContainsWildcard,
    kIsNull,
    kIncludeFields,
    kExcludeFields,
  };
  Type type = Type::kLogSource;
  LogSource log_source;
  std::string name;  // the field, the state's key, the item's id, the attribute or the tag
  RawValue value;
  ProcessingOp op = ProcessingOp::kEq;
  bool all = false;     // every value of the item, else any
  bool negate = false;  // of kMatchString
  std::vector<std::string> fields;
  std::vector<SharedRegex> patterns;  // of kMatchString one; of fields in the mode `re`
};

// Conditions of one kind and how they go together. Without any it holds.
struct ProcessingTest {
  std::vector<ProcessingCondition> conditions;
  ConditionNode expression;  // over `conditions`
  bool negated = false;
};

// ---- transformations ----

struct MapFields {
  // Field name -> names, never empty; several: any of them. The name "" stands for keywords.
  std::vector<std::pair<std::string, std::vector<std::string>>> mapping;
  bool prefixes = false;  // names and targets are beginnings; the first that fits counts
};
struct AffixFields {
  std::string prefix, suffix;
};
struct DropItems {};
struct AddSearch {
  std::string name;                  // empty: one is made up
  std::vector<DetectionItem> items;  // not lowered; all must hold
  bool is_template = false;          // $category, $product and $service stand for the rule's
  bool negated = false;
};
struct ChangeLogSource {
  LogSource log_source;
};
struct ReplaceString {
  SharedRegex regex;
  std::string rewrite;             // in RE2's notation
  bool skip_special = false;       // only the text between wildcards
  bool interpret_special = false;  // then: wildcards in the result are such
};
struct MapString {
  std::map<std::string, std::vector<std::string>> mapping;
};
struct SetValue {
  RawValue value;
};
struct ConvertType {
  bool to_number = false;  // else to text
};
struct FillPlaceholders {
  bool wildcard = false;  // else the values of ProcessingPipelines::variables
  std::optional<std::vector<std::string>> include, exclude;  // at most one of them
  bool Handles(const std::string& name) const;
};
struct SplitHashes {
  std::vector<std::string> algorithms;
  std::string prefix;
  bool drop_algorithm = false;
  std::vector<std::string> fields = {"Hashes", "Hash"};
};
struct LeaveOut {
  std::string message;
  bool of_item = false;  // only a rule with an item that the tests hold for
};
struct RequireMapping {};
struct SetState {
  std::string key;
  RawValue value;
};
struct SetAttribute {
  std::string name;
  std::vector<RawValue> values;
  bool list = false;
};
struct NoEffect {};  // what changes only the text of a query
struct ProcessingItem;
struct Nest {
  std::vector<ProcessingItem> items;
};

struct ProcessingItem {
  std::string id;  // may be empty
  ProcessingTest rule_test, item_test, field_test;
  std::variant<NoEffect, MapFields, AffixFields, DropItems, AddSearch, ChangeLogSource, ReplaceString,
               MapString, SetValue, ConvertType, FillPlaceholders, SplitHashes, LeaveOut, RequireMapping,
               SetState, SetAttribute, Nest>
      transformation;
  SourceLocation where;
};

// Several pipelines as one. Immutable and thread-safe once loaded.
struct ProcessingPipelines {
  std::vector<ProcessingItem> items;
  std::map<std::string, std::vector<std::string>> variables;  // of `vars`; a later pipeline's win
  std::vector<RuleProblem> notices;                           // what is there and has no meaning here
};

// A pipeline's file: its path as given, which also orders those of one priority, and its text.
struct PipelineFile {
  std::string name;
  std::string text;
  bool operator==(const PipelineFile&) const = default;
};

// The files that these paths name: files, and *.yml below folders. kInvalid names each that cannot be read,
// one a line.
Result<std::vector<PipelineFile>> ReadPipelineFiles(const std::vector<std::string>& paths);

// kInvalid with everything that is wrong, one complaint a line.
Result<std::shared_ptr<const ProcessingPipelines>> ParsePipelines(const std::vector<PipelineFile>& files);

// Both in one. Null for no paths.
Result<std::shared_ptr<const ProcessingPipelines>> LoadPipelines(const std::vector<std::string>& paths);

}  // namespace redthread
