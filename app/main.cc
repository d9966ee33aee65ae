// redthread: log aggregation and security-event correlation. The binary is this line; the rest is a library,
// so that tests can link it.
#include "app/cli.h"

int main(int argc, char** argv) { return redthread::RunCommandLine(argc, argv); }
