// Rule: a Sigma detection rule, checked and lowered, ready to be compiled by the detector.
//
// The loader goes through these phases, and each leaves its result here: parse (YAML to RawValue and
// Modifier, as written; conditions to trees over search identifiers), process (where there are processing
// pipelines: other fields, values, searches), and lower (modifiers applied: MatchValue). What is unsupported
// is refused in the phase that finds it, with file:line:col. What each construct means: docs/rules.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/detection.h"
#include "core/log_source.h"
#include "core/text.h"

namespace redthread {

// Where something stands in a rule file; line and column count from 1.
struct SourceLocation {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
};

enum class Modifier : uint8_t {
  kContains,
  kStartsWith,
  kEndsWith,
  kAll,
  kExists,
  kCased,
  kNeq,
  kWindash,
  kRe,
  kRegexI,
  kRegexM,
  kRegexS,
  kBase64,
  kBase64Offset,
  kUtf16Le,
  kUtf16Be,
  kUtf16,
  kWide,
  kCidr,
  kExpand,
  kFieldRef,
  kLt,
  kLte,
  kGt,
  kGte,
  kMinute,
  kHour,
  kDay,
  kWeek,
  kMonth,
  kYear,
};

// A value as the rule writes it.
struct RawValue {
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString };
  Kind kind = Kind::kString;
  bool boolean = false;
  int text_column = 0;  // as YamlNode::text_column
  Number number;
  std::string text;  // as written; of numbers too
  SourceLocation where;
};

// ---- what a value becomes after its modifiers ----

struct MatchNull {};  // missing, null, empty array, or all values null
struct MatchBool {
  bool value = false;
};  // that boolean, or its name in any case
struct MatchNumber {
  Number value;
};  // equal as a number
struct MatchPattern {
  Pattern pattern;
};  // covers the whole text
struct MatchRegex {
  std::string source;  // RE2 syntax, searched for, not anchored
  bool ignore_case = false, multi_line = false, dot_all = false;
};
struct MatchCidr {
  Cidr cidr;
};
enum class CompareOp : uint8_t { kEq, kLt, kLte, kGt, kGte };
struct MatchCompare {
  CompareOp op = CompareOp::kEq;
  Number value;
};
enum class TimePart : uint8_t { kMinute, kHour, kDay, kWeek, kMonth, kYear };
struct MatchTimePart {
  TimePart part = TimePart::kHour;
  CompareOp op = CompareOp::kEq;
  Number value;
};
struct MatchExists {
  bool wanted = true;
};
struct MatchFieldRef {
  std::string field;
  // Both: contains; only open_left: endswith; only open_right: startswith; none: equal.
  bool open_left = false, open_right = false;
};
struct MatchValue;
struct MatchAlternatives {
  std::vector<MatchValue> values;
};  // one rule value that a modifier expanded: any of them

struct MatchValue {
  std::variant<MatchNull, MatchBool, MatchNumber, MatchPattern, MatchRegex, MatchCidr, MatchCompare,
               MatchTimePart, MatchExists, MatchFieldRef, MatchAlternatives>
      v;
};

// `Field|modifier|...: value(s)`, or values without a field (keywords).
struct DetectionItem {
  std::string field;  // empty: keywords, searched for in every value of the event
  std::vector<Modifier> modifiers;
  std::vector<RawValue> raw_values;  // never empty in a rule that loaded
  // Lowered. Keyword patterns are already open on both sides (unless startswith or endswith says otherwise).
  std::vector<MatchValue> values;
  bool all = false;      // every value must match (possibly different elements); else any
  bool negated = false;  // `neq`
  bool cased = false;
  SourceLocation where;
  std::vector<std::string> processed_by;  // ids of processing items that changed it, while pipelines run
  bool keywords() const { return field.empty(); }
};

// A search identifier's body: a tree of ANDs (maps) and ORs (lists) over items.
struct SearchNode {
  enum class Kind : uint8_t { kItem, kAnd, kOr };
  Kind kind = Kind::kItem;
  DetectionItem item;                // of kItem
  std::vector<SearchNode> children;  // of kAnd and kOr, never empty
};

struct Search {
  std::string name;
  SearchNode root;
};

// A condition over search identifiers; selectors (`1 of x*`) are already resolved to kAnd or kOr.
struct ConditionNode {
  enum class Kind : uint8_t { kSearch, kNot, kAnd, kOr };
  Kind kind = Kind::kSearch;
  uint32_t search = 0;                  // of kSearch: index into the searches it was parsed against
  std::vector<ConditionNode> children;  // of kNot exactly one
};

// A rule's `detection` section: named searches and the condition over them. Several conditions of a rule are
// an OR here.
struct RuleLogic {
  std::vector<Search> searches;
  ConditionNode condition;
};

// A `filter:` document that applies to a rule: the rule matches only where this condition holds too.
struct RuleFilter {
  std::string id;
  std::string title;
  std::shared_ptr<const RuleLogic> logic;
};

// What a rule says of itself, and its identity: the same for detection rules and for correlations.
struct RuleDescription {
  std::string id;  // id, else name, else title, else the path
  std::string name;
  std::string title;
  std::string status;
  std::string description;
  std::string author;
  std::string date;
  std::string modified;
  std::string license;
  Level level = Level::kInformational;
  std::vector<std::string> tags;
  std::vector<std::string> references;
  std::vector<std::string> false_positives;
  // Plain words for somebody who is no engineer; from the rule's `redthread:` map, empty in rules of others.
  std::string owner_what;                   // what happened
  std::string owner_meaning;                // what it may mean
  std::vector<std::string> owner_do;        // what to do, one step each
  std::vector<std::string> owner_harmless;  // usual harmless causes
  SourceLocation where;
  std::string content_hash;  // 16 bytes: of what decides (log source, logic, filters; of a correlation itself
                             // and the rules it refers to); a changed tag or date changes nothing
};

struct Rule : RuleDescription {
  LogSource log_source;
  RuleLogic logic;
  std::vector<RuleFilter> filters;
  // Some correlation refers to the rule and none of those says `generate: true`: where correlations are
  // evaluated, its matches raise no alerts of their own.
  bool muted = false;
};

}  // namespace redthread
