// redthread sources: who sends what, when it was last heard, how its clock goes, and what of it could not be
// read; from the data folder, also while `redthread run` is writing to it.
#pragma once

#include <cstdint>
#include <string>

#include "app/command.h"

namespace redthread {

struct DeadLettersOptions {
  std::string source;    // only of sources whose path holds this; empty: of all
  uint64_t limit = 100;  // so many of each source; 0: all
};

void AddSourcesCommand(CommandTree* tree);
int RunSourcesList(CommandContext* context);
int RunSourcesDeadLetters(const DeadLettersOptions& options, CommandContext* context);

}  // namespace redthread
