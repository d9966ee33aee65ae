#include "app/alerts_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <tuple>
#include <utility>

#include "app/alert_timeline.h"
#include "app/alert_view.h"
#include "app/config_command.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/pipeline_rules.h"
#include "app/rule_options.h"
#include "app/time_argument.h"
#include "core/record.h"

namespace redthread {
namespace {

bool Selected(const Alert& alert, const AlertsListOptions& options) {
  const std::string state = AlertStateName(alert.state);
  return options.states.empty() ||
         std::find(options.states.begin(), options.states.end(), state) != options.states.end();
}

// Of a silence that is over: how long it lasted too.
std::string TitleWithEnd(const Alert& alert) {
  if (!alert.ended.has_value()) return alert.rule_title;
  return alert.rule_title + " (silent for " + DurationWords(*alert.ended - alert.last) + ", heard again)";
}

Row AlertRow(const Alert& alert) {
  return {{ShortTime(alert.time)},       {LevelName(alert.level), StyleOf(alert.level)},
          {AlertStateName(alert.state)}, {WithThousands(alert.count)},
          {TitleWithEnd(alert)},         {GroupText(alert.group)},
          {alert.id.substr(0, 12)}};
}

std::vector<Column> AlertColumns() {
  return {{"TIME"}, {"LEVEL"}, {"STATE"}, {"COUNT", true}, {"RULE", false, true}, {"ON", false, true},
          {"ID"}};
}

// Prints final alerts by (time, rule id, group). The store gives them by (time, id), so those of equal time
// are put in order here.
class CanonicalOutput {
 public:
  explicit CanonicalOutput(ResultWriter* writer) : writer_(writer) {}

  void Add(const Alert& alert) {
    if (!same_time_.empty() && same_time_[0].time != alert.time) Flush();
    same_time_.push_back(alert);
  }

  void Flush() {
    std::sort(same_time_.begin(), same_time_.end(), [](const Alert& a, const Alert& b) {
      return std::tie(a.rule_id, a.group) < std::tie(b.rule_id, b.group);
    });
    for (const Alert& alert : same_time_) {
      json_.clear();
      AppendCanonicalAlert(alert, &json_);
      writer_->AddRecord(json_);
    }
    same_time_.clear();
  }

 private:
  ResultWriter* writer_;
  std::vector<Alert> same_time_;
  std::string json_;
};

int ListCanonical(const AlertView& alerts, const TimeRange& range, Level least, CommandContext* context) {
  ResultWriter writer(OutputFormat::kJsonl, context->out, stdout, {});
  CanonicalOutput output(&writer);
  Damage damage;
  const Status visited = alerts.ForEach(
      {range.begin, range.end, false},
      [&](const Alert& alert) {
        if (alert.state == AlertState::kFinal && alert.level >= least) output.Add(alert);
        return true;
      },
      &damage);
  output.Flush();
  const Status written = writer.Finish();
  if (!visited.ok()) return Fail(visited, context);
  if (!written.ok()) return Fail(written, context);
  return TellDamage(damage, "alert", context);
}

int List(const AlertView& alerts, const TimeRange& range, Level least, const AlertsListOptions& options,
         CommandContext* context) {
  ResultWriter writer(context->options.output, context->out, stdout, AlertColumns());
  uint64_t found = 0;
  uint64_t shown = 0;
  uint64_t below = 0;  // of the least level
  std::string json;
  Damage damage;
  const auto visit = [&](const Alert& alert) {
    if (!Selected(alert, options)) return true;
    if (alert.level < least) {
      ++below;
      return true;
    }
    ++found;
    if (options.limit != 0 && shown == options.limit) return true;  // only counted
    ++shown;
    if (writer.wants_rows()) {
      writer.AddRow(AlertRow(alert));
    } else {
      json.clear();
      AppendAlertRecord(alert, &json);
      writer.AddRecord(json);
    }
    return true;
  };
  const Status visited = alerts.ForEach({range.begin, range.end, true}, visit, &damage);
  const Status written = writer.Finish();
  if (!visited.ok()) return Fail(visited, context);
  if (!written.ok()) return Fail(written, context);
  if (shown < found) {
    context->messages->Notice("showing " + WithThousands(shown) + " of " + WithThousands(found) +
                              " (use --limit 0)");
  }
  if (below > 0 && options.min_level.empty()) {
    context->messages->Notice(Counted(below, "alert") + " below " + LevelName(least) +
                              " left out (use --min-level informational)");
  }
  return TellDamage(damage, "alert", context);
}

void AddAlertsList(CommandTree* tree, CLI::App* parent) {
  auto options = std::make_shared<AlertsListOptions>();
  auto limit = std::make_shared<CLI::Option*>(nullptr);
  CLI::App* app = tree->Add(parent,
                            {"list",
                             "alerts, newest first",
                             {"redthread alerts list --since 24h --min-level high",
                              "redthread alerts list --limit 0 -o csv > alerts.csv"}},
                            [options, limit](CommandContext* c) {
                              options->limit_given = (*limit)->count() > 0;
                              return RunAlertsList(*options, c);
                            });
  app->add_option("--since", options->since, "only from then on: 24h, 2026-11-22, 2026-11-22T10:00:00Z")
      ->type_name("TIME");
  app->add_option("--until", options->until, "only up to then")->type_name("TIME");
  AddChoice(app, "--min-level", &options->min_level, {"informational", "low", "medium", "high", "critical"},
            "leave out what is below [alerts.min_level of the configuration]");
  AddChoices(app, "--state", &options->states, {"early", "final", "withdrawn"},
             "only in this state; may be repeated");
  *limit = app->add_option("--limit", options->limit, "the newest so many; 0 for all [100]")->type_name("N");
  app->add_flag("--canonical", options->canonical,
                "all final alerts of every level in the form in which answers are compared, oldest first");
}

}  // namespace

void AddAlertsCommand(CommandTree* tree) {
  CLI::App* alerts =
      tree->Add(tree->root(), {"alerts",
                               "what was found, with the evidence",
                               {"redthread alerts list --since 24h     the newest of the last day",
                                "redthread alerts show 3f9a2c         one of them, with its lines"}});
  AddAlertsList(tree, alerts);
  auto show = std::make_shared<AlertsShowOptions>();
  CLI::App* app = tree->Add(alerts,
                            {"show",
                             "one alert with all its evidence and the raw lines",
                             {"redthread alerts show 3f9a2c             by the beginning of its id",
                              "redthread alerts show 3f9a2c -o json     for a script"}},
                            [show](CommandContext* c) { return RunAlertsShow(*show, c); });
  app->add_option("ID", show->id, "the alert's id, or its beginning")->type_name("ID")->required();
  auto explain = std::make_shared<AlertsShowOptions>();
  app = tree->Add(alerts,
                  {"explain",
                   "how an alert came about: each match, the window's edges, what was waited for",
                   {"redthread alerts explain 3f9a2c          by the beginning of its id",
                    "redthread alerts explain 3f9a2c | less   a long one"}},
                  [explain](CommandContext* c) { return RunAlertsExplain(*explain, c); });
  app->add_option("ID", explain->id, "the alert's id, or its beginning")->type_name("ID")->required();
}

int RunAlertsList(const AlertsListOptions& options, CommandContext* context) {
  const Result<TimeRange> range = ParseTimeRange(options.since, options.until, context->clock->Now());
  if (!range.ok()) return Fail(range.status(), context);
  if (options.canonical && (!options.states.empty() || options.limit_given)) {
    context->messages->Error("--canonical prints all final alerts: it excludes --state and --limit");
    return kExitUsage;
  }
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  int exit_code = kExitDone;
  const std::unique_ptr<AlertView> alerts = OpenAlerts(loaded.config, context, &exit_code);
  if (alerts == nullptr) return exit_code;
  Level least = options.canonical ? Level::kInformational : loaded.config.min_level;
  if (!options.min_level.empty()) ParseLevel(options.min_level, &least);
  return options.canonical ? ListCanonical(*alerts, *range, least, context)
                           : List(*alerts, *range, least, options, context);
}

int RunAlertsShow(const AlertsShowOptions& options, CommandContext* context) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  int exit_code = kExitDone;
  const std::unique_ptr<AlertView> alerts = OpenAlerts(loaded.config, context, &exit_code);
  if (alerts == nullptr) return exit_code;
  const Result<Alert> alert = alerts->Find(options.id);
  if (!alert.ok()) return Fail(alert.status(), context);
  const EvidenceLines lines = alerts->Lines(*alert, context->messages);
  if (context->options.output == OutputFormat::kTable) {
    std::fputs(AlertText(*alert, lines, context->out.color).c_str(), stdout);
    return kExitDone;
  }
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"TIME"}, {"RULE"}, {"SOURCE"}, {"POSITION"}, {"LINE"}});
  if (!writer.wants_rows()) {
    writer.AddRecord(AlertRecordWithLines(*alert, lines));
  } else {
    for (size_t i = 0; i < alert->evidence.size(); ++i) {
      const Evidence& e = alert->evidence[i];
      writer.AddRow({{ShortTime(e.time)},
                     {e.rule_id},
                     {e.source},
                     {std::to_string(e.position.index)},
                     {i < lines.size() ? lines[i].value_or("") : ""}});
    }
  }
  const Status status = writer.Finish();
  return status.ok() ? kExitDone : Fail(status, context);
}

int RunAlertsExplain(const AlertsShowOptions& options, CommandContext* context) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  int exit_code = kExitDone;
  const std::unique_ptr<AlertView> alerts = OpenAlerts(loaded.config, context, &exit_code);
  if (alerts == nullptr) return exit_code;
  const Result<Alert> alert = alerts->Find(options.id);
  if (!alert.ok()) return Fail(alert.status(), context);
  const auto rules = loaded.config.pipeline.has_value()
                         ? RulesInForce(loaded.config, context->clock)
                         : LoadRulesFor({loaded.config.rule_paths, loaded.config.rule_variables});
  if (!rules.ok()) context->messages->Warning("the rules cannot be read: " + rules.status().message());
  const RuleSet none;
  std::fputs(AlertTimeline(*alert, rules.ok() ? **rules : none, context->out.color).c_str(), stdout);
  return kExitDone;
}

}  // namespace redthread
