// CorrelationState: correlations over matches in any order of arrival, with their state on disk, as `run` has
// them. Whatever the order, when the watermark has passed the alerts are those of a scan.
//
// A match is stored (match_rows.h). From there:
//   what answers at once   is judged on arrival, in a GroupCorrelator that is kept in memory; an alert is
//                          early until the watermark has passed its time
//   what waits             (tumbling, averages, percentiles, `not`, silence) is judged in order when the
//                          watermark gets there: a timer says when
//   a match out of order   makes its surroundings be judged again from the rows; what differs from what was
//                          told becomes a new alert, a revision or a withdrawal
// A judge that is not in memory is made again from the rows of its last windows, so memory is a cache and
// nothing else. The rows: group_rows.h; why: docs/decisions/0003-correlation.md.
#pragma once

#include <array>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "correlate/correlation_plan.h"
#include "correlate/group_correlator.h"
#include "correlate/group_rows.h"
#include "correlate/group_table.h"
#include "correlate/match_rows.h"
#include "storage/state_transaction.h"

namespace redthread {

// One per thread; the only writer of its rows. All changes go through the transaction that is handed in.
class CorrelationState {
 public:
  struct Options {
    Nanoseconds late_horizon = std::chrono::hours(24);
    size_t max_memory_bytes = size_t{192} << 20;       // of groups kept between steps
    uint64_t max_journal_bytes = uint64_t{128} << 20;  // what a start has to read again
    // A group of more matches than this is not judged again for each that comes out of order, but once for a
    // share of its size, or when the watermark gets there.
    uint64_t rejudge_at_once = 64;
    MatchLog::Options log;
  };
  struct Counts {
    uint64_t late = 0;            // matches below the watermark; their surroundings were judged again
    uint64_t beyond_horizon = 0;  // matches too late for that, and lost to correlation
    uint64_t rejudged = 0;
    uint64_t withdrawn = 0;  // alerts
    uint64_t evicted = 0;    // groups from memory
    uint64_t reloaded = 0;   // groups into it, from their rows
    uint64_t cut = 0;        // matches or hits with more combinations than are looked at
  };
  CorrelationState(std::shared_ptr<const CorrelationPlan> plan, const Options& options);

  // Other correlations from now on. What is stored hangs on a correlation's identity: one that is in both
  // sets goes on, and the alerts of one that is gone still become final.
  Status SetPlan(StateTransaction* transaction, std::shared_ptr<const CorrelationPlan> plan);

  // How late a match may be from now on. What was forgotten before stays so.
  void SetLateHorizon(Nanoseconds horizon) { options_.late_horizon = horizon; }

  // Where an earlier run stopped: the stage's watermark, and the greatest event time read. Call before Add.
  Status Resume(StateTransaction* transaction, Timestamp watermark, Timestamp latest);

  // Takes matches of events, in any order of time.
  Status Add(StateTransaction* transaction, std::span<const GroupMatch> matches);

  // A match that is kept, of a correlation that is in force.
  struct Kept {
    std::string group, match;  // keys
    uint64_t hash = 0;         // of what is stored of it
  };
  // Finds what is kept of the matches of records, which ascend. Looks through all matches.
  Status FindMatches(StateTransaction* transaction, std::span<const Position> records,
                     std::map<Position, std::vector<Kept>>* found);
  // A record was read once more: of its matches these were kept `before`, and these are what it has `now`.
  // One that is in both, and the same, stays as it is; one that is gone is taken back, unless it is beyond
  // the horizon.
  Status Revise(StateTransaction* transaction, const std::vector<Kept>& before,
                std::span<const GroupMatch> now);

  // Judges what waited for the watermark of the stage, finalises and forgets. `latest`: the greatest event
  // time read, matched or not.
  Status Advance(StateTransaction* transaction, Timestamp watermark, Timestamp latest);
  // The end of all input ends every wait. `watermark` as it will be stored, for a run that goes on.
  Status Finish(StateTransaction* transaction, Timestamp watermark, Timestamp latest);

  // Writes what is cached into the transaction: call before every commit.
  Status Flush(StateTransaction* transaction);
  // Alerts begun since the last Flush: a step that has any is committed at once.
  bool has_new_alert() const { return has_new_alert_; }
  const Counts& counts() const { return counts_; }

 private:
  struct Episode {
    EpisodeRow row;
    Alert alert;
    bool dirty = false;
  };
  struct Group;
  // A group of whose matches some stand in the journal only, and the number of the first of them there.
  struct Unsaved {
    uint64_t from;
    Group* group;
  };
  // What is known of a group between two of its matches. There may be very many: what a match or two need
  // not is not there.
  struct Group {
    CorrelationIndex correlation = 0;
    uint32_t last_reference = 0;
    uint64_t hash = 0;  // of its key
    std::string key;
    GroupRow row;
    Timestamp newest_match = Timestamp::Min();  // the greatest time of its matches
    bool pending = false;                       // Flush has to look at it
    bool changed = false;                       // `row` is not as it is stored
    // Null until needed. Holds the windows up to the newest match, or of what waits up to judged_to.
    std::unique_ptr<GroupCorrelator> judge;
    std::optional<Timestamp> now, last_hit;  // the times of its last match and of its last hit
    std::unique_ptr<Episode> newest;         // null: not there, or not in memory
    int64_t noted_hour = std::numeric_limits<int64_t>::min();  // its bit is stored, where hours are
    size_t bytes = 0;                                          // of the cache's account
    bool used = false;                                         // since Evict looked at it last
    std::list<Group*>::iterator place;
    std::list<Unsaved>::iterator unsaved;  // while it is one; else their end
  };
  // An episode as judging finds it.
  struct Wanted {
    Timestamp time, last_hit;
    std::optional<double> value;
  };
  // Matches whose groups are fetched together.
  static constexpr size_t kBunch = 16;
  // How much of a group is judged again: what two times have to do with, or all from there on, as if the
  // input had ended.
  enum class Extent : uint8_t { kAround, kToTheEnd };
  using T = StateTransaction;

  const Correlation& correlation(const Group& g) const { return plan_->correlation(g.correlation); }
  bool IsSilence(const Group& g) const { return correlation(g).type == CorrelationType::kSilence; }
  const CorrelationPlan::Node& node(const Group& g) const { return plan_->node(g.correlation); }
  Timestamp LevelWatermark(uint32_t level) const { return level_watermarks_[level]; }
  Timestamp WatermarkOf(const Group& g) const {
    return LevelWatermark(correlation(g).height) - node(g).input_delay;
  }

  void TakePlan(std::shared_ptr<const CorrelationPlan> plan);
  static Texts TextsOf(const Group& g);

  // ---- groups in memory
  void Prefetch(std::span<const GroupMatch> matches);
  Result<Group*> Find(T* t, CorrelationIndex correlation, const Texts& texts, const std::string& key,
                      uint64_t hash);
  // Null when the correlation is not in force.
  Result<Group*> FindByKey(T* t, std::string_view key);
  Result<Group*> Load(T* t, CorrelationIndex correlation, std::string key, uint64_t hash);
  void NoteSize(Group* g);
  void NotePending(Group* g);
  void NoteChange(Group* g);
  void PutRow(T* t, Group* g);
  void PutRows(T* t);
  void Evict(T* t);

  // ---- matches and judges
  Status AddMatch(T* t, Group* g, const CorrelationMatch& match, const std::optional<MatchOrigin>& origin);
  Status NoteStart(T* t, const Group& g, Timestamp time);
  Status RejudgeAll(T* t, CorrelationIndex correlation, Timestamp from, Timestamp to, bool late);
  Result<Timestamp> StartOf(T* t, const Group& g);
  Result<std::unique_ptr<GroupCorrelator>> NewJudge(T* t, const Group& g);
  Status EnsureJudge(T* t, Group* g);
  static Status DamagedMatch(const Group& g);
  Result<uint64_t> Feed(T* t, Group* g, GroupCorrelator* judge, Timestamp from, Timestamp to,
                        uint64_t without = 0);
  Status FeedOne(Group* g, const CorrelationMatch& match);
  Timestamp WarmUpFrom(const Group& g, Timestamp time) const;
  Timestamp CertainBefore(const Group& g) const;
  Status Judge(T* t, Group* g, bool late);
  Status NoteStale(T* t, Group* g, Timestamp from, Timestamp to);
  Status Rejudge(T* t, Group* g, Timestamp from, Timestamp to, Extent extent, bool late);
  Status RejudgeStale(T* t, Group* g);

  // ---- where matches are kept: correlation_matches.cc
  void AddToTail(Group* g, std::string_view entry, uint64_t number);
  Status StoreTail(T* t, Group* g);
  Status ForgetMatches(T* t, Group* g, Timestamp before);
  Status EachMatch(T* t, Group* g, Timestamp from, Timestamp to, const MatchVisitor& visit);
  void FlushJournal(T* t);
  void ForgetJournal(T* t);
  Status ReplayJournal(T* t);
  Status KeepForgotten(T* t, std::string_view key, const StoredMatch& match, uint64_t number);

  // ---- timers: correlation_timers.cc
  Status OnTimer(T* t, Group* g, bool late);
  Status ForceGroup(T* t, Group* g);
  void SetTimer(T* t, Group* g, Timestamp deadline);
  Status PlanTimer(T* t, Group* g);
  Status SettleForgotten(T* t, std::string_view key);
  Status Expire(T* t, std::string_view key);
  Result<Timestamp> StaysFrom(T* t, const Group& g, Timestamp cutoff) const;
  void SetExpiry(T* t, Group* g, Timestamp deadline);
  Nanoseconds Retention(const Group& g) const;
  Status AdvanceLevel(T* t, uint32_t level, bool finishing);

  // ---- hits and alerts: correlation_episodes.cc
  // `late`, here and elsewhere: what is told comes of a match that was below the watermark when it came.
  Status TakeHits(T* t, Group* g, const CorrelationMatch* alone, Timestamp since, bool late);
  Status ApplyHit(T* t, Group* g, const CorrelationHit& hit, const CorrelationMatch* alone, Timestamp since,
                  bool late);
  Status Reconcile(T* t, Group* g, Timestamp begin, Timestamp end, const std::vector<CorrelationHit>& hits,
                   bool late);
  Result<std::vector<EpisodeRow>> EpisodesIn(T* t, const Group& g, Timestamp begin, Timestamp end);
  std::vector<Wanted> WantedOf(const Group& g, Timestamp begin, Timestamp end,
                               const std::vector<CorrelationHit>& hits, const std::vector<EpisodeRow>& old);
  Timestamp RowsFrom(const Group& g, Timestamp time) const;
  Timestamp RowsTo(const Group& g, Timestamp last_hit) const;
  template <typename Change>
  Status ChangeAround(T* t, Group* g, Timestamp time, const Change& change);
  Status CountInside(T* t, Group* g, const CorrelationMatch& match, bool late);
  Status Remove(T* t, std::string_view group_key, std::string_view match_row);
  Status Cover(T* t, Group* g, Timestamp from, Timestamp to, Episode* episode);
  void Count(T* t, const Group& g, const CorrelationMatch& match, Episode* episode);
  const std::string& PathOf(T* t, SourceId source);
  Result<Episode*> Newest(T* t, Group* g);
  Result<Episode> LoadEpisode(T* t, const EpisodeRow& row);
  Status Begin(T* t, Group* g, const Wanted& wanted, bool late);
  Status Extend(T* t, Group* g, Timestamp last_hit, bool late, const CorrelationMatch* only,
                Episode* episode);
  Status Recount(T* t, Group* g, Timestamp last_hit, Episode* episode);
  Status Withdraw(T* t, Group* g, const EpisodeRow& row, const std::string& replaced_by);
  void NoteUnsettled(Group* g, Timestamp time);
  Status Settle(T* t, Group* g, bool finishing);
  Status SettleOne(T* t, Group* g, bool finishing, Episode* episode);
  Status Grown(T* t, const Group& g, uint64_t before, bool late, Episode* episode);
  Status Tell(T* t, const Group& g, Episode* episode);
  Status Save(T* t, const Group& g, Episode* episode);
  Status PutAway(T* t, Group* g);
  Status FindNewest(T* t, Group* g);

  // ---- what stands on hits: correlation_chain.cc
  Status FeedUpwards(T* t, Group* g, const CorrelationHit& hit);
  Status RemoveUpwards(T* t, std::string_view hit_row);

  // ---- silences that end: correlation_silence.cc
  Timestamp LastHeard(const Group& g, const EpisodeRow& row) const;
  Result<bool> FindEnd(T* t, Group* g, std::optional<Timestamp> removed, Episode* episode);
  Status EndNewest(T* t, Group* g, Timestamp from);
  Status EndAround(T* t, Group* g, Timestamp from, Timestamp to, std::optional<Timestamp> removed);
  // And those that have to be expected.
  Result<bool> NoteHour(T* t, Group* g, Timestamp time);
  Result<bool> ForgetHour(T* t, Group* g, Timestamp time);
  Result<bool> WasRegular(T* t, const Group& g, Timestamp last) const;
  Status DropUnexpected(T* t, const Group& g);
  Result<bool> ExpireHours(T* t, std::string_view group_key, Timestamp cutoff);

  std::shared_ptr<const CorrelationPlan> plan_;
  Options options_;
  std::unordered_map<std::string, CorrelationIndex> by_identity_;
  std::vector<std::string> identities_;     // by CorrelationIndex
  std::vector<std::vector<bool>> counted_;  // by CorrelationIndex and reference; empty: all
  std::vector<std::unique_ptr<GroupCorrelator::Shared>> shared_;  // by CorrelationIndex
  std::vector<CorrelationHit> hits_;  // what the judge at work has told; nothing when none is
  Timestamp watermark_ = Timestamp::Min(), latest_ = Timestamp::Min();
  // By level: how far it has been judged. A lower level goes ahead of a higher one.
  std::vector<Timestamp> level_watermarks_;
  // No timer stands before these.
  Timestamp swept_ = Timestamp::Min(), expired_to_ = Timestamp::Min();
  uint32_t levels_ = 0;  // of timers
  Counts counts_;
  bool has_new_alert_ = false;

  GroupTable<Group> groups_;
  std::list<Group*> places_;  // the next to be looked at for eviction first
  MatchJournal journal_;
  std::list<Unsaved> unsaved_;  // the oldest first
  // Of the matches that are being added: the keys of their groups, with their hashes.
  std::array<std::pair<std::string, uint64_t>, kBunch> keys_;
  RowWriter scratch_;
  std::vector<Group*> pending_;
  std::unordered_map<SourceId, std::string> paths_;  // of sources, as of this step
  size_t bytes_ = 0;
  std::vector<std::optional<Timestamp>> starts_;  // by CorrelationIndex, of first_seen, where known
};

}  // namespace redthread
