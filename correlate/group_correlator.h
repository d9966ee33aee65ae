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
#include "correlate/heard_hours.h"
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
  Timestamp time;                  // end of the first hit
  Timestamp last_hit;              // end of the last one
  std::optional<double> value;     // of the first hit
  Timestamp first, last;           // of the matches under it
  std::optional<Timestamp> ended;  // of silence: the next match of the group
  uint64_t count = 0;              // of those
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
    // The first match is the group's first: whether a silence was expected is known. Else hits are told of
    // all, and their receiver has to look.
    bool knows_all = true;
  };
  using OnHit = std::function<Status(const CorrelationHit&)>;
  using OnAlert = std::function<Status(const CorrelationAlert&)>;
  // What the groups of one correlation share; outlives their correlators. `correlation` and `rules`, whose it
  // is, outlive it.
  struct Shared {
    Shared(const RuleSet* rules, const Correlation* correlation, Options options, OnHit on_hit,
           OnAlert on_alert);
    const RuleSet* const rules;
    const Correlation* const correlation;
    const Options options;
    const OnHit on_hit;
    const OnAlert on_alert;
    const Judgement judgement;
    ExpressionNames names;
    MatchPart adds = MatchPart::kAll;   // how much of a match Add looks at
    MatchPart keeps = MatchPart::kAll;  // how much of its stored form it needs
    CorrelationMatch scratch;
  };
  explicit GroupCorrelator(Shared* shared);

  // Forgets everything: another group comes. `start`: the time of the earliest match of any group, which is
  // when first_seen begins to learn. `latest`: the greatest event time of all that was read, up to which
  // silence counts as heard; a lower correlation's hit may lie behind it.
  void Reset(Timestamp start, Timestamp latest);

  // Takes a match, in order of (time, reference). `bytes` is its stored form, as far as Shared::keeps says or
  // further. Hits and alerts that are now certain are told. Fails when the window cannot be kept, or a
  // receiver does.
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
  // Has the processor fetch what Add will touch.
  void Prefetch() const {
    __builtin_prefetch(value_.get());
    log_.Prefetch();
  }
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

  // By reference: the time of the latest match.
  using Seen = std::vector<std::optional<Timestamp>>;
  // Of boolean conditions.
  struct Expression {
    explicit Expression(MatchLog* log) : cursor(log) {}
    Seen seen, lagging;       // `lagging`: as of the instant that is judged, a timespan behind
    MatchLog::Cursor cursor;  // at that instant
  };
  // Of first_seen: the tuples of the timespan, the longest unseen first.
  struct Tuples {
    struct Tuple {
      std::string text;
      Timestamp last;
    };
    std::list<Tuple> list;
    std::unordered_map<std::string_view, std::list<Tuple>::iterator> places;
    uint64_t added = 0;  // at this instant
  };
  // Where alerts are told.
  struct Episode {
    Episode(MatchLog* log, const RuleSet* rules) : evidence(rules), included(log) {}
    std::optional<CorrelationAlert> alert;
    EvidenceList evidence;
    MatchLog::Cursor included;  // up to where the log is in it
  };

  const Correlation& correlation() const { return *shared_->correlation; }
  Status BeginInstant(Timestamp now);
  Status CloseInstant();
  Status JudgeSliding();
  Status JudgeExpression(Timestamp t, const Seen& seen, const Seen& around, const Trigger* trigger,
                         uint64_t log_end);
  Status CloseBucket();
  Status JudgeWaiting(Timestamp before, bool all);
  Status JudgeSilence();
  void NoteEnd(Timestamp now, CorrelationAlert* silence) const;
  void NoteValues(const CorrelationMatch& match);
  Status ForgetBefore(Timestamp since);
  void ClearTrigger();
  void AddTrigger(const CorrelationMatch& match, Trigger* trigger) const;

  Status Hit(Timestamp end, std::optional<double> value, const Trigger* trigger, uint64_t log_end);
  Status Include(uint64_t log_end);
  Status EndEpisode();

  // Live there is one object for each of very many groups: what a type does not need is not there.
  Shared* shared_;
  MatchLog log_;
  std::unique_ptr<WindowValue> value_;      // null for what counts nothing
  std::unique_ptr<Expression> expression_;  // null where there is none
  std::unique_ptr<Tuples> tuples_;          // null but for first_seen
  std::unique_ptr<Episode> episode_;        // null where no alert is told
  std::unique_ptr<HeardHours> hours_;       // null but where silence has to be expected
  uint64_t cut_ = 0;

  Timestamp start_, latest_;
  std::optional<Timestamp> now_;      // the instant whose matches are being taken
  bool closed_ = false;               // that instant, or the silence after it, has been judged as it is
  int64_t bucket_ = 0;                // its number, of tumbling ones
  std::unique_ptr<Trigger> trigger_;  // of the instant, or of the bucket; null where it is not asked for
};

}  // namespace redthread
