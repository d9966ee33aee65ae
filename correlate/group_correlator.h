// GroupCorrelator: judges one group of one correlation, its matches in order of time.
//
// Each type is judged as docs/decisions/0003-correlation.md says: sliding and first_seen at every time of a
// match, tumbling when a bucket is over, `not` a timespan after the match, silence a timespan after the last.
// Hits become alerts by episodes: a hit begins one when none stood in the timespan before it, and later hits
// fold in. Work per match does not grow with the window, memory neither (but for the distinct values of one).
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/alert.h"
#include "core/status.h"
#include "correlate/correlation_match.h"
#include "correlate/evidence_list.h"
#include "correlate/match_log.h"
#include "correlate/window_value.h"
#include "rules/rule_set.h"

namespace redthread {

// A window end at which a correlation holds.
struct CorrelationHit {
  Timestamp end;
  std::optional<double> value;  // of silence none
  // Of the matches that triggered it: their carried texts, and the events they stand on.
  std::vector<Texts> carried;
  std::vector<MatchEvidence> evidence;
};

// What an alert says of its episode; group, rule and text are its reader's to add.
struct CorrelationAlert {
  Timestamp time;               // end of the first hit
  Timestamp last_hit;           // end of the last one
  std::optional<double> value;  // of the first hit
  Timestamp first, last;        // of the matches under it
  uint64_t count = 0;           // of those
  uint64_t hits = 0;
  std::vector<MatchEvidence> evidence;
};

// One per thread.
class GroupCorrelator {
 public:
  struct Options {
    MatchLog::Options log;
    bool wants_hits = true;     // else only alerts are told
    bool wants_alerts = true;   // else only hits
    bool wants_trigger = true;  // a hit says what triggered it
  };
  using OnHit = std::function<Status(const CorrelationHit&)>;
  using OnAlert = std::function<Status(const CorrelationAlert&)>;
  // `correlation` and `rules`, whose it is, outlive the object.
  GroupCorrelator(const RuleSet* rules, const Correlation* correlation, Options options, OnHit on_hit,
                  OnAlert on_alert);

  // Forgets everything: another group comes. `start`: the time of the earliest match of any group, which is
  // when first_seen begins to learn. `latest`: the greatest event time of all that was read, up to which
  // silence counts as heard; a lower correlation's hit may lie behind it.
  void Reset(Timestamp start, Timestamp latest);

  // Takes a match, in order of (time, reference). `bytes` is its stored form. Hits and alerts that are now
  // certain are told. Fails when the window cannot be kept, or a receiver does.
  Status Add(const CorrelationMatch& match, std::string_view bytes);

  // The end of the matches: ends every wait.
  Status Finish();

  // What is known before the end, where matches come live:
  // The instant of the last match as if it were complete. Of sliding ones and first_seen; a hit that more
  // matches of the instant undo is not told again when they are there.
  Status JudgeNow();
  // No match before `watermark` comes any more: judges what that makes certain.
  Status AdvanceTo(Timestamp watermark);
  // The least watermark at which AdvanceTo has something to judge, if no match comes; nothing: none.
  std::optional<Timestamp> NextJudgement() const;
  // The earliest match of any group turned out to be earlier.
  void SetStart(Timestamp start) { start_ = start; }
  // As in Reset, later.
  void SetLatest(Timestamp latest) { latest_ = latest; }
  // About what the group takes of memory.
  size_t memory_bytes() const;

  // Matches whose fields had more combinations than are looked at.
  uint64_t cut() const { return cut_ + (value_ != nullptr ? value_->cut() : 0); }

 private:
  // What the matches that decide a hit bring along.
  struct Trigger {
    std::vector<std::set<std::string>> carried;
    EvidenceList evidence;
  };

  Status BeginInstant(Timestamp now);
  Status CloseInstant();
  Status JudgeSliding();
  Status JudgeExpression(Timestamp t, const std::vector<std::optional<Timestamp>>& seen,
                         const std::vector<std::optional<Timestamp>>& around, const Trigger& trigger,
                         uint64_t log_end);
  Status CloseBucket();
  Status JudgeWaiting(Timestamp before, bool all);
  Status JudgeSilence();
  void NoteValues(const CorrelationMatch& match);
  Status ForgetBefore(Timestamp since);
  void AddTrigger(const CorrelationMatch& match, Trigger* trigger) const;

  Status Hit(Timestamp end, std::optional<double> value, const Trigger& trigger, uint64_t log_end);
  Status Include(uint64_t log_end);
  Status EndEpisode();

  const RuleSet* rules_;
  const Correlation* correlation_;
  Options options_;
  OnHit on_hit_;
  OnAlert on_alert_;
  const Judgement judgement_;
  ExpressionNames names_;

  MatchLog log_;
  std::unique_ptr<WindowValue> value_;  // null for what counts nothing
  CorrelationMatch scratch_;
  uint64_t cut_ = 0;

  Timestamp start_, latest_;
  std::optional<Timestamp> now_;  // the instant whose matches are being taken
  bool closed_ = false;           // that instant, or the silence after it, has been judged as it is
  Trigger trigger_;               // of the instant, or of the bucket
  int64_t bucket_ = 0;            // its number, of tumbling ones

  // Of boolean conditions, by reference: the time of the latest match; and the same as of the instant that is
  // judged, which lags a timespan behind.
  std::vector<std::optional<Timestamp>> seen_, seen_lagging_;
  MatchLog::Cursor lagging_;

  // Of first_seen: the tuples of the timespan, the longest unseen first.
  struct SeenTuple {
    std::string tuple;
    Timestamp last;
  };
  std::list<SeenTuple> tuples_;
  std::unordered_map<std::string_view, std::list<SeenTuple>::iterator> tuple_places_;
  uint64_t new_tuples_ = 0;  // at this instant

  std::optional<CorrelationAlert> episode_;
  EvidenceList episode_evidence_;
  MatchLog::Cursor included_;  // up to where the log is in the episode
};

}  // namespace redthread
