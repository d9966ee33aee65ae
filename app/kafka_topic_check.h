// What is to be said of how a topic is set up, by somebody who must not lose a record of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/timestamp.h"
#include "ingest/kafka_admin.h"

namespace redthread {

struct TopicFinding {
  bool is_problem = false;  // records can be lost; else it is advice
  std::string text;         // one sentence, with what to do
};

// `needed`: for how long a record must stay there to be read for sure, and `why`. `brokers`: how many the
// cluster has.
std::vector<TopicFinding> CheckTopic(const KafkaTopic& topic, int brokers, Nanoseconds needed,
                                     const std::string& why = "correlate.late_horizon");

// A property as a number; `otherwise` when it is not set.
int64_t TopicNumber(const KafkaTopic& topic, const char* name, int64_t otherwise);

// How a topic for logs is made.
KafkaTopicPlan PlanTopic(const std::string& name, int partitions, int copies, Nanoseconds retention);

}  // namespace redthread
