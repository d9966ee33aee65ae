// redthread kafka: the topics that sources of type kafka read: made, checked, and how far each has been read.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"

namespace redthread {

struct KafkaInitOptions {
  int partitions = 12;
  int copies = 0;                // 0: three where there are as many brokers, else one
  std::string retention = "7d";  // ParseTimespan
};

struct KafkaResetOptions {
  std::vector<std::string> partitions;  // "topic/0"
  bool force = false;                   // also one that is as it was read
  int64_t from = -1;                    // offset; -1: the first record that is there
};

void AddKafkaCommand(CommandTree* tree);
int RunKafkaInit(const KafkaInitOptions& options, CommandContext* context);
int RunKafkaCheck(CommandContext* context);
int RunKafkaStatus(CommandContext* context);
int RunKafkaReset(const KafkaResetOptions& options, CommandContext* context);

}  // namespace redthread
