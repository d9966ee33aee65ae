// Workers die by SIGKILL at every step of every commit, one after another and side by side; those that come
// after them tell what a scan tells.
#include <signal.h>

#include <cstring>
#include <filesystem>
#include <iostream>

#include "tests/kafka/pipeline_fixture.h"

namespace redthread {
namespace {

// A crash point (storage/crash_point.h).
struct Point {
  const char* name;
  size_t most;  // so many times it surely comes in a worker's life here
};

constexpr Point kPoints[] = {
    {"detect_announced", 1},    {"detect_rules_untold", 1},    {"detect_rules_told", 1},
    {"detect_frames_sent", 20}, {"detect_progress_sent", 5},   {"detect_acknowledged", 5},
    {"detect_told", 5},         {"detect_gives_back", 1},      {"detect_given_back", 1},
    {"correlate_restores", 1},  {"before_commit", 10},         {"after_commit", 10},
    {"correlate_sent", 5},      {"correlate_acknowledged", 5}, {"correlate_marked", 5},
    {"correlate_told", 5},      {"correlate_gives_back", 1},   {"correlate_given_back", 1},
};

bool IsOfDetection(const Point& point) { return std::strncmp(point.name, "detect", 6) == 0; }
bool IsOfRules(const Point& point) { return std::strstr(point.name, "_rules_") != nullptr; }
bool IsOfTheEnd(const Point& point) { return std::strstr(point.name, "_back") != nullptr; }

constexpr int kPartitions = 3;
constexpr Nanoseconds kLateness = std::chrono::minutes(5);
// A worker that is still alive then has not come to its point.
constexpr auto kPatience = std::chrono::seconds(60);

class PipelineCrashTest : public PipelineTest {
 protected:
  PipelineCrashTest() : seed_(Seed()), dice_(seed_) {}

  void SetUp() override {
    PipelineTest::SetUp();
    if (kafka_ == nullptr) return;
    std::cout << "REDTHREAD_SEED=" << seed_ << "\n";
    failed_percent_ = 10;
    session_ms_ = 1200;
    watch_rules_ = true;
    rule_paths_ = Path("crash.yml");
    Write("crash.yml", kSignInRules);
    topic_ = kafka_->MakeTopic("crash", kPartitions);
    ConfigurePipeline({{topic_}}, kPartitions);
    Feed(500);
    RunToTheEnd(1);
  }

  void Feed(size_t count) {
    const Strings more = Events(count, kLateness, seed_ + events_.size());
    KafkaRunTest::Produce(topic_, kPartitions, more, seed_ + events_.size());
    events_.insert(events_.end(), more.begin(), more.end());
  }
  void ChangeRules() { Write("crash.yml", kSignInRules + OtherRules(++other_rules_)); }

  // A worker that will die there. Its folder is that of worker `slot`.
  struct Life {
    const Point* point;
    int slot;
    std::string at;
    std::unique_ptr<Process> process;
  };
  void Start(Life* life) {
    const std::string name = std::to_string(life->slot);
    const std::vector<size_t> times = {1, 2, 1 + dice_.Below(life->point->most)};
    life->at = life->point->name + (":" + std::to_string(std::min(life->point->most, dice_.Pick(times))));
    if (std::string(life->point->name) == "correlate_restores")
      std::filesystem::remove_all(Path("worker-" + name));
    if (IsOfRules(*life->point)) ChangeRules();
    // By its name a member comes back at once; without one the group waits for the dead one.
    const std::string config = "crash-" + name + ".yml";
    ConfigureWorker(config, rule_paths_, "", dice_.Chance(50) ? "crash-" + name : "");
    // What comes at the end comes also when partitions are given to others.
    const bool ends = IsOfTheEnd(*life->point) || (!IsOfRules(*life->point) && dice_.Chance(30));
    life->process = StartWorker(name, ends ? Strings{"--until-idle"} : Strings{},
                                {"REDTHREAD_CRASH_AT=" + life->at}, config);
  }
  // Events come in until all have died.
  void LiveAndDie(std::vector<Life>* lives) {
    Feed(200);
    for (Life& life : *lives) Start(&life);
    const auto begun = std::chrono::steady_clock::now();
    auto rules_at = begun + std::chrono::seconds(3);
    const size_t enough = events_.size() + 400;
    const auto alive = [](const Life& life) { return !life.process->HasEnded(); };
    while (std::any_of(lives->begin(), lives->end(), alive)) {
      const auto now = std::chrono::steady_clock::now();
      if (now - begun > kPatience) break;
      const bool ends = std::all_of(lives->begin(), lives->end(),
                                    [&](const Life& l) { return !alive(l) || IsOfTheEnd(*l.point); });
      if (!ends || events_.size() < enough) Feed(10);
      if (now > rules_at) {
        rules_at = now + std::chrono::seconds(3);
        if (std::any_of(lives->begin(), lives->end(),
                        [&](const Life& l) { return alive(l) && IsOfRules(*l.point); }))
          ChangeRules();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    for (Life& life : *lives) {
      if (alive(life)) {
        ADD_FAILURE() << life.at << " did not come";
        life.process->Signal(SIGTERM);
      }
      const BinaryRun run = life.process->Wait();
      EXPECT_EQ(run.signal, SIGKILL) << life.at << " ended with " << run.exit_code << "\n" << run.err;
    }
  }
  void ExpectTheAnswer() {
    RunToTheEnd(1);
    const std::string scanned = Scanned(events_);
    EXPECT_NE(scanned, "");
    const std::string difference = Difference(scanned, OfTheTest(Told()));
    EXPECT_TRUE(difference.empty()) << difference;
  }
  // One after another, each worker's folder being what the one before left; or side by side.
  void Die(const std::vector<const Point*>& points, bool side_by_side) {
    std::string what;
    std::vector<Life> lives;
    for (const Point* point : points) {
      lives.push_back({point, side_by_side ? static_cast<int>(lives.size()) : 0, "", nullptr});
      if (!side_by_side) {
        LiveAndDie(&lives);
        what += lives[0].at + " ";
        lives.clear();
      }
    }
    if (!lives.empty()) LiveAndDie(&lives);
    for (const Life& life : lives) what += life.at + " ";
    SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed_) + ", " + what +
                 (side_by_side ? "side by side" : ""));
    ExpectTheAnswer();
    ++cases_;
    if (HasFailure()) std::cout << "not equal, or not dead: " << what << "\n";
  }

  template <typename Wanted>
  void DieAtEach(const Wanted& wanted) {
    for (const Point& point : kPoints) {
      if (!wanted(point) || (kSanitized && !dice_.Chance(30))) continue;
      Die({&point}, false);
      if (HasFailure()) return;
    }
    std::cout << cases_ << " points, " << events_.size() << " events\n";
  }

  const uint64_t seed_;
  Dice dice_;
  std::string topic_;
  Strings events_;
  int other_rules_ = 0;
  int cases_ = 0;
};

// Under sanitizers, some of them.
TEST_F(PipelineCrashTest, AtEveryPointOfDetection) {
  DieAtEach([](const Point& point) { return IsOfDetection(point); });
}

TEST_F(PipelineCrashTest, AtEveryPointOfCorrelation) {
  DieAtEach([](const Point& point) { return !IsOfDetection(point); });
}

// All pairs: REDTHREAD_CRASH_PAIRS=1/1; every third of them, from the second on: 2/3; else a few.
TEST_F(PipelineCrashTest, AtPairsOfPoints) {
  struct Pair {
    const Point *first, *second;
    bool side_by_side;
  };
  std::vector<Pair> pairs;
  for (const Point& first : kPoints) {
    for (const Point& second : kPoints) {
      pairs.push_back({&first, &second, false});
      if (&first <= &second) pairs.push_back({&first, &second, true});
    }
  }
  std::vector<Pair> wanted;
  if (const char* part = std::getenv("REDTHREAD_CRASH_PAIRS"); part != nullptr) {
    size_t first = 0, step = 0;
    ASSERT_EQ(std::sscanf(part, "%zu/%zu", &first, &step), 2) << "REDTHREAD_CRASH_PAIRS is not K/N";
    ASSERT_TRUE(first >= 1 && first <= step) << "REDTHREAD_CRASH_PAIRS is not K/N";
    for (size_t n = first - 1; n < pairs.size(); n += step) wanted.push_back(pairs[n]);
  } else {
    for (int n = 0; n < (kSanitized ? 2 : 7); ++n) wanted.push_back(dice_.Pick(pairs));
  }
  for (const Pair& pair : wanted) {
    Die({pair.first, pair.second}, pair.side_by_side);
    if (HasFailure()) return;
  }
  std::cout << cases_ << " pairs, " << events_.size() << " events\n";
}

}  // namespace
}  // namespace redthread
