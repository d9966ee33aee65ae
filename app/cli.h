// The command line of redthread: one binary, its commands, and the options that all of them have.
#pragma once

#include "app/command.h"

namespace redthread {

// Describes every command to `tree`.
void AddAllCommands(CommandTree* tree);

// Parses the command line, runs the command it names and returns the exit code. Complaints go to standard
// error; no exception leaves.
int RunCommandLine(int argc, char** argv);

}  // namespace redthread
