// The command line: exit codes, complaints, help, completion.
#include "app/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "app/completion_command.h"
#include "tests/support/binary.h"

namespace redthread {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CliTest, AMisspeltWordIsExitCodeTwoWithTheNearestName) {
  const struct {
    std::vector<std::string> arguments;
    const char* complaint;
  } cases[] = {
      {{"versoin"}, "redthread: unknown command `versoin`, did you mean `version`?\n"},
      {{"completoin", "bash"}, "redthread: unknown command `completoin`, did you mean `completion`?\n"},
      {{"frobnicate"}, "redthread: unknown command `frobnicate`\n"},
      {{"version", "--outptu", "json"}, "redthread: unknown option `--outptu`, did you mean `--output`?\n"},
      {{"--colour=never", "version"}, "redthread: unknown option `--colour`, did you mean `--color`?\n"},
      {{"version", "now"}, "redthread: unexpected argument `now`\n"},
      {{"version", "-o", "jsno"},
       "redthread: --output: `jsno` is not one of table, json, jsonl and csv, did you mean `json`?\n"},
      {{"completion", "bsah"},
       "redthread: SHELL: `bsah` is not one of bash, zsh and fish, did you mean `bash`?\n"},
      {{"version", "-q", "-v"}, "redthread: --quiet excludes --verbose\n"},
      {{"version", "--server", "http://127.0.0.1:9600"},
       "redthread: --server is not available in this version; give --data-dir instead\n"},
      {{"\x1b[31mred"}, "redthread: unknown command `\\x1b[31mred`\n"},
  };
  for (const auto& c : cases) {
    const BinaryRun run = RunBinary(c.arguments);
    EXPECT_EQ(run.exit_code, 2) << c.complaint;
    EXPECT_EQ(run.err, c.complaint);
    EXPECT_EQ(run.out, "");
  }
}

TEST(CliTest, WithoutACommandHelpGoesToStandardErrorAndTheExitCodeIsTwo) {
  const BinaryRun run = RunBinary({});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("Examples:\n"));
}

TEST(CliTest, EnvironmentVariablesStandBehindFlags) {
  const std::vector<std::string> json = {"REDTHREAD_OUTPUT=json"};
  EXPECT_THAT(RunBinary({"version"}, json).out, StartsWith("{\"name\":\"redthread\""));
  EXPECT_THAT(RunBinary({"version", "-o", "table"}, json).out, StartsWith("redthread "));
  EXPECT_THAT(RunBinary({"version"}, {"REDTHREAD_OUTPUT="}).out, StartsWith("redthread "));
  const BinaryRun bad = RunBinary({"version"}, {"REDTHREAD_OUTPUT=xml"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(bad.err, "redthread: REDTHREAD_OUTPUT: `xml` is not one of table, json, jsonl and csv\n");
}

// Calls `visit` with the arguments that lead to each command.
void ForEachCommand(const CLI::App& app, const std::vector<std::string>& path,
                    const std::function<void(const std::vector<std::string>&)>& visit) {
  visit(path);
  for (const CLI::App* sub : app.get_subcommands({})) {
    std::vector<std::string> deeper = path;
    deeper.push_back(sub->get_name());
    ForEachCommand(*sub, deeper, visit);
  }
}

TEST(CliTest, TheHelpOfEveryCommandBeginsWithTwoExamplesOfIt) {
  CommandTree tree;
  AddAllCommands(&tree);
  int commands = 0;
  ForEachCommand(*tree.root(), {}, [&](std::vector<std::string> path) {
    std::string name = "redthread";
    for (const std::string& p : path) name += " " + p;
    path.push_back("--help");
    const BinaryRun run = RunBinary(path);
    EXPECT_EQ(run.exit_code, 0) << name;
    EXPECT_THAT(run.out, StartsWith("Examples:\n")) << name;
    const std::string examples = run.out.substr(0, run.out.find("\nUsage: " + name));
    size_t found = 0;
    for (size_t at = 0; (at = examples.find(name, at)) != std::string::npos; ++at) ++found;
    EXPECT_GE(found, 2u) << run.out;
    ++commands;
  });
  EXPECT_GT(commands, 2);
}

TEST(CompletionTest, TheBashScriptParsesAndCompletesCommandsAndValues) {
  const std::string script = RunBinary({"completion", "bash"}).out;
  const BinaryRun check = RunProgram({"bash", "-n"}, {"PATH=/usr/bin:/bin"}, script);
  EXPECT_EQ(check.exit_code, 0) << check.err;

  const struct {
    const char* words;  // as bash splits the line; the last one is completed
    const char* completions;
  } cases[] = {
      {"redthread vers", "version"},
      {"redthread completion ''", "bash zsh fish"},
      {"redthread --output js", "json jsonl"},
      {"redthread version -o c", "csv"},
  };
  for (const auto& c : cases) {
    const std::string test = script + "\nCOMP_WORDS=(" + c.words +
                             ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_redthread\n"
                             "printf '%s\\n' \"${COMPREPLY[*]}\"\n";
    const BinaryRun run = RunProgram({"bash"}, {"PATH=/usr/bin:/bin"}, test);
    EXPECT_THAT(run.out, StartsWith(c.completions)) << c.words << run.err;
  }
}

TEST(CompletionTest, TheOtherShellsGetEveryCommandToo) {
  EXPECT_THAT(RunBinary({"completion", "zsh"}).out, StartsWith("#compdef redthread\n"));
  EXPECT_THAT(RunBinary({"completion", "zsh"}).out, HasSubstr("'completion'|'version'"));
  EXPECT_THAT(RunBinary({"completion", "fish"}).out, HasSubstr("-f -a completion -d "));
}

}  // namespace
}  // namespace redthread
