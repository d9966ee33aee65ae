// redthread config: writes, checks and shows the configuration.
#pragma once

#include "app/command.h"
#include "app/config.h"

namespace redthread {

void AddConfigCommand(CommandTree* tree);

// The configuration that the global options ask for, its problems and warnings told. The program goes on only
// when `problems` is empty; else the exit code is kExitConfig.
LoadedConfig LoadConfigFor(CommandContext* context);

// Writes the sample to the configuration file's place, which must not exist. For its owner and group alone:
// it may come to hold secrets.
int RunConfigInit(CommandContext* context);
int RunConfigCheck(CommandContext* context);
int RunConfigShow(CommandContext* context);
int RunConfigSchema(CommandContext* context);

}  // namespace redthread
