#include "app/scan_input.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

#include "app/numbers.h"
#include "core/record.h"
#include "core/text.h"

namespace redthread {
namespace {

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (std::string_view rest = kSourceFormatNames; !rest.empty();) {
    const size_t bar = rest.find('|');
    names.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
  }
  return names;
}

}  // namespace

CLI::Option* AddScanInput(CLI::App* app, ScanInput* input) {
  CLI::Option* paths =
      app->add_option("paths", input->paths, "what to read; .gz and .zst too")->type_name("PATH...");
  AddRuleOptions(app, &input->rules);
  app->add_option("--logsource", input->log_sources,
                  "what the input is: product=windows, service=sshd, category=webserver; with @GLOB for "
                  "some inputs only; may be repeated")
      ->type_name("KEY=VALUE[@GLOB]")
      ->allow_extra_args(false);
  AddChoice(app, "--format", &input->format, FormatNames(),
            "how lines are to be read; auto looks at each [auto]");
  app->add_option("--time-zone", input->time_zone,
                  "of times that do not say theirs: Europe/Berlin, UTC, +02:00 or local [local]")
      ->type_name("ZONE");
  app->add_option("--year", input->year,
                  "of times that do not say theirs [the latest that is not after the file's last change]")
      ->type_name("YEAR")
      ->check(CLI::Range(1970, 2261));
  app->add_option("--trusted-proxy", input->trusted_proxies,
                  "address or network whose X-Forwarded-For says who a client is; may be repeated [nobody's]")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  AddChoice(app, "--profile", &input->profile, {"core", "extended"},
            "log source map: extended adds rarer sources [core]");
  app->add_option("--jobs", input->jobs, "worker threads [one a core]")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  return paths;
}

bool ReadScanInput(const ScanInput& input, CommandContext* context, ScanOptions* options) {
  options->paths = input.paths;
  if (context->messages->verbosity() == Verbosity::kVerbose)
    options->problems_an_input = ScanReport::kMaxProblems;
  options->jobs =
      input.jobs > 0 ? input.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  options->format = ParseSourceFormat(input.format).value_or(SourceFormat::kAuto);
  options->year = input.year;
  options->now = context->clock->Now();
  Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Load(input.time_zone);
  if (!zone.ok()) {
    context->messages->Error("--time-zone: " + zone.status().message());
    return false;
  }
  options->zone = std::move(*zone);
  for (const std::string& text : input.trusted_proxies) {
    const std::optional<Cidr> network = ParseCidr(text);
    if (!network.has_value()) {
      context->messages->Error("--trusted-proxy: `" + Visible(text) +
                               "` is no address or network such as 10.0.0.0/8");
      return false;
    }
    options->trusted_proxies.push_back(*network);
  }
  for (const std::string& text : input.log_sources) {
    Result<LogSourceFlag> flag = ParseLogSourceFlag(text);
    if (!flag.ok()) {
      context->messages->Error(flag.status().message());
      return false;
    }
    options->log_sources.push_back(std::move(*flag));
  }
  return true;
}

std::shared_ptr<const Engine> LoadScanEngine(const ScanInput& input, CommandContext* context) {
  const Result<std::shared_ptr<const RuleSet>> rules = LoadRulesFor(input.rules);
  if (!rules.ok()) {
    context->messages->Error(rules.status().message());
    return nullptr;
  }
  TellRuleProblems(**rules, context->messages);
  if (!(*rules)->need_site_variables.empty()) {
    context->messages->Count(Counted((*rules)->need_site_variables.size(), "rule") +
                             " skipped: they need site variables (--variables FILE)");
  }
  if (!(*rules)->left_out.empty()) {
    context->messages->Count(Counted((*rules)->left_out.size(), "rule") +
                             " left out by processing pipelines (-v names them)");
  }
  Engine::Options options;
  if (input.profile == "extended") options.profiles.push_back("extended");
  Result<std::shared_ptr<const Engine>> engine = LoadEngineFor(*rules, options);
  if (!engine.ok()) {
    context->messages->Error(engine.status().message());
    return nullptr;
  }
  return std::move(*engine);
}

void ReportScanInput(const ScanReport& report, bool year_given, CommandContext* context) {
  const bool verbose = context->messages->verbosity() == Verbosity::kVerbose;
  for (const std::string& problem : report.problems) context->messages->Problem(problem);
  if (report.problem_count > report.problems.size()) {
    context->messages->Notice("showing " + WithThousands(report.problems.size()) + " of " +
                              WithThousands(report.problem_count) + " problems with the input" +
                              (verbose ? "" : " (-v names more)"));
  }
  const IngestCounts& c = report.counts;
  std::string text = Counted(c.records, "line") + " of " + Counted(report.inputs, "input");
  if (c.dead + c.damaged + c.oversized > 0) {
    text += ": " + WithThousands(c.dead) + " unreadable, " + WithThousands(c.damaged) + " read in part, " +
            WithThousands(c.oversized) + " too long";
  }
  if (c.repaired > 0) text += "; " + WithThousands(c.repaired) + " read with broken characters replaced";
  context->messages->Count(text);
  if (c.years.records > 0 && !year_given) {
    context->messages->Count(
        TextOf(c.years) + ", the latest that is not after the file's last change (--year Y says otherwise)");
  }
  if (report.timeless > 0 && !report.by_correlation.empty()) {
    context->messages->Count(Counted(report.timeless, "detection") +
                             " without a time, which correlations leave out");
  }
  if (report.without_group > 0) {
    context->messages->Count(Counted(report.without_group, "match", "matches") +
                             " took no part in a correlation, for lack of a field of its group");
  }
  if (report.cut_combinations > 0) {
    context->messages->Notice(
        WithThousands(report.cut_combinations) +
        " matches have more than 10,000 combinations of values; correlations looked at the "
        "first 10,000");
  }
}

}  // namespace redthread
