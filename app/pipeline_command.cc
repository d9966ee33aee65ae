#include "app/pipeline_command.h"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/input_options.h"
#include "app/numbers.h"
#include "app/pipeline_rules.h"
#include "app/rule_options.h"
#include "core/record.h"
#include "runtime/control_rules.h"
#include "runtime/pipeline_metrics.h"
#include "runtime/pipeline_worker.h"

namespace redthread {
namespace {

// How long the first rules are waited for.
constexpr Nanoseconds kRulesPatience = std::chrono::seconds(60);
constexpr Nanoseconds kRulesTurn = std::chrono::milliseconds(100);

// The bundle to propose: nothing that has a bad rule in it.
Result<std::string> CheckedBundle(const Config& config) {
  const Result<RuleBundle> bundle = BundleFor(config);
  if (!bundle.ok()) return bundle.status();
  const RuleSet rules = LoadRules(*bundle);
  if (!rules.problems.empty())
    return Status::Invalid(Counted(rules.problems.size(), "problem") +
                           " in the rules beside this worker, the first: " + rules.problems.front().Render() +
                           "; `redthread rules check` shows them. What is in force stays so");
  return bundle->Encode();
}

// The detect version; a test of rolling updates claims another.
uint32_t DetectVersion() {
  const char* claimed = std::getenv("REDTHREAD_DETECT_VERSION");
  return claimed == nullptr ? kDetectVersion : static_cast<uint32_t>(std::strtoul(claimed, nullptr, 10));
}

PipelineWorker::Options OptionsOf(const Config& config, const RunFlags& flags) {
  const PipelineConfig& pipeline = *config.pipeline;
  PipelineWorker::Options options;
  options.detects = flags.role != "correlate";
  options.correlates = flags.role != "detect";
  options.until_idle = flags.until_idle;
  options.instance = pipeline.instance;
  options.settings = pipeline.settings;
  options.settings.group = pipeline.CorrelateGroup();
  for (const KafkaSourceConfig& source : config.kafka_sources) {
    options.detect.inputs.push_back(KafkaInputOf(source));
    options.detect.inputs.back().settings.group = pipeline.DetectGroup(source.name);
  }
  options.detect.matches = options.correlate.matches = pipeline.matches;
  options.detect.partitions = options.correlate.partitions = pipeline.match_partitions;
  options.detect.jobs =
      flags.jobs > 0 ? flags.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options.correlate.alerts = pipeline.alerts;
  options.correlate.data_dir = config.data_dir;
  options.correlate.render = TopicAlertRecord;
  return options;
}

void TellReport(const PipelineWorker::Report& report, const PipelineWorker::Options& options,
                Messages* messages) {
  if (options.detects) {
    messages->Count(Counted(report.detect.records.records, "line") + " read, " +
                    Counted(report.detect.detections, "detection") + ", " +
                    Counted(report.detect.frames, "frame") + " of matches");
    if (report.detect.without_group > 0)
      messages->Count(Counted(report.detect.without_group, "match", "matches") +
                      " took no part in a correlation, for lack of a field of its group");
  }
  if (options.correlates)
    messages->Count(Counted(report.correlate.records, "frame") + " of matches read, " +
                    Counted(report.correlate.told, "alert") + " told");
  if (report.correlate.beyond_horizon > 0)
    messages->Warning(Counted(report.correlate.beyond_horizon, "match", "matches") +
                      " came later than correlate.late_horizon and took no part in a correlation");
  if (report.restarts > 0) messages->Warning(Counted(report.restarts, "time") + " begun again, see above");
}

// Answers GET /metrics at that address until it is destroyed; nothing without one.
Result<std::unique_ptr<prometheus::Exposer>> Serve(const std::shared_ptr<prometheus::Registry>& registry,
                                                   const std::string& address) {
  constexpr size_t kThreads = 2;
  std::unique_ptr<prometheus::Exposer> exposer;
  if (address.empty()) return exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(address, kThreads);
    exposer->RegisterCollectable(registry);
  } catch (const std::exception& error) {
    return Status::Denied("cannot listen on " + address + " for metrics: " + error.what() +
                          "; name another address in `api: {listen: ...}`");
  }
  return exposer;
}

}  // namespace

int RunPipeline(CommandContext* context, const Config& config, const RunFlags& flags,
                const std::atomic<bool>& stop, std::atomic<bool>& reload) {
  // Threads tell what happens to them.
  std::mutex telling;
  const auto warn = [&](const std::string& text) {
    const std::lock_guard lock(telling);
    context->messages->Warning(text);
  };
  const auto count = [&](const std::string& text) {
    const std::lock_guard lock(telling);
    context->messages->Count(text);
  };
  ControlRules::Options rules;
  rules.topic = {config.pipeline->settings, config.pipeline->control};
  rules.detect_version = DetectVersion();
  rules.bundle = [&config] { return CheckedBundle(config); };
  rules.paths = RulePathsOf({config.rule_paths, config.rule_variables, config.rule_pipelines});
  if (!config.rule_variables.empty()) rules.paths.push_back(config.rule_variables);
  rules.paths.insert(rules.paths.end(), config.rule_pipelines.begin(), config.rule_pipelines.end());
  rules.watch = config.watch_rules;
  rules.requested = [&reload] { return reload.exchange(false); };
  const auto registry = std::make_shared<prometheus::Registry>();
  PipelineMetrics metrics(registry.get());
  rules.on_problem = warn;
  rules.on_fault = [&metrics](PipelineFault fault) { metrics.Count(fault); };
  rules.on_news = count;
  const auto exposer = Serve(registry, config.pipeline->metrics_address);
  if (!exposer.ok()) return Fail(exposer.status(), context);
  ControlRules control(std::move(rules), context->clock);
  // In turns, so that whoever ends a worker that waits for rules need not wait with it.
  Status first = Status::Unavailable("");
  for (Nanoseconds waited{0}; !first.ok() && !stop && waited < kRulesPatience; waited += kRulesTurn)
    first = control.AwaitFirst(kRulesTurn);
  if (!first.ok() && stop) return kExitDone;
  if (!first.ok()) return Fail(first, context);

  PipelineWorker::Options options = OptionsOf(config, flags);
  options.on_problem = warn;
  options.metrics = &metrics;
  count("a worker of group " + config.pipeline->settings.group + ", reading topics from " +
        config.pipeline->settings.brokers[0] + ", state in " + config.data_dir);
  PipelineWorker worker(options, &control, context->clock);
  const Status status = worker.Run(stop);
  const std::lock_guard lock(telling);
  TellReport(worker.report(), options, context->messages);
  if (!status.ok()) return Fail(status, context);
  const IngestCounts& records = worker.report().detect.records;
  const bool input_lost = records.dead > 0 || records.damaged > 0 || records.oversized > 0;
  return flags.until_idle && input_lost ? kExitInput : kExitDone;
}

}  // namespace redthread
