// `redthread run`: the daemon.
#pragma once

#include "app/command.h"

namespace redthread {

struct RunFlags {
  bool until_idle = false;
};

void AddRunCommand(CommandTree* tree);
int RunDaemon(CommandContext* context, const RunFlags& flags);

}  // namespace redthread
