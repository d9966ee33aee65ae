// redthread: log aggregation and security-event correlation. All but this is a library,
// so that tests can link it.
#include <csignal>

#include "app/cli.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is then an error of the write, like a full disk
  return redthread::RunCommandLine(argc, argv);
}
