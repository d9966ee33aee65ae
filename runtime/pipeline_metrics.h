// PipelineMetrics: what a worker tells Prometheus. The names are listed in docs/metrics.md.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/correlate_stage.h"
#include "runtime/detect_stage.h"
#include "runtime/pipeline_fault.h"

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace redthread {

// Thread-safe, but for Show of one stage, which is called by that stage's thread.
class PipelineMetrics {
 public:
  // The registry outlives it.
  explicit PipelineMetrics(prometheus::Registry* registry);

  void Count(PipelineFault fault);
  void CountRestart(bool detects);

  // What a stage has done since the process began, and how many partitions it holds.
  void Show(const DetectStage::Counts& counts, size_t owned);
  void Show(const CorrelateStage::Counts& counts, size_t owned);

 private:
  struct Stage {
    prometheus::Gauge* partitions = nullptr;
    prometheus::Counter* restarts = nullptr;
    std::vector<prometheus::Counter*> totals;  // in the order of Show
  };
  static void Raise(Stage* stage, const std::vector<uint64_t>& totals, size_t owned);

  std::array<prometheus::Counter*, kPipelineFaults> faults_;
  Stage detect_, correlate_;
};

}  // namespace redthread
