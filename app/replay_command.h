// redthread sources replay: dead letters once more, with the present configuration and rules, into the data
// folder.
#pragma once

#include <string>

#include "app/command.h"

namespace redthread {

struct ReplayCommandOptions {
  std::string source;    // only of sources whose path holds this; empty: of all
  bool dry_run = false;  // only tell what would become of them
};

// `sources`: the command that it stands below.
void AddReplayCommand(CommandTree* tree, CLI::App* sources);
int RunReplay(const ReplayCommandOptions& options, CommandContext* context);

}  // namespace redthread
