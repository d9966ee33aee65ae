// redthread completion: scripts that let a shell complete commands, options and their values.
#pragma once

#include <string>

#include "app/command.h"

namespace redthread {

enum class Shell { kBash, kZsh, kFish };

// The script for `shell`, made from the tree itself, so that it cannot fall behind.
std::string CompletionScript(const CLI::App& root, Shell shell);

void AddCompletionCommand(CommandTree* tree);

}  // namespace redthread
