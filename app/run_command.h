// `redthread run`: the daemon.
#pragma once

#include "app/command.h"

namespace redthread {

struct RunFlags {
  bool until_idle = false;
  int jobs = 0;  // 0: one a core
};

void AddRunCommand(CommandTree* tree);
int RunDaemon(CommandContext* context, const RunFlags& flags);

}  // namespace redthread
