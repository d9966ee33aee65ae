// redthread kafka: the topics that sources of type kafka read: made, checked, and how far each has been read.
#pragma once

#include <string>

#include "app/command.h"

namespace redthread {

struct KafkaInitOptions {
  int partitions = 12;
  int copies = 0;                // 0: three where there are as many brokers, else one
  std::string retention = "7d";  // ParseTimespan
};

void AddKafkaCommand(CommandTree* tree);
int RunKafkaInit(const KafkaInitOptions& options, CommandContext* context);
int RunKafkaCheck(CommandContext* context);
int RunKafkaStatus(CommandContext* context);

}  // namespace redthread
