#include "app/tour.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>

namespace redthread {
namespace {

constexpr Nanoseconds kHostUserWindow = std::chrono::hours(24);
constexpr Nanoseconds kAddressWindow = std::chrono::hours(4);
constexpr const char* kExpectedTag = "redthread.expected";
constexpr const char* kGapTag = "redthread.gap";

bool HasTag(const Rule& rule, const std::string& tag) {
  return std::find(rule.tags.begin(), rule.tags.end(), tag) != rule.tags.end();
}

// The tactics among tags: attack.impact is one, attack.t1490 is a technique.
std::set<std::string> TacticsOf(const Rule& rule) {
  std::set<std::string> tactics;
  for (const std::string& tag : rule.tags) {
    if (tag.rfind("attack.", 0) != 0 || tag.size() < 9) continue;
    const bool technique = tag[7] == 't' && tag[8] >= '0' && tag[8] <= '9';
    if (!technique) tactics.insert(tag);
  }
  return tactics;
}

// A value of an alert's group; several are a JSON array in it.
std::vector<std::string> ValuesOf(const std::string& value) {
  if (value.empty() || value.front() != '[') return {value};
  const nlohmann::json array = nlohmann::json::parse(value, nullptr, false);
  if (!array.is_array()) return {value};
  std::vector<std::string> values;
  for (const nlohmann::json& item : array) {
    if (item.is_string()) values.push_back(item.get<std::string>());
  }
  return values;
}

// An object id such as "mailbox\." ends up as ".": nobody.
bool IsName(const std::string& value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || (c & 0x80) != 0; });
}

TourEntities EntitiesOf(const Alert& alert) {
  TourEntities entities;
  for (const auto& [name, value] : alert.group) {
    std::set<std::string>* of = name.ends_with("host")      ? &entities.hosts
                                : name.ends_with("user")    ? &entities.users
                                : name.ends_with("address") ? &entities.addresses
                                                            : nullptr;
    if (of == nullptr) continue;
    for (std::string& one : ValuesOf(value)) {
      if (IsName(one)) of->insert(std::move(one));
    }
  }
  return entities;
}

void Merge(const TourEntities& from, TourEntities* into) {
  into->hosts.insert(from.hosts.begin(), from.hosts.end());
  into->users.insert(from.users.begin(), from.users.end());
  into->addresses.insert(from.addresses.begin(), from.addresses.end());
}

// An alert with what is asked of it again and again.
struct KnownAlert {
  const Alert* alert = nullptr;
  const Rule* rule = nullptr;
  TourEntities entities;
  std::vector<std::pair<std::string, Nanoseconds>> keys;  // entity, and how long it holds things together
};

KnownAlert Know(const Alert& alert, const Rule* rule) {
  KnownAlert known{&alert, rule, EntitiesOf(alert), {}};
  for (const std::string& host : known.entities.hosts)
    known.keys.emplace_back("host " + host, kHostUserWindow);
  for (const std::string& user : known.entities.users)
    known.keys.emplace_back("user " + user, kHostUserWindow);
  for (const std::string& a : known.entities.addresses)
    known.keys.emplace_back("address " + a, kAddressWindow);
  return known;
}

// Alerts that belong together, and when each of their entities was last and first seen.
struct Cluster {
  struct Span {
    Timestamp first;
    Timestamp last;
  };
  std::vector<KnownAlert> alerts;
  std::unordered_map<std::string, Span> seen;

  void Add(KnownAlert known) {
    for (const auto& [key, window] : known.keys) {
      const auto [it, is_new] = seen.try_emplace(key, Span{known.alert->first, known.alert->last});
      it->second.first = std::min(it->second.first, known.alert->first);
      it->second.last = std::max(it->second.last, known.alert->last);
    }
    alerts.push_back(std::move(known));
  }
  bool Shares(const KnownAlert& known) const {
    return std::any_of(known.keys.begin(), known.keys.end(), [&](const auto& key) {
      const auto it = seen.find(key.first);
      return it != seen.end() && known.alert->first <= it->second.last + key.second &&
             known.alert->last >= it->second.first - key.second;
    });
  }
};

// `alerts` ascend by time. An alert that shares something with two clusters makes them one.
std::vector<Cluster> ClusterAlerts(std::vector<KnownAlert> alerts) {
  std::vector<Cluster> clusters;
  for (KnownAlert& known : alerts) {
    Cluster joined;
    for (auto it = clusters.begin(); it != clusters.end();) {
      if (!it->Shares(known)) {
        ++it;
        continue;
      }
      if (joined.alerts.size() < it->alerts.size()) std::swap(joined, *it);
      for (KnownAlert& other : it->alerts) joined.Add(std::move(other));
      it = clusters.erase(it);
    }
    joined.Add(std::move(known));
    clusters.push_back(std::move(joined));
  }
  return clusters;
}

// A high alert, or two rules that together show two tactics, or two kinds of fault.
bool IsIncident(const Cluster& cluster) {
  std::set<const Rule*> attack_rules, fault_rules;
  std::set<std::string> tactics;
  for (const KnownAlert& known : cluster.alerts) {
    if (known.alert->level >= Level::kHigh) return true;
    (IsAttackRule(*known.rule) ? attack_rules : fault_rules).insert(known.rule);
    tactics.merge(TacticsOf(*known.rule));
  }
  return fault_rules.size() > 1 || (attack_rules.size() > 1 && tactics.size() > 1);
}

void AddToStep(const KnownAlert& known, TourStep* step) {
  if (step->rule == nullptr) *step = TourStep{known.rule, known.alert->first, known.alert->last, 0, 0, {}};
  step->first = std::min(step->first, known.alert->first);
  step->last = std::max(step->last, known.alert->last);
  ++step->alerts;
  step->matches += known.alert->count;
  Merge(known.entities, &step->entities);
}

bool ByTime(const TourStep& a, const TourStep& b) {
  return std::pair(a.first, a.rule->id) < std::pair(b.first, b.rule->id);
}

TourIncident MakeIncident(const Cluster& cluster) {
  TourIncident incident;
  std::map<std::string, TourStep> steps;  // by rule id
  for (const KnownAlert& known : cluster.alerts) {
    AddToStep(known, &steps[known.rule->id]);
    incident.level = std::max(incident.level, known.alert->level);
    incident.attack |= known.alert->level >= Level::kMedium && IsAttackRule(*known.rule);
    Merge(known.entities, &incident.entities);
  }
  for (auto& [id, step] : steps) incident.steps.push_back(std::move(step));
  std::sort(incident.steps.begin(), incident.steps.end(), ByTime);
  incident.first = incident.steps.front().first;
  for (const TourStep& step : incident.steps) incident.last = std::max(incident.last, step.last);
  return incident;
}

// Only what comes before an intruder is inside: somebody knocked.
bool IsAttempt(const Rule& rule) {
  static const std::set<std::string> kBefore = {"attack.reconnaissance", "attack.initial-access",
                                                "attack.credential-access"};
  const std::set<std::string> tactics = TacticsOf(rule);
  return !tactics.empty() && std::includes(kBefore.begin(), kBefore.end(), tactics.begin(), tactics.end());
}

// Low alerts go into the attack they share something with. Returns the others.
std::vector<KnownAlert> JoinLowAlerts(std::vector<KnownAlert> low, std::vector<Cluster>* attacks) {
  std::vector<KnownAlert> left;
  for (KnownAlert& known : low) {
    const auto home = std::find_if(attacks->begin(), attacks->end(),
                                   [&](const Cluster& cluster) { return cluster.Shares(known); });
    if (home != attacks->end()) {
      home->Add(std::move(known));
    } else {
      left.push_back(std::move(known));
    }
  }
  return left;
}

// What became no incident: attempts, and what is worth a look.
void PlaceSingleAlerts(const std::vector<KnownAlert>& single, Tour* tour) {
  std::map<std::string, TourStep> attempts;
  std::map<std::pair<std::string, AlertGroup>, TourStep> others;
  for (const KnownAlert& known : single) {
    if (known.alert->level >= Level::kMedium || !IsAttempt(*known.rule)) {
      AddToStep(known, &others[{known.rule->id, known.alert->group}]);
      continue;
    }
    AddToStep(known, &attempts[known.rule->id]);
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(known.alert->first - Timestamp{});
    tour->attempt_days.insert(hours.count() / 24);
  }
  for (auto& [id, step] : attempts) tour->attempts.push_back(std::move(step));
  for (auto& [key, step] : others) tour->worth_a_look.push_back(std::move(step));
  std::stable_sort(tour->attempts.begin(), tour->attempts.end(),
                   [](const TourStep& a, const TourStep& b) { return a.matches > b.matches; });
  std::sort(tour->worth_a_look.begin(), tour->worth_a_look.end(), ByTime);
}

// Probes that found something missing.
std::vector<TourGap> FindGaps(const RuleSet& rules, const std::vector<Alert>& alerts) {
  std::map<std::string, std::set<std::string>> hosts;  // by the id of a rule that matched
  for (const Alert& alert : alerts) hosts[alert.rule_id].merge(EntitiesOf(alert).hosts);
  std::vector<TourGap> gaps;
  for (const Rule& rule : rules.rules) {
    const auto matched = hosts.find(rule.id);
    const bool found = matched != hosts.end();
    if (HasTag(rule, kGapTag) && found) gaps.push_back({&rule, matched->second});
    if (HasTag(rule, kExpectedTag) && !found) gaps.push_back({&rule, {}});
  }
  return gaps;
}

}  // namespace

bool IsProbe(const Rule& rule) { return HasTag(rule, kExpectedTag) || HasTag(rule, kGapTag); }

bool IsAttackRule(const Rule& rule) { return !TacticsOf(rule).empty(); }

Tour MakeTour(const RuleSet& rules, const std::vector<Alert>& alerts) {
  Tour tour;
  tour.gaps = FindGaps(rules, alerts);
  std::unordered_map<std::string, const Rule*> rule_by_id;
  for (const Rule& rule : rules.rules) rule_by_id[rule.id] = &rule;

  std::vector<KnownAlert> main, low;
  for (const Alert& alert : alerts) {
    const auto rule = rule_by_id.find(alert.rule_id);
    if (rule == rule_by_id.end() || IsProbe(*rule->second) || alert.first == kNoTime) continue;
    ++tour.alerts_by_level[static_cast<size_t>(alert.level)];
    (alert.level >= Level::kMedium ? main : low).push_back(Know(alert, rule->second));
  }
  std::stable_sort(main.begin(), main.end(),
                   [](const KnownAlert& a, const KnownAlert& b) { return a.alert->first < b.alert->first; });

  std::vector<Cluster> attacks, faults;
  std::vector<KnownAlert> single;
  for (Cluster& cluster : ClusterAlerts(std::move(main))) {
    const bool attack = std::any_of(cluster.alerts.begin(), cluster.alerts.end(),
                                    [](const KnownAlert& known) { return IsAttackRule(*known.rule); });
    if (IsIncident(cluster)) {
      (attack ? attacks : faults).push_back(std::move(cluster));
    } else {
      std::move(cluster.alerts.begin(), cluster.alerts.end(), std::back_inserter(single));
    }
  }
  low = JoinLowAlerts(std::move(low), &attacks);
  std::move(low.begin(), low.end(), std::back_inserter(single));
  PlaceSingleAlerts(single, &tour);

  for (const std::vector<Cluster>* clusters : {&attacks, &faults}) {
    for (const Cluster& cluster : *clusters) tour.incidents.push_back(MakeIncident(cluster));
  }
  std::stable_sort(tour.incidents.begin(), tour.incidents.end(),
                   [](const TourIncident& a, const TourIncident& b) {
                     if (a.attack != b.attack) return a.attack;
                     return a.level != b.level ? a.level > b.level : a.first < b.first;
                   });
  return tour;
}

}  // namespace redthread
