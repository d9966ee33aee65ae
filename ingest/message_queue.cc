#include "ingest/message_queue.h"

#include <algorithm>
#include <utility>

namespace redthread {

void PushedMessages::Add(const Sender& sender, Timestamp arrival, std::string_view text, uint64_t cut_from,
                         std::optional<Timestamp> told) {
  messages_.push_back({sender, arrival, bytes_.size(), text.size(), cut_from, told});
  bytes_.append(text);
}

void PushedMessages::Append(const PushedMessages& others) {
  const size_t base = bytes_.size();
  bytes_.append(others.bytes_);
  for (Message message : others.messages_) {
    message.offset += base;
    messages_.push_back(std::move(message));
  }
  receipt_ = std::max(receipt_, others.receipt_);
}

void PushedMessages::Clear() {
  bytes_.clear();
  messages_.clear();
  receipt_ = 0;
}

void MessageQueue::Put(PushedMessages* messages) {
  const std::lock_guard lock(mutex_);
  if (messages_.empty()) {
    std::swap(messages_, *messages);
  } else {
    messages_.Append(*messages);
  }
  messages->Clear();
}

size_t MessageQueue::bytes() const {
  const std::lock_guard lock(mutex_);
  return messages_.bytes();
}

void MessageQueue::Take(PushedMessages* messages) {
  messages->Clear();
  const std::lock_guard lock(mutex_);
  std::swap(messages_, *messages);
}

}  // namespace redthread
