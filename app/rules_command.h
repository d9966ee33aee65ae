// redthread rules: checks, lists, shows, tests and installs Sigma rules.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/rule_options.h"

namespace redthread {

struct RulesListOptions {
  RuleOptions rules;
  std::vector<std::string> levels;    // any of them; empty: all
  std::vector<std::string> tags;      // any of them; "attack.t1059" stands for attack.t1059.001 too
  std::vector<std::string> products;  // any of them
};

struct RulesShowOptions {
  RuleOptions rules;
  std::string rule;  // an id or its beginning, a name, or a path
};

struct RulesInstallOptions {
  std::string archive;
  std::string target;          // folder; empty: "rules" in the data folder
  std::string name = "sigma";  // of the folder that is made there
};

void AddRulesCommand(CommandTree* tree);

int RunRulesCheck(const RuleOptions& options, CommandContext* context);
int RunRulesList(const RulesListOptions& options, CommandContext* context);
int RunRulesShow(const RulesShowOptions& options, CommandContext* context);
int RunRulesInstall(const RulesInstallOptions& options, CommandContext* context);

// Point into the set they were found in.
struct FoundRules {
  std::vector<const Rule*> rules;
  std::vector<const Correlation*> correlations;
  bool empty() const { return rules.empty() && correlations.empty(); }
};

// Which rules of `rules` a word means: the one of that id, else all of that name, else all of that path, else
// those whose id begins with it.
FoundRules FindRules(const RuleSet& rules, const std::string& word);

}  // namespace redthread
