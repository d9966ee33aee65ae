// PushListener: what others send to us, from the wire to whoever stores it.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "ingest/message_queue.h"

namespace redthread {

// A listener has a thread of its own; these functions are for one other thread. Its destructor stops it.
class PushListener {
 public:
  virtual ~PushListener() = default;

  // Replaces `messages` by all that was read and not taken.
  virtual void Take(PushedMessages* messages) = 0;
  // By the Clock's Elapsed: what had reached this machine by then has been read. Asked before Take, it is in
  // what Take gives.
  virtual Nanoseconds caught_up() const = 0;
  // What was taken up to that PushedMessages::receipt has been made durable.
  virtual void Committed(uint64_t receipt) = 0;
  // Reads what has been sent so far, and no more. Take and Committed go on.
  virtual void Stop() = 0;
};

}  // namespace redthread
