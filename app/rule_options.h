// The options by which a command is told its rules, and the loading of them into an engine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/command.h"
#include "core/status.h"
#include "rules/rule_set.h"
#include "runtime/engine.h"

namespace redthread {

struct RuleOptions {
  std::vector<std::string> paths;      // of -r; empty: the shipped rules
  std::string variables;               // of --variables: a site file; empty: none
  std::vector<std::string> pipelines;  // of --pipeline: processing pipelines
};

// -r/--rules, --variables and --pipeline.
void AddRuleOptions(CLI::App* app, RuleOptions* options);

// Where the rules are: those paths, or the shipped rules; empty when these cannot be found.
std::vector<std::string> RulePathsOf(const RuleOptions& options);

// Loads the rules. Tells nothing: see TellRuleProblems. NotFound when there are no shipped rules to fall back
// on; any error of the site
// file and of the processing pipelines.
Result<std::shared_ptr<const RuleSet>> LoadRulesFor(const RuleOptions& options);

// The rules in an Engine, with the shipped maps in force; `options` brings the rest (profiles, own
// addresses). Any error of the maps, or that they are not there.
Result<std::shared_ptr<const Engine>> LoadEngineFor(std::shared_ptr<const RuleSet> rules,
                                                    Engine::Options options);

// Tells every problem and warning of the set. Rules that only lack site variables are told with -v one by
// one.
void TellRuleProblems(const RuleSet& rules, Messages* messages);

// Names each rule that raises no alerts of its own because a correlation refers to it.
void TellMutedRules(const RuleSet& rules, Messages* messages);

// "3,780 rules: 3,755 loaded, 25 need site variables, 0 failed".
std::string RuleCounts(const RuleSet& rules);

}  // namespace redthread
