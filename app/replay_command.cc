#include "app/replay_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "app/alert_view.h"
#include "app/config_command.h"
#include "app/configured_engine.h"
#include "app/exit_code.h"
#include "app/input_options.h"
#include "app/numbers.h"
#include "app/result_writer.h"
#include "core/text.h"
#include "runtime/replay.h"

namespace redthread {
namespace {

void AddSource(const ReplayReport::Source& source, ResultWriter* writer) {
  if (writer->wants_rows()) {
    writer->AddRow({{source.path},
                    {WithThousands(source.read)},
                    {WithThousands(source.unread)},
                    {WithThousands(source.detections)},
                    {source.reason.empty() ? "-" : source.reason}});
    return;
  }
  std::string json = R"({"kind":"replay","source":)";
  AppendJsonString(source.path, &json);
  json += R"(,"read":)" + std::to_string(source.read) + R"(,"unread":)" + std::to_string(source.unread) +
          R"(,"detections":)" + std::to_string(source.detections);
  if (!source.reason.empty()) {
    json += R"(,"reason":)";
    AppendJsonString(source.reason, &json);
  }
  writer->AddRecord(json + "}");
}

void Tell(const ReplayReport& report, bool dry_run, Messages* messages) {
  uint64_t read = 0, unread = 0;
  for (const ReplayReport::Source& source : report.sources) {
    read += source.read;
    unread += source.unread;
  }
  std::string text = Counted(read, "record") + (dry_run ? " would be read, " : " read after all, ") +
                     WithThousands(unread) + " still not";
  if (!dry_run) text += "; " + Counted(report.told, "alert") + " new or changed";
  messages->Count(text);
  if (report.without_text > 0)
    messages->Warning(Counted(report.without_text, "record") +
                      " of which no more than the beginning is kept, and which stay as they are");
  if (report.beyond_horizon > 0)
    messages->Warning(Counted(report.beyond_horizon, "match", "matches") +
                      " came later than correlate.late_horizon and took no part in a correlation");
}

}  // namespace

void AddReplayCommand(CommandTree* tree, CLI::App* sources) {
  auto options = std::make_shared<ReplayCommandOptions>();
  CLI::App* replay = tree->Add(
      sources,
      {"replay",
       "reads what could not be read once more, and keeps what it leads to",
       {"redthread sources replay --dry-run            what would become of it; also while redthread runs",
        "redthread sources replay --source auth.log    while it does not"}},
      [options](CommandContext* c) { return RunReplay(*options, c); });
  replay->add_option("--source", options->source, "only of sources whose path holds this")->type_name("TEXT");
  replay->add_flag("--dry-run", options->dry_run, "change nothing, only tell what would become of it");
}

int RunReplay(const ReplayCommandOptions& options, CommandContext* context) {
  const LoadedConfig loaded = LoadConfigFor(context);
  if (!loaded.problems.empty()) return kExitConfig;
  const Config& config = loaded.config;
  if (config.pipeline.has_value()) {
    context->messages->Error("workers that share the work keep no dead letters");
    return kExitUsage;
  }
  // That there is something, before anything is made.
  int exit_code = kExitDone;
  if (OpenDatabaseToRead(config, context, &exit_code) == nullptr) return exit_code;
  const std::shared_ptr<const Engine> engine =
      Told(LoadEngine(config), "nothing is read again", context->messages);
  if (engine == nullptr) return kExitUsage;

  ReplayOptions replay;
  replay.data_dir = config.data_dir;
  replay.source = options.source;
  replay.dry_run = options.dry_run;
  replay.input_of = [&config](const SourceState& source) { return StoredInputOf(config, source); };
  const Result<ReplayReport> report = ReplayDeadLetters(engine, replay, context->clock);
  if (!report.ok()) return Fail(report.status(), context);
  ResultWriter writer(context->options.output, context->out, stdout,
                      {{"SOURCE", false, true, true},
                       {"READ", true},
                       {"STILL NOT", true},
                       {"DETECTIONS", true},
                       {"WHY NOT", false, true}});
  bool all = true;
  for (const ReplayReport::Source& source : report->sources) {
    AddSource(source, &writer);
    all = all && source.unread == 0;
  }
  if (const Status status = writer.Finish(); !status.ok()) return Fail(status, context);
  Tell(*report, options.dry_run, context->messages);
  const int damaged = TellDamage(report->damage, "row", context);
  return damaged != kExitDone || all ? damaged : static_cast<int>(kExitInput);
}

}  // namespace redthread
