// FoldState: folds matches in any order of arrival, with its state on disk, as `run` has them.
//
// Every match is kept as a row, so a late one can re-judge its surroundings: it may extend an alert, begin
// one, or join two. Alerts are told early, at once; they become final when the watermark has passed their
// beginning, since then no match can come that would take the beginning away. Nothing is told twice: each
// change is a revision (core/alert.h).
//
// Rows, all under `key` (FoldKey, and whether the matches have a time):
//   match  'f' key time source epoch index -> rule id, raw hash
//   group  'f' key start                   -> an episode that may still change: last match, count told
//   timer  'f' deadline key start          -> look at that episode when the watermark gets there
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "correlate/fold.h"
#include "rules/rule_set.h"
#include "storage/state_transaction.h"

namespace redthread {

// One per thread; the only writer of its rows. All changes go through the transaction that is handed in.
class FoldState {
 public:
  struct Options {
    Nanoseconds window = kDefaultFoldWindow;
    // An episode that is open this long tells its size even if it has not ended.
    Nanoseconds long_fold = std::chrono::hours(24);
    // Episodes kept in memory between steps.
    size_t max_cached = 10'000;
  };
  // `rules` outlives the state, or their use: SetRules.
  FoldState(const RuleSet* rules, const Options& options) : rules_(rules), options_(options) {}

  // The rules that matches are of from now on, and the window that they are judged by. What is folded hangs
  // on a rule's identity, not on its index: a rule that is in both sets goes on with its open folds, and the
  // folds of one that is gone still become final and close, since that takes nothing but what is stored.
  void SetRules(const RuleSet* rules, Nanoseconds window) {
    rules_ = rules;
    options_.window = window;
  }

  // Takes a match, in any order of time. Below the watermark of the stage it is late.
  Status Add(StateTransaction* transaction, const FoldMatch& match, Timestamp watermark);

  // Finalises the alerts whose beginning the watermark has passed and closes the folds that can grow no more.
  // Timestamp::Max() is the end of all input.
  Status Advance(StateTransaction* transaction, Timestamp watermark);

  // A match that is kept, of a rule that is in force.
  struct Kept {
    std::string row;  // its key
    RuleIndex rule = 0;
    AlertGroup group;
  };
  // Finds what is kept of the matches of records, which ascend. Looks through all matches, and all alerts, of
  // which damaged ones are skipped and noted.
  Status FindMatches(const StateReader& reader, std::span<const Position> records,
                     std::map<Position, std::vector<Kept>>* found, Damage* damage) const;
  // A record was read once more: of its matches these were kept `before`, and these are what it has `now`.
  // One that is in both stays as it is; one that was kept and is gone leaves its alert, which then is what it
  // would have been without it.
  Status Revise(StateTransaction* transaction, const std::vector<Kept>& before,
                std::span<const FoldMatch> now, Timestamp watermark);

  // Writes what is cached into the transaction: call before every commit.
  Status Flush(StateTransaction* transaction);

  // Alerts begun since the last Flush: a step that has any is committed at once.
  bool has_new_alert() const { return has_new_alert_; }

 private:
  struct Episode {
    Alert alert;
    uint64_t told = 0;    // alert.count when it was last told
    bool dirty = false;   // changed since it was last stored
    bool closed = false;  // no timer waits for it: it ended, with the input if not before
  };
  struct Row {  // a stored match
    FoldMatch match;
    std::string key;
  };

  Result<Episode*> Newest(StateTransaction* t, const std::string& key, const FoldMatch& match);
  Result<Episode> Load(StateTransaction* t, const std::string& key, const FoldMatch& match, Timestamp start);
  Status Begin(StateTransaction* t, const std::string& key, Alert alert, Timestamp watermark);
  Status Extend(StateTransaction* t, const std::string& key, const FoldMatch& match, Timestamp watermark,
                Episode* episode);
  Status Remove(StateTransaction* t, const Kept& kept, Timestamp watermark);
  Status Rejudge(StateTransaction* t, const std::string& key, const FoldMatch& match,
                 const std::string& row_key, Timestamp watermark);
  Status RebuildExisting(StateTransaction* t, const std::string& key, const FoldMatch& match,
                         Timestamp start);
  Status Withdraw(StateTransaction* t, const std::string& key, const FoldMatch& match, Timestamp start,
                  const std::string& replaced_by);
  Result<Alert> Rebuild(StateTransaction* t, const std::string& key, const FoldMatch& match, Timestamp start);
  Result<Timestamp> EpisodeStart(StateTransaction* t, const std::string& key, Timestamp within);
  Status OnTimer(StateTransaction* t, const std::string& key, Timestamp start, Timestamp watermark);
  Status Tell(StateTransaction* t, const std::string& key, Episode* episode);
  Status Store(StateTransaction* t, const std::string& key, Episode* episode);
  Status Forget(StateTransaction* t, const std::string& key);
  void SetTimer(StateTransaction* t, const std::string& key, const Episode& episode, Timestamp watermark);

  const RuleSet* rules_;
  Options options_;
  std::unordered_map<std::string, Episode> newest_;  // the newest episode of a key, where cached
  Timestamp advanced_to_ = Timestamp::Min();
  bool has_new_alert_ = false;
};

}  // namespace redthread
