// Our own topics, of workers that share the work: how they are made, and what is to be said of how they are.
//
//   matches   match_partitions, 7 days and at least twice late_horizon: what correlation reads again after a
//   loss alerts    as many, 400 days control   one partition, for ever: its order decides which rules are in
//   force
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "app/kafka_topic_check.h"
#include "ingest/kafka_admin.h"

namespace redthread {

// `name`: one of the three.
KafkaTopicPlan PlanPipelineTopic(const std::string& name, const PipelineConfig& pipeline, int copies,
                                 Nanoseconds late_horizon);

// `topic`: one of the three; `all`: those of them that are there.
std::vector<TopicFinding> CheckPipelineTopic(const KafkaTopic& topic, const std::vector<KafkaTopic>& all,
                                             const PipelineConfig& pipeline, int brokers,
                                             Nanoseconds late_horizon);

}  // namespace redthread
