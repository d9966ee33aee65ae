// redthread demo: the tour. Sample logs of a small firm, the shipped rules over them, and what they tell.
#pragma once

#include <cstdint>
#include <string>

#include "app/command.h"

namespace redthread {

struct DemoOptions {
  std::string keep;  // folder in which the logs stay; empty: a temporary one, removed at the end
  uint64_t seed = 1;
  std::string brokers;  // "HOST:PORT,...": over Kafka; empty: scanned
};

void AddDemoCommand(CommandTree* tree);

// Writes the sample logs, scans them and prints the tour, as text whatever the output format. Exit code 5
// when the logs cannot be written or read.
int RunDemo(const DemoOptions& options, CommandContext* context);

}  // namespace redthread
