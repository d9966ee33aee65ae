// `redthread run` with `kafka:` in the configuration: a worker of several.
#pragma once

#include <atomic>

#include "app/command.h"
#include "app/config.h"
#include "app/run_command.h"

namespace redthread {

// Requires config.pipeline. Runs until `stop` is set, or with --until-idle until there is nothing left. Once
// `reload` is set, the rules beside the worker are looked at, and it is cleared.
int RunPipeline(CommandContext* context, const Config& config, const RunFlags& flags,
                const std::atomic<bool>& stop, std::atomic<bool>& reload);

}  // namespace redthread
