// `redthread run`: the daemon.
#pragma once

#include <string>

#include "app/command.h"
#include "app/config.h"

namespace redthread {

struct RunFlags {
  bool until_idle = false;
  int jobs = 0;      // 0: one a core
  std::string role;  // of a worker of several, "all", "detect", "correlate"; empty: not given
};

void AddRunCommand(CommandTree* tree);

// What is wrong with a role under that configuration, and the exit code then; kExitDone when nothing is.
struct RoleProblem {
  int exit_code = 0;
  std::string text;
};
RoleProblem CheckRole(const std::string& role, const Config& config);

int RunDaemon(CommandContext* context, const RunFlags& flags);

}  // namespace redthread
