#include "rules/correlation_resolver.h"

#include <algorithm>
#include <utility>

#include "core/text.h"
#include "rules/content_hash.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

std::string Quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

class Resolver {
 public:
  Resolver(std::vector<ParsedCorrelation> parsed,
           const std::unordered_map<std::string, NotLoaded>& not_loaded, RuleSet* set)
      : parsed_(std::move(parsed)), not_loaded_(not_loaded), set_(set), nodes_(parsed_.size()) {}

  void Run() {
    IndexNames();
    for (size_t i = 0; i < parsed_.size(); ++i) ResolveReferences(i);
    const std::vector<size_t> order = LowerFirst();
    for (const size_t i : order) Judge(i);
    ComplainOfCircles(order.size());
    for (const size_t i : order) {
      if (nodes_[i].state == State::kGood) HashAndLift(i);
    }
    Publish();
  }

 private:
  enum class State : uint8_t { kGood, kRefused, kNeedsSiteVariables, kLeftOut };
  struct Node {
    State state = State::kGood;
    std::vector<size_t> lower;  // the correlations it refers to, as indices into parsed_
    std::vector<size_t> upper;
    size_t waiting_for = 0;  // of lower ones, those that are not in order yet
    bool ordered = false;
  };
  struct Target {
    bool to_correlation = false;
    size_t index = 0;
    bool ambiguous = false;  // a name that several have
  };

  Correlation& At(size_t i) { return parsed_[i].correlation; }

  void IndexNames() {
    for (size_t i = 0; i < set_->rules.size(); ++i) by_id_[set_->rules[i].id] = {false, i, false};
    for (size_t i = 0; i < parsed_.size(); ++i) by_id_[At(i).id] = {true, i, false};
    const auto add_name = [this](const std::string& name, const Target& target) {
      if (name.empty()) return;
      const auto [entry, is_new] = by_name_.try_emplace(name, target);
      if (!is_new) entry->second.ambiguous = true;
    };
    for (size_t i = 0; i < set_->rules.size(); ++i) add_name(set_->rules[i].name, {false, i, false});
    for (size_t i = 0; i < parsed_.size(); ++i) add_name(At(i).name, {true, i, false});
  }

  void Refuse(size_t i, const SourceLocation& where, std::string message) {
    nodes_[i].state = State::kRefused;
    set_->problems.push_back({where, std::move(message), At(i).id});
  }

  void ResolveReferences(size_t i) {
    for (CorrelationReference& reference : At(i).rules) ResolveReference(i, &reference);
    ResolveAliases(i);
    WarnOfDoubles(i);
  }

  void ResolveReference(size_t i, CorrelationReference* reference) {
    const std::string& written = reference->written;
    auto found = by_id_.find(written);
    if (found == by_id_.end()) {
      found = by_name_.find(written);
      if (found == by_name_.end()) {
        ComplainOfUnknown(i, *reference);
        return;
      }
    }
    if (found->second.ambiguous) {
      Refuse(i, reference->where,
             "several rules have the name " + Quoted(written) + ", refer to one by its id");
      return;
    }
    reference->to_correlation = found->second.to_correlation;
    reference->index = static_cast<uint32_t>(found->second.index);
    reference->group_fields = At(i).group_by;
    if (!reference->to_correlation) return;
    nodes_[i].lower.push_back(found->second.index);
    nodes_[found->second.index].upper.push_back(i);
  }

  void ComplainOfUnknown(size_t i, const CorrelationReference& reference) {
    const auto found = not_loaded_.find(reference.written);
    if (found == not_loaded_.end()) {
      std::vector<std::string_view> known;
      for (const auto& [name, target] : by_name_) known.push_back(name);
      std::sort(known.begin(), known.end());  // so that the nearest of several does not depend on hashing
      Refuse(i, reference.where,
             "unknown rule " + Quoted(reference.written) +
                 Suggestion(reference.written, known, ", load it together with this correlation"));
    } else if (found->second == NotLoaded::kRefused) {
      Refuse(i, reference.where,
             "the rule " + Quoted(reference.written) + " is refused itself, correct it first");
    } else if (nodes_[i].state == State::kGood) {
      Skip(i, reference, found->second == NotLoaded::kLeftOut ? State::kLeftOut : State::kNeedsSiteVariables);
    }
  }

  // No failure: what it refers to is not there for a reason that was told.
  void Skip(size_t i, const CorrelationReference& reference, State why) {
    nodes_[i].state = why;
    lacking_[i] = {At(i).where,
                   "refers to " + Quoted(reference.written) +
                       (why == State::kLeftOut ? ", which a processing pipeline leaves out"
                                               : ", which needs values of site variables, add them to the "
                                                 "file of site variables"),
                   At(i).id};
  }

  // The names by which an alias may mean a reference: as written, or the rule's name or id.
  bool Means(const std::string& word, const CorrelationReference& reference) {
    if (word == reference.written) return true;
    const RuleDescription& rule = reference.to_correlation
                                      ? static_cast<const RuleDescription&>(At(reference.index))
                                      : set_->rules[reference.index];
    return word == rule.id || (!rule.name.empty() && word == rule.name);
  }

  void ResolveAliases(size_t i) {
    if (nodes_[i].state != State::kGood || parsed_[i].aliases.empty()) return;
    Correlation& c = At(i);
    std::vector<std::string_view> known;
    for (const CorrelationReference& reference : c.rules) known.push_back(reference.written);
    for (const WrittenAlias& alias : parsed_[i].aliases) {
      const auto means = [&](const CorrelationReference& r) { return Means(alias.rule, r); };
      if (std::any_of(c.rules.begin(), c.rules.end(), means)) continue;
      Refuse(i, alias.where,
             Quoted(alias.rule) + " is no rule of this correlation" +
                 Suggestion(alias.rule, known, ", it has " + JoinNames(known)));
    }
    for (size_t g = 0; g < c.group_by.size(); ++g) ResolveAlias(i, g);
  }

  void ResolveAlias(size_t i, size_t g) {
    Correlation& c = At(i);
    const auto is_this = [&](const WrittenAlias& a) { return a.alias == c.group_by[g]; };
    if (std::none_of(parsed_[i].aliases.begin(), parsed_[i].aliases.end(), is_this)) return;
    for (CorrelationReference& reference : c.rules) {
      std::string field;
      for (const WrittenAlias& alias : parsed_[i].aliases) {
        if (field.empty() && is_this(alias) && Means(alias.rule, reference)) field = alias.field;
      }
      if (field.empty()) {
        set_->warnings.push_back({reference.where,
                                  "the alias " + Quoted(c.group_by[g]) + " says nothing of " +
                                      Quoted(reference.written) + ", so its matches take no part",
                                  c.id});
      }
      reference.group_fields[g] = std::move(field);
    }
  }

  void WarnOfDoubles(size_t i) {
    const Correlation& c = At(i);
    if (nodes_[i].state != State::kGood || c.type == CorrelationType::kTemporalOrdered) return;
    std::vector<std::pair<bool, uint32_t>> seen;
    for (const CorrelationReference& reference : c.rules) {
      const std::pair<bool, uint32_t> target(reference.to_correlation, reference.index);
      if (std::find(seen.begin(), seen.end(), target) != seen.end()) {
        set_->warnings.push_back(
            {reference.where,
             Quoted(reference.written) + " stands twice in `rules`, so each match counts twice", c.id});
      }
      seen.push_back(target);
    }
  }

  // Indices, each after those it refers to. What is in a circle, or above one, is left out.
  std::vector<size_t> LowerFirst() {
    std::vector<size_t> order;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].waiting_for = nodes_[i].lower.size();
      if (nodes_[i].waiting_for == 0) order.push_back(i);
    }
    for (size_t next = 0; next < order.size(); ++next) {
      nodes_[order[next]].ordered = true;
      for (const size_t upper : nodes_[order[next]].upper) {
        if (--nodes_[upper].waiting_for == 0) order.push_back(upper);
      }
    }
    return order;
  }

  // Takes over from lower correlations that they cannot be used; counts levels.
  void Judge(size_t i) {
    Correlation& c = At(i);
    for (const CorrelationReference& reference : c.rules) {
      if (nodes_[i].state == State::kRefused) return;
      if (!reference.to_correlation) continue;
      const State lower = nodes_[reference.index].state;
      if (lower == State::kRefused) {
        Refuse(i, reference.where,
               "the correlation " + Quoted(reference.written) + " is refused itself, correct it first");
      } else if (lower != State::kGood && nodes_[i].state == State::kGood) {
        Skip(i, reference, lower);
      }
      c.height = std::max(c.height, At(reference.index).height + 1);
    }
    if (c.height > Correlation::kMaxHeight) {
      Refuse(i, c.where,
             "correlations over correlations, more than " + std::to_string(Correlation::kMaxHeight) +
                 " levels; refer to rules directly");
    }
  }

  void ComplainOfCircles(size_t ordered) {
    if (ordered == parsed_.size()) return;
    // Those that nothing left refers to only stand above a circle.
    std::vector<size_t> above;
    std::vector<size_t> used(nodes_.size());
    std::vector<bool> circle(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      circle[i] = !nodes_[i].ordered;
      for (const size_t upper : nodes_[i].upper) used[i] += nodes_[upper].ordered ? 0 : 1;
      if (circle[i] && used[i] == 0) above.push_back(i);
    }
    for (size_t next = 0; next < above.size(); ++next) {
      circle[above[next]] = false;
      for (const size_t lower : nodes_[above[next]].lower) {
        if (circle[lower] && --used[lower] == 0) above.push_back(lower);
      }
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].ordered) continue;
      for (const CorrelationReference& reference : At(i).rules) {
        if (!reference.to_correlation || nodes_[reference.index].ordered) continue;
        Refuse(i, reference.where,
               circle[i]
                   ? "a cycle: " + PathFrom(i) + "; remove one of these references"
                   : "the correlation " + Quoted(reference.written) + " is refused itself, correct it first");
        break;
      }
    }
  }

  // "a -> b -> a", along the first references that lead on within the circle.
  std::string PathFrom(size_t i) {
    constexpr size_t kShown = 8;
    std::string path = Label(i);
    std::vector<size_t> seen = {i};
    while (seen.size() <= kShown) {
      const std::vector<size_t>& lower = nodes_[seen.back()].lower;
      const auto next =
          std::find_if(lower.begin(), lower.end(), [this](size_t n) { return !nodes_[n].ordered; });
      path += " -> " + Label(*next);
      if (std::find(seen.begin(), seen.end(), *next) != seen.end()) return path;
      seen.push_back(*next);
    }
    return path + " -> ...";
  }

  std::string Label(size_t i) { return At(i).name.empty() ? At(i).id : At(i).name; }

  void HashAndLift(size_t i) {
    std::vector<std::string> hashes;
    for (const CorrelationReference& reference : At(i).rules) {
      hashes.push_back(reference.to_correlation ? At(reference.index).content_hash
                                                : set_->rules[reference.index].content_hash);
    }
    At(i).content_hash = HashCorrelation(At(i), hashes);
    SetDelay(&At(i));
  }

  void SetDelay(Correlation* c) {
    const Judgement judgement = c->judgement();
    const bool waits = judgement != Judgement::kSliding && judgement != Judgement::kFirstSeen;
    c->answers_at_once = !waits && c->type != CorrelationType::kValueAvg &&
                         c->type != CorrelationType::kValuePercentile &&
                         c->type != CorrelationType::kValueMedian;
    for (const CorrelationReference& reference : c->rules) {
      if (!reference.to_correlation) continue;
      c->delay = std::max(c->delay, At(reference.index).delay);
      c->answers_at_once = c->answers_at_once && At(reference.index).answers_at_once;
    }
    if (waits) c->delay = (Timestamp{c->delay.count()} + c->timespan) - Timestamp{0};  // saturating
  }

  void Publish() {
    std::vector<uint32_t> place(parsed_.size());
    uint32_t next = 0;
    for (size_t i = 0; i < parsed_.size(); ++i) {
      if (nodes_[i].state == State::kGood) place[i] = next++;
      if (nodes_[i].state == State::kRefused) ++set_->failed_rules;
      if (nodes_[i].state == State::kNeedsSiteVariables) set_->need_site_variables.push_back(lacking_[i]);
      if (nodes_[i].state == State::kLeftOut) set_->left_out.push_back(lacking_[i]);
    }
    std::vector<bool> generate(set_->rules.size());
    for (size_t i = 0; i < parsed_.size(); ++i) {
      if (nodes_[i].state != State::kGood) continue;
      for (CorrelationReference& reference : At(i).rules) {
        if (reference.to_correlation) {
          reference.index = place[reference.index];
          continue;
        }
        set_->rules[reference.index].muted = true;
        if (At(i).generate) generate[reference.index] = true;
      }
      set_->correlations.push_back(std::move(At(i)));
    }
    for (size_t r = 0; r < generate.size(); ++r) {
      if (generate[r]) set_->rules[r].muted = false;
    }
  }

  std::vector<ParsedCorrelation> parsed_;
  const std::unordered_map<std::string, NotLoaded>& not_loaded_;
  RuleSet* set_;
  std::vector<Node> nodes_;  // by index into parsed_
  std::unordered_map<std::string, Target> by_id_;
  std::unordered_map<std::string, Target> by_name_;
  std::unordered_map<size_t, RuleProblem> lacking_;
};

}  // namespace

void ResolveCorrelations(std::vector<ParsedCorrelation> parsed,
                         const std::unordered_map<std::string, NotLoaded>& not_loaded, RuleSet* set) {
  Resolver(std::move(parsed), not_loaded, set).Run();
}

}  // namespace redthread
