#include "runtime/control_rules.h"

#include <utility>

#include "runtime/rule_reload.h"

namespace redthread {

ControlRules::ControlRules(Options options, Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      topic_(options_.topic, clock),
      thread_([this] { Look(); }) {}

ControlRules::~ControlRules() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ControlRules::Tell(const Status& status) {
  if (status.message() == told_) return;
  told_ = status.message();
  if (!status.ok() && options_.on_problem) options_.on_problem("rules: " + told_);
}

// Counts a failure of the topic, once while it lasts.
Status ControlRules::OfTopic(Status status) const {
  if (!status.ok() && status.message() != told_ && options_.on_fault) options_.on_fault(FaultOfKafka(status));
  return status;
}

// ---- the thread

void ControlRules::Look() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    LookOnce();
    lock.lock();
    wake_.wait_for(lock, options_.interval, [this] { return stopping_; });
  }
}

void ControlRules::LookOnce() {
  Status status = ProposeIfChanged();
  if (status.ok()) status = TakeNewest();
  {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  wake_.notify_all();
  Tell(status);
}

Status ControlRules::TakeNewest() {
  const std::lock_guard topic_lock(topic_mutex_);
  RT_RETURN_IF_ERROR(OfTopic(topic_.Refresh()));
  const std::optional<RuleEpoch> current = topic_.log().current();
  if (!current.has_value()) return Status::Ok();
  const bool outdated = current->detect_version > options_.detect_version;
  {
    const std::lock_guard lock(mutex_);
    newest_.outdated = outdated;
    if (current->number == newest_.epoch) return Status::Ok();
  }
  const Result<std::shared_ptr<const Engine>> engine = LoadLocked(current->number);
  if (!engine.ok()) return engine.status();
  {
    const std::lock_guard lock(mutex_);
    newest_ = {current->number, *engine, false};
  }
  if (options_.on_news)
    options_.on_news("rules of epoch " + std::to_string(current->number) +
                     " are in force: " + std::to_string((*engine)->rules().loaded()));
  return Status::Ok();
}

// What is still being written is waited for: two looks have to see the same.
Status ControlRules::ProposeIfChanged() {
  if (options_.requested && options_.requested()) to_propose_ = true;
  if (!to_propose_ && !options_.watch) return Status::Ok();
  const Hash128 seen = FingerprintFiles(options_.paths);
  const bool settled = seen == std::exchange(seen_, seen);
  if (!to_propose_ && (!settled || seen == proposed_)) return Status::Ok();
  const Result<std::string> bundle = options_.bundle();
  if (!bundle.ok()) {
    // Not tried again before something changes; what is in force stays so.
    to_propose_ = false;
    proposed_ = seen;
    return bundle.status();
  }
  const std::lock_guard lock(topic_mutex_);
  const Result<RuleStanding> standing = topic_.Propose(*bundle, options_.detect_version, false);
  if (!standing.ok()) return OfTopic(standing.status());
  to_propose_ = false;
  proposed_ = seen;
  if (*standing == RuleStanding::kReplaced && options_.on_problem)
    options_.on_problem(
        "rules: those here were in force before, and others took their place; the newer ones stay. "
        "a set that differs from all that were, if by a comment only, is put in force");
  return Status::Ok();
}

Result<std::shared_ptr<const Engine>> ControlRules::LoadLocked(uint64_t number) {
  // Whoever reads from long ago needs to know rules by name, and those that are left decide the same.
  while (topic_.log().IsForgotten(number)) ++number;
  const auto known = engines_.find(number);
  if (known != engines_.end()) return known->second;
  const std::optional<RuleEpoch> epoch = topic_.log().Find(number);
  if (!epoch.has_value())
    return Status::Unavailable("epoch " + std::to_string(number) + " is not in " + options_.topic.topic +
                               " yet");
  if (epoch->detect_version > options_.detect_version)
    return Status::Unavailable("epoch " + std::to_string(number) + " needs detect version " +
                               std::to_string(epoch->detect_version) + ", and this redthread has " +
                               std::to_string(options_.detect_version) + ": it is to be updated");
  const Result<RuleBundle> bundle = topic_.log().BundleOf(epoch->bundle);
  if (!bundle.ok()) return bundle.status();
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(*bundle);
  if (!engine.ok()) return engine.status();
  while (engines_.size() >= kKept) engines_.erase(engines_.begin());
  engines_[number] = *engine;
  return engine;
}

// ---- for stages

RuleEpochs::Rules ControlRules::Newest() {
  const std::lock_guard lock(mutex_);
  return newest_;
}

Result<std::shared_ptr<const Engine>> ControlRules::Find(uint64_t epoch) {
  const std::lock_guard lock(topic_mutex_);
  if (!topic_.log().Find(epoch).has_value()) {
    // Somebody has used it, so it is there.
    RT_RETURN_IF_ERROR(topic_.Refresh());
  }
  return LoadLocked(epoch);
}

Status ControlRules::AwaitFirst(Nanoseconds at_most) {
  std::unique_lock lock(mutex_);
  if (wake_.wait_for(lock, at_most, [this] { return newest_.epoch > 0; })) return Status::Ok();
  return status_.ok() ? Status::Unavailable("no rules are in force in " + options_.topic.topic) : status_;
}

}  // namespace redthread
