// ControlTopic: the control topic of a cluster, read and written. ControlLog says what it means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/status.h"
#include "ingest/kafka_settings.h"
#include "ingest/topic_dump.h"
#include "runtime/control_log.h"

namespace redthread {

// One per thread. Every call waits for brokers.
class ControlTopic {
 public:
  struct Options {
    KafkaSettings settings;
    std::string topic;                                // of one partition that keeps everything
    Nanoseconds patience = std::chrono::seconds(30);  // with brokers that do not answer
  };
  // Asks no broker yet. `clock` outlives the object.
  ControlTopic(Options options, Clock* clock) : options_(std::move(options)), clock_(clock) {}

  // Reads what is new. Errors: those of ReadTopic; of ControlLog::Apply; kInvalid for a topic of several
  // partitions, which has no order. After an error the log stands where it stood.
  Status Refresh();

  // Refreshes, and makes the bundle the next epoch's if it is kNew, or if `force` and not in force. Then it
  // is kInForce, unless somebody else's came to be in force since; a worker whose rules were replaced is
  // content with that. Errors: as Refresh; of the producer; kUnavailable when others propose on and on. After
  // an error it may have been proposed or not.
  Result<RuleStanding> Propose(std::string_view bundle, uint32_t detect_version, bool force);

  const ControlLog& log() const { return log_; }

 private:
  Status Append(const std::vector<ControlRecord>& records);

  const Options options_;
  Clock* const clock_;
  ControlLog log_;
  TopicOffsets next_;
};

}  // namespace redthread
