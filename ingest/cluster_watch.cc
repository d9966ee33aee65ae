#include "ingest/cluster_watch.h"

#include <algorithm>
#include <utility>

namespace redthread {

ClusterWatch::ClusterWatch(rd_kafka_t* client, TopicFilter topics, Nanoseconds interval)
    : client_(client), topics_(std::move(topics)), interval_(interval), thread_([this] { Look(); }) {}

ClusterWatch::~ClusterWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  look_.notify_all();
  thread_.join();
}

void ClusterWatch::Look() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    look_now_ = false;
    const std::set<KafkaPartition> known = reading_;
    lock.unlock();
    KafkaView found = ViewCluster(client_, topics_, known);
    lock.lock();
    // Meanwhile some may have begun to be read.
    std::erase_if(found.unread, [this](const KafkaOffsets& o) { return reading_.count(o.partition) > 0; });
    const bool failed = !found.status.ok();
    view_ = std::move(found);
    const auto wait = failed ? std::min<Nanoseconds>(interval_, std::chrono::seconds(1)) : interval_;
    look_.wait_for(lock, wait, [this] { return stopping_ || look_now_; });
  }
}

std::optional<KafkaView> ClusterWatch::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(view_, std::nullopt);
}

void ClusterWatch::LookAgain() {
  {
    const std::lock_guard lock(mutex_);
    look_now_ = true;
  }
  look_.notify_all();
}

void ClusterWatch::SetRead(const KafkaPartition& partition) {
  const std::lock_guard lock(mutex_);
  reading_.insert(partition);
  if (view_.has_value())
    std::erase_if(view_->unread, [&](const KafkaOffsets& o) { return o.partition == partition; });
}

void ClusterWatch::SetUnread(const KafkaPartition& partition) {
  const std::lock_guard lock(mutex_);
  reading_.erase(partition);
}

void ClusterWatch::SetAllUnread() {
  const std::lock_guard lock(mutex_);
  reading_.clear();
}

}  // namespace redthread
