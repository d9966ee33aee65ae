#include "app/rule_options.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "app/numbers.h"
#include "app/placed_problem.h"
#include "app/resources.h"
#include "rules/processing_pipeline.h"

namespace redthread {
namespace {

PlacedProblem Placed(const RuleProblem& problem) {
  const std::string file = problem.where.file ? *problem.where.file : "";
  return {file, problem.where.line, problem.where.column, problem.message};
}

}  // namespace

void AddRuleOptions(CLI::App* app, RuleOptions* options) {
  app->add_option("-r,--rules", options->paths, "rule file or folder; may be repeated [the shipped rules]")
      ->type_name("RULES")
      ->allow_extra_args(false);
  app->add_option("--variables", options->variables, "values for the rules' %placeholders%")
      ->type_name("FILE");
  app->add_option("--pipeline", options->pipelines,
                  "Sigma processing pipeline that rules go through, or a folder of them; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

std::vector<std::string> RulePathsOf(const RuleOptions& options) {
  if (!options.paths.empty()) return options.paths;
  const Result<Resources> resources = FindResources();
  return resources.ok() ? std::vector<std::string>{resources->rules_pack} : std::vector<std::string>();
}

Result<std::shared_ptr<const RuleSet>> LoadRulesFor(const RuleOptions& options) {
  std::vector<std::string> paths = options.paths;
  if (paths.empty()) {
    Result<Resources> resources = FindResources();
    if (!resources.ok()) return resources.status();
    paths = {resources->rules_pack};
  }
  RuleLoadOptions load;
  if (!options.variables.empty()) {
    Result<SiteVariables> variables = LoadSiteVariables(options.variables);
    if (!variables.ok()) return variables.status();
    load.variables = std::move(*variables);
  }
  Result<std::shared_ptr<const ProcessingPipelines>> pipelines = LoadPipelines(options.pipelines);
  if (!pipelines.ok()) return pipelines.status();
  load.pipelines = std::move(*pipelines);
  return std::make_shared<const RuleSet>(LoadRules(paths, load));
}

Result<std::shared_ptr<const Engine>> LoadEngineFor(std::shared_ptr<const RuleSet> rules,
                                                    Engine::Options options) {
  const Result<Resources> resources = FindResources();
  if (!resources.ok()) return resources.status();
  options.log_sources_path = resources->logsources;
  options.entities_path = resources->entities;
  return Engine::Load(std::move(rules), options);
}

void TellRuleProblems(const RuleSet& rules, Messages* messages) {
  for (const RuleProblem& p : rules.problems) TellProblem(Placed(p), messages);
  for (const RuleProblem& p : rules.warnings) TellWarning(Placed(p), messages);
  if (messages->verbosity() != Verbosity::kVerbose) return;
  for (const RuleProblem& p : rules.need_site_variables) TellWarning(Placed(p), messages);
  for (const RuleProblem& p : rules.left_out) TellWarning(Placed(p), messages);
}

std::string RuleCounts(const RuleSet& rules) {
  return WithThousands(rules.total()) + " rules: " + WithThousands(rules.loaded()) + " loaded, " +
         WithThousands(rules.need_site_variables.size()) + " need site variables, " +
         (rules.left_out.empty() ? "" : WithThousands(rules.left_out.size()) + " left out by pipelines, ") +
         WithThousands(rules.failed_rules) + " failed";
}

void TellMutedRules(const RuleSet& rules, Messages* messages) {
  std::vector<std::string> by(rules.rules.size());  // the first correlation that refers to each
  for (const Correlation& correlation : rules.correlations) {
    for (const CorrelationReference& reference : correlation.rules) {
      if (!reference.to_correlation && by[reference.index].empty()) by[reference.index] = correlation.title;
    }
  }
  for (size_t i = 0; i < by.size(); ++i) {
    const Rule& rule = rules.rules[i];
    if (!rule.muted) continue;
    const PlacedProblem note = {*rule.where.file, rule.where.line, rule.where.column,
                                "`" + rule.title + "` raises no alerts of its own, since the correlation `" +
                                    by[i] + "` refers to it; write `generate: true` there if it shall"};
    messages->Count(note.Render());
  }
}

}  // namespace redthread
