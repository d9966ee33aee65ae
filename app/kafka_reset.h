// redthread kafka reset: partitions that do not go on where reading stopped are read anew.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/command.h"

namespace redthread {

struct KafkaResetOptions {
  std::vector<std::string> partitions;  // "topic/0"
  bool force = false;                   // also one that is as it was read
  int64_t from = -1;                    // offset; -1: the first record that is there
};

void AddKafkaReset(CLI::App* kafka, CommandTree* tree);
int RunKafkaReset(const KafkaResetOptions& options, CommandContext* context);

}  // namespace redthread
