// What the .cc files of this folder share of librdkafka: owners of its objects, and how one is configured.
// Private to the folder. Facts about versions: docs/decisions/0004-kafka-source.md.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

#include "core/status.h"
#include "ingest/kafka_settings.h"

namespace redthread {

template <auto Destroy>
struct RdDeleter {
  template <typename T>
  void operator()(T* object) const {
    Destroy(object);
  }
};

// Waits for the library's threads.
using RdKafka = std::unique_ptr<rd_kafka_t, RdDeleter<rd_kafka_destroy>>;
using RdConf = std::unique_ptr<rd_kafka_conf_t, RdDeleter<rd_kafka_conf_destroy>>;
using RdMessage = std::unique_ptr<rd_kafka_message_t, RdDeleter<rd_kafka_message_destroy>>;
using RdPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, RdDeleter<rd_kafka_topic_partition_list_destroy>>;
using RdError = std::unique_ptr<rd_kafka_error_t, RdDeleter<rd_kafka_error_destroy>>;
using RdQueue = std::unique_ptr<rd_kafka_queue_t, RdDeleter<rd_kafka_queue_destroy>>;
using RdEvent = std::unique_ptr<rd_kafka_event_t, RdDeleter<rd_kafka_event_destroy>>;
using RdMetadata = std::unique_ptr<const rd_kafka_metadata_t, RdDeleter<rd_kafka_metadata_destroy>>;

// A configuration with what the user set. kInvalid with the library's own words.
Result<RdConf> ConfOf(const KafkaSettings& settings);

// A client of that configuration, which it takes. kInvalid: settings that do not go together.
Result<RdKafka> ClientOf(rd_kafka_type_t type, RdConf conf);

// Whether a line of the library's log says that it ignores a property, because producers have it and
// consumers do not, or the other way round: settings are for both.
bool IsForeignProperty(const std::string& log_line);

// A failure as a Status: what the caller should do, `what` was tried, why it failed, and what helps.
Status RdStatus(const std::string& what, rd_kafka_resp_err_t error, const std::string& detail = "");

// The same of an error object; Ok for none.
Status RdStatus(const std::string& what, const RdError& error);

}  // namespace redthread
