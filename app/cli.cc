#include "app/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <string>

#include "app/alerts_command.h"
#include "app/completion_command.h"
#include "app/config_command.h"
#include "app/demo_command.h"
#include "app/exit_code.h"
#include "app/kafka_command.h"
#include "app/rules_command.h"
#include "app/run_command.h"
#include "app/scan_command.h"
#include "app/sources_command.h"
#include "app/version_command.h"

namespace redthread {
namespace {

// The global options as they were written.
struct GlobalFlags {
  std::string config, data_dir, server, output, color, log_format;
  bool quiet = false;
  bool verbose = false;
  CLI::Option* config_flag = nullptr;
  CLI::Option* data_dir_flag = nullptr;
};

const std::vector<std::string> kOutputFormats = {"table", "json", "jsonl", "csv"};
const std::vector<std::string> kColorModes = {"auto", "always", "never"};
const std::vector<std::string> kLogFormats = {"text", "json"};

void AddGlobalFlags(CLI::App* root, GlobalFlags* f) {
  f->config_flag =
      root->add_option("-c,--config", f->config, "configuration file [/etc/redthread/redthread.yml]")
          ->type_name("FILE");
  f->data_dir_flag = root->add_option("--data-dir", f->data_dir, "where events, state and alerts are kept")
                         ->type_name("DIR");
  root->add_option("--server", f->server, "ask a running redthread (not available in this version)")
      ->type_name("URL");
  AddChoice(root, "-o,--output", &f->output, kOutputFormats, "[table on a terminal, jsonl in a pipe]");
  AddChoice(root, "--color", &f->color, kColorModes, "[auto: on a terminal, unless NO_COLOR is set]");
  AddChoice(root, "--log-format", &f->log_format, kLogFormats, "form of what goes to standard error [text]");
  CLI::Option* quiet = root->add_flag("-q,--quiet", f->quiet, "no progress bar, no counts");
  root->add_flag("-v,--verbose", f->verbose, "more about what is done, with times and memory")
      ->excludes(quiet);
}

// An option that was not given takes its REDTHREAD_* variable, one that is set and not empty.
void TakeVariable(const char* variable, std::string* value) {
  const char* text = std::getenv(variable);
  if (value->empty() && text != nullptr) *value = text;
}

// The same for one of `choices`; `standard` when neither is there. Returns what is wrong with the variable.
std::string TakeChoice(const char* variable, const std::vector<std::string>& choices, const char* standard,
                       std::string* value) {
  const bool given = !value->empty();
  TakeVariable(variable, value);
  if (value->empty()) *value = standard;
  const std::string problem = given ? "" : ChoiceProblem(*value, choices);
  return problem.empty() ? "" : std::string(variable) + ": " + problem;
}

std::string TakeVariables(GlobalFlags* f) {
  TakeVariable("REDTHREAD_CONFIG", &f->config);
  TakeVariable("REDTHREAD_DATA_DIR", &f->data_dir);
  TakeVariable("REDTHREAD_SERVER", &f->server);
  const char* output = isatty(STDOUT_FILENO) == 1 ? "table" : "jsonl";
  std::string problem = TakeChoice("REDTHREAD_OUTPUT", kOutputFormats, output, &f->output);
  if (problem.empty()) problem = TakeChoice("REDTHREAD_COLOR", kColorModes, "auto", &f->color);
  if (problem.empty()) problem = TakeChoice("REDTHREAD_LOG_FORMAT", kLogFormats, "text", &f->log_format);
  return problem;
}

OutputFormat OutputFormatOf(const std::string& name) {
  if (name == "json") return OutputFormat::kJson;
  if (name == "jsonl") return OutputFormat::kJsonl;
  return name == "csv" ? OutputFormat::kCsv : OutputFormat::kTable;
}

ColorMode ColorModeOf(const std::string& name) {
  if (name == "always") return ColorMode::kAlways;
  return name == "never" ? ColorMode::kNever : ColorMode::kAuto;
}

int Complain(const std::string& text) {
  const Terminal terminal = Terminal::Detect(STDERR_FILENO, ColorMode::kNever);
  Messages(stderr, terminal, LogFormat::kText, Verbosity::kNormal).Error(text);
  return kExitUsage;
}

const CLI::App& InnermostCommand(const CLI::App& app) {
  const CLI::App* inner = &app;
  while (!inner->get_subcommands().empty()) inner = inner->get_subcommands().front();
  return *inner;
}

int Print(std::FILE* file, const std::string& text, int exit_code) {
  std::fputs(text.c_str(), file);
  return exit_code;
}

// What the parser refused. A word that it does not know is the more helpful complaint, whatever came of it.
int HandleParseError(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App& command = InnermostCommand(root);
  if (dynamic_cast<const CLI::CallForHelp*>(&error) != nullptr) {
    return Print(stdout, command.help(), kExitDone);
  }
  const std::vector<std::string> unknown = root.remaining(true);
  if (!unknown.empty()) return Complain(UnknownWord(command, unknown.front()));
  return Complain(error.what());
}

int RunChosen(const CommandFunction& run, const GlobalFlags& f) {
  const ColorMode color = ColorModeOf(f.color);
  Verbosity verbosity = f.verbose ? Verbosity::kVerbose : Verbosity::kNormal;
  if (f.quiet) verbosity = Verbosity::kQuiet;
  Messages messages(stderr, Terminal::Detect(STDERR_FILENO, color),
                    f.log_format == "json" ? LogFormat::kJson : LogFormat::kText, verbosity);
  SystemClock clock;
  CommandContext context;
  context.options = {f.config, f.data_dir, f.config_flag->count() > 0, f.data_dir_flag->count() > 0,
                     OutputFormatOf(f.output)};
  context.out = Terminal::Detect(STDOUT_FILENO, color);
  context.messages = &messages;
  context.clock = &clock;
  return run(&context);
}

}  // namespace

void AddAllCommands(CommandTree* tree) {
  AddScanCommand(tree);
  AddRunCommand(tree);
  AddAlertsCommand(tree);
  AddSourcesCommand(tree);
  AddKafkaCommand(tree);
  AddRulesCommand(tree);
  AddConfigCommand(tree);
  AddDemoCommand(tree);
  AddCompletionCommand(tree);
  AddVersionCommand(tree);
}

int RunCommandLine(int argc, char** argv) {
  try {
    CommandTree tree;
    GlobalFlags flags;
    AddGlobalFlags(tree.root(), &flags);
    AddAllCommands(&tree);
    try {
      tree.root()->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return HandleParseError(*tree.root(), error);
    }
    if (!tree.chosen()) return Print(stderr, InnermostCommand(*tree.root()).help(), kExitUsage);
    const std::string problem = TakeVariables(&flags);
    if (!problem.empty()) return Complain(problem);
    if (!flags.server.empty()) {
      return Complain("--server is not available in this version; give --data-dir instead");
    }
    return RunChosen(tree.chosen(), flags);
  } catch (const std::exception& error) {
    return Complain(std::string("internal error: ") + error.what());
  }
}

}  // namespace redthread
