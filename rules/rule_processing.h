// RuleProcessing: one rule after another through the processing pipelines, between parsing and lowering, so
// that what is lowered, hashed and matched is what they made of it.
//
// Differs from pySigma where it has reasons, all of them in docs/rules.md: a rule that a pipeline refuses is
// left out and told, nested items share state and variables with those around them, and a negated item that
// is mapped to several fields asks for none of them. Source: pySigma 1.5.1, sigma/processing.
#pragma once

#include <string>
#include <vector>

#include "rules/correlation_parser.h"
#include "rules/problem_list.h"
#include "rules/processing_pipeline.h"
#include "rules/rule.h"
#include "rules/yaml.h"

namespace redthread {

// What stands at the top of a document: scalars, and lists of scalars.
struct RuleAttribute {
  std::string name;
  std::vector<RawValue> values;
  bool list = false;
};
std::vector<RuleAttribute> ReadRuleAttributes(const YamlNode& root);

// A detection rule that is not lowered, and the filters that apply to it.
struct RuleInProcess {
  std::vector<RuleAttribute> attributes;
  LogSource* log_source = nullptr;
  RuleLogic* logic = nullptr;
  std::vector<std::string>* conditions = nullptr;  // as written: what an added search does to them is added
  // A filter of which nothing is left has no searches then.
  std::vector<RuleLogic*> filters;
};

// A correlation that is not resolved.
struct CorrelationInProcess {
  std::vector<RuleAttribute> attributes;
  std::vector<LogSource> log_sources;  // of the rules below it, as the pipelines made them
  ParsedCorrelation* parsed = nullptr;
};

// Each runs all items over the rule. Returns why a pipeline leaves the rule out; empty when it does not. What
// cannot be done is a problem: then the rule must not be used.
std::string ProcessRule(const ProcessingPipelines& pipelines, RuleInProcess* rule, ProblemList* problems);
std::string ProcessCorrelation(const ProcessingPipelines& pipelines, CorrelationInProcess* correlation,
                               ProblemList* problems);

}  // namespace redthread
