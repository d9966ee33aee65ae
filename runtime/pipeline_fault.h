// PipelineFault: what can go wrong between workers and their brokers, as it is counted. What is done then:
// docs/kafka.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/status.h"

namespace redthread {

enum class PipelineFault : uint8_t {
  kBrokers,      // none answers
  kCredentials,  // they do not let us in, or refuse a right
  kMembership,   // the group has gone on without us, as after a pause, or does not take our positions
  kTopic,        // one is not there, or not as it must be
  kOffset,       // records are gone that were not read
  kReplaced,     // a partition holds other records than were read
  kRecord,       // one that cannot be read, or that nobody but us should have written
  kState,        // the folder cannot be read or written: a full disk, damage
};

inline constexpr size_t kPipelineFaults = 8;

// By PipelineFault: the value of the label `fault`.
inline constexpr std::array<const char*, kPipelineFaults> kPipelineFaultNames = {
    "brokers", "credentials", "membership", "topic", "offset", "replaced", "record", "state"};

// Of what a client of Kafka said.
inline PipelineFault FaultOfKafka(const Status& status) {
  if (status.code() == StatusCode::kDenied) return PipelineFault::kCredentials;
  const bool of_topic = status.code() == StatusCode::kNotFound || status.code() == StatusCode::kInvalid;
  return of_topic ? PipelineFault::kTopic : PipelineFault::kBrokers;
}

}  // namespace redthread
