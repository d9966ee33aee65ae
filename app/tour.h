// Tour: what a pile of alerts tells a person: what happened, in which order, what was tried in vain, what is
// missing.
//
// Computed from the alerts and the rules' own texts alone; knows nothing of any particular story. Alerts that
// share a host or user within a day, or an address within four hours, belong together. What belongs together
// is an incident once it has a high alert, or medium ones of two different tactics.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/alert.h"
#include "rules/rule_set.h"

namespace redthread {

// Who and where. Spelt as entities are (lower case, short host names).
struct TourEntities {
  std::set<std::string> hosts;
  std::set<std::string> users;
  std::set<std::string> addresses;
};

// The alerts of one rule within an incident.
struct TourStep {
  const Rule* rule = nullptr;
  Timestamp first;
  Timestamp last;
  uint64_t alerts = 0;
  uint64_t matches = 0;
  TourEntities entities;
};

struct TourIncident {
  bool attack = false;  // else a fault: none of its rules, medium or higher, names a tactic of ATT&CK
  Level level = Level::kInformational;
  Timestamp first;
  Timestamp last;
  std::vector<TourStep> steps;  // in the order of their first alerts
  TourEntities entities;
};

// What a probe (rules/probes) found missing.
struct TourGap {
  const Rule* rule = nullptr;
  std::set<std::string> hosts;  // where; empty: everywhere
};

struct Tour {
  uint64_t alerts_by_level[5] = {};     // index: Level
  std::vector<TourIncident> incidents;  // attacks before faults, then by level, then by time
  // Medium but alone, or low and no mere attempt: one step for each rule and its entities.
  std::vector<TourStep> worth_a_look;
  // Low alerts that belong to no incident, of rules that know only the tactics before an intruder is inside;
  // one step a rule, the most frequent first.
  std::vector<TourStep> attempts;
  std::set<int64_t> attempt_days;  // days since the epoch
  std::vector<TourGap> gaps;       // in the order of the probes
};

// `rules` outlives the tour. Rules tagged redthread.expected or redthread.gap are probes and raise no alert
// here.
Tour MakeTour(const RuleSet& rules, const std::vector<Alert>& alerts);

// Whether a rule names a tactic of ATT&CK.
bool IsAttackRule(const Rule& rule);
// Whether it is one of rules/probes: it tells what the logs do not show.
bool IsProbe(const Rule& rule);

}  // namespace redthread
