#include "app/run_command.h"

#include <csignal>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>

#include "app/config.h"
#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/rule_options.h"
#include "runtime/embedded.h"

namespace redthread {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void OnStopSignal(int) { stop_requested = true; }

void StopOnSignals() {
  struct sigaction action{};
  action.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

// The rules that the configuration names. Null, with everything told, when they cannot be run with: bad rules
// are refused whole.
std::shared_ptr<const Engine> LoadEngine(CommandContext* context, const Config& config) {
  const Result<std::shared_ptr<const RuleSet>> rules =
      LoadRulesFor({config.rule_paths, config.rule_variables});
  if (!rules.ok()) {
    context->messages->Error(rules.status().message());
    return nullptr;
  }
  TellRuleProblems(**rules, context->messages);
  TellNotEvaluated(**rules, context->messages);
  if (!(*rules)->problems.empty()) {
    context->messages->Error(
        "the rule set is not started with: " + Counted((*rules)->problems.size(), "problem") +
        "; `redthread rules check` shows them");
    return nullptr;
  }
  Engine::Options options;
  options.own_addresses = config.own_addresses;
  Result<std::shared_ptr<const Engine>> engine = LoadEngineFor(*rules, options);
  if (!engine.ok()) {
    context->messages->Error(engine.status().message());
    return nullptr;
  }
  return std::move(*engine);
}

Embedded::Options OptionsOf(CommandContext* context, const Config& config, const RunFlags& flags) {
  Embedded::Options options;
  options.data_dir = config.data_dir;
  options.lateness = config.lateness;
  options.fold_window = config.fold;
  options.until_idle = flags.until_idle;
  for (const FileSourceConfig& source : config.file_sources) {
    options.inputs.push_back({source.name, source.paths, source.log_source});
  }
  options.on_problem = [context](const std::string& text) { context->messages->Warning(text); };
  return options;
}

}  // namespace

int RunDaemon(CommandContext* context, const RunFlags& flags) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  if (loaded.config.file_sources.empty()) {
    context->messages->Error(
        "the configuration names no source; `redthread config init` writes one to begin with");
    return kExitConfig;
  }
  std::shared_ptr<const Engine> engine = LoadEngine(context, loaded.config);
  if (engine == nullptr) return kExitUsage;

  StopOnSignals();
  const size_t rules = engine->rules().rules.size();
  Result<std::unique_ptr<Embedded>> embedded =
      Embedded::Open(std::move(engine), OptionsOf(context, loaded.config, flags), context->clock);
  if (!embedded.ok()) {
    context->messages->Error(embedded.status().message());
    return ExitCodeOf(embedded.status());
  }
  context->messages->Count("running with " + Counted(rules, "rule") + ", state in " + loaded.config.data_dir);
  const Status status = (*embedded)->Run(stop_requested);
  const Embedded::Report& report = (*embedded)->report();
  context->messages->Count(Counted(report.counts.records, "line") + " read, " +
                           Counted(report.detections, "detection") + ", " +
                           Counted(report.commits, "commit"));
  if (!status.ok()) {
    context->messages->Error(status.message());
    return ExitCodeOf(status);
  }
  return flags.until_idle && report.input_lost ? kExitInput : kExitDone;
}

void AddRunCommand(CommandTree* tree) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* run = tree->Add(
      tree->root(),
      {"run",
       "the daemon: reads the configured sources as they grow",
       {"redthread run                               /etc/redthread/redthread.yml",
        "redthread run -c redthread.yml --until-idle   read everything to its end, finish it, stop"}},
      [flags](CommandContext* context) { return RunDaemon(context, *flags); });
  run->add_flag("--until-idle", flags->until_idle, "read everything to its end, finish it, stop");
}

}  // namespace redthread
