#include "app/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "app/display_width.h"
#include "app/exit_code.h"
#include "app/numbers.h"
#include "rules/nearest_name.h"
#include "storage/state_reader.h"

namespace redthread {
namespace {

// "  left      right" with the right column beginning at a common place.
std::string TwoColumns(const std::vector<std::pair<std::string, std::string>>& lines) {
  int widest = 0;
  for (const auto& [left, right] : lines) {
    if (DisplayWidth(left) <= 36) widest = std::max(widest, DisplayWidth(left));
  }
  std::string out;
  for (const auto& [left, right] : lines) {
    const int blank = widest - DisplayWidth(left);
    out += "  " + left;
    out +=
        blank >= 0 ? std::string(static_cast<size_t>(blank) + 2, ' ') : "\n" + std::string(widest + 4, ' ');
    out += right + "\n";
  }
  return out;
}

bool Repeats(const CLI::Option& option) { return option.get_expected_max() > 1; }

std::string PositionalName(const CLI::Option& option) {
  const std::string name = option.get_name(true, false) + (Repeats(option) ? "..." : "");
  return option.get_required() ? name : "[" + name + "]";
}

std::string FlagNames(const CLI::Option& option) {
  std::string names;
  for (const std::string& s : option.get_snames()) names += (names.empty() ? "-" : ", -") + s;
  for (const std::string& l : option.get_lnames()) names += (names.empty() ? "    --" : ", --") + l;
  if (option.get_type_size() != 0 && !option.get_type_name().empty()) names += " " + option.get_type_name();
  return names;
}

std::string FullName(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : FullName(*parent) + " " + app.get_name();
}

// Help that begins with examples: they are what most people look for.
class ExamplesFirst final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    std::string out = "Examples:\n" + app->get_footer() + "\nUsage: " + FullName(*app);
    std::vector<std::pair<std::string, std::string>> positionals;
    std::vector<std::pair<std::string, std::string>> flags;
    for (const CLI::Option* o : app->get_options({})) {
      if (o->get_positional()) {
        positionals.emplace_back(PositionalName(*o), o->get_description());
      } else {
        flags.emplace_back(FlagNames(*o), o->get_description());
      }
    }
    std::vector<std::pair<std::string, std::string>> commands;
    for (const CLI::App* sub : app->get_subcommands({})) {
      commands.emplace_back(sub->get_name(), sub->get_description());
    }
    if (!commands.empty()) out += " COMMAND";
    if (!flags.empty()) out += " [OPTION]...";
    for (const auto& p : positionals) out += " " + p.first;
    out += "\n\n" + app->get_description() + "\n";
    if (!commands.empty()) out += "\nCommands:\n" + TwoColumns(commands);
    if (!positionals.empty()) out += "\nArguments:\n" + TwoColumns(positionals);
    out += "\nOptions:\n" + TwoColumns(flags);
    if (app->get_parent() != nullptr)
      out += "\n'redthread --help' shows the options that every command has.\n";
    return out;
  }
};

void SetUp(CLI::App* app, const std::vector<std::string>& examples) {
  std::string lines;
  for (const std::string& e : examples) lines += "  " + e + "\n";
  app->footer(lines);
  app->set_help_flag("-h,--help", "show this");
  app->require_subcommand(0, 1);  // at most one: after `scan`, a file called "rules" is a file
}

CLI::Option* WithChoices(CLI::Option* option, std::vector<std::string> choices) {
  std::string names;
  for (const std::string& c : choices) names += (names.empty() ? "" : "|") + c;
  option->type_name(names);
  return option->check(CLI::Validator(
      [choices = std::move(choices)](std::string& text) { return ChoiceProblem(text, choices); }, ""));
}

}  // namespace

int Fail(const Status& status, CommandContext* context) {
  context->messages->Error(status.message());
  return ExitCodeOf(status);
}

int TellDamage(const Damage& damage, const char* row, CommandContext* context) {
  if (damage.rows == 0) return kExitDone;
  context->messages->Error(Counted(damage.rows, row) + " could not be read: " + damage.first.message());
  return kExitInput;
}

CommandTree::CommandTree() : root_(std::make_unique<CLI::App>("", "redthread")) {
  root_->formatter(std::make_shared<ExamplesFirst>());
  root_->fallthrough();  // global options may stand behind the command; inherited by every command
  SetUp(root_.get(), {"redthread scan /var/log/events.ndjson     alerts from a file, with the shipped rules",
                      "redthread run -c /etc/redthread/redthread.yml     watch the configured sources"});
  root_->description("Finds attacks and outages in logs with Sigma rules, and keeps the evidence.");
}

CommandTree::~CommandTree() = default;

CLI::App* CommandTree::Add(CLI::App* parent, const CommandSpec& spec, CommandFunction run) {
  CLI::App* app = parent->add_subcommand(spec.name, spec.summary);
  SetUp(app, spec.examples);
  if (run) app->callback([this, run = std::move(run)] { chosen_ = run; });
  return app;
}

CLI::Option* AddChoice(CLI::App* app, const std::string& flags, std::string* value,
                       std::vector<std::string> choices, const std::string& description) {
  return WithChoices(app->add_option(flags, *value, description), std::move(choices));
}

CLI::Option* AddChoices(CLI::App* app, const std::string& flags, std::vector<std::string>* values,
                        std::vector<std::string> choices, const std::string& description) {
  return WithChoices(app->add_option(flags, *values, description)->allow_extra_args(false),
                     std::move(choices));
}

std::string ChoiceProblem(const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return "";
  const std::vector<std::string_view> known(choices.begin(), choices.end());
  return "`" + value + "` is not one of " + JoinNames(known) + Suggestion(value, known, "");
}

std::string UnknownWord(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  const bool option = word.size() > 1 && word[0] == '-';
  if (option) {
    for (const CLI::App* a = &app; a != nullptr; a = a->get_parent()) {
      for (const CLI::Option* o : a->get_options({})) {
        for (const std::string& l : o->get_lnames()) known.push_back("--" + l);
      }
    }
  } else {
    for (const CLI::App* sub : app.get_subcommands({})) known.push_back(sub->get_name());
    if (known.empty()) return "unexpected argument `" + word + "`";
  }
  const std::string name = option ? word.substr(0, word.find('=')) : word;
  return (option ? "unknown option `" : "unknown command `") + name + "`" +
         Suggestion(name, {known.begin(), known.end()}, "");
}

}  // namespace redthread
