// RuleSet: everything that was loaded from a list of rule paths, immutable, shared by all threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "rules/correlation.h"
#include "rules/rule.h"

namespace redthread {

struct ProcessingPipelines;

// A complaint about a rule file, placed. Rendered "file:line:col: what is wrong, what to write instead".
struct RuleProblem {
  RuleProblem() = default;
  // `text` may quote the file as it stands; it is kept as Visible() shows it, on one line.
  RuleProblem(SourceLocation place, std::string_view text, std::string rule);

  SourceLocation where;
  std::string message;
  std::string rule_id;  // of the rule that is refused for it, where known
  std::string Render() const;
};

// Values for placeholders (`expand`), from a site file: name -> values.
using SiteVariables = std::map<std::string, std::vector<std::string>>;

struct RuleSet {
  std::vector<Rule> rules;                // loaded, in order of path, then of document
  std::vector<Correlation> correlations;  // the same; what they refer to is loaded
  std::vector<RuleProblem> problems;      // documents that are wrong; they are in neither list
  std::vector<RuleProblem>
      need_site_variables;            // rules that only lack a placeholder's values; skipped, no failure
  std::vector<RuleProblem> left_out;  // rules that a processing pipeline leaves out; skipped, no failure
  std::vector<RuleProblem> warnings;  // rules that load but will not do what their author hopes
  size_t loaded() const { return rules.size() + correlations.size(); }
  size_t total() const { return loaded() + need_site_variables.size() + left_out.size() + failed_rules; }
  size_t failed_rules = 0;  // documents (or unreadable files) refused
};

struct RuleLoadOptions {
  SiteVariables variables;
  std::shared_ptr<const ProcessingPipelines> pipelines;  // null: none
};

// Loads every *.yml and *.yaml below the given files and folders, in sorted order. Never fails as a whole:
// what is wrong stands in `problems`, all of it. A path that does not exist is a problem too.
RuleSet LoadRules(const std::vector<std::string>& paths, const RuleLoadOptions& options);

// The same for one file's text; `file` is the name used in complaints. For tests and fuzzing.
RuleSet LoadRulesFromText(std::string_view yaml, const std::string& file, const RuleLoadOptions& options);

// Reads `name: [values]` or `name: value` pairs.
Result<SiteVariables> LoadSiteVariables(const std::string& path);

// Reads rules/logsources.yml. `profiles`: which of its profiles count ("core", "extended").
Result<LogSourceMap> LoadLogSourceMap(const std::string& path, const std::vector<std::string>& profiles);
// The same of its text; `file` is the name used in complaints.
Result<LogSourceMap> LoadLogSourceMapFromText(std::string_view yaml, const std::string& file,
                                              const std::vector<std::string>& profiles);

}  // namespace redthread
