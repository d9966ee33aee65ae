// RuleEpochs: which rules are in force. Each set that ever was has a number, its epoch, and all workers agree
// on them; the real ones stand in the topic `control` (control_topic.h).
#pragma once

#include <cstdint>
#include <memory>

#include "core/status.h"
#include "runtime/engine.h"

namespace redthread {

// One per thread.
class RuleEpochs {
 public:
  struct Rules {
    uint64_t epoch = 0;  // 0: there are none yet
    std::shared_ptr<const Engine> engine;
    // Newer ones are in force, which this version of redthread cannot run: it is to take no part.
    bool outdated = false;
  };
  virtual ~RuleEpochs() = default;

  // The newest that is known here. Asked between batches, so it does not wait.
  virtual Rules Newest() = 0;
  // Those of an epoch that somebody has used, and so is known to whoever looks. kUnavailable: not to be had
  // now. Of an epoch so old that its rules are forgotten: the oldest that are not.
  virtual Result<std::shared_ptr<const Engine>> Find(uint64_t epoch) = 0;
};

}  // namespace redthread
