// RuleReload: takes up rules that change while they are run.
//
// It looks at the names, sizes and times of the rule files now and then; that works on every file system and
// needs no help of the system. A set that is still being written is waited for: it is loaded once two looks
// have seen the same. Looking and loading happen in a thread of their own, beside the old set at work; what
// comes of it is handed to the thread that asks.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/hash.h"
#include "core/status.h"
#include "runtime/engine.h"

namespace redthread {

// One per thread: construct, Request and Poll.
class RuleReload {
 public:
  // What came of loading.
  struct Loaded {
    std::shared_ptr<const RuleSet> rules;  // null when they could not be read at all
    std::shared_ptr<const Engine> engine;  // null: the set is refused
    Status status;                         // of a refused set, where rules->problems does not say why
  };
  struct Options {
    std::vector<std::string> paths;  // rule files and folders, and other files that loading reads
    bool watch = false;              // else only Request loads
    Nanoseconds interval = std::chrono::seconds(2);  // between two looks
    std::function<Loaded()> load;                    // called in another thread, one call at a time
  };

  // To be constructed before the set at work is loaded, so that no change falls between. `clock` outlives the
  // object.
  RuleReload(Options options, Clock* clock);

  // Loads at the next Poll, changed or not.
  void Request() { requested_ = true; }

  // Whether the other thread is at work; only Poll ends that.
  bool looking() const { return look_.valid(); }

  // To be called often: never waits. What was loaded, once, when it is ready.
  std::optional<Loaded> Poll();

 private:
  struct Look {
    Hash128 fingerprint{};
    std::optional<Loaded> loaded;
  };
  Look LookAndLoad(bool requested) const;
  std::optional<Loaded> Take();

  const Options options_;
  Clock* const clock_;
  bool requested_ = false;
  Nanoseconds looked_{0};   // when, by Clock::Elapsed
  Hash128 seen_;            // at the last look
  Hash128 taken_;           // of the set that was loaded last, good or bad
  std::future<Look> look_;  // under way; waited for by the destructor
};

// A hash of names, sizes and times of the *.yml and *.yaml files below `paths`, and of files named by
// themselves.
Hash128 FingerprintFiles(const std::vector<std::string>& paths);

}  // namespace redthread
