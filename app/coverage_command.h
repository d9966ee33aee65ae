// redthread rules coverage: which rules can fire on the logs that there are, and what keeps the others from
// it.
#pragma once

#include "app/command.h"
#include "app/scan_input.h"

namespace redthread {

void AddCoverageCommand(CommandTree* tree, CLI::App* rules);
// Over the files that `input` names; without any, over what `run` keeps in the data folder, with the rules of
// the configuration unless it names others.
int RunCoverage(const ScanInput& input, CommandContext* context);

}  // namespace redthread
