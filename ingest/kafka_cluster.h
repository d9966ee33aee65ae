// What a cluster holds, asked of its brokers. Private to the folder, as rdkafka.h.
#pragma once

#include <set>
#include <string>

#include "ingest/kafka_consumer.h"
#include "ingest/rdkafka.h"
#include "ingest/topic_log.h"

namespace redthread {

// How long a broker may take to answer.
inline constexpr int kAnswerMilliseconds = 5000;

// The partitions of all topics that `topics` matches; offsets of those that are not `known`. Takes up to
// kAnswerMilliseconds a question, and one of those a partition. Thread-safe, as librdkafka is.
KafkaView ViewCluster(rd_kafka_t* client, const TopicFilter& topics, const std::set<KafkaPartition>& known);

// The record of a message that is no failure; its text lives as long as the message.
KafkaRecords::Record RecordOf(const rd_kafka_message_t& message);

// Adds a position, with its note, to a list that is sent to a group.
Status AddPosition(const GroupPosition& position, rd_kafka_topic_partition_list_t* list);

}  // namespace redthread
