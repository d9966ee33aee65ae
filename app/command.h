// Commands: how a command of redthread is described to the command line, and what it gets when it runs.
//
// Each command lives in a file of its own, <name>_command.h: a struct of its options, a function
// Add...Command that describes it here, and a function Run... that does the work and returns an exit code
// (exit_code.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/messages.h"
#include "app/result_writer.h"
#include "app/terminal.h"
#include "core/clock.h"
#include "core/status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace redthread {

struct Damage;

// The options that every command has, with REDTHREAD_* variables already taken in where no flag was given.
// Empty: neither flag nor variable.
struct GlobalOptions {
  std::string config_path;
  std::string data_dir;
  bool config_by_flag = false;  // else, when set, by variable
  bool data_dir_by_flag = false;
  OutputFormat output = OutputFormat::kTable;
};

// One per run of the program. All that is pointed at outlives it.
struct CommandContext {
  GlobalOptions options;
  Terminal out;  // standard output
  Messages* messages = nullptr;
  Clock* clock = nullptr;
};

// Tells what went wrong. Returns the exit code of a command that ends with it.
int Fail(const Status& status, CommandContext* context);

// Tells of what could not be read of the state, if anything: "2 alerts could not be read: ..", with `row` as
// "alert". The exit code then says that the answer is not whole.
int TellDamage(const Damage& damage, const char* row, CommandContext* context);

using CommandFunction = std::function<int(CommandContext*)>;

// A command's words on the command line.
struct CommandSpec {
  std::string name;
  std::string summary;                // one line
  std::vector<std::string> examples;  // at least two: its help begins with them
};

// The tree of commands, while it is built and parsed.
class CommandTree {
 public:
  CommandTree();
  ~CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  CLI::App* root() { return root_.get(); }

  // A command below `parent`, ready for its options. `run` is what it does; a group of commands has none.
  CLI::App* Add(CLI::App* parent, const CommandSpec& spec, CommandFunction run = nullptr);

  // What the parsed command line asked for; empty when it named no command, or only a group.
  const CommandFunction& chosen() const { return chosen_; }

 private:
  std::unique_ptr<CLI::App> root_;
  CommandFunction chosen_;
};

// An option whose value is one of `choices`; help and completion show them.
CLI::Option* AddChoice(CLI::App* app, const std::string& flags, std::string* value,
                       std::vector<std::string> choices, const std::string& description);

// The same for an option that may be repeated, each time with one value.
CLI::Option* AddChoices(CLI::App* app, const std::string& flags, std::vector<std::string>* values,
                        std::vector<std::string> choices, const std::string& description);

// "`tabel` is not one of table and json, did you mean `table`?", or nothing when it is one of them.
std::string ChoiceProblem(const std::string& value, const std::vector<std::string>& choices);

// The nearest command or flag to a word that the parser did not know, as a whole complaint:
// "unknown command `scna`, did you mean `scan`?". `app` is the innermost command that was recognised.
std::string UnknownWord(const CLI::App& app, const std::string& word);

}  // namespace redthread
