// CorrelatePartition: one partition of the topic `matches`, folded into alerts: a pure fold over its records.
//
// Its database is a cache: it holds what the records up to next_offset() lead to, and can be made again from
// the topic. So a commit need not be synced, a folder may be deleted, and one that this version cannot read
// is. The clock is the topic's too: what waits for time to pass goes on with the times at which brokers wrote
// the records. Why: docs/decisions/0005-pipeline.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "correlate/correlation_state.h"
#include "correlate/fold_state.h"
#include "correlate/watermark.h"
#include "runtime/match_frame.h"
#include "runtime/pipeline_fault.h"
#include "runtime/rule_epochs.h"
#include "storage/database.h"
#include "storage/source_registry.h"
#include "storage/state_transaction.h"

namespace redthread {

// One per thread, and one per folder.
class CorrelatePartition {
 public:
  struct Options {
    std::string path;      // a folder for its database; made if it is not there
    std::string identity;  // KafkaIdentity::Encode of the partition of `matches`
    size_t group_memory_bytes = CorrelationState::Options{}.max_memory_bytes;
    uint64_t rejudge_at_once = CorrelationState::Options{}.rejudge_at_once;
    size_t database_memory_bytes = Database::Options{}.max_memory_bytes;
    std::function<void(const std::string&)> on_problem;  // may be empty
    std::function<void(PipelineFault)> on_fault;         // as well, of each; may be empty
  };
  struct Counts {
    uint64_t frames = 0;
    uint64_t repeated = 0;    // of these, that brought nothing new
    uint64_t outdated = 0;    // of these, of rules that were not in force any more
    uint64_t unreadable = 0;  // records that are no frames
    uint64_t matches = 0;     // that counted
    uint64_t of_gone_rules = 0;
    uint64_t commits = 0;
  };

  // Opens the folder, or empties and makes it anew when it holds what this version, or this partition, cannot
  // go on with. Errors: those of Database::Open, and of RuleEpochs::Find.
  static Result<std::unique_ptr<CorrelatePartition>> Open(Options options, RuleEpochs* rules);

  // The offset of the next record; 0 when nothing is known yet.
  uint64_t next_offset() const { return next_offset_; }
  // The next record, or a later one. `written`: when a broker wrote it. kCorrupt when frames are missing
  // between those before and this one: then nothing of it is taken. kUnavailable: its rules are not to be had
  // now; give it again.
  Status Apply(uint64_t offset, std::optional<Timestamp> written, std::string_view record);
  // Alerts begun since the last commit: worth one at once.
  bool has_new_alert() const;
  uint64_t uncommitted() const { return uncommitted_; }  // records applied since
  Status Commit();

  // What alerts have become, in the order in which they did, as of the last commit, from behind the `after`th
  // change on. `sequence`: its number. False ends it.
  using VisitAlert = std::function<bool(uint64_t sequence, const Alert& alert)>;
  Status ForEachUntold(uint64_t after, const VisitAlert& visit) const;
  // The last change that was told, as stored.
  Result<uint64_t> Told() const;
  // Is stored with the next commit.
  Status MarkTold(uint64_t sequence);

  // All sources have ended, and what followed from that was done.
  bool finished() const { return finished_; }
  // The event time up to which everything has been judged; Timestamp::Min() while unknown.
  Timestamp watermark() const { return stage_watermark_; }
  // The raw partitions that hold it, and what is known of each.
  struct SourceProgress {
    std::string path;
    uint64_t next = 0;
    std::optional<Timestamp> watermark;
    bool awaited = false;
  };
  std::vector<SourceProgress> sources() const;
  const Counts& counts() const { return counts_; }
  CorrelationState::Counts correlation_counts() const;

 private:
  // A raw partition.
  struct Source {
    SourceState state;       // next_index and cursor are the FramePoint that frames have come up to
    bool known = false;      // frames of it have come
    bool announced = false;  // and so is waited for
    bool at_end = false;
    bool ended = false;
    uint64_t rules = 0;
    Timestamp claimed = Timestamp::Min();  // when it was last said to be at its end, by the topic's clock
    bool changed = false;
  };

  CorrelatePartition(Options options, RuleEpochs* rules) : options_(std::move(options)), rules_(rules) {}
  Status OpenDatabase();
  Status Load();
  Status LoadRow(std::string_view payload);
  void StoreRow();
  Status TakeRules(uint64_t epoch);
  Result<Source*> SourceOf(const std::string& identity);
  void Hold(Source* source);
  Status ApplyAnnounce(std::string_view record);
  Status ApplyFrame();
  Status AddMatches(Source* source, FramePoint from);
  void ExpireClaims();
  Status Advance();
  Status FinishIfEnded();
  void Tell(PipelineFault fault, const std::string& text) const;

  const Options options_;
  RuleEpochs* const rules_;
  Counts counts_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StateTransaction> transaction_;
  uint64_t epoch_ = 0;  // of the rules at work
  std::shared_ptr<const Engine> engine_;
  std::unordered_map<std::string, RuleIndex> rule_of_;                // by identity
  std::unordered_map<std::string, CorrelationIndex> correlation_of_;  // the same
  std::unique_ptr<FoldState> folds_;                                  // null until there are rules
  std::unique_ptr<CorrelationState> correlations_;
  Watermark watermark_{Nanoseconds(0)};
  Watermark::Idle idle_;  // as it was stored
  Timestamp stage_watermark_ = Timestamp::Min();
  Timestamp latest_ = Timestamp::Min();
  std::map<std::string, Source> sources_;  // by identity
  bool announced_ = false;
  bool finished_ = false;
  uint64_t next_offset_ = 0;
  uint64_t uncommitted_ = 0;
  Timestamp clock_ = Timestamp::Min();    // the greatest time that a record was written at
  Timestamp expired_ = Timestamp::Min();  // when claims were looked through
  MatchFrame frame_;                      // at hand
  std::vector<GroupMatch> matches_;       // of it
};

}  // namespace redthread
