// SimPipeline: both stages over a simulated cluster, with everything happening to them that may happen, as a
// seed decides: crashes at any call, pauses beyond the session, workers that come and go, lost folders, rules
// that change. In the end everything is read, and what was told is compared with a scan.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/correlate_stage.h"
#include "runtime/detect_stage.h"
#include "tests/simulation/sim_cluster.h"

namespace redthread {

// Ways to be wrong, which the comparison has to find.
enum class Mutant : uint8_t {
  kNone,
  kRewritten,     // none either, through what makes the others
  kNoSequences,   // whoever reads frames takes each of them for new
  kArrivalOrder,  // a match has the time of its arrival
  kNoProgress,    // frames without matches are not there
};

class SimPipeline {
 public:
  struct Result {
    std::string told;     // canonical, sorted
    std::string scanned;  // the same of a scan
    std::string log;      // what happened, for people
    bool ended = false;   // everything was read to its end
    uint64_t crashes = 0, restores = 0, repeated = 0, late = 0, withdrawn = 0;
  };
  // `engines`: by epoch, the first with 1; rules with ids that begin with `ignored` are not compared, since
  // they are not in all. `folder`: empty, for databases and files; is emptied.
  SimPipeline(uint64_t seed, std::vector<std::shared_ptr<const Engine>> engines, std::string ignored,
              std::string folder, Mutant mutant = Mutant::kNone);
  ~SimPipeline();
  Result Run();

 private:
  class Rules;
  // One process of a worker, and the place where it is started again.
  struct Worker {
    bool detects = false;
    std::string folder;
    SimProcess process;
    std::unique_ptr<SimReader> reader;
    std::unique_ptr<SimWriter> writer;
    std::unique_ptr<Rules> rules;
    std::unique_ptr<DetectStage> detect;
    std::unique_ptr<CorrelateStage> correlate;
    Nanoseconds paused_to{0};
    bool running() const { return reader != nullptr; }
  };

  void MakeEvents();
  void Produce(size_t count);
  void Start(Worker* worker, bool until_idle);
  void Crash(Worker* worker);
  void Turn(Worker* worker);
  void Stop(Worker* worker);
  void Happen();
  bool Finish();
  std::string Told();
  std::string Scanned();
  void Note(const std::string& text);
  SimReader::Filter FilterOf(Mutant mutant);

  const uint64_t seed_;
  Dice dice_;
  ReplayClock clock_;
  SimCluster cluster_;
  std::vector<std::shared_ptr<const Engine>> engines_;
  uint64_t epoch_ = 1;  // the newest
  const std::string ignored_;
  const std::string folder_;
  const Mutant mutant_;
  int raw_partitions_, match_partitions_;
  uint64_t rejudge_at_once_;
  std::vector<std::string> events_;  // in the order of their arrival
  size_t produced_ = 0;
  std::vector<Worker> workers_;
  Result result_;
};

}  // namespace redthread
