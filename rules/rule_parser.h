// One document of a rule file -> rule or filter: parsed and checked first, lowered afterwards, so that
// processing pipelines can come between.
//
// Everything wrong with a document is reported, not only the first thing. What decides (detection, log
// source, modifiers) is held to Sigma's letter; unknown keys at the top of a document are allowed, as Sigma
// allows them, with a warning where one looks like a misspelt known one. Source: Sigma specification 2.1.0,
// rules and filters.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/lowering.h"
#include "rules/problem_list.h"
#include "rules/rule.h"
#include "rules/rule_set.h"
#include "rules/yaml.h"

namespace redthread {

enum class DocumentKind { kRule, kFilter, kCorrelation, kUnknown };
// By the keys that the document has. `root` is a map.
DocumentKind ClassifyDocument(const YamlNode& root);

// A rule as it is written: its items are not lowered, and it has no content hash.
struct ParsedRule {
  Rule rule;
  std::vector<std::string> conditions;  // as written
};

// A `filter:` document as it is written: which rules it applies to, and its logic.
struct ParsedFilter {
  RuleFilter filter;  // without its logic
  RuleLogic logic;
  std::vector<std::string> conditions;  // as written
  LogSource log_source;                 // rules of just these keys; a key left empty fits any rule
  bool any_rule = true;                 // else only those of `rules`, by id or name
  std::vector<std::string> rules;
  SourceLocation where;

  bool AppliesTo(const Rule& rule) const;
};

// `root` is a map of the kind in question. Problems and warnings are added to the lists, whose file is the
// document's; what a problem was added for must not be used.
ParsedRule ParseRule(const YamlNode& root, ProblemList* problems, ProblemList* warnings);
ParsedFilter ParseFilter(const YamlNode& root, ProblemList* problems, ProblemList* warnings);

// Lowers the logic of many rules and filters, one after another. One per thread.
class LogicLowering {
 public:
  // `variables` outlives the object.
  explicit LogicLowering(const SiteVariables& variables) : variables_(variables), lowering_(variables) {}

  struct Lowered {
    std::string content_hash;
    std::vector<std::string> missing_placeholders;  // sorted; with any, the logic must not be used
  };
  // Lowers every item that has values. `conditions` and `log_source` go into the hash.
  Lowered Lower(const LogSource& log_source, const std::vector<std::string>& conditions, RuleLogic* logic,
                ProblemList* problems);

 private:
  void LowerNode(SearchNode* node, ProblemList* problems);

  const SiteVariables& variables_;
  Lowering lowering_;
};

}  // namespace redthread
