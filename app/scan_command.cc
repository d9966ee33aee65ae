#include "app/scan_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "app/alert_text.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/progress_bar.h"
#include "core/record.h"
#include "core/text.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

const std::vector<std::string> kLevels = {"informational", "low", "medium", "high", "critical"};

std::vector<Column> DetectionColumns() {
  return {{"TIME"}, {"LEVEL"}, {"RULE", false, true}, {"SOURCE", false, true}, {"POSITION", true}};
}

std::vector<Column> AlertColumns() {
  return {{"TIME"}, {"LEVEL"}, {"COUNT", true}, {"RULE", false, true}, {"ON", false, true}};
}

std::vector<Column> HitColumns() {
  return {{"WINDOW END"}, {"LEVEL"}, {"VALUE", true}, {"RULE", false, true}, {"ON", false, true}};
}

std::vector<Column> SummaryColumns() { return {{"COUNT", true}, {"LEVEL"}, {"RULE", false, true}, {"ID"}}; }

// Writes what a scan finds, in the form asked for.
class ScanOutput {
 public:
  // All three outlive the output.
  ScanOutput(CommandContext* context, const ScanFlags& flags, const RuleSet& rules)
      : flags_(flags),
        rules_(rules),
        writer_(flags.canonical ? OutputFormat::kJsonl : context->options.output, context->out, stdout,
                flags.summary      ? SummaryColumns()
                : flags.detections ? DetectionColumns()
                : flags.hits       ? HitColumns()
                                   : AlertColumns()) {}

  Status Run(Scan* scan, const Scan::Tick& tick) {
    Status status;
    if (flags_.summary) {
      status = scan->Summary(tick);
    } else if (flags_.detections) {
      status = scan->Detections([this](const DetectionRow& row) { return Write(row); }, tick);
    } else if (flags_.hits) {
      status = scan->Hits([this](const HitRow& row) { return Write(row); }, tick);
    } else {
      status = scan->Alerts([this](const Alert& alert) { return Write(alert); }, tick);
    }
    RT_RETURN_IF_ERROR(status);
    if (flags_.summary) WriteSummary(*scan);
    return writer_.Finish();
  }

  uint64_t alerts() const { return alerts_; }
  uint64_t hits() const { return hits_; }
  bool found(Level level) const { return any_ && highest_ >= level; }

 private:
  void Saw(Level level) {
    highest_ = any_ ? std::max(highest_, level) : level;
    any_ = true;
  }

  Status Write(const DetectionRow& row) {
    Saw(row.rule->level);
    if (writer_.wants_rows()) {
      writer_.AddRow({{ShortTime(row.time.value_or(kNoTime))},
                      {LevelName(row.rule->level), StyleOf(row.rule->level)},
                      {row.rule->title},
                      {std::string(row.source)},
                      {std::to_string(row.position)}});
    } else {
      writer_.AddRecord(row.json);
    }
    return Status::Ok();
  }

  Status Write(const HitRow& row) {
    const Correlation& correlation = *row.correlation;
    Saw(correlation.level);
    ++hits_;
    if (writer_.wants_rows()) {
      writer_.AddRow({{ShortTime(row.end)},
                      {LevelName(correlation.level), StyleOf(correlation.level)},
                      {row.value.has_value() ? fmt::format("{:.6g}", *row.value) : ""},
                      {correlation.title},
                      {GroupText(row.group)}});
      return Status::Ok();
    }
    json_.clear();
    AppendHitRecord({correlation.id, correlation.title, correlation.level, &correlation.tags}, row.group,
                    row.end, row.value, &json_);
    writer_.AddRecord(json_);
    return Status::Ok();
  }

  Status Write(const Alert& alert) {
    Saw(alert.level);
    ++alerts_;
    if (writer_.wants_rows()) {
      writer_.AddRow({{ShortTime(alert.time)},
                      {LevelName(alert.level), StyleOf(alert.level)},
                      {WithThousands(alert.count)},
                      {alert.rule_title},
                      {GroupText(alert.group)}});
      return Status::Ok();
    }
    json_.clear();
    flags_.canonical ? AppendCanonicalAlert(alert, &json_) : AppendAlertRecord(alert, &json_);
    writer_.AddRecord(json_);
    return Status::Ok();
  }

  // Detection rules by their matches, correlations by their alerts.
  void WriteSummary(const Scan& scan) {
    std::vector<std::pair<uint64_t, const RuleDescription*>> counts;
    const ScanReport& report = scan.report();
    for (size_t r = 0; r < rules_.rules.size(); ++r) counts.emplace_back(report.by_rule[r], &rules_.rules[r]);
    for (size_t c = 0; c < rules_.correlations.size(); ++c) {
      counts.emplace_back(report.by_correlation[c], &rules_.correlations[c]);
    }
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second->id < b.second->id;
    });
    for (const auto& [count, rule] : counts) {
      if (count > 0) WriteCount(count, *rule);
    }
  }

  void WriteCount(uint64_t count, const RuleDescription& rule) {
    Saw(rule.level);
    if (writer_.wants_rows()) {
      writer_.AddRow(
          {{WithThousands(count)}, {LevelName(rule.level), StyleOf(rule.level)}, {rule.title}, {rule.id}});
      return;
    }
    json_ = R"({"kind":"summary","rule":{"id":)";
    AppendJsonString(rule.id, &json_);
    json_ += ",\"title\":";
    AppendJsonString(rule.title, &json_);
    json_ +=
        std::string(",\"level\":\"") + LevelName(rule.level) + "\"},\"count\":" + std::to_string(count) + "}";
    writer_.AddRecord(json_);
  }

  const ScanFlags& flags_;
  const RuleSet& rules_;
  ResultWriter writer_;
  std::string json_;
  uint64_t alerts_ = 0;
  uint64_t hits_ = 0;
  bool any_ = false;
  Level highest_ = Level::kInformational;
};

}  // namespace

int RunScan(CommandContext* context, const ScanFlags& flags) {
  if (flags.detections + flags.hits + flags.summary + flags.canonical > 1) {
    context->messages->Error("--detections, --hits, --summary and --canonical exclude each other");
    return kExitUsage;
  }
  ScanOptions options;
  if (!ReadScanInput(flags, context, &options)) return kExitUsage;
  if (!flags.min_level.empty()) ParseLevel(flags.min_level, &options.min_level);
  const std::shared_ptr<const Engine> engine = LoadScanEngine(flags, context);
  if (engine == nullptr) return kExitUsage;

  ScanOutput output(context, flags, engine->rules());
  Scan scan(engine, options);
  Status status;
  {
    ProgressBar bar(stderr, context->messages, context->clock);
    status = output.Run(&scan, [&bar](const ScanProgress& p) {
      bar.Update({p.input_bytes, p.total_input_bytes, p.records});
    });
  }
  ReportScanInput(scan.report(), flags.year != 0, context);
  if (!status.ok()) return Fail(status, context);
  context->messages->Count(Counted(scan.report().detections, "detection") +
                           (flags.hits ? ", " + Counted(output.hits(), "hit")
                            : flags.detections || flags.summary
                                ? ""
                                : " in " + Counted(output.alerts(), "alert")));
  if (!engine->rules().problems.empty()) return kExitUsage;
  if (scan.report().input_lost) return kExitInput;
  Level fail_on = Level::kInformational;
  if (!flags.fail_on.empty() && ParseLevel(flags.fail_on, &fail_on) && output.found(fail_on))
    return kExitFindings;
  return kExitDone;
}

void AddScanCommand(CommandTree* tree) {
  auto flags = std::make_shared<ScanFlags>();
  CLI::App* scan =
      tree->Add(tree->root(),
                {"scan",
                 "rules over files, folders, globs or standard input (-): no configuration, no server",
                 {"redthread scan /var/log/events              what the shipped rules find, as alerts",
                  "redthread scan dc01.ndjson.zst -r sigma/rules --detections",
                  "zcat old.json.gz | redthread scan - --summary"}},
                [flags](CommandContext* context) { return RunScan(context, *flags); });
  AddScanInput(scan, flags.get())->required();
  scan->add_flag("--detections", flags->detections, "every match of every rule, not folded into alerts");
  scan->add_flag("--hits", flags->hits,
                 "every window end at which a correlation holds, not folded into alerts");
  scan->add_flag("--summary", flags->summary, "how often each rule matched");
  scan->add_flag("--canonical", flags->canonical, "alerts in the form in which answers are compared");
  AddChoice(scan, "--min-level", &flags->min_level, kLevels, "leave out what is below [informational]");
  AddChoice(scan, "--fail-on", &flags->fail_on, kLevels,
            "exit with 1 when something of this level or above was found");
}

}  // namespace redthread
