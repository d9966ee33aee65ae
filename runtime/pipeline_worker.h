// PipelineWorker: a process that shares the work over Kafka: the stages of its roles, each in a thread of its
// own, with clients of its own.
//
// A stage that fails is dropped with all that it holds in memory and begun again, a moment later, from what
// the group and the disk say. There is no other way out of trouble, so that this one is always tried.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/clock.h"
#include "core/status.h"
#include "ingest/kafka_settings.h"
#include "runtime/correlate_stage.h"
#include "runtime/detect_stage.h"
#include "runtime/pipeline_metrics.h"
#include "runtime/rule_epochs.h"

namespace redthread {

// One per process.
class PipelineWorker {
 public:
  struct Options {
    bool detects = true;
    bool correlates = true;
    DetectStage::Options detect;  // inputs with their settings, whose groups are those of detection
    CorrelateStage::Options correlate;
    KafkaSettings settings;  // of the cluster that the stages meet on; its group is that of correlation
    std::string instance;    // static membership, also of the inputs' groups; empty: none
    Nanoseconds session_timeout = std::chrono::seconds(10);
    Nanoseconds topic_refresh_interval = std::chrono::seconds(10);
    // Read everything to its end, finish it, stop. Gives up when nothing gets on for half a minute.
    bool until_idle = false;
    // Called by both threads, one at a time; may be empty.
    std::function<void(const std::string&)> on_problem;
    PipelineMetrics* metrics = nullptr;  // may be; outlives the worker
  };
  struct Report {
    DetectStage::Counts detect;
    CorrelateStage::Counts correlate;
    uint64_t restarts = 0;  // of stages
  };

  // `rules` and `clock` are thread-safe, and outlive the worker.
  PipelineWorker(Options options, RuleEpochs* rules, Clock* clock);

  // Runs until `stop` is set (what was read is finished then), or with until_idle until there is nothing
  // left. To be called once. A failure is one that time does not cure: kInvalid and the like; with until_idle
  // any that lasts.
  Status Run(const std::atomic<bool>& stop);

  const Report& report() const { return report_; }

 private:
  enum Role : size_t { kDetect, kCorrelate };
  // A stage with its clients, from its beginning to its end.
  struct Life;
  struct DetectLife;
  struct CorrelateLife;

  void RunRole(Role role, const std::atomic<bool>& stop);
  Status Live(Role role, const std::atomic<bool>& stop);
  Result<std::unique_ptr<Life>> Begin(Role role);
  // `before`: what the lives before this one did.
  void Show(const Life& life, const Report& before) const;
  // Whether the group of a role has read all that there is, whoever its members are.
  bool GroupHasReadAll(Role role) const;
  bool AllFinished() const { return finished_[kDetect] && finished_[kCorrelate]; }
  void TellOnce(const std::string& text);

  Options options_;
  RuleEpochs* const rules_;
  Clock* const clock_;
  Report report_;
  std::atomic<bool> finished_[2];  // by Role: has nothing left to do
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  // guards what follows, and report_ while threads run
  Status failure_;
  std::map<std::string, Nanoseconds> told_;  // when
};

}  // namespace redthread
