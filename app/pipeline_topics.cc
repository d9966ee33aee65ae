#include "app/pipeline_topics.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/numbers.h"

namespace redthread {
namespace {

constexpr Nanoseconds kDay = std::chrono::hours(24);
constexpr Nanoseconds kMatchesStay = 7 * kDay;
constexpr Nanoseconds kAlertsStay = 400 * kDay;
// A match holds fields of its record, which has up to 16 MiB, and an alert those that it is grouped by.
constexpr int64_t kRecordBytes = int64_t{32} << 20;

int64_t Milliseconds(Nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::string Partitions(int n) { return Counted(static_cast<uint64_t>(n), "partition"); }

void CheckRecordBytes(const KafkaTopic& topic, std::vector<TopicFinding>* findings) {
  const int64_t most = TopicNumber(topic, "max.message.bytes", kRecordBytes);
  if (most < kRecordBytes)
    findings->push_back({true, "max.message.bytes is " + std::to_string(most) +
                                   ": what comes of a long record could not be written; set " +
                                   std::to_string(kRecordBytes)});
}

void CheckMatches(const KafkaTopic& topic, const PipelineConfig& pipeline,
                  std::vector<TopicFinding>* findings) {
  if (topic.partitions != pipeline.match_partitions)
    findings->push_back(
        {true, "it has " + Partitions(topic.partitions) + " and kafka.match_partitions is " +
                   std::to_string(pipeline.match_partitions) +
                   ": what belongs together lies by that number, so it cannot be changed in place; write "
                   "match_partitions: " +
                   std::to_string(topic.partitions) +
                   ", or name new topics for matches and alerts and have `redthread kafka init` make them"});
}

void CheckAlerts(const KafkaTopic& topic, const std::vector<KafkaTopic>& all, const PipelineConfig& pipeline,
                 std::vector<TopicFinding>* findings) {
  int matches = pipeline.match_partitions;
  for (const KafkaTopic& other : all) {
    if (other.name == pipeline.matches) matches = other.partitions;
  }
  if (topic.partitions != matches)
    findings->push_back(
        {true, "it has " + Partitions(topic.partitions) + " and " + pipeline.matches + " " +
                   std::to_string(matches) +
                   ": alerts go to the partition of their matches; name a new topic for alerts and have "
                   "`redthread kafka init` make it"});
  const int64_t stay = TopicNumber(topic, "retention.ms", -1);
  if (stay >= 0 && stay < Milliseconds(kAlertsStay))
    findings->push_back({false, "retention.ms is " + std::to_string(stay) +
                                    ": older alerts are not shown any more; " +
                                    std::to_string(Milliseconds(kAlertsStay)) + " are 400 days"});
}

void CheckControl(const KafkaTopic& topic, std::vector<TopicFinding>* findings) {
  if (topic.partitions != 1)
    findings->push_back({true, "it has " + Partitions(topic.partitions) +
                                   ": the order of its records decides which rules are in force, and only "
                                   "one partition has one; name a new topic and have `redthread kafka init` "
                                   "make it"});
  for (const char* name : {"retention.ms", "retention.bytes"}) {
    const int64_t limit = TopicNumber(topic, name, -1);
    if (limit >= 0)
      findings->push_back({true, std::string(name) + " is " + std::to_string(limit) +
                                     ": which rules are in force would be forgotten; set -1"});
  }
}

}  // namespace

KafkaTopicPlan PlanPipelineTopic(const std::string& name, const PipelineConfig& pipeline, int copies,
                                 Nanoseconds late_horizon) {
  if (name == pipeline.control) {
    KafkaTopicPlan plan = PlanTopic(name, 1, copies, kDay);
    for (auto& [property, value] : plan.properties) {
      if (property == "retention.ms") value = "-1";
    }
    plan.properties.emplace_back("retention.bytes", "-1");
    return plan;
  }
  const bool is_matches = name == pipeline.matches;
  KafkaTopicPlan plan = PlanTopic(name, pipeline.match_partitions, copies,
                                  std::max(is_matches ? kMatchesStay : kAlertsStay, 2 * late_horizon));
  plan.properties.emplace_back("max.message.bytes", std::to_string(kRecordBytes));
  return plan;
}

std::vector<TopicFinding> CheckPipelineTopic(const KafkaTopic& topic, const std::vector<KafkaTopic>& all,
                                             const PipelineConfig& pipeline, int brokers,
                                             Nanoseconds late_horizon) {
  const bool is_control = topic.name == pipeline.control;
  KafkaTopic common = topic;
  if (is_control) common.properties.erase("retention.bytes");  // a problem here: CheckControl
  std::vector<TopicFinding> findings = CheckTopic(
      common, brokers, is_control ? Nanoseconds(0) : 2 * late_horizon, "twice correlate.late_horizon");
  if (!is_control) CheckRecordBytes(topic, &findings);
  if (is_control) {
    CheckControl(topic, &findings);
  } else if (topic.name == pipeline.matches) {
    CheckMatches(topic, pipeline, &findings);
  } else {
    CheckAlerts(topic, all, pipeline, &findings);
  }
  return findings;
}

}  // namespace redthread
