#include "runtime/scan.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "core/record.h"
#include "correlate/correlation_alert.h"
#include "correlate/match_extractor.h"
#include "correlate/sorted_fold.h"
#include "ingest/file_identity.h"
#include "ingest/input_list.h"
#include "ingest/record_decoder.h"
#include "ingest/record_reader.h"
#include "runtime/scan_correlation.h"
#include "runtime/spill_sorter.h"
#include "storage/alert_codec.h"
#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

Result<LogSourceFlag> ParseLogSourceFlag(const std::string& text) {
  const size_t equals = text.find('=');
  const auto bad = [&](const char* why) {
    return Status::Invalid("--logsource " + text + ": " + why +
                           "; write key=value or key=value@GLOB, with the key product, category or service");
  };
  if (equals == std::string::npos) return bad("no '='");
  const std::string key = text.substr(0, equals);
  LogSourceFlag flag;
  if (key == "product") {
    flag.key = LogSourceFlag::Key::kProduct;
  } else if (key == "category") {
    flag.key = LogSourceFlag::Key::kCategory;
  } else if (key == "service") {
    flag.key = LogSourceFlag::Key::kService;
  } else {
    return bad("unknown key");
  }
  const size_t at = text.find('@', equals);
  flag.value = Fold(text.substr(equals + 1, at == std::string::npos ? at : at - equals - 1));
  if (at != std::string::npos) flag.glob = text.substr(at + 1);
  if (flag.value.empty()) return bad("no value");
  if (at != std::string::npos && flag.glob.empty()) return bad("no glob behind '@'");
  return flag;
}

namespace {

bool Applies(const LogSourceFlag& flag, const std::string& path) {
  return flag.glob.empty() || flag.glob == path || fnmatch(flag.glob.c_str(), path.c_str(), 0) == 0;
}

DeclaredLogSource DeclaredFor(const std::vector<LogSourceFlag>& flags, const std::string& path) {
  DeclaredLogSource declared;
  for (const LogSourceFlag& flag : flags) {
    if (!Applies(flag, path)) continue;
    switch (flag.key) {
      case LogSourceFlag::Key::kProduct:
        declared.products.push_back(flag.value);
        break;
      case LogSourceFlag::Key::kCategory:
        declared.categories.push_back(flag.value);
        break;
      case LogSourceFlag::Key::kService:
        declared.services.push_back(flag.value);
        break;
    }
  }
  return declared;
}

uint64_t FileSize(const std::string& path) {
  struct stat info{};
  return path != "-" && stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

std::string_view Bytes(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// The order of alerts and hits in the output.
std::string TimeKey(Timestamp time, const std::string& rule_id, const AlertGroup& group) {
  std::string text;
  for (const auto& [name, value] : group) text += name + '\0' + value + '\0';
  return KeyWriter('a').Time(time).String(rule_id).String(text).str();
}

RuleSummary SummaryOf(const RuleDescription& rule) { return {rule.id, rule.title, rule.level, &rule.tags}; }

}  // namespace

// What is wrong with an input, and where: ordered as it is shown.
struct Problem {
  size_t input = 0;
  uint64_t record = 0;
  std::string text;
  bool of_record = true;  // else of the input as such
  bool operator<(const Problem& other) const {
    return std::tie(input, record, text) < std::tie(other.input, other.record, other.text);
  }
};

struct Scan::Input {
  std::string path;
  uint32_t rank = 0;      // in the order of paths, which is the order of output
  uint32_t declared = 0;  // FactsTable::Declare
  RecordOrigin origin;
  uint64_t size = 0;  // on disk
};

struct Scan::Shared {
  Shared(std::shared_ptr<const CorrelationPlan> plan, const ScanOptions& options)
      : sorter({options.max_sort_bytes, {}}),
        correlation(std::move(plan), options.max_sort_bytes, options.window),
        problems_an_input(options.problems_an_input) {}

  // Reading: one worker at a time.
  std::mutex read_mutex;
  std::vector<Input> inputs;
  std::vector<const Input*> by_rank;
  size_t next_input = 0;
  size_t current = 0;
  std::unique_ptr<RecordReader> reader;

  // Results.
  std::mutex result_mutex;
  SpillSorter sorter;
  ScanCorrelation correlation;
  std::vector<Problem> problems;
  const size_t problems_an_input;
  Status failure;
  FieldCensus* census = nullptr;  // of kCensus
  ScanProgress progress;

  std::mutex done_mutex;
  std::condition_variable done;
  int working = 0;

  void AddProblem(ScanReport* report, Problem problem) {
    ++report->problem_count;
    report->input_lost = true;
    problems.push_back(std::move(problem));
    if (problems.size() >= 2 * ScanReport::kMaxProblems) CutProblems();
  }

  // The next lines of the next input that has any. False when all are read.
  bool NextBatch(RecordBatch* batch, const Input** input, ScanReport* report) {
    const std::lock_guard lock(read_mutex);
    for (;;) {
      if (reader == nullptr) {
        if (next_input == inputs.size()) return false;
        current = next_input++;
        Result<std::unique_ptr<RecordReader>> opened =
            RecordReader::Open(inputs[current].path, inputs[current].path, {});
        if (!opened.ok()) {
          NoteProblem(report, {current, 0, opened.status().message(), false});
          continue;
        }
        reader = std::move(*opened);
        const std::lock_guard result_lock(result_mutex);
        ++report->inputs;
      }
      Result<bool> more = reader->Next(batch);
      if (more.ok() && *more) {
        *input = &inputs[current];
        return true;
      }
      if (!more.ok()) NoteProblem(report, {current, ~uint64_t{0}, more.status().message(), false});
      progress.input_bytes += inputs[current].size;
      reader.reset();
    }
  }

  // Puts them in order and leaves the first few of each input, and of all.
  void CutProblems() {
    std::sort(problems.begin(), problems.end());
    size_t input = 0, of_input = 0;
    std::erase_if(problems, [&](const Problem& p) {
      if (std::exchange(input, p.input) != p.input) of_input = 0;
      return p.of_record && of_input++ >= problems_an_input;
    });
    problems.resize(std::min(problems.size(), ScanReport::kMaxProblems));
  }

  void NoteProblem(ScanReport* report, Problem problem) {
    const std::lock_guard lock(result_mutex);
    AddProblem(report, std::move(problem));
  }
};

Scan::Scan(std::shared_ptr<const Engine> engine, ScanOptions options)
    : engine_(std::move(engine)), options_(std::move(options)) {}
Scan::~Scan() = default;

// What one worker found in one batch, before it is handed over under the lock.
class BatchResult {
 public:
  // `rows`: what the matches of detection rules become; `extractor`: null where correlations are not asked.
  // `census`: null where it is not asked.
  enum class Rows : uint8_t { kNone, kDetections, kMatches };
  BatchResult(const ScanOptions& options, Pipeline* pipeline, Rows rows_wanted, MatchExtractor* extractor,
              FieldCensus* census)
      : options_(options),
        pipeline_(pipeline),
        rows_wanted_(rows_wanted),
        extractor_(extractor),
        census_(census) {}

  void Take(const RecordBatch::Record& record, size_t input, const std::string& path, uint32_t rank,
            uint32_t declared, const RecordOrigin& origin) {
    Position position;
    position.source = rank;
    position.index = record.index;
    position.cursor = record.cursor;
    const DecodeResult decoded = pipeline_->Process(record.text(), declared, position, Timestamp{}, origin);
    if (decoded.assumed_year != 0) counts.years.Add(decoded.assumed_year);
    if (census_ != nullptr) census_->Add(pipeline_->event(), pipeline_->facts());
    if (record.cut_from > 0) {
      NoteCut(record, input, path);
    } else if (decoded.outcome != DecodeOutcome::kClean) {
      Note(decoded, input, path, record.index);
    }
    event_json_.clear();
    raw_hash_.reset();
    if (pipeline_->event().time.has_value()) latest = std::max(latest, *pipeline_->event().time);
    for (const RuleIndex index : pipeline_->matches()) {
      const Rule& rule = pipeline_->engine().rules().rules[index];
      if (extractor_ != nullptr && pipeline_->event().time.has_value()) Correlate(index);
      if (rule.level < options_.min_level) continue;
      matched.push_back(index);
      if (!pipeline_->event().time.has_value()) ++timeless;
      if (rows_wanted_ == Rows::kDetections) AddDetection(index, path);
      if (rows_wanted_ == Rows::kMatches && !rule.muted) AddMatch(index);
    }
  }

  struct Row {
    std::string key, value;
  };
  std::vector<Row> rows;
  std::vector<CorrelationRow> correlation_rows;
  Timestamp latest = Timestamp::Min();  // of the events' times
  std::vector<Problem> problems;
  std::vector<RuleIndex> matched;
  uint64_t timeless = 0;
  IngestCounts counts;

 private:
  void Note(const DecodeResult& decoded, size_t input, const std::string& path, uint64_t index) {
    if (!counts.Note(decoded)) return;
    const bool dead = decoded.outcome == DecodeOutcome::kDead;
    if (std::string_view(decoded.reason) == RecordDecoder::kUnreadableLog) {
      // The record itself says what and where.
      const std::string_view raw = pipeline_->event().raw;
      problems.push_back({input, index,
                          path + ": record " + std::to_string(index) + ": " +
                              Visible(raw.substr(0, raw.find("; text: "))) + "; searched as text only"});
      return;
    }
    problems.push_back({input, index,
                        path + ": record " + std::to_string(index) + ", byte " +
                            std::to_string(decoded.offset) + ": " + decoded.reason +
                            (dead ? "; searched as text only" : "; what could be read of it was used")});
  }

  void NoteCut(const RecordBatch::Record& record, size_t input, const std::string& path) {
    problems.push_back({input, record.index,
                        path + ": record " + std::to_string(record.index) + ": line of " +
                            std::to_string(record.cut_from) + " bytes; only the first " +
                            std::to_string(record.size) + " were read"});
  }

  Timestamp TimeOfEvent() const { return pipeline_->event().time.value_or(kNoTime); }

  // Of the record at hand, however many rules match it.
  const Hash128& RawHash() {
    if (!raw_hash_.has_value()) raw_hash_ = HashBytes(pipeline_->event().raw);
    return *raw_hash_;
  }

  void Correlate(RuleIndex rule) {
    extractor_->Extract(pipeline_->event(), RawHash(), rule,
                        [this](CorrelationIndex i, const Texts& group, const CorrelationMatch& match) {
                          correlation_rows.push_back(MakeCorrelationRow(i, group, match));
                        });
  }

  void AddDetection(RuleIndex rule, const std::string& path) {
    const Event& event = pipeline_->event();
    const Rule& r = pipeline_->engine().rules().rules[rule];
    Row row;
    row.key = KeyWriter('d')
                  .Time(TimeOfEvent())
                  .U32(event.position.source)
                  .U64(event.position.index)
                  .String(r.id)
                  .str();
    row.value.assign(reinterpret_cast<const char*>(&rule), sizeof rule);
    if (event_json_.empty()) AppendJson(event, &event_json_);
    AppendDetectionRecord(SummaryOf(r), event, event_json_, path,
                          pipeline_->detector().Explain(event, pipeline_->facts(), rule), &row.value);
    rows.push_back(std::move(row));
  }

  void AddMatch(RuleIndex rule) {
    const Event& event = pipeline_->event();
    const AlertGroup group = pipeline_->Entities();
    const Hash128 hash = RawHash();
    Row row;
    row.key = KeyWriter('m')
                  .String(FoldKey(pipeline_->engine().rules().rules[rule], group))
                  .Time(TimeOfEvent())
                  .str();
    RowWriter value;
    value.Varint(rule)
        .Varint(event.position.source)
        .Varint(event.position.index)
        .Bytes(Bytes(hash))
        .Varint(group.size());
    for (const auto& [name, text] : group) value.Bytes(name).Bytes(text);
    row.value = value.payload();
    rows.push_back(std::move(row));
  }

  const ScanOptions& options_;
  Pipeline* pipeline_;
  std::string event_json_;  // of the record at hand, once a rule matched it
  std::optional<Hash128> raw_hash_;
  Rows rows_wanted_;
  MatchExtractor* extractor_;
  FieldCensus* census_;
};

void Scan::Work(Mode mode) {
  using Rows = BatchResult::Rows;
  Pipeline pipeline(engine_);
  MatchExtractor extractor(engine_->correlations());
  FieldCensus census(engine_->program());
  const bool correlate =
      mode != Mode::kDetections && mode != Mode::kCensus && engine_->correlations()->levels() > 0;
  const Rows rows = mode == Mode::kDetections ? Rows::kDetections
                    : mode == Mode::kAlerts   ? Rows::kMatches
                                              : Rows::kNone;
  RecordBatch batch;
  const Input* input = nullptr;
  while (shared_->NextBatch(&batch, &input, &report_)) {
    BatchResult result(options_, &pipeline, rows, correlate ? &extractor : nullptr,
                       mode == Mode::kCensus ? &census : nullptr);
    const uint64_t without_group = extractor.without_group();
    const auto input_index = static_cast<size_t>(input - shared_->inputs.data());
    for (const RecordBatch::Record& record : batch.records) {
      result.Take(record, input_index, input->path, input->rank, input->declared, input->origin);
    }
    result.counts += batch.counts;
    shared_->progress.records += batch.counts.records;
    shared_->progress.bytes += batch.counts.bytes;

    const std::lock_guard lock(shared_->result_mutex);
    if (!shared_->failure.ok()) return;
    report_.counts += result.counts;
    report_.detections += result.matched.size();
    report_.timeless += result.timeless;
    for (const RuleIndex rule : result.matched) ++report_.by_rule[rule];
    for (Problem& p : result.problems) shared_->AddProblem(&report_, std::move(p));
    for (const BatchResult::Row& row : result.rows) {
      shared_->failure = shared_->sorter.Add(row.key, row.value);
      if (!shared_->failure.ok()) return;
    }
    report_.without_group += extractor.without_group() - without_group;
    shared_->correlation.Saw(result.latest);
    for (const CorrelationRow& row : result.correlation_rows) {
      shared_->failure = shared_->correlation.Add(row);
      if (!shared_->failure.ok()) return;
    }
  }
  if (mode != Mode::kCensus) return;
  const std::lock_guard lock(shared_->result_mutex);
  shared_->census->Add(census);
}

Status Scan::ReadAll(Mode mode, const Tick& tick, FieldCensus* census) {
  report_ = {};
  report_.by_rule.assign(engine_->rules().rules.size(), 0);
  report_.by_correlation.assign(engine_->rules().correlations.size(), 0);
  shared_ = std::make_unique<Shared>(engine_->correlations(), options_);
  shared_->census = census;
  InputList list = ExpandInputs(options_.paths);
  for (const Status& problem : list.problems) shared_->AddProblem(&report_, {0, 0, problem.message(), false});
  bool known_size = true;
  for (const std::string& path : list.paths) {
    Input input;
    input.path = path;
    input.size = FileSize(path);
    known_size = known_size && path != "-";
    input.declared = engine_->facts()->Declare(DeclaredFor(options_.log_sources, path));
    input.origin.format = options_.format;
    input.origin.zone = options_.zone.get();
    input.origin.trusted_proxies = &options_.trusted_proxies;
    input.origin.year = options_.year;
    input.origin.written = path == "-" ? options_.now : ModifiedAt(path).value_or(options_.now);
    shared_->progress.total_input_bytes += input.size;
    shared_->inputs.push_back(std::move(input));
  }
  if (!known_size) shared_->progress.total_input_bytes = 0;
  for (const Input& input : shared_->inputs) shared_->by_rank.push_back(&input);
  std::stable_sort(shared_->by_rank.begin(), shared_->by_rank.end(),
                   [](const Input* a, const Input* b) { return a->path < b->path; });
  for (uint32_t rank = 0; rank < shared_->by_rank.size(); ++rank) {
    shared_->inputs[static_cast<size_t>(shared_->by_rank[rank] - shared_->inputs.data())].rank = rank;
  }

  std::vector<std::thread> workers;
  shared_->working = std::max(options_.jobs, 1);
  for (int n = shared_->working; n > 0; --n) {
    workers.emplace_back([this, mode] {
      Work(mode);
      const std::lock_guard lock(shared_->done_mutex);
      --shared_->working;
      shared_->done.notify_one();
    });
  }
  {
    std::unique_lock lock(shared_->done_mutex);
    while (!shared_->done.wait_for(lock, std::chrono::milliseconds(100),
                                   [this] { return shared_->working == 0; })) {
      if (tick) tick(shared_->progress);
    }
  }
  for (std::thread& worker : workers) worker.join();
  if (tick) tick(shared_->progress);

  shared_->CutProblems();
  for (Problem& p : shared_->problems) report_.problems.push_back(std::move(p.text));
  return shared_->failure;
}

Status Scan::Summary(const Tick& tick) {
  RT_RETURN_IF_ERROR(ReadAll(Mode::kSummary, tick));
  return CorrelationAlerts([](const Alert&) { return Status::Ok(); });
}

Status Scan::Census(FieldCensus* census, const Tick& tick) { return ReadAll(Mode::kCensus, tick, census); }

// Judges the correlations and counts what they find; what is below the level asked for is left out.
Status Scan::CorrelationAlerts(const std::function<Status(const Alert&)>& visit) {
  const RuleSet& rules = engine_->rules();
  const auto source = [this](SourceId rank) { return shared_->by_rank[rank]->path; };
  const auto no_hit = [](CorrelationIndex, const Texts&, const CorrelationHit&) { return Status::Ok(); };
  const Status status = shared_->correlation.Run(
      false, no_hit, [&](CorrelationIndex i, const Texts& group, const CorrelationAlert& found) {
        const Correlation& correlation = rules.correlations[i];
        if (correlation.level < options_.min_level) return Status::Ok();
        ++report_.by_correlation[i];
        return visit(MakeAlert(rules, correlation, group, found, source));
      });
  report_.cut_combinations = shared_->correlation.cut();
  return status;
}

Status Scan::Hits(const std::function<Status(const HitRow&)>& visit, const Tick& tick) {
  RT_RETURN_IF_ERROR(ReadAll(Mode::kHits, tick));
  const RuleSet& rules = engine_->rules();
  SpillSorter by_time({options_.max_sort_bytes, {}});
  const auto no_alert = [](CorrelationIndex, const Texts&, const CorrelationAlert&) { return Status::Ok(); };
  RT_RETURN_IF_ERROR(shared_->correlation.Run(
      true,
      [&](CorrelationIndex i, const Texts& group, const CorrelationHit& hit) {
        const Correlation& correlation = rules.correlations[i];
        if (correlation.level < options_.min_level) return Status::Ok();
        const AlertGroup named = GroupOf(correlation, group);
        RowWriter value;
        value.Varint(i).U8(hit.value.has_value() ? 1 : 0);
        value.Fixed64(std::bit_cast<uint64_t>(hit.value.value_or(0)));
        for (const auto& [name, text] : named) value.Bytes(name).Bytes(text);
        return by_time.Add(TimeKey(hit.end, correlation.id, named), value.payload());
      },
      no_alert));
  report_.cut_combinations = shared_->correlation.cut();
  return by_time.Sorted([&](std::string_view key, std::string_view value) {
    KeyReader key_reader(key);
    RowReader row(value);
    HitRow hit;
    CorrelationIndex index = 0;
    bool has_value = false;
    uint64_t bits = 0;
    if (!key_reader.Kind('a') || !key_reader.Time(&hit.end) || !row.Varint32(&index) ||
        !row.Flag(&has_value) || !row.Fixed64(&bits)) {
      return Status::Corrupt("a sorted hit cannot be read back");
    }
    hit.correlation = &rules.correlations[index];
    if (has_value) hit.value = std::bit_cast<double>(bits);
    hit.group.resize(hit.correlation->group_by.size());
    for (auto& [name, text] : hit.group) {
      row.Bytes(&name);
      if (!row.Bytes(&text)) return Status::Corrupt("a sorted hit cannot be read back");
    }
    return visit(hit);
  });
}

Status Scan::Detections(const std::function<Status(const DetectionRow&)>& visit, const Tick& tick) {
  RT_RETURN_IF_ERROR(ReadAll(Mode::kDetections, tick));
  return shared_->sorter.Sorted([&](std::string_view key, std::string_view value) {
    KeyReader reader(key);
    Timestamp time;
    uint32_t rank = 0;
    DetectionRow row;
    if (!reader.Kind('d') || !reader.Time(&time) || !reader.U32(&rank) || !reader.U64(&row.position)) {
      return Status::Corrupt("a sorted result cannot be read back");
    }
    if (time != kNoTime) row.time = time;
    row.source = shared_->by_rank[rank]->path;
    RuleIndex rule = 0;
    std::copy_n(value.data(), sizeof rule, reinterpret_cast<char*>(&rule));
    row.rule = &engine_->rules().rules[rule];
    row.json = value.substr(sizeof rule);
    return visit(row);
  });
}

Status Scan::Alerts(const std::function<Status(const Alert&)>& visit, const Tick& tick) {
  RT_RETURN_IF_ERROR(ReadAll(Mode::kAlerts, tick));
  SpillSorter by_time({options_.max_sort_bytes, {}});
  const auto add = [&by_time](const Alert& alert) {
    RowWriter value;
    WriteAlert(alert, &value);
    return by_time.Add(TimeKey(alert.time, alert.rule_id, alert.group), value.payload());
  };
  SortedFold fold(&engine_->rules(), engine_->times().fold, add);
  RT_RETURN_IF_ERROR(shared_->sorter.Sorted([&](std::string_view key, std::string_view value) {
    KeyReader key_reader(key);
    std::string fold_key;
    FoldMatch match;
    RowReader fields(value);
    std::string_view hash;
    uint64_t group_size = 0;
    if (!key_reader.Kind('m') || !key_reader.String(&fold_key) || !key_reader.Time(&match.time) ||
        !fields.Varint32(&match.rule) || !fields.Varint32(&match.position.source) ||
        !fields.Varint(&match.position.index) || !fields.Bytes(&hash) ||
        hash.size() != match.raw_hash.size() || !fields.Varint(&group_size)) {
      return Status::Corrupt("a sorted match cannot be read back");
    }
    std::copy(hash.begin(), hash.end(), match.raw_hash.begin());
    for (; group_size > 0; --group_size) {
      auto& [name, text] = match.group.emplace_back();
      fields.Bytes(&name);
      if (!fields.Bytes(&text)) return Status::Corrupt("a sorted match cannot be read back");
    }
    match.source = shared_->by_rank[match.position.source]->path;
    return fold.Add(fold_key, match);
  }));
  RT_RETURN_IF_ERROR(fold.Finish());
  RT_RETURN_IF_ERROR(CorrelationAlerts(add));
  return by_time.Sorted([&](std::string_view, std::string_view value) {
    Alert alert;
    if (!ReadAlert(value, &alert)) return Status::Corrupt("a sorted alert cannot be read back");
    return visit(alert);
  });
}

}  // namespace redthread
