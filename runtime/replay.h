// Replay: dead letters through the present decoder and rules, into the state that `run` keeps.
//
// A record that could not be read is kept as it came. When the configuration, the rules or this program have
// been mended, it is read once more, under the position, the arrival and the source that it had at first: its
// event, and the alerts that it belongs to, are those that it would have had then. What its text alone had
// matched while it could not be read makes way for what the event matches. A match below the watermark is
// late, as in `run`.
//
// All that follows from a letter, and that the letter is gone, is in one commit: so each counts once,
// wherever a replay is broken off, and however often it is done. One that still cannot be read stays, with
// the reason of today.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "runtime/committer.h"
#include "runtime/engine.h"
#include "runtime/stored_input.h"
#include "storage/source_registry.h"
#include "storage/state_reader.h"

namespace redthread {

struct ReplayOptions {
  std::string data_dir;  // it is there
  std::string source;    // only letters of sources whose path holds this; empty: all
  bool dry_run = false;  // only look what would become of them; also while `run` is at work
  size_t group_memory_bytes = CorrelationState::Options{}.max_memory_bytes;
  uint64_t commit_records = 1000;
  // What the configuration says of a source. Asked once for each that has letters.
  std::function<StoredInput(const SourceState&)> input_of;
};

struct ReplayReport {
  struct Source {
    std::string path;
    uint64_t read = 0;        // letters that are none any more
    uint64_t unread = 0;      // that still are
    uint64_t detections = 0;  // rules that match the records, read or not
    std::string reason;       // of the first that is unread
  };
  std::vector<Source> sources;  // that have letters, by number
  uint64_t told = 0;            // alerts, and changes of alerts
  uint64_t beyond_horizon = 0;  // matches that came too late for correlations
  uint64_t without_text = 0;    // letters, of the unread, whose record is not kept any more
  Damage damage;                // rows that could not be read
};

// Errors: those of Database::Open: kUnavailable names the process that holds the folder. What was committed
// before a failure stays. `clock` outlives the call.
Result<ReplayReport> ReplayDeadLetters(std::shared_ptr<const Engine> engine, const ReplayOptions& options,
                                       Clock* clock);

}  // namespace redthread
