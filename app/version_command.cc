#include "app/version_command.h"

#include <string>

#include "app/exit_code.h"

#ifndef REDTHREAD_VERSION
#error "REDTHREAD_VERSION comes from CMakeLists.txt"
#endif

namespace redthread {

const char* Version() { return REDTHREAD_VERSION; }

void AddVersionCommand(CommandTree* tree) {
  tree->Add(tree->root(),
            {"version",
             "which version this is",
             {"redthread version             redthread 0.1.0", "redthread version -o json     for a script"}},
            RunVersion);
}

int RunVersion(CommandContext* context) {
  // On a line of its own, also in a pipe: that is what people look for in a bug report.
  if (context->options.output == OutputFormat::kJson) {
    std::fprintf(stdout, "{\"name\":\"redthread\",\"version\":\"%s\"}\n", Version());
  } else {
    std::fprintf(stdout, "redthread %s\n", Version());
  }
  return kExitDone;
}

}  // namespace redthread
