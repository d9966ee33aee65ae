#include "app/rules_command.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "app/config_command.h"
#include "app/coverage_command.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/rule_text.h"
#include "app/rules_test_command.h"
#include "core/text.h"
#include "rules/install.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

// Loads the rules of a command and tells what is wrong with them; null and *exit_code when there is nothing
// to go on with.
std::shared_ptr<const RuleSet> Load(const RuleOptions& options, CommandContext* context, int* exit_code) {
  Result<std::shared_ptr<const RuleSet>> rules = LoadRulesFor(options);
  if (!rules.ok()) {
    *exit_code = Fail(rules.status(), context);
    return nullptr;
  }
  TellRuleProblems(**rules, context->messages);
  *exit_code = (*rules)->problems.empty() ? kExitDone : kExitUsage;
  return *rules;
}

// Whether `tag` is `wanted` or below it, in any case.
bool TagMatches(const std::string& tag, const std::string& wanted) {
  const std::string folded = Fold(tag);
  const std::string prefix = Fold(wanted);
  return folded.compare(0, prefix.size(), prefix) == 0 &&
         (folded.size() == prefix.size() || folded[prefix.size()] == '.');
}

// `product`: of the rule's log source, empty for a correlation.
bool Selected(const RuleDescription& rule, const std::string& product, const RulesListOptions& options) {
  const auto has_level = [&rule](const std::string& l) { return l == LevelName(rule.level); };
  const auto has_product = [&product](const std::string& p) { return Fold(p) == Fold(product); };
  const auto has_tag = [&rule](const std::string& wanted) {
    return std::any_of(rule.tags.begin(), rule.tags.end(),
                       [&wanted](const std::string& tag) { return TagMatches(tag, wanted); });
  };
  const auto any = [](const std::vector<std::string>& wanted, const auto& holds) {
    return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), holds);
  };
  return any(options.levels, has_level) && any(options.products, has_product) && any(options.tags, has_tag);
}

std::string MemoryInUse() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return FormatSize(static_cast<uint64_t>(usage.ru_maxrss) * 1024);
}

void AddRulesList(CommandTree* tree, CLI::App* parent) {
  auto options = std::make_shared<RulesListOptions>();
  CLI::App* app = tree->Add(parent,
                            {"list",
                             "the rules that loaded, one a line",
                             {"redthread rules list --level critical --level high",
                              "redthread rules list -r /etc/redthread/rules --tag attack.t1059 -o csv"}},
                            [options](CommandContext* c) { return RunRulesList(*options, c); });
  AddRuleOptions(app, &options->rules);
  AddChoices(app, "--level", &options->levels, {"informational", "low", "medium", "high", "critical"},
             "only of this level; may be repeated");
  app->add_option("--tag", options->tags, "only with this tag or one below it; may be repeated")
      ->type_name("TAG")
      ->allow_extra_args(false);
  app->add_option("--product", options->products, "only for this product; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
}

void AddRulesInstall(CommandTree* tree, CLI::App* parent) {
  auto options = std::make_shared<RulesInstallOptions>();
  CLI::App* app =
      tree->Add(parent,
                {"install",
                 "unpack a SigmaHQ release, with its licence and version",
                 {"redthread rules install sigma_all_rules.zip",
                  "redthread rules install sigma_core.zip --into /etc/redthread/rules --name core"}},
                [options](CommandContext* c) { return RunRulesInstall(*options, c); });
  app->add_option("FILE", options->archive, "the release archive (zip)")->type_name("FILE")->required();
  app->add_option("--into", options->target, "folder to install below [rules in the data folder]")
      ->type_name("DIR");
  app->add_option("--name", options->name, "folder that is made there [sigma]")->type_name("NAME");
}

void AddRulesCheckAndShow(CommandTree* tree, CLI::App* parent) {
  auto check = std::make_shared<RuleOptions>();
  CLI::App* app = tree->Add(parent,
                            {"check",
                             "report everything that is wrong with rules; exit code 0 or 2",
                             {"redthread rules check                               the shipped rules",
                              "redthread rules check -r sigma/rules -r mine.yml    these, as one set"}},
                            [check](CommandContext* c) { return RunRulesCheck(*check, c); });
  AddRuleOptions(app, check.get());

  auto show = std::make_shared<RulesShowOptions>();
  app = tree->Add(parent,
                  {"show",
                   "one rule: what it is for, what to do when it fires, how it reads",
                   {"redthread rules show 5e3d3601                          by id, or its beginning",
                    "redthread rules show -r sigma/rules proc_creation.yml  by path"}},
                  [show](CommandContext* c) { return RunRulesShow(*show, c); });
  AddRuleOptions(app, &show->rules);
  app->add_option("RULE", show->rule, "id or its beginning, name, or path")->type_name("RULE")->required();
}

}  // namespace

void AddRulesCommand(CommandTree* tree) {
  CLI::App* rules =
      tree->Add(tree->root(), {"rules",
                               "check, list, show, test and install Sigma rules, and what they can see",
                               {"redthread rules check -r sigma/rules     what is wrong with them",
                                "redthread rules list --level high        what there is"}});
  AddRulesCheckAndShow(tree, rules);
  AddRulesList(tree, rules);
  AddRulesTestCommand(tree, rules);
  AddCoverageCommand(tree, rules);
  AddRulesInstall(tree, rules);
}

int RunRulesCheck(const RuleOptions& options, CommandContext* context) {
  const Nanoseconds start = context->clock->Elapsed();
  int exit_code = kExitDone;
  const std::shared_ptr<const RuleSet> rules = Load(options, context, &exit_code);
  if (rules == nullptr) return exit_code;
  const std::chrono::duration<double> seconds = context->clock->Elapsed() - start;
  TellMutedRules(*rules, context->messages);
  context->messages->Detail(fmt::format("{:.2f} s, {}", seconds.count(), MemoryInUse()));
  std::fprintf(stdout, "%s\n", RuleCounts(*rules).c_str());
  return exit_code;
}

int RunRulesList(const RulesListOptions& options, CommandContext* context) {
  int exit_code = kExitDone;
  const std::shared_ptr<const RuleSet> rules = Load(options.rules, context, &exit_code);
  if (rules == nullptr) return exit_code;
  ResultWriter writer(
      context->options.output, context->out, stdout,
      {{"ID"}, {"LEVEL"}, {"TITLE", false, true}, {"LOG SOURCE", false, true}, {"PATH", false, true, true}});
  const auto row = [&writer](const RuleDescription& rule, const std::string& source) {
    writer.AddRow({{rule.id},
                   {LevelName(rule.level), StyleOf(rule.level)},
                   {rule.title},
                   {source},
                   {*rule.where.file}});
  };
  for (const Rule& rule : rules->rules) {
    if (!Selected(rule, rule.log_source.product, options)) continue;
    writer.wants_rows() ? row(rule, LogSourceText(rule.log_source)) : writer.AddRecord(RuleRecord(rule));
  }
  for (const Correlation& c : rules->correlations) {
    if (!Selected(c, "", options)) continue;
    writer.wants_rows() ? row(c, CorrelationSourceText(c)) : writer.AddRecord(RuleRecord(c));
  }
  const Status status = writer.Finish();
  return status.ok() ? exit_code : Fail(status, context);
}

FoundRules FindRules(const RuleSet& rules, const std::string& word) {
  using Test = bool (*)(const RuleDescription&, const std::string&);
  constexpr Test kTests[] = {
      [](const RuleDescription& r, const std::string& w) { return Fold(r.id) == Fold(w); },
      [](const RuleDescription& r, const std::string& w) { return r.name == w; },
      [](const RuleDescription& r, const std::string& w) { return *r.where.file == w; },
      [](const RuleDescription& r, const std::string& w) {
        const std::string& path = *r.where.file;
        return path.size() > w.size() &&
               path.compare(path.size() - w.size() - 1, std::string::npos, "/" + w) == 0;
      },
      [](const RuleDescription& r, const std::string& w) {
        return Fold(r.id).compare(0, Fold(w).size(), Fold(w)) == 0;
      },
  };
  FoundRules found;
  for (const Test test : kTests) {
    for (const Rule& rule : rules.rules) {
      if (test(rule, word)) found.rules.push_back(&rule);
    }
    for (const Correlation& correlation : rules.correlations) {
      if (test(correlation, word)) found.correlations.push_back(&correlation);
    }
    if (!found.empty()) break;
  }
  return found;
}

int RunRulesShow(const RulesShowOptions& options, CommandContext* context) {
  int exit_code = kExitDone;
  const std::shared_ptr<const RuleSet> rules = Load(options.rules, context, &exit_code);
  if (rules == nullptr) return exit_code;
  const FoundRules found = FindRules(*rules, options.rule);
  if (found.empty()) {
    std::vector<std::string_view> known;
    for (const Rule& r : rules->rules) known.push_back(r.name.empty() ? r.id : r.name);
    for (const Correlation& c : rules->correlations) known.push_back(c.name.empty() ? c.id : c.name);
    context->messages->Error("there is no rule `" + options.rule + "`" +
                             Suggestion(options.rule, known, ", see `redthread rules list`"));
    return kExitUsage;
  }
  const bool text = context->options.output == OutputFormat::kTable;
  ResultWriter writer(text ? OutputFormat::kJson : context->options.output, context->out, stdout, {{"RULE"}});
  const auto write = [&](const RuleDescription& rule, const std::string& in_words,
                         const std::string& record) {
    if (text) {
      std::fputs(in_words.c_str(), stdout);
    } else if (writer.wants_rows()) {
      writer.AddRow({{rule.id}});
    } else {
      writer.AddRecord(record);
    }
  };
  for (const Rule* r : found.rules) write(*r, RuleText(*r, context->out.color), RuleRecord(*r));
  for (const Correlation* c : found.correlations) {
    write(*c, RuleText(*c, context->out.color), RuleRecord(*c));
  }
  const Status status = text ? Status::Ok() : writer.Finish();
  return status.ok() ? exit_code : Fail(status, context);
}

int RunRulesInstall(const RulesInstallOptions& options, CommandContext* context) {
  std::string target = options.target;
  if (target.empty()) {
    const LoadedConfig loaded = LoadConfigFor(context);
    if (!loaded.problems.empty()) return kExitConfig;
    target = loaded.config.data_dir + "/rules";
  }
  Result<InstalledRules> installed = InstallRules(options.archive, target, options.name);
  if (!installed.ok()) return Fail(installed.status(), context);
  std::fprintf(stdout, "%s in %s, version %s, %s\n", Counted(installed->rules, "rule file").c_str(),
               Visible(installed->folder).c_str(), Visible(installed->version).c_str(),
               installed->licence_file.empty() ? "no licence in the archive"
                                               : ("licence in " + Visible(installed->licence_file)).c_str());
  return kExitDone;
}

}  // namespace redthread
