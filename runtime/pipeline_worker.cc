#include "runtime/pipeline_worker.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "ingest/kafka_admin.h"
#include "ingest/kafka_group.h"
#include "ingest/kafka_producer.h"

namespace redthread {

namespace {

// How long a turn waits for records.
constexpr Nanoseconds kTurn = std::chrono::milliseconds(20);

// Between the end of a stage and the next try.
constexpr Nanoseconds kFirstPause = std::chrono::milliseconds(100);
constexpr Nanoseconds kLongestPause = std::chrono::seconds(5);

// A stage that has lived so long did not fail at its beginning.
constexpr Nanoseconds kGoodLife = std::chrono::seconds(30);

// --until-idle: how long there must have been nothing left to do; how often a member that was given nothing
// asks whether the others have read everything, and how much longer than two sessions it waits for it if they
// have not; and how long trouble may last.
constexpr Nanoseconds kQuiet = std::chrono::seconds(1);
constexpr Nanoseconds kAskAgain = std::chrono::seconds(2);
constexpr Nanoseconds kGivenNothing = std::chrono::seconds(10);
constexpr Nanoseconds kPatience = std::chrono::seconds(30);

// When a problem that lasts is told again.
constexpr Nanoseconds kTellAgain = std::chrono::hours(1);

bool TimeMayCure(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kIo ||
         status.code() == StatusCode::kDenied || status.code() == StatusCode::kCorrupt ||
         status.code() == StatusCode::kNotFound;
}

// What brokers say is never one of these.
bool IsOfFolder(const Status& status) {
  return status.code() == StatusCode::kIo || status.code() == StatusCode::kCorrupt;
}

// A member that can do nothing with what it is given would keep it from those that can.
Status Outdated() {
  return Status::Unavailable("the rules in force are for a newer redthread, which it makes way for");
}

}  // namespace

struct PipelineWorker::Life {
  virtual ~Life() = default;
  virtual Status Turn() = 0;
  virtual Status Stop() = 0;
  virtual bool finished() const = 0;
  virtual size_t owned() const = 0;
  virtual void Count(Report* report) const = 0;
  virtual void Show(const Report& report, PipelineMetrics* metrics) const = 0;
};

struct PipelineWorker::DetectLife final : Life {
  std::vector<std::unique_ptr<KafkaGroup>> groups;
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<DetectStage> stage;

  Status Turn() override { return stage->Turn(kTurn); }
  Status Stop() override { return stage->Stop(); }
  bool finished() const override { return stage->finished(); }
  size_t owned() const override { return stage->owned(); }
  void Count(Report* report) const override {
    const DetectStage::Counts& counts = stage->counts();
    report->detect.records += counts.records;
    report->detect.detections += counts.detections;
    report->detect.without_group += counts.without_group;
    report->detect.too_large += counts.too_large;
    report->detect.frames += counts.frames;
    report->detect.commits += counts.commits;
  }
  void Show(const Report& report, PipelineMetrics* metrics) const override {
    metrics->Show(report.detect, owned());
  }
};

struct PipelineWorker::CorrelateLife final : Life {
  std::unique_ptr<KafkaGroup> group;
  std::unique_ptr<KafkaProducer> producer;
  std::unique_ptr<CorrelateStage> stage;

  Status Turn() override { return stage->Turn(kTurn); }
  Status Stop() override { return stage->Stop(); }
  bool finished() const override { return stage->finished(); }
  size_t owned() const override { return stage->owned(); }
  void Count(Report* report) const override {
    const CorrelateStage::Counts& counts = stage->counts();
    report->correlate.records += counts.records;
    report->correlate.told += counts.told;
    report->correlate.restored += counts.restored;
    report->correlate.replayed += counts.replayed;
    report->correlate.beyond_horizon += counts.beyond_horizon;
  }
  void Show(const Report& report, PipelineMetrics* metrics) const override {
    metrics->Show(report.correlate, owned());
  }
};

PipelineWorker::PipelineWorker(Options options, RuleEpochs* rules, Clock* clock)
    : options_(std::move(options)), rules_(rules), clock_(clock) {
  finished_[kDetect] = !options_.detects;
  finished_[kCorrelate] = !options_.correlates;
  const auto tell = [this](const std::string& text) { TellOnce(text); };
  options_.detect.until_idle = options_.until_idle;
  options_.detect.on_problem = options_.correlate.on_problem = tell;
  if (options_.metrics == nullptr) return;
  const auto count = [this](PipelineFault fault) { options_.metrics->Count(fault); };
  options_.detect.on_fault = options_.correlate.on_fault = count;
}

void PipelineWorker::TellOnce(const std::string& text) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds now = clock_->Elapsed();
  const auto [told, is_new] = told_.try_emplace(text, now);
  if (!is_new && now - told->second < kTellAgain) return;
  told->second = now;
  if (options_.on_problem) options_.on_problem(text);
}

Result<std::unique_ptr<PipelineWorker::Life>> PipelineWorker::Begin(Role role) {
  KafkaProducer::Options producing;
  producing.settings = options_.settings;
  Result<std::unique_ptr<KafkaProducer>> producer = KafkaProducer::Start(std::move(producing));
  if (!producer.ok()) return producer.status();
  const auto join = [this](const KafkaSettings& settings, const std::vector<std::string>& topics) {
    KafkaGroup::Options joining;
    joining.settings = settings;
    joining.topics = topics;
    joining.instance = options_.instance;
    joining.session_timeout = options_.session_timeout;
    joining.refresh_interval = options_.topic_refresh_interval;
    return KafkaGroup::Start(std::move(joining));
  };
  if (role == kDetect) {
    auto life = std::make_unique<DetectLife>();
    life->producer = std::move(*producer);
    std::vector<TopicReader*> readers;
    for (const KafkaInput& input : options_.detect.inputs) {
      Result<std::unique_ptr<KafkaGroup>> group = join(input.settings, input.topics);
      if (!group.ok()) return group.status();
      life->groups.push_back(std::move(*group));
      readers.push_back(life->groups.back().get());
    }
    life->stage =
        std::make_unique<DetectStage>(options_.detect, readers, life->producer.get(), rules_, clock_);
    return std::unique_ptr<Life>(std::move(life));
  }
  auto life = std::make_unique<CorrelateLife>();
  life->producer = std::move(*producer);
  Result<std::unique_ptr<KafkaGroup>> group = join(options_.settings, {options_.correlate.matches});
  if (!group.ok()) return group.status();
  life->group = std::move(*group);
  life->stage = std::make_unique<CorrelateStage>(options_.correlate, life->group.get(), life->producer.get(),
                                                 rules_, clock_);
  return std::unique_ptr<Life>(std::move(life));
}

// From the beginning of a stage to its end: Ok when it was stopped, or has finished.
Status PipelineWorker::Live(Role role, const std::atomic<bool>& stop) {
  Result<std::unique_ptr<Life>> life = Begin(role);
  if (!life.ok()) return life.status();
  const Report before = [this] {
    const std::lock_guard lock(mutex_);
    return report_;
  }();
  std::optional<Nanoseconds> quiet_since;
  Nanoseconds asked = clock_->Elapsed();
  Nanoseconds given_nothing_since = asked;
  uint64_t group_read = 0;
  size_t owned = 0;
  Status status;
  bool outdated = false;
  while (status.ok() && !stop && !failed_ && !outdated && !(options_.until_idle && AllFinished())) {
    status = (*life)->Turn();
    Show(**life, before);
    const Nanoseconds now = clock_->Elapsed();
    if (!(*life)->finished() || (*life)->owned() != owned) {
      owned = (*life)->owned();
      quiet_since.reset();
    } else if (!quiet_since.has_value()) {
      quiet_since = now;
    }
    outdated = rules_->Newest().outdated;
    if (!options_.until_idle) continue;
    // It goes on until the other has finished too, which may give it more to do.
    if (owned > 0 || !quiet_since.has_value()) {
      given_nothing_since = now;
      finished_[role] = quiet_since.has_value() && now - *quiet_since >= kQuiet;
    } else if (now - asked >= kAskAgain) {
      asked = now;
      uint64_t read = 0;
      finished_[role] = GroupHasReadAll(role, &read);
      if (std::exchange(group_read, read) != read) given_nothing_since = now;
      if (!finished_[role] && now - given_nothing_since > 2 * options_.session_timeout + kGivenNothing)
        status = Status::Unavailable(
            "there is more to read, nobody reads it, and the group gives this worker nothing: other "
            "members hold it; end them, or leave --until-idle out");
    }
  }
  if (status.ok()) status = (*life)->Stop();
  if (status.ok() && outdated) status = Outdated();
  const std::lock_guard lock(mutex_);
  (*life)->Count(&report_);
  return status;
}

void PipelineWorker::Show(const Life& life, const Report& before) const {
  if (options_.metrics == nullptr) return;
  Report now = before;
  life.Count(&now);
  life.Show(now, options_.metrics);
}

namespace {

// Whether each partition that is there was read by that group to its end, and `holds` of its position.
bool HasReadAll(const KafkaSettings& settings, const std::vector<std::string>& topics, uint64_t* read,
                const std::function<bool(const GroupPosition&)>& holds) {
  const Result<TopicFilter> filter = TopicFilter::Of(topics);
  const Result<std::unique_ptr<KafkaAdmin>> admin = KafkaAdmin::Open(settings);
  if (!filter.ok() || !admin.ok()) return false;
  const Result<KafkaView> view = (*admin)->View(*filter);
  if (!view.ok() || !view->missing.empty()) return false;
  std::vector<KafkaPartition> partitions;
  for (const KafkaOffsets& offsets : view->unread) partitions.push_back(offsets.partition);
  const auto told = (*admin)->ToldPositions(partitions);
  if (!told.ok()) return false;
  for (const auto& [partition, position] : *told) *read += static_cast<uint64_t>(position.next_offset);
  return std::all_of(view->unread.begin(), view->unread.end(), [&](const KafkaOffsets& offsets) {
    const auto position = told->find(offsets.partition);
    if (position == told->end()) return offsets.high == offsets.low;
    return position->second.next_offset >= offsets.high && holds(position->second);
  });
}

}  // namespace

// While partitions move nobody has any, and all may have been read without anybody having told the end.
bool PipelineWorker::GroupHasReadAll(Role role, uint64_t* read) const {
  const auto is_ended = [](const GroupPosition& position) {
    const std::optional<RawPosition> raw = RawPosition::Of(position.next_offset, position.note);
    return raw.has_value() && raw->ended;
  };
  for (const KafkaInput& input : options_.detect.inputs) {
    if (!HasReadAll(input.settings, input.topics, read, is_ended)) return false;
  }
  // In this order: what told the end is in the topic by now.
  return role == kDetect || HasReadAll(options_.settings, {options_.correlate.matches}, read,
                                       [](const GroupPosition&) { return true; });
}

void PipelineWorker::RunRole(Role role, const std::atomic<bool>& stop) {
  Nanoseconds pause = kFirstPause;
  std::optional<Nanoseconds> trouble_since;
  while (!stop && !failed_) {
    const Nanoseconds begun = clock_->Elapsed();
    const Status status = rules_->Newest().outdated ? Outdated() : Live(role, stop);
    const Nanoseconds now = clock_->Elapsed();
    if (status.ok()) return;
    // The end of a run has done its best.
    if (stop) return TellOnce(status.message());
    if (now - begun > kGoodLife) {
      pause = kFirstPause;
      trouble_since.reset();
    }
    if (!trouble_since.has_value()) trouble_since = begun;
    const bool gives_up = options_.until_idle && now - *trouble_since > kPatience;
    if (!TimeMayCure(status) || gives_up) {
      const std::lock_guard lock(mutex_);
      if (failure_.ok()) failure_ = status;
      failed_ = true;
      return;
    }
    if (options_.metrics != nullptr) {
      options_.metrics->CountRestart(role == kDetect);
      // The others were counted where they happened; detection has no folder.
      if (role == kCorrelate && IsOfFolder(status))
        options_.metrics->Count(PipelineFault::kState);
      else if (!IsOfFolder(status) && status.code() != StatusCode::kUnavailable)
        options_.metrics->Count(FaultOfKafka(status));
    }
    TellOnce(std::string(role == kDetect ? "detect" : "correlate") + " begins again: " + status.message());
    {
      const std::lock_guard lock(mutex_);
      ++report_.restarts;
    }
    for (Nanoseconds waited{0}; waited < pause && !stop && !failed_; waited += kTurn)
      std::this_thread::sleep_for(kTurn);
    pause = std::min(2 * pause, kLongestPause);
  }
}

Status PipelineWorker::Run(const std::atomic<bool>& stop) {
  std::vector<std::thread> threads;
  if (options_.detects) threads.emplace_back([&] { RunRole(kDetect, stop); });
  if (options_.correlates) threads.emplace_back([&] { RunRole(kCorrelate, stop); });
  for (std::thread& thread : threads) thread.join();
  return failure_;
}

}  // namespace redthread
