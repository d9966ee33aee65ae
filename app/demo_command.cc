#include "app/demo_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "app/demo_kafka.h"
#include "app/demo_logs.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/progress_bar.h"
#include "app/resources.h"
#include "app/rule_options.h"
#include "app/tour.h"
#include "app/tour_text.h"
#include "runtime/engine.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

// Where the logs lie: the folder asked for, or a temporary one that goes when this goes.
class LogsFolder {
 public:
  LogsFolder() = default;
  ~LogsFolder() {
    std::error_code ignored;  // a left-over folder in /tmp harms nobody
    if (temporary_) fs::remove_all(path_, ignored);
  }
  LogsFolder(const LogsFolder&) = delete;
  LogsFolder& operator=(const LogsFolder&) = delete;

  // kIo when there is no place for a temporary folder.
  Status Open(const std::string& keep) {
    path_ = keep;
    if (!keep.empty()) return Status::Ok();
    std::error_code error;
    const fs::path parent = fs::temp_directory_path(error);
    if (error) return Status::Io("no folder for temporary files: " + error.message() + "; use --keep FOLDER");
    std::string pattern = (parent / "redthread-demo-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      return Status::Io(pattern + ": " + std::strerror(errno) + "; use --keep FOLDER");
    }
    path_ = pattern;
    temporary_ = true;
    return Status::Ok();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool temporary_ = false;
};

// The shipped rules, and the probes that tell what the logs do not show.
Result<Engine::Options> DemoRules() {
  const Result<Resources> resources = FindResources();
  if (!resources.ok()) return resources.status();
  Engine::Options options;
  const std::string probes = (fs::path(resources->logsources).parent_path() / "probes").string();
  options.rule_paths = {resources->rules_pack, probes};
  options.log_sources_path = resources->logsources;
  options.entities_path = resources->entities;
  options.own_addresses = {"198.51.100.2"};  // the sample firm's office: everybody's address, so nobody's
  return options;
}

Result<std::shared_ptr<const Engine>> LoadEngine(const Engine::Options& options) {
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  if (!engine.ok()) return engine.status();
  const std::vector<RuleProblem>& problems = (*engine)->rules().problems;
  if (!problems.empty()) return Status::Invalid(problems.front().Render());
  return engine;
}

struct Findings {
  std::vector<Alert> alerts;
  ScanReport report;
};

// Memory: all alerts of the sample logs, some thousands.
Result<Findings> ReadOverKafka(const std::string& brokers, const std::string& folder,
                               const Engine::Options& rules, const DemoSummary& logs,
                               CommandContext* context) {
  context->messages->Count("two workers read the logs from topics on " + brokers);
  Result<std::vector<Alert>> alerts = AlertsOverKafka({brokers, folder}, rules, logs, context->clock);
  if (!alerts.ok()) return alerts.status();
  Findings findings;
  findings.alerts = std::move(*alerts);
  findings.report.counts.records = logs.lines;
  findings.report.counts.bytes = logs.bytes;
  findings.report.inputs = logs.files.size();
  return findings;
}

Result<Findings> ScanLogs(const std::shared_ptr<const Engine>& engine, const DemoSummary& logs,
                          CommandContext* context) {
  ScanOptions options;
  for (const DemoSummary::File& file : logs.files) options.paths.push_back(file.path);
  options.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  Scan scan(engine, options);
  ProgressBar bar(stderr, context->messages, context->clock);
  Findings findings;
  const Status status = scan.Alerts(
      [&findings](const Alert& alert) {
        findings.alerts.push_back(alert);
        return Status::Ok();
      },
      [&](const ScanProgress& progress) { bar.Update({progress.bytes, logs.bytes, progress.records}); });
  if (!status.ok()) return status;
  findings.report = scan.report();
  if (findings.report.input_lost) return Status::Io(findings.report.problems.front());
  return findings;
}

uint64_t PackRules(const RuleSet& rules) {
  return static_cast<uint64_t>(
      std::count_if(rules.rules.begin(), rules.rules.end(), [](const Rule& rule) { return !IsProbe(rule); }));
}

Status ShowTour(const DemoOptions& options, CommandContext* context) {
  LogsFolder folder;
  RT_RETURN_IF_ERROR(folder.Open(options.keep));
  const Result<Engine::Options> rules = DemoRules();
  if (!rules.ok()) return rules.status();
  const Result<std::shared_ptr<const Engine>> engine = LoadEngine(*rules);
  if (!engine.ok()) return engine.status();

  context->messages->Detail("writing the sample logs to " + folder.path());
  DemoSummary logs;
  RT_RETURN_IF_ERROR(WriteDemoLogs(folder.path(), options.seed, &logs));

  const Nanoseconds begin = context->clock->Elapsed();
  const Result<Findings> findings =
      options.brokers.empty() ? ScanLogs(*engine, logs, context)
                              : ReadOverKafka(options.brokers, folder.path(), *rules, logs, context);
  if (!findings.ok()) return findings.status();
  TourFacts facts;
  facts.elapsed = context->clock->Elapsed() - begin;
  facts.lines = findings->report.counts.records;
  facts.bytes = findings->report.counts.bytes;
  facts.files = findings->report.inputs;
  facts.rules = PackRules((*engine)->rules());
  facts.logs_folder = options.keep;

  const Tour tour = MakeTour((*engine)->rules(), findings->alerts);
  const int width = context->out.width > 0 ? context->out.width : 80;
  const std::string text = RenderTour(tour, facts, width, context->out.color);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return Status::Io(std::string("standard output: ") + std::strerror(errno));
  }
  return Status::Ok();
}

}  // namespace

void AddDemoCommand(CommandTree* tree) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* command =
      tree->Add(tree->root(),
                {"demo",
                 "the tour: sample logs of a small firm, what happened in them and what to do",
                 {"redthread demo                   a minute, nothing to configure, nothing left behind",
                  "redthread demo --keep logs       the same, and the sample logs stay in ./logs"}},
                [options](CommandContext* context) { return RunDemo(*options, context); });
  command->add_option("--keep", options->keep, "keep the sample logs in this folder")->type_name("FOLDER");
  command
      ->add_option(
          "--kafka", options->brokers,
          "read the logs from topics of these brokers, with two workers; the topics go with the tour")
      ->type_name("HOST:PORT");
  command->add_option("--seed", options->seed, "another month of routine around the same story [1]")
      ->type_name("N");
}

int RunDemo(const DemoOptions& options, CommandContext* context) {
  const Status status = ShowTour(options, context);
  if (!status.ok()) context->messages->Error(status.message());
  return ExitCodeOf(status);
}

}  // namespace redthread
