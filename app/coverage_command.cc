#include "app/coverage_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "app/alert_view.h"
#include "app/config_command.h"
#include "app/coverage_advice.h"
#include "app/exit_code.h"
#include "app/input_options.h"
#include "app/numbers.h"
#include "app/progress_bar.h"
#include "app/result_writer.h"
#include "app/rule_text.h"
#include "core/alert.h"
#include "core/text.h"
#include "correlate/coverage.h"
#include "runtime/stored_census.h"
#include "storage/database.h"

namespace redthread {
namespace {

const char* ReasonName(RuleCoverage::Reason reason) {
  switch (reason) {
    case RuleCoverage::Reason::kNone:
      return "";
    case RuleCoverage::Reason::kLogSource:
      return "log_source";
    case RuleCoverage::Reason::kEvent:
      return "event";
    case RuleCoverage::Reason::kFields:
      return "fields";
    case RuleCoverage::Reason::kRules:
      return "rules";
  }
  return "";
}

// Writes coverage in the form asked for.
class CoverageOutput {
 public:
  // All outlive the output.
  CoverageOutput(CommandContext* context, const Engine& engine, const Coverage& coverage,
                 const std::vector<CoverageGroup>& groups, const std::vector<uint64_t>& by_rule)
      : context_(context),
        rules_(engine.rules()),
        coverage_(coverage),
        groups_(groups),
        by_rule_(by_rule),
        group_of_rule_(coverage.rules.size()),
        group_of_correlation_(coverage.correlations.size()) {
    for (const CoverageGroup& group : groups) {
      for (const uint32_t i : group.rules) group_of_rule_[i] = &group;
      for (const uint32_t i : group.correlations) group_of_correlation_[i] = &group;
    }
  }

  Status Write(uint64_t events) {
    if (context_->options.output == OutputFormat::kTable) {
      WriteText(events);
      return Status::Ok();
    }
    ResultWriter writer(context_->options.output, context_->out, stdout,
                        {{"ID"}, {"LEVEL"}, {"TITLE"}, {"LOG SOURCE"}, {"CAN FIRE"}, {"REASON"}, {"ADVICE"}});
    for (size_t i = 0; i < coverage_.rules.size(); ++i) {
      const Rule& rule = rules_.rules[i];
      WriteRule(rule, LogSourceText(rule.log_source), coverage_.rules[i], group_of_rule_[i], by_rule_[i],
                &writer);
    }
    for (size_t i = 0; i < coverage_.correlations.size(); ++i) {
      const Correlation& c = rules_.correlations[i];
      WriteRule(c, CorrelationSourceText(c), coverage_.correlations[i], group_of_correlation_[i], 0, &writer);
    }
    return writer.Finish();
  }

 private:
  void WriteRule(const RuleDescription& rule, const std::string& source, const RuleCoverage& coverage,
                 const CoverageGroup* group, uint64_t matches, ResultWriter* writer) {
    const std::string reason = group == nullptr ? "" : group->reason;
    const std::string advice = group == nullptr ? "" : group->advice;
    const char* can_fire = coverage.can_fire() ? "true" : "false";
    if (writer->wants_rows()) {
      writer->AddRow(
          {{rule.id}, {LevelName(rule.level)}, {rule.title}, {source}, {can_fire}, {reason}, {advice}});
      return;
    }
    std::string json = R"({"kind":"coverage","rule":{"id":)";
    AppendJsonString(rule.id, &json);
    json += ",\"title\":";
    AppendJsonString(rule.title, &json);
    json += std::string(",\"level\":\"") + LevelName(rule.level) + "\"},\"log_source\":";
    AppendJsonString(source, &json);
    json += std::string(",\"can_fire\":") + can_fire + ",\"matches\":" + std::to_string(matches);
    if (!coverage.can_fire()) {
      json += std::string(",\"reason\":\"") + ReasonName(coverage.reason) + "\",\"missing\":[";
      for (const std::string& name : coverage.missing) {
        if (json.back() != '[') json += ',';
        AppendJsonString(name, &json);
      }
      json += "],\"words\":";
      AppendJsonString(reason, &json);
      json += ",\"advice\":";
      AppendJsonString(advice, &json);
    }
    writer->AddRecord(json + "}");
  }

  void WriteText(uint64_t events) {
    uint64_t waiting = 0, cannot = 0;
    for (const CoverageGroup& group : groups_) (group.waiting ? waiting : cannot) += group.size();
    const uint64_t all = coverage_.rules.size() + coverage_.correlations.size();
    std::fprintf(stdout, "%s over %s: %s can fire, %s cannot, %s wait for events that were not seen\n",
                 Counted(all, "rule").c_str(), Counted(events, "event").c_str(),
                 WithThousands(all - waiting - cannot).c_str(), WithThousands(cannot).c_str(),
                 WithThousands(waiting).c_str());
    WriteGroups(false, "\nCannot fire:\n");
    WriteGroups(true, "\nWait for events that were not seen; they may be rare, or not recorded:\n");
  }

  void WriteGroups(bool waiting, const char* heading) {
    constexpr size_t kShown = 25;
    size_t count = 0;
    for (const CoverageGroup& group : groups_) {
      if (group.waiting != waiting) continue;
      if (count == 0) std::fputs(heading, stdout);
      ++count;
      const bool verbose = context_->messages->verbosity() == Verbosity::kVerbose;
      if (count <= kShown || verbose) WriteGroup(group, verbose);
    }
    if (count > kShown && context_->messages->verbosity() != Verbosity::kVerbose) {
      context_->messages->Notice("showing " + std::to_string(kShown) + " of " + WithThousands(count) +
                                 " reasons (-v shows all, with their rules)");
    }
  }

  void WriteGroup(const CoverageGroup& group, bool verbose) {
    std::fprintf(stdout, "%7s  %s\n", WithThousands(group.size()).c_str(), Visible(group.reason).c_str());
    if (!group.advice.empty()) std::fprintf(stdout, "         -> %s\n", group.advice.c_str());
    if (!verbose) return;
    const auto name = [](const RuleDescription& rule) {
      std::fprintf(stdout, "           %s  %s\n", Visible(rule.id).c_str(), Visible(rule.title).c_str());
    };
    for (const uint32_t i : group.rules) name(rules_.rules[i]);
    for (const uint32_t i : group.correlations) name(rules_.correlations[i]);
  }

  CommandContext* context_;
  const RuleSet& rules_;
  const Coverage& coverage_;
  const std::vector<CoverageGroup>& groups_;
  const std::vector<uint64_t>& by_rule_;
  std::vector<const CoverageGroup*> group_of_rule_, group_of_correlation_;
};

// What came of reading.
struct Read {
  Status status;
  bool input_lost = false;
  std::vector<uint64_t> by_rule;
};

int Finish(const Engine& engine, const FieldCensus& census, const Read& read, CommandContext* context) {
  Status status = read.status;
  if (status.ok()) {
    const Coverage coverage = CoverageOf(census, *engine.facts());
    const std::vector<CoverageGroup> groups = GroupCoverage(engine, census, coverage);
    status = CoverageOutput(context, engine, coverage, groups, read.by_rule).Write(census.events());
  }
  if (!status.ok()) return Fail(status, context);
  if (!engine.rules().problems.empty()) return kExitUsage;
  return read.input_lost ? kExitInput : kExitDone;
}

int RunOverFiles(const ScanInput& input, CommandContext* context) {
  ScanOptions options;
  if (!ReadScanInput(input, context, &options)) return kExitUsage;
  const std::shared_ptr<const Engine> engine = LoadScanEngine(input, context);
  if (engine == nullptr) return kExitUsage;
  Scan scan(engine, options);
  FieldCensus census(engine->program());
  Read read;
  {
    ProgressBar bar(stderr, context->messages, context->clock);
    read.status = scan.Census(&census, [&bar](const ScanProgress& p) {
      bar.Update({p.input_bytes, p.total_input_bytes, p.records});
    });
  }
  ReportScanInput(scan.report(), input.year != 0, context);
  read.input_lost = scan.report().input_lost;
  read.by_rule = scan.report().by_rule;
  return Finish(*engine, census, read, context);
}

int RunOverStore(const ScanInput& input, CommandContext* context) {
  if (!input.log_sources.empty() || input.format != "auto" || input.year != 0) {
    context->messages->Error("--logsource, --format and --year are about files, and there is no PATH");
    return kExitUsage;
  }
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  const Config& config = loaded.config;
  if (config.pipeline.has_value()) {
    context->messages->Error(
        "workers that share the work keep no events to look at: give PATH, files with such logs");
    return kExitUsage;
  }
  ScanInput with_rules = input;
  if (input.rules.paths.empty())
    with_rules.rules = {config.rule_paths, config.rule_variables, config.rule_pipelines};
  const std::shared_ptr<const Engine> engine = LoadScanEngine(with_rules, context);
  if (engine == nullptr) return kExitUsage;
  int exit_code = kExitDone;
  const std::unique_ptr<Database> database = OpenDatabaseToRead(config, context, &exit_code);
  if (database == nullptr) return exit_code;
  FieldCensus census(engine->program());
  Result<StoredCensus> stored = TakeStoredCensus(
      *database->Snapshot(), engine, {},
      [&config](const SourceState& state) { return StoredInputOf(config, state); }, &census);
  Read read;
  read.status = stored.status();
  if (stored.ok()) {
    context->messages->Count(Counted(census.events(), "line") + " of " + Counted(stored->sources, "source") +
                             " in " + config.data_dir);
    read.input_lost = stored->damage.rows > 0;
    if (read.input_lost)
      context->messages->Warning(Counted(stored->damage.rows, "row") + " of the data folder " +
                                 "could not be read, first: " + stored->damage.first.message());
    read.by_rule = std::move(stored->by_rule);
  }
  return Finish(*engine, census, read, context);
}

}  // namespace

int RunCoverage(const ScanInput& input, CommandContext* context) {
  return input.paths.empty() ? RunOverStore(input, context) : RunOverFiles(input, context);
}

void AddCoverageCommand(CommandTree* tree, CLI::App* rules) {
  auto input = std::make_shared<ScanInput>();
  CLI::App* app =
      tree->Add(rules,
                {"coverage",
                 "which rules can fire on such logs, and what keeps the others from it",
                 {"redthread rules coverage /var/log/events -r sigma/rules",
                  "redthread rules coverage -c redthread.yml    over what `run` keeps, with its rules",
                  "redthread rules coverage dc01.evtx -r sigma/rules -o jsonl    a line a rule"}},
                [input](CommandContext* c) { return RunCoverage(*input, c); });
  AddScanInput(app, input.get())->description("what to read [what `run` keeps in the data folder]");
}

}  // namespace redthread
