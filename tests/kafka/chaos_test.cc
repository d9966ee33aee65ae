// Chaos on real brokers: while events come in, workers are killed, stopped and woken as zombies, added and
// drained, lose their folders, get other rules and another version, and brokers die. In the end the workers
// have told what a scan tells, each alert once.
//
// REDTHREAD_CHAOS_RUNS=50 runs more of it. Each run is decided by its seed, printed, as far as processes on
// one machine are: REDTHREAD_SEED repeats the first. REDTHREAD_CHAOS_LOG=1 tells what happened, also if all
// is well.
#include <signal.h>

#include <filesystem>
#include <future>
#include <iostream>

#include "ingest/topic_dump.h"
#include "tests/kafka/pipeline_fixture.h"

namespace redthread {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr Nanoseconds kLateness = std::chrono::minutes(5);
constexpr milliseconds kSession(2000);
// A worker that is asked to end does so by then, brokers or not; what takes longer is killed.
constexpr auto kDrains = std::chrono::seconds(40);

int WantedRuns() {
  const char* text = std::getenv("REDTHREAD_CHAOS_RUNS");
  return text == nullptr ? (kSanitized ? 1 : 5) : std::max(1, std::atoi(text));
}

enum class Blow { kKill, kStop, kGrow, kShrink, kFolder, kRules, kRoll, kBroker };

class ChaosTest : public PipelineTest {
 protected:
  struct Worker {
    std::string name, role;
    std::string instance;  // static membership
    int rules = 0;         // OtherRules it has
    int version = 1;
    bool in_play = true;  // false: it was drained, and is to stay away
    std::unique_ptr<Process> process;
    Clock::time_point wakes{};  // stopped until then
    Clock::time_point drains{};
    bool draining() const { return drains != Clock::time_point{}; }
    bool stopped() const { return wakes != Clock::time_point{}; }
  };
  struct Counts {
    int kills = 0, stops = 0, grown = 0, shrunk = 0, folders = 0, rules = 0, rolled = 0, brokers = 0;
    size_t records = 0, repeats = 0, alerts = 0, lost = 0, doubled = 0;
  };

  void Run(int number, uint64_t seed);
  void Begin(bool with_broker_kills);
  void Step();
  void Tend();
  void Hit(Blow blow);
  void Start(Worker* worker, bool until_idle = false);
  void Add(const std::string& role);
  void SetRules(Worker* worker, int count);
  void RestartNewer();
  void KillBroker();
  void EndAll();
  void Judge();
  Worker* PickRunning();
  void Feed(size_t count);
  void Note(const std::string& text) {
    log_ += std::to_string(std::chrono::duration_cast<milliseconds>(Clock::now() - begun_).count()) +
            " ms: " + text + "\n";
  }
  // Those that run chaos with broker kills have brokers of their own, which live as long as the test.
  TestKafka* Own(int count) {
    std::unique_ptr<TestKafka>& own = own_[count];
    if (own == nullptr)
      own = std::make_unique<TestKafka>(REDTHREAD_BINARY_DIR "/kafka-chaos-" + std::to_string(count), count);
    return own.get();
  }

  std::map<int, std::unique_ptr<TestKafka>> own_;  // by number of brokers
  std::unique_ptr<Dice> dice_;
  uint64_t seed_ = 0;
  Clock::time_point begun_;
  std::string log_;
  Counts counts_;
  int brokers_count_ = 0;
  std::future<void> broker_back_;
  std::string topic_;
  int raw_partitions_ = 1, match_partitions_ = 1;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<TestProducer> producer_;
  Strings events_;
  int newest_rules_ = 0;
  bool rolling_ = false;
  int named_ = 0;
};

// ---- workers

void ChaosTest::SetRules(Worker* worker, int count) {
  worker->rules = count;
  // As an editor does it: nobody reads half of it.
  Write("rules-" + worker->name + ".new", kSignInRules + OtherRules(count));
  std::filesystem::rename(Path("rules-" + worker->name + ".new"), Path("rules-" + worker->name + ".yml"));
}

void ChaosTest::Add(const std::string& role) {
  auto worker = std::make_unique<Worker>();
  worker->name = "w" + std::to_string(named_++);
  worker->role = role;
  if (dice_->Chance(40)) worker->instance = worker->name;
  worker->version = rolling_ && dice_->Chance(70) ? 2 : 1;
  SetRules(worker.get(), newest_rules_);
  ConfigureWorker(worker->name + ".yml", Path("rules-" + worker->name + ".yml"), "", worker->instance);
  Start(worker.get());
  workers_.push_back(std::move(worker));
}

void ChaosTest::Start(Worker* worker, bool until_idle) {
  Strings arguments = {"--role", worker->role, "--jobs", "1"};
  if (until_idle) arguments.push_back("--until-idle");
  worker->process =
      StartWorker(worker->name, arguments, {"REDTHREAD_DETECT_VERSION=" + std::to_string(worker->version)},
                  worker->name + ".yml");
  worker->drains = worker->wakes = {};
}

ChaosTest::Worker* ChaosTest::PickRunning() {
  std::vector<Worker*> running;
  for (const auto& worker : workers_) {
    if (worker->in_play && !worker->stopped() && !worker->draining()) running.push_back(worker.get());
  }
  return running.empty() ? nullptr : dice_->Pick(running);
}

// Wakes those that have slept, and takes up what has ended.
void ChaosTest::Tend() {
  const auto now = Clock::now();
  for (const auto& worker : workers_) {
    if (worker->process == nullptr) continue;
    if (worker->stopped() && now >= worker->wakes) {
      Note(worker->name + " wakes");
      worker->process->Signal(SIGCONT);
      worker->wakes = {};
    }
    if (worker->draining() && now - worker->drains > kDrains) {
      Note(worker->name + " takes too long to end");
      worker->process->Signal(SIGKILL);
    }
    if (!worker->process->HasEnded()) continue;
    const BinaryRun run = worker->process->Wait();
    worker->process = nullptr;
    // A worker that is behind in a roll can do nothing when it starts; one that has only just started does
    // not know yet what SIGTERM asks of it.
    const bool is_behind = worker->version == 1 && rolling_;
    const bool was_told = run.signal == SIGKILL || (run.signal == SIGTERM && worker->draining());
    if (!was_told && run.exit_code != 0 && !is_behind)
      ADD_FAILURE() << worker->name << " ended with " << run.exit_code << "\n" << run.err;
    if (worker->draining() && Clock::now() - worker->drains > std::chrono::seconds(5)) Note("that took long");
    Note(worker->name + " has ended: " + std::to_string(run.exit_code) + "\n" + run.err);
    worker->drains = {};
    if (worker->in_play) Start(worker.get());
  }
}

// ---- blows

void ChaosTest::Hit(Blow blow) {
  if (PickRunning() == nullptr) Add("all");
  Worker* const worker = PickRunning();
  switch (blow) {
    case Blow::kKill:
    case Blow::kFolder:
      Note("kill " + worker->name + (blow == Blow::kFolder ? ", and remove its folder" : ""));
      worker->process->Signal(SIGKILL);
      worker->process->Wait();
      if (blow == Blow::kFolder) std::filesystem::remove_all(Path("worker-" + worker->name));
      ++(blow == Blow::kFolder ? counts_.folders : counts_.kills);
      Start(worker);
      break;
    case Blow::kStop:
      Note("stop " + worker->name);
      worker->process->Signal(SIGSTOP);
      worker->wakes = Clock::now() + kSession + milliseconds(500 + dice_->Below(2500));
      ++counts_.stops;
      break;
    case Blow::kGrow:
      Note("another worker");
      Add(dice_->Chance(60) ? "all" : dice_->Chance(50) ? "detect" : "correlate");
      ++counts_.grown;
      break;
    case Blow::kShrink:
      Note("drain " + worker->name);
      worker->process->Signal(SIGTERM);
      worker->drains = Clock::now();
      worker->in_play = false;
      ++counts_.shrunk;
      break;
    case Blow::kRules:
      SetRules(worker, ++newest_rules_);
      Note("rules of " + worker->name + ": " + std::to_string(newest_rules_));
      ++counts_.rules;
      break;
    case Blow::kRoll:
      rolling_ = true;
      RestartNewer();
      break;
    case Blow::kBroker:
      KillBroker();
      break;
  }
}

// The next worker of a roll.
void ChaosTest::RestartNewer() {
  for (const auto& worker : workers_) {
    if (worker->version == 2 || !worker->in_play || worker->stopped() || worker->draining()) continue;
    worker->version = 2;
    Note("roll " + worker->name);
    worker->process->Signal(SIGTERM);
    worker->drains = Clock::now();
    ++counts_.rolled;
    return;
  }
}

void ChaosTest::KillBroker() {
  if (broker_back_.valid()) {
    if (broker_back_.wait_for(milliseconds(0)) != std::future_status::ready) return;
    broker_back_.get();
  }
  const int broker = 1 + static_cast<int>(dice_->Below(static_cast<size_t>(brokers_count_)));
  Note("kill broker " + std::to_string(broker));
  kafka_->Kill(broker);
  ++counts_.brokers;
  const milliseconds away(500 + dice_->Below(2500));
  broker_back_ = std::async(std::launch::async, [this, away] {
    std::this_thread::sleep_for(away);
    EXPECT_TRUE(kafka_->Start());
  });
}

// ---- a run

void ChaosTest::Feed(size_t count) {
  for (const std::string& event : Events(count, kLateness, seed_ + events_.size())) {
    producer_->Send(topic_, static_cast<int>(dice_->Below(static_cast<size_t>(raw_partitions_))), event);
    events_.push_back(event);
  }
}

void ChaosTest::Begin(bool with_broker_kills) {
  brokers_count_ = with_broker_kills ? (dice_->Chance(50) ? 3 : 1) : 0;
  kafka_ = with_broker_kills ? Own(brokers_count_) : TestKafka::Shared();
  ASSERT_TRUE(kafka_ != nullptr && kafka_->ok());
  brokers_ = kafka_->brokers();
  raw_partitions_ = 1 + static_cast<int>(dice_->Below(6));
  match_partitions_ = 1 + static_cast<int>(dice_->Below(6));
  topic_ = kafka_->MakeTopic("chaos", raw_partitions_);
  rule_paths_ = Path("rules-none.yml");
  Write("rules-none.yml", kSignInRules);
  ConfigurePipeline({{topic_}}, match_partitions_);
  producer_ = std::make_unique<TestProducer>(brokers_);
  if (dice_->Chance(60)) {
    Add("all");
    Add("all");
  } else {
    Add("detect");
    Add("correlate");
  }
  if (dice_->Chance(50)) Add(dice_->Chance(50) ? "all" : "correlate");
}

void ChaosTest::Run(int number, uint64_t seed) {
  seed_ = seed;
  dice_ = std::make_unique<Dice>(seed);
  log_.clear();
  counts_ = {};
  events_.clear();
  newest_rules_ = named_ = 0;
  rolling_ = false;
  begun_ = Clock::now();
  Begin(number % 2 == 1);
  if (HasFatalFailure()) return;
  const size_t workers_at_first = workers_.size();
  // Each of them at least once, in any order; then as the dice fall.
  std::vector<Blow> blows = {Blow::kKill, Blow::kKill,   Blow::kStop,  Blow::kGrow,
                             Blow::kRoll, Blow::kShrink, Blow::kRules, Blow::kFolder};
  if (brokers_count_ > 0) blows.push_back(Blow::kBroker);
  for (size_t more = 3 + dice_->Below(6); more > 0; --more) {
    const std::vector<Blow> any = {Blow::kKill,   Blow::kStop,  Blow::kGrow, Blow::kKill,
                                   Blow::kShrink, Blow::kRules, Blow::kStop, Blow::kFolder};
    blows.push_back(brokers_count_ > 0 && dice_->Chance(10) ? Blow::kBroker : dice_->Pick(any));
  }
  for (size_t i = blows.size(); i > 1; --i) std::swap(blows[i - 1], blows[dice_->Below(i)]);
  const size_t rate = 2 + dice_->Below(15);  // events in 20 ms
  auto next = Clock::now() + milliseconds(1500);
  while (!blows.empty()) {
    Feed(rate);
    Tend();
    if (Clock::now() >= next) {
      next = Clock::now() + milliseconds(300 + dice_->Below(1400));
      Hit(blows.back());
      blows.pop_back();
      // What has begun goes on: others get the new rules, the roll takes the next.
      if (Worker* const other = PickRunning(); other != nullptr && other->rules < newest_rules_)
        SetRules(other, newest_rules_);
      if (rolling_ && dice_->Chance(60)) RestartNewer();
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  EndAll();
  Judge();
  const bool well = !HasFailure() && counts_.lost == 0 && counts_.doubled == 0;
  std::cout << seed << " | " << workers_at_first << " | " << raw_partitions_ << "/" << match_partitions_
            << " | " << events_.size() << " | " << counts_.kills << " | " << counts_.stops << " | +"
            << counts_.grown << " -" << counts_.shrunk << " | " << counts_.folders << " | " << counts_.rules
            << " | " << counts_.rolled << " | " << counts_.brokers << " of " << brokers_count_ << " | "
            << counts_.records << " | " << counts_.repeats << " | " << counts_.alerts << " | " << counts_.lost
            << " | " << counts_.doubled << " | "
            << std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun_).count() << " s | "
            << HexOf(HashBytes(OfTheTest(Told()))) << " | " << (well ? "equal" : "NOT EQUAL") << std::endl;
  if (!well || std::getenv("REDTHREAD_CHAOS_LOG") != nullptr) std::cout << log_ << std::endl;
}

// The roll is finished, everything is drained, and read to its end.
void ChaosTest::EndAll() {
  if (broker_back_.valid()) broker_back_.get();
  producer_->Flush();
  Note("the end");
  std::vector<Worker*> left;
  for (const auto& worker : workers_) {
    if (worker->stopped()) worker->process->Signal(SIGCONT);
    worker->wakes = {};
    if (worker->process != nullptr && !worker->draining()) worker->process->Signal(SIGTERM);
    worker->in_play = false;
    worker->drains = Clock::now();
  }
  const auto running = [](const auto& worker) { return worker->process != nullptr; };
  while (std::any_of(workers_.begin(), workers_.end(), running)) {
    Tend();
    std::this_thread::sleep_for(milliseconds(20));
  }
  // Enough of them to have both roles.
  std::vector<std::unique_ptr<Worker>> last = std::move(workers_);
  workers_.clear();
  bool detects = false;
  bool correlates = false;
  for (auto& worker : last) {
    if (workers_.size() >= 3 && detects && correlates) break;
    detects |= worker->role != "correlate";
    correlates |= worker->role != "detect";
    workers_.push_back(std::move(worker));
  }
  for (const auto& worker : workers_) {
    worker->version = 2;
    SetRules(worker.get(), newest_rules_);
    Start(worker.get(), true);
  }
  for (const auto& worker : workers_) {
    const BinaryRun run = worker->process->Wait();
    EXPECT_EQ(run.exit_code, 0) << worker->name << ": " << run.err;
    Note(worker->name + " at the end: " + run.err);
  }
  workers_.clear();
  producer_.reset();
}

// The topic itself, read without the program's own reader.
void ChaosTest::Judge() {
  const std::string scanned = Scanned(events_);
  EXPECT_NE(scanned, "");
  std::map<std::string, std::pair<int64_t, bool>> newest;  // by id: at, and whether it is final
  std::set<std::string> seen;
  const auto take = [&](const TopicRecord& record) {
    nlohmann::json alert = nlohmann::json::parse(*record.value);
    const std::string id = alert["id"];
    const int64_t at = alert["at"];
    alert.erase("at");
    ++counts_.records;
    counts_.repeats += seen.insert(alert.dump()).second ? 0 : 1;
    const bool counts = std::string(alert["rule"]["id"]).compare(0, 8, "ffffffff") != 0;
    auto& known = newest.try_emplace(id, -1, false).first->second;
    if (at >= known.first) known = {at, counts && alert["state"] == "final"};
    return Status::Ok();
  };
  const Result<TopicOffsets> read = ReadTopic({{brokers_}, "", {}}, alerts_, take, std::chrono::seconds(30));
  ASSERT_TRUE(read.ok()) << read.status().message();
  std::set<std::string> wanted;
  for (const std::string& line : SplitLines(scanned)) wanted.insert(nlohmann::json::parse(line)["id"]);
  for (const auto& [id, state] : newest) {
    if (!state.second) continue;
    ++counts_.alerts;
    if (wanted.erase(id) == 0) ++counts_.doubled;
  }
  counts_.lost = wanted.size();
  EXPECT_EQ(counts_.lost, 0U);
  EXPECT_EQ(counts_.doubled, 0U);
  const std::string difference = Difference(scanned, OfTheTest(Told()));
  EXPECT_TRUE(difference.empty()) << difference;
}

TEST_F(ChaosTest, EveryAlertIsToldOnceWhateverHappens) {
  failed_percent_ = 10;
  session_ms_ = static_cast<int>(kSession.count());
  watch_rules_ = true;
  const uint64_t first = Seed();
  std::cout
      << "seed | workers | partitions raw/matches | events | kills | stops | scale | folders | rules | "
         "rolled | brokers killed | records of alerts | repeated | alerts | lost | doubled | time | hash | "
         "verdict"
      << std::endl;
  for (int run = 0; run < WantedRuns(); ++run) {
    Run(run, first + static_cast<uint64_t>(run));
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace redthread
