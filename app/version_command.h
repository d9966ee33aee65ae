// redthread version: which version this is.
#pragma once

#include "app/command.h"

namespace redthread {

// "0.1.0". Source: project(VERSION) in CMakeLists.txt.
const char* Version();

void AddVersionCommand(CommandTree* tree);
int RunVersion(CommandContext* context);

}  // namespace redthread
