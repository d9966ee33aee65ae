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
// kAnswerMilliseconds a question. Thread-safe, as librdkafka is.
KafkaView ViewCluster(rd_kafka_t* client, const TopicFilter& topics, const std::set<KafkaPartition>& known);

// The offsets of the first records of these partitions, or those behind the last, into the list, each with
// its error; a failure of all: none of them is known. Takes up to that time, which
// rd_kafka_query_watermark_offsets before version 2.3 does not keep to: it may hang for ever when a leader
// goes away.
enum class OffsetEnd { kFirst, kBehindLast };
Status AskOffsets(rd_kafka_t* client, OffsetEnd which, int milliseconds,
                  rd_kafka_topic_partition_list_t* list);

// The record of a message that is no failure; its text lives as long as the message.
KafkaRecords::Record RecordOf(const rd_kafka_message_t& message);

// Adds a position, with its note, to a list that is sent to a group.
Status AddPosition(const GroupPosition& position, rd_kafka_topic_partition_list_t* list);

}  // namespace redthread
