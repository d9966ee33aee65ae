// MessageQueue: what a listener has read from the network and nobody has taken yet.
//
// The listener's thread puts in what one look at its sockets brought, the reading thread takes all there is:
// one lock a look on either side. It is bounded by the listener, which reads no more when it holds too much.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/timestamp.h"
#include "ingest/sender.h"

namespace redthread {

// PushedMessages in the order in which they were read, and the bytes they lie in.
class PushedMessages {
 public:
  struct Message {
    Sender sender;
    Timestamp arrival;
    size_t offset = 0;
    size_t size = 0;                // may be 0
    uint64_t cut_from = 0;          // bytes of the whole message, when this is its beginning; else 0
    std::optional<Timestamp> told;  // the time that its envelope tells; for one that tells none itself
  };

  void Add(const Sender& sender, Timestamp arrival, std::string_view text, uint64_t cut_from,
           std::optional<Timestamp> told = {});
  // Whoever put in the messages up to here is told when they have been made durable: PushListener::Committed
  // with that number, which grows from one to the next.
  void SetReceipt(uint64_t receipt) { receipt_ = receipt; }
  void Append(const PushedMessages& others);
  void Clear();

  const std::vector<Message>& all() const { return messages_; }
  std::string_view text(const Message& message) const {
    return {bytes_.data() + message.offset, message.size};
  }
  uint64_t receipt() const { return receipt_; }  // 0: none
  bool empty() const { return messages_.empty(); }
  // Memory that they take, about.
  size_t bytes() const { return bytes_.size() + messages_.size() * sizeof(Message); }

 private:
  std::string bytes_;
  std::vector<Message> messages_;
  uint64_t receipt_ = 0;
};

// Thread-safe.
class MessageQueue {
 public:
  // Takes all of `messages`, which is empty then.
  void Put(PushedMessages* messages);
  // Memory that the queue takes.
  size_t bytes() const;
  // Replaces `messages` by all that was put, or by nothing.
  void Take(PushedMessages* messages);

 private:
  mutable std::mutex mutex_;
  PushedMessages messages_;
};

}  // namespace redthread
