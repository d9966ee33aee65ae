// The tour's logs through real brokers: each file a topic, the answer of two workers from the topic of
// alerts.
#pragma once

#include <string>
#include <vector>

#include "app/demo_logs.h"
#include "core/alert.h"
#include "core/clock.h"
#include "core/status.h"
#include "runtime/engine.h"

namespace redthread {

struct DemoKafka {
  std::string brokers;  // "127.0.0.1:19092,..."
  std::string folder;   // for the workers' state
};

// Makes topics of names of their own, writes the logs into them, has the workers read them to their end, and
// removes the topics. The alerts are final, in the order in which a scan tells them. `rules`: what the
// workers agree on over the brokers. Errors: those of brokers.
Result<std::vector<Alert>> AlertsOverKafka(const DemoKafka& kafka, const Engine::Options& rules,
                                           const DemoSummary& logs, Clock* clock);

}  // namespace redthread
