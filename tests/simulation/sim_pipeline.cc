#include "tests/simulation/sim_pipeline.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/record.h"
#include "runtime/scan.h"
#include "storage/alert_codec.h"

namespace redthread {

namespace fs = std::filesystem;

namespace {

constexpr const char* kRaw = "raw";
constexpr const char* kMatches = "matches";
constexpr const char* kAlerts = "alerts";

// An alert as the simulation's topic holds it: the offset that it stands on, and its stored form.
std::string Render(const Alert& alert, uint64_t at) {
  RowWriter row;
  row.Varint(at);
  WriteAlert(alert, &row);
  return std::string(row.payload());
}

}  // namespace

// What a worker knows of the rules: the newest later than others, sometimes.
class SimPipeline::Rules final : public RuleEpochs {
 public:
  Rules(SimPipeline* pipeline) : pipeline_(pipeline) {}
  RuleEpochs::Rules Newest() override {
    if (known_ == 0 || pipeline_->dice_.Chance(5)) known_ = pipeline_->epoch_;
    return {known_, pipeline_->engines_[known_ - 1]};
  }
  redthread::Result<std::shared_ptr<const Engine>> Find(uint64_t epoch) override {
    if (pipeline_->dice_.Chance(5)) return Status::Unavailable("the topic cannot be read");
    return pipeline_->engines_[epoch - 1];
  }

 private:
  SimPipeline* pipeline_;
  uint64_t known_ = 0;
};

SimPipeline::SimPipeline(uint64_t seed, std::vector<std::shared_ptr<const Engine>> engines,
                         std::string ignored, std::string folder, Mutant mutant)
    : seed_(seed),
      dice_(seed),
      clock_(*ParseTimestamp("2026-11-22T10:00:00Z")),
      cluster_(&dice_, &clock_),
      engines_(std::move(engines)),
      ignored_(std::move(ignored)),
      folder_(std::move(folder)),
      mutant_(mutant),
      raw_partitions_(1 + static_cast<int>(dice_.Below(3))),
      match_partitions_(1 + static_cast<int>(dice_.Below(3))),
      rejudge_at_once_(dice_.Chance(50) ? dice_.Below(4) : CorrelationState::Options{}.rejudge_at_once) {
  cluster_.MakeTopic(kRaw, raw_partitions_);
  cluster_.MakeTopic(kMatches, match_partitions_);
  cluster_.MakeTopic(kAlerts, match_partitions_);
  for (const bool detects : {true, false}) {
    const size_t count = 1 + dice_.Below(2);
    for (size_t n = 0; n < count; ++n) {
      Worker& worker = workers_.emplace_back();
      worker.detects = detects;
      worker.folder = folder_ + "/worker" + std::to_string(workers_.size());
    }
  }
}

SimPipeline::~SimPipeline() {
  workers_.clear();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void SimPipeline::Note(const std::string& text) {
  result_.log += std::to_string(clock_.Elapsed().count() / 1'000'000) + " ms: " + text + "\n";
}

// ---- events

// Sign-ins, half a second apart, one in five up to a minute behind its place: a part of them late.
void SimPipeline::MakeEvents() {
  const size_t count = 40 + dice_.Below(160);
  Timestamp time = clock_.Now();
  for (size_t n = 0; n < count; ++n) {
    time = time + std::chrono::milliseconds(dice_.Below(1000));
    const Nanoseconds behind = std::chrono::milliseconds(dice_.Chance(20) ? dice_.Below(60'000) : 0);
    const bool timeless = dice_.Chance(1);
    events_.push_back("{" + (timeless ? "" : R"("@timestamp":")" + FormatTimestamp(time - behind) + R"(",)") +
                      R"("Channel":"Security","EventID":)" + (dice_.Chance(40) ? "4625" : "4624") +
                      R"(,"Computer":"pc-)" + std::to_string(dice_.Below(3)) + R"(","TargetUserName":"user)" +
                      std::to_string(dice_.Below(3)) + R"(","RecordNumber":)" + std::to_string(n) + "}");
  }
}

void SimPipeline::Produce(size_t count) {
  for (; count > 0 && produced_ < events_.size(); --count) {
    const auto partition = static_cast<int32_t>(dice_.Below(static_cast<size_t>(raw_partitions_)));
    cluster_.Append({kRaw, partition}, "", events_[produced_++]);
    // A transaction's mark, or what compaction leaves: an offset without a record.
    if (dice_.Chance(10)) cluster_.AppendMark({kRaw, partition});
  }
}

// ---- workers

void SimPipeline::Start(Worker* worker, bool until_idle) {
  worker->process = {};
  if (!until_idle && dice_.Chance(60)) worker->process.calls_left = 1 + static_cast<int>(dice_.Below(400));
  worker->rules = std::make_unique<Rules>(this);
  worker->writer = std::make_unique<SimWriter>(&cluster_, &worker->process);
  const auto tell = [this, worker](const std::string& text) {
    Note((worker->detects ? "detect: " : "correlate: ") + text);
  };
  if (worker->detects) {
    worker->reader =
        std::make_unique<SimReader>(&cluster_, &worker->process, "detect", std::vector<std::string>{kRaw});
    DetectStage::Options options;
    KafkaInput input;
    input.name = "raw";
    input.topics = {kRaw};
    options.inputs = {input};
    options.matches = kMatches;
    options.partitions = match_partitions_;
    options.jobs = 0;
    options.batch_bytes = 1 + dice_.Below(2000);
    options.until_idle = until_idle;
    options.on_problem = tell;
    worker->detect = std::make_unique<DetectStage>(options, std::vector<TopicReader*>{worker->reader.get()},
                                                   worker->writer.get(), worker->rules.get(), &clock_);
    return;
  }
  worker->reader = std::make_unique<SimReader>(&cluster_, &worker->process, "correlate",
                                               std::vector<std::string>{kMatches}, FilterOf(mutant_));
  CorrelateStage::Options options;
  options.data_dir = worker->folder;
  options.matches = kMatches;
  options.alerts = kAlerts;
  options.partitions = match_partitions_;
  // Hardly anything stays in memory, at times.
  options.partition.group_memory_bytes = dice_.Chance(30) ? 1 << 16 : 8 << 20;
  options.partition.rejudge_at_once = rejudge_at_once_;
  options.commit_records = 1 + dice_.Below(20);
  options.render = Render;
  options.on_problem = tell;
  worker->correlate = std::make_unique<CorrelateStage>(options, worker->reader.get(), worker->writer.get(),
                                                       worker->rules.get(), &clock_);
}

// As a kill does: nothing is finished.
void SimPipeline::Crash(Worker* worker) {
  worker->process.broken = true;
  if (worker->correlate != nullptr) result_.restores += worker->correlate->counts().restored;
  worker->detect.reset();
  worker->correlate.reset();
  worker->reader.reset();
  worker->writer.reset();
}

void SimPipeline::Turn(Worker* worker) {
  const Status status =
      worker->detects ? worker->detect->Turn(Nanoseconds(0)) : worker->correlate->Turn(Nanoseconds(0));
  if (status.ok()) return;
  Note(worker->folder + " ends: " + status.message());
  ++result_.crashes;
  Crash(worker);
}

void SimPipeline::Stop(Worker* worker) {
  const Status status = worker->detects ? worker->detect->Stop() : worker->correlate->Stop();
  Note(worker->folder + " is stopped: " + status.message());
  if (!status.ok()) worker->process.broken = true;
  worker->detect.reset();
  worker->correlate.reset();
  worker->reader.reset();
  worker->writer.reset();
}

// ---- what happens

void SimPipeline::Happen() {
  Worker* const worker = &workers_[dice_.Below(workers_.size())];
  const size_t what = dice_.Below(1000);
  if (what < 40) {
    Produce(1 + dice_.Below(20));
  } else if (what < 200) {
    clock_.Advance(std::chrono::milliseconds(dice_.Below(300)));
  } else if (what < 203) {
    clock_.Advance(std::chrono::seconds(dice_.Below(25)));
  } else if (what < 206 && worker->running()) {
    Note(worker->folder + " is killed");
    ++result_.crashes;
    Crash(worker);
  } else if (what < 209 && worker->running()) {
    Note(worker->folder + " sleeps");
    worker->paused_to = clock_.Elapsed() + std::chrono::seconds(1 + dice_.Below(30));
  } else if (what < 211 && worker->running()) {
    Stop(worker);
  } else if (what < 212 && !worker->running() && !worker->detects) {
    Note(worker->folder + " is lost");
    std::error_code ignored;
    fs::remove_all(worker->folder, ignored);
  } else if (what < 213 && epoch_ < engines_.size()) {
    ++epoch_;
    Note("rules of epoch " + std::to_string(epoch_));
  } else if (worker->running()) {
    if (worker->paused_to <= clock_.Elapsed()) Turn(worker);
  } else if (dice_.Chance(10)) {
    Note(worker->folder + " starts");
    Start(worker, false);
  }
}

// All workers read to the end.
bool SimPipeline::Finish() {
  Produce(events_.size());
  for (Worker& worker : workers_) {
    if (!worker.running()) continue;
    dice_.Chance(50) ? Stop(&worker) : Crash(&worker);
  }
  Note("to the end");
  const auto all_finished = [this] {
    int raw = 0, matches = 0;
    for (const Worker& worker : workers_) {
      if (!worker.running()) return false;
      if (!(worker.detects ? worker.detect->finished() : worker.correlate->finished())) return false;
      raw += worker.detects ? static_cast<int>(worker.detect->owned()) : 0;
      matches += worker.detects ? 0 : static_cast<int>(worker.correlate->owned());
    }
    return raw == raw_partitions_ && matches == match_partitions_;
  };
  // What one has finished may become news for another.
  for (int round = 0, finished = 0; round < 3000 && finished < 20; ++round) {
    for (Worker& worker : workers_) {
      if (!worker.running()) Start(&worker, true);
      Turn(&worker);
    }
    finished = all_finished() ? finished + 1 : 0;
    if (finished == 20) return true;
    clock_.Advance(std::chrono::milliseconds(100 + dice_.Below(200)));
  }
  for (const Worker& worker : workers_) {
    const bool finished =
        worker.running() && (worker.detects ? worker.detect->finished() : worker.correlate->finished());
    const size_t owned = !worker.running() ? 0
                         : worker.detects  ? worker.detect->owned()
                                           : worker.correlate->owned();
    Note(worker.folder + (finished ? " has" : " has not") + " finished, with " + std::to_string(owned) +
         " partitions");
  }
  return false;
}

SimPipeline::Result SimPipeline::Run() {
  fs::create_directories(folder_);
  MakeEvents();
  const size_t steps = 400 + dice_.Below(3000);
  for (size_t step = 0; step < steps; ++step) Happen();
  result_.ended = Finish();
  result_.told = Told();
  result_.scanned = Scanned();
  return std::move(result_);
}

// ---- the answer

namespace {

// Of these the final ones, in their canonical form, in one order.
std::string CanonicalOf(const std::vector<Alert>& alerts, const std::string& ignored) {
  std::vector<std::string> lines;
  for (const Alert& alert : alerts) {
    if (alert.state != AlertState::kFinal || alert.rule_id.starts_with(ignored)) continue;
    AppendCanonicalAlert(alert, &lines.emplace_back());
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace

// What a reader of the alerts holds in the end: of each the record that stands on the greatest offset.
std::string SimPipeline::Told() {
  struct Newest {
    uint64_t at = 0;
    Alert alert;
  };
  std::map<std::string, Newest> newest;
  std::map<std::string, std::set<std::string>> told;
  for (const KafkaPartition& partition : cluster_.PartitionsOf({kAlerts})) {
    for (const SimRecord& record : cluster_.Log(partition)) {
      Newest read;
      RowReader in(record.value);
      if (!in.Varint(&read.at) || !ReadAlert(in.rest(), &read.alert)) continue;
      if (!told[record.key].insert(record.value).second) ++result_.repeated;
      result_.late += read.alert.late ? 1 : 0;
      result_.withdrawn += read.alert.state == AlertState::kWithdrawn ? 1 : 0;
      Newest& held = newest[record.key];
      if (held.alert.id.empty() || read.at >= held.at) held = std::move(read);
    }
  }
  std::vector<Alert> alerts;
  for (auto& [id, held] : newest) alerts.push_back(std::move(held.alert));
  return CanonicalOf(alerts, ignored_);
}

std::string SimPipeline::Scanned() {
  const std::string path = folder_ + "/scanned.ndjson";
  std::ofstream file(path, std::ios::binary);
  for (const std::string& event : events_) file << event << "\n";
  file.close();
  ScanOptions options;
  options.paths = {path};
  Scan scan(engines_.front(), options);
  std::vector<Alert> alerts;
  const Status status = scan.Alerts(
      [&](const Alert& alert) {
        alerts.push_back(alert);
        alerts.back().state = AlertState::kFinal;
        return Status::Ok();
      },
      {});
  return status.ok() ? CanonicalOf(alerts, ignored_) : status.message();
}

// ---- mutants

SimReader::Filter SimPipeline::FilterOf(Mutant mutant) {
  if (mutant == Mutant::kNone) return {};
  // How far frames of each source have come, as the mutant makes them.
  auto reached = std::make_shared<std::map<std::pair<KafkaPartition, std::string>, uint64_t>>();
  return [this, mutant, reached](const KafkaPartition& partition, const std::string& value) -> std::string {
    MatchFrame frame;
    const redthread::Result<FrameKind> kind = KindOfFrame(value);
    if (!kind.ok() || *kind != FrameKind::kFrame || !DecodeFrame(value, &frame).ok()) return value;
    const bool is_empty = frame.folds.empty() && frame.matches.empty();
    if (mutant == Mutant::kNoProgress && is_empty) return {};
    uint64_t& next = (*reached)[{partition, frame.head.source}];
    const bool keeps = mutant == Mutant::kArrivalOrder || mutant == Mutant::kRewritten;
    const uint64_t from = keeps ? frame.head.begin.offset : next;
    const uint64_t shift = from - frame.head.begin.offset;  // may wrap, and so go back
    FrameHead head = frame.head;
    head.begin.offset += shift;
    head.end.offset += shift;
    next = head.end.offset;
    FrameWriter writer;
    writer.Begin(head);
    const Timestamp now = clock_.Now();
    for (const FrameFold& fold : frame.folds) {
      const bool arrives = mutant == Mutant::kArrivalOrder && fold.time != kNoTime;
      writer.AddFold(fold.at.offset + shift, frame.rules[fold.rule], arrives ? now : fold.time, fold.raw_hash,
                     fold.group);
    }
    for (FrameMatch& m : frame.matches) {
      if (mutant == Mutant::kArrivalOrder) m.match.time = now;
      writer.AddMatch(m.at.offset + shift, frame.rules[m.correlation], m.group, m.match,
                      frame.rules[m.match.evidence.front().rule]);
    }
    return std::string(writer.Finish(head));
  };
}

}  // namespace redthread
