// ControlRules: the rules in force as the topic `control` has them, for the stages of a process; and the
// rules that lie beside this process, proposed when they are new.
//
// A thread of its own looks at the topic and at the files; nobody else waits for either. Rules that were in
// force before are not proposed again, so a worker that starts late in a roll does not turn them back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/hash.h"
#include "core/status.h"
#include "runtime/control_topic.h"
#include "runtime/pipeline_fault.h"
#include "runtime/rule_epochs.h"

namespace redthread {

// Of the code that finds matches: decoders, fields, detection. A worker takes no part in epochs of a greater
// one. To be raised with every change by which a record may come to other matches.
inline constexpr uint32_t kDetectVersion = 1;

// Thread-safe.
class ControlRules final : public RuleEpochs {
 public:
  struct Options {
    ControlTopic::Options topic;
    uint32_t detect_version = kDetectVersion;
    Nanoseconds interval = std::chrono::seconds(1);  // between two looks
    // The rules beside this process: RuleBundle::Encode of what is right. A failure is told, and nothing
    // proposed.
    std::function<Result<std::string>()> bundle;
    std::vector<std::string> paths;   // files and folders that it is made of
    bool watch = false;               // proposes again when they change
    std::function<bool()> requested;  // may be empty: whether to propose now, asked at each look
    std::function<void(const std::string&)> on_problem;  // may be empty; called by the thread
    std::function<void(PipelineFault)> on_fault;         // the same: when the topic cannot be read or written
    std::function<void(const std::string&)> on_news;     // the same: rules that are taken up
  };

  // Begins to look. `clock` is thread-safe, and outlives the object.
  ControlRules(Options options, Clock* clock);
  ~ControlRules() override;

  Rules Newest() override;
  Result<std::shared_ptr<const Engine>> Find(uint64_t epoch) override;
  // Waits for the first rules in force. Fails as looking for them did last, kUnavailable after so long.
  Status AwaitFirst(Nanoseconds at_most);

 private:
  static constexpr size_t kKept = 3;  // engines

  void Look();
  void LookOnce();
  Status ProposeIfChanged();
  Status TakeNewest();
  Result<std::shared_ptr<const Engine>> LoadLocked(uint64_t epoch);
  Status OfTopic(Status status) const;
  void Tell(const Status& status);

  const Options options_;
  Clock* const clock_;
  Hash128 proposed_{};  // fingerprints of files: of those proposed last, and at the last look
  Hash128 seen_{};
  bool to_propose_ = true;  // also if nothing has changed
  std::string told_;        // the last problem

  std::mutex topic_mutex_;  // guards what is read and loaded, which takes its time
  ControlTopic topic_;
  std::map<uint64_t, std::shared_ptr<const Engine>> engines_;  // by epoch

  std::mutex mutex_;  // guards what follows; never held for long; taken after the other
  std::condition_variable wake_;
  bool stopping_ = false;
  Rules newest_;
  Status status_;  // of the last look

  std::thread thread_;
};

}  // namespace redthread
