// One document of a rule file -> Rule or filter, checked and lowered.
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

// A rule, usable if no problem was added and nothing is missing.
struct ParsedRule {
  Rule rule;
  std::vector<std::string> missing_placeholders;  // sorted
};

// A `filter:` document: which rules it applies to, and its logic.
struct ParsedFilter {
  RuleFilter filter;
  LogSource log_source;  // rules of just these keys; a key left empty fits any rule
  bool any_rule = true;  // else only those of `rules`, by id or name
  std::vector<std::string> rules;
  std::vector<std::string> missing_placeholders;
  std::string content_hash;
  SourceLocation where;

  bool AppliesTo(const Rule& rule) const;
};

// Parses many documents, one after another. One per thread.
class RuleParser {
 public:
  // `variables` outlives the parser.
  explicit RuleParser(const SiteVariables& variables) : variables_(variables), lowering_(variables) {}

  // `root` is a map of the kind in question. Problems and warnings are added to the lists, whose file is the
  // document's.
  ParsedRule ParseRule(const YamlNode& root, ProblemList* problems, ProblemList* warnings);
  ParsedFilter ParseFilter(const YamlNode& root, ProblemList* problems, ProblemList* warnings);

 private:
  std::vector<std::string> MissingPlaceholders() const;

  const SiteVariables& variables_;
  Lowering lowering_;
};

}  // namespace redthread
