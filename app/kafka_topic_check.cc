#include "app/kafka_topic_check.h"

#include <charconv>

#include "app/numbers.h"

namespace redthread {

namespace {

std::string PropertyOf(const KafkaTopic& topic, const char* name) {
  const auto found = topic.properties.find(name);
  return found == topic.properties.end() ? "" : found->second;
}

}  // namespace

int64_t TopicNumber(const KafkaTopic& topic, const char* name, int64_t otherwise) {
  const std::string text = PropertyOf(topic, name);
  int64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<TopicFinding> CheckTopic(const KafkaTopic& topic, int brokers, Nanoseconds needed,
                                     const std::string& why) {
  std::vector<TopicFinding> findings;
  const auto problem = [&](const std::string& text) { findings.push_back({true, text}); };
  const auto advice = [&](const std::string& text) { findings.push_back({false, text}); };

  if (PropertyOf(topic, "cleanup.policy").find("compact") != std::string::npos)
    problem("cleanup.policy is compact: records of equal keys are removed before they are read; set delete");
  if (PropertyOf(topic, "message.timestamp.type") == "CreateTime")
    problem(
        "message.timestamp.type is CreateTime: old logs that are sent again are deleted at once, by the "
        "producer's clock; set LogAppendTime");
  const int64_t retention = TopicNumber(topic, "retention.ms", -1);
  const int64_t needed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(needed).count();
  if (retention >= 0 && retention < needed_ms)
    problem("retention.ms is " + std::to_string(retention) +
            ": what is not read within that time is lost; set at least " + std::to_string(needed_ms) + " (" +
            why + ")");
  if (TopicNumber(topic, "retention.bytes", -1) >= 0)
    advice("retention.bytes is set: a burst may push records out before they are read");
  if (PropertyOf(topic, "unclean.leader.election.enable") == "true")
    problem(
        "unclean.leader.election.enable is true: acknowledged records may vanish, and reading then stops; "
        "set false");
  const int64_t enough = TopicNumber(topic, "min.insync.replicas", 1);
  if (topic.copies == 1 && brokers > 1)
    advice("each record is on one broker only: its disk's loss loses records; give it 3 copies");
  if (topic.copies >= 3 && enough < 2)
    problem(
        "min.insync.replicas is 1: a record may be acknowledged by one broker alone, and lost with it; set "
        "2");
  if (topic.copies > 1 && enough >= topic.copies)
    advice(
        "min.insync.replicas is as high as the number of copies: with one broker down nobody can write; "
        "set " +
        std::to_string(topic.copies - 1));
  if (topic.copies_in_sync < topic.copies)
    advice("only " + std::to_string(topic.copies_in_sync) + " of " + std::to_string(topic.copies) +
           " copies are up to date; see which broker is down");
  return findings;
}

KafkaTopicPlan PlanTopic(const std::string& name, int partitions, int copies, Nanoseconds retention) {
  KafkaTopicPlan plan{name, partitions, copies, {}};
  const int64_t milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(retention).count();
  plan.properties = {{"message.timestamp.type", "LogAppendTime"},
                     {"cleanup.policy", "delete"},
                     {"retention.ms", std::to_string(milliseconds)},
                     {"min.insync.replicas", copies >= 3 ? "2" : "1"},
                     {"unclean.leader.election.enable", "false"}};
  return plan;
}

}  // namespace redthread
