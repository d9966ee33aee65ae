// Scan: rules over files, all of them read to their end, without configuration, server or state.
//
// Every worker takes the next batch of lines, runs them, and hands what it found to one sorter; so the output
// is in a stated order whatever the number of workers, and memory grows neither with the input nor with the
// results.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/alert.h"
#include "core/log_source.h"
#include "core/record_origin.h"
#include "core/status.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "correlate/field_census.h"
#include "correlate/fold.h"
#include "correlate/match_log.h"
#include "ingest/ingest_counts.h"
#include "runtime/engine.h"

namespace redthread {

// `--logsource key=value[@GLOB]`
struct LogSourceFlag {
  enum class Key : uint8_t { kProduct, kCategory, kService };
  Key key = Key::kProduct;
  std::string value;
  std::string glob;  // for inputs whose path is this or matches it; empty: all
};
// Invalid when the text is none; says what it should be.
Result<LogSourceFlag> ParseLogSourceFlag(const std::string& text);

struct ScanOptions {
  std::vector<std::string> paths;
  std::vector<LogSourceFlag> log_sources;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;  // of times that name none; null: UTC
  std::vector<Cidr> trusted_proxies;     // RecordOrigin
  int year = 0;                          // of times that name none; 0: RecordOrigin says
  Timestamp now;                         // the standard input was last written then
  int jobs = 1;                          // worker threads, at least 1
  Level min_level = Level::kInformational;
  size_t problems_an_input = 10;     // records of one that could not be read: so many are told
  size_t max_sort_bytes = 64 << 20;  // results kept in memory before they are sorted through files
  MatchLog::Options window;          // of a correlation's group: what is in memory, what in a file
};

// One detection, as `scan --detections` shows it.
struct DetectionRow {
  std::optional<Timestamp> time;
  std::string_view source;
  uint64_t position = 0;
  const Rule* rule = nullptr;
  std::string_view json;  // the record, without a line end
};

// One hit of a correlation, as `scan --hits` shows it.
struct HitRow {
  const Correlation* correlation = nullptr;
  AlertGroup group;
  Timestamp end;
  std::optional<double> value;  // of silence none
};

struct ScanReport {
  IngestCounts counts;
  uint64_t inputs = 0;                   // read, wholly or in part
  uint64_t detections = 0;               // above min_level
  uint64_t timeless = 0;                 // detections on events without a time
  std::vector<uint64_t> by_rule;         // detections by RuleIndex
  std::vector<uint64_t> by_correlation;  // alerts by CorrelationIndex
  uint64_t without_group = 0;  // matches that took no part in a correlation, for lack of a field of its group
  uint64_t cut_combinations =
      0;  // matches of which a correlation did not look at every combination of values
  // What could not be read, each with its place, in the order of the inputs; of problem_count the first
  // kMaxProblems, of records of one input ScanOptions::problems_an_input.
  std::vector<std::string> problems;
  uint64_t problem_count = 0;
  bool input_lost = false;  // some input, or part of one, was not read
  static constexpr size_t kMaxProblems = 1000;
};

struct ScanProgress {
  std::atomic<uint64_t> records{0};
  std::atomic<uint64_t> bytes{0};        // uncompressed
  std::atomic<uint64_t> input_bytes{0};  // of the files as they lie on disk, of inputs finished
  uint64_t total_input_bytes = 0;        // 0 when it cannot be known (standard input)
};

// One per scan.
class Scan {
 public:
  Scan(std::shared_ptr<const Engine> engine, ScanOptions options);
  ~Scan();

  // `tick` is called about ten times a second while files are read, and once at their end.
  using Tick = std::function<void(const ScanProgress&)>;
  // Each reads all input once. Results come in order: detections by (time, source, position, rule id), alerts
  // and hits by (time, rule id, group). Rules that correlations mute raise no alerts, those of correlations
  // stand beside the others. Fails only when results cannot be kept (no room for temporary files) or
  // `visit` does; what is wrong with the input stands in report().
  Status Detections(const std::function<Status(const DetectionRow&)>& visit, const Tick& tick);
  Status Alerts(const std::function<Status(const Alert&)>& visit, const Tick& tick);
  Status Hits(const std::function<Status(const HitRow&)>& visit, const Tick& tick);
  // Counts only: by_rule and by_correlation of the report.
  Status Summary(const Tick& tick);
  // Counts by_rule, and which kinds of events came with which fields: *census is over the engine's program.
  Status Census(FieldCensus* census, const Tick& tick);

  const ScanReport& report() const { return report_; }

 private:
  struct Input;
  struct Shared;
  enum class Mode : uint8_t { kDetections, kAlerts, kHits, kSummary, kCensus };

  Status ReadAll(Mode mode, const Tick& tick, FieldCensus* census = nullptr);
  void Work(Mode mode);
  Status CorrelationAlerts(const std::function<Status(const Alert&)>& visit);

  std::shared_ptr<const Engine> engine_;
  ScanOptions options_;
  ScanReport report_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace redthread
