#include "runtime/pipeline_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <string>

namespace redthread {

namespace {

prometheus::Counter* AddCounter(prometheus::Registry* registry, const std::string& name,
                                const std::string& help, const prometheus::Labels& labels = {}) {
  return &prometheus::BuildCounter().Name("redthread_" + name).Help(help).Register(*registry).Add(labels);
}

prometheus::Gauge* AddPartitions(prometheus::Registry* registry, const char* stage) {
  return &prometheus::BuildGauge()
              .Name("redthread_partitions")
              .Help("Partitions that this worker reads now.")
              .Register(*registry)
              .Add({{"stage", stage}});
}

prometheus::Counter* AddRestarts(prometheus::Registry* registry, const char* stage) {
  return AddCounter(registry, "stage_restarts_total", "Times that a stage began again after a failure.",
                    {{"stage", stage}});
}

}  // namespace

PipelineMetrics::PipelineMetrics(prometheus::Registry* registry) : faults_() {
  for (size_t i = 0; i < kPipelineFaults; ++i)
    faults_[i] = AddCounter(registry, "kafka_faults_total", "Failures, by what they are of.",
                            {{"fault", kPipelineFaultNames[i]}});
  detect_.partitions = AddPartitions(registry, "detect");
  detect_.restarts = AddRestarts(registry, "detect");
  const auto unread = [registry](const char* why) {
    return AddCounter(registry, "records_imperfect_total", "Records that are not what their format asks for.",
                      {{"why", why}});
  };
  detect_.totals = {
      AddCounter(registry, "records_total", "Records read of the raw topics."),
      unread("repaired"),
      unread("damaged"),
      unread("dead"),
      unread("oversized"),
      AddCounter(registry, "detections_total", "Matches of rules."),
      AddCounter(registry, "matches_without_group_total",
                 "Matches that took no part in a correlation, for lack of a field of its group."),
      AddCounter(registry, "matches_too_large_total", "Matches that no record can hold: lost."),
      AddCounter(registry, "frames_total", "Records written to the topic of matches."),
  };
  correlate_.partitions = AddPartitions(registry, "correlate");
  correlate_.restarts = AddRestarts(registry, "correlate");
  correlate_.totals = {
      AddCounter(registry, "frames_read_total", "Records read of the topic of matches."),
      AddCounter(registry, "alerts_told_total",
                 "Records written to the topic of alerts: each change of each."),
      AddCounter(registry, "partitions_restored_total",
                 "Partitions whose folder was not there or of no use, made again from the topic."),
      AddCounter(registry, "frames_replayed_total", "Records read again for that."),
      AddCounter(registry, "matches_beyond_horizon_total",
                 "Matches that came later than correlate.late_horizon, and took no part in a correlation."),
  };
}

void PipelineMetrics::Count(PipelineFault fault) { faults_[static_cast<size_t>(fault)]->Increment(); }

void PipelineMetrics::CountRestart(bool detects) { (detects ? detect_ : correlate_).restarts->Increment(); }

void PipelineMetrics::Raise(Stage* stage, const std::vector<uint64_t>& totals, size_t owned) {
  stage->partitions->Set(static_cast<double>(owned));
  for (size_t i = 0; i < totals.size(); ++i)
    stage->totals[i]->Increment(static_cast<double>(totals[i]) - stage->totals[i]->Value());
}

void PipelineMetrics::Show(const DetectStage::Counts& counts, size_t owned) {
  const IngestCounts& records = counts.records;
  Raise(&detect_,
        {records.records, records.repaired, records.damaged, records.dead, records.oversized,
         counts.detections, counts.without_group, counts.too_large, counts.frames},
        owned);
}

void PipelineMetrics::Show(const CorrelateStage::Counts& counts, size_t owned) {
  Raise(&correlate_, {counts.records, counts.told, counts.restored, counts.replayed, counts.beyond_horizon},
        owned);
}

}  // namespace redthread
