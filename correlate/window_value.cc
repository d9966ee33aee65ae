#include "correlate/window_value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/text.h"
#include "correlate/exact_sum.h"

namespace redthread {
namespace {

class EventCount : public WindowValue {
 public:
  void Enter(const CorrelationMatch&) override { ++count_; }
  void Leave(const CorrelationMatch&) override { --count_; }
  void Clear() override { count_ = 0; }
  std::optional<double> Value(Timestamp) const override { return static_cast<double>(count_); }
  MatchPart needs() const override { return MatchPart::kHead; }

 private:
  uint64_t count_ = 0;
};

class ValueCount : public WindowValue {
 public:
  void Enter(const CorrelationMatch& match) override {
    const bool all = ForEachCombination(match.values, [&](const std::vector<size_t>& at) {
      SpellCombination(match.values, at, &tuple_);
      ++matches_[tuple_];
    });
    if (!all) ++cut_;
  }
  void Leave(const CorrelationMatch& match) override {
    ForEachCombination(match.values, [&](const std::vector<size_t>& at) {
      SpellCombination(match.values, at, &tuple_);
      const auto found = matches_.find(tuple_);
      if (found != matches_.end() && --found->second == 0) matches_.erase(found);
    });
  }
  void Clear() override { matches_.clear(); }
  std::optional<double> Value(Timestamp) const override { return static_cast<double>(matches_.size()); }
  MatchPart needs() const override { return MatchPart::kValues; }

 private:
  std::unordered_map<std::string, uint64_t> matches_;  // by tuple
  std::string tuple_;
};

// How many of the rules have a match.
class DistinctRules : public WindowValue {
 public:
  explicit DistinctRules(size_t rules) : matches_(rules) {}
  void Enter(const CorrelationMatch& match) override {
    if (matches_[match.reference]++ == 0) ++distinct_;
  }
  void Leave(const CorrelationMatch& match) override {
    if (--matches_[match.reference] == 0) --distinct_;
  }
  void Clear() override {
    matches_.assign(matches_.size(), 0);
    distinct_ = 0;
  }
  std::optional<double> Value(Timestamp) const override { return static_cast<double>(distinct_); }
  MatchPart needs() const override { return MatchPart::kHead; }

 private:
  std::vector<uint64_t> matches_;  // by reference
  size_t distinct_ = 0;
};

// How many of the rules, from the first on, have matches in their order.
//
// For each prefix of the rules the latest time at which a chain for it can begin is enough: a match of rule k
// continues the best chain for the first k - 1. The prefix is in the window while its chain begins in it.
class OrderedRules : public WindowValue {
 public:
  explicit OrderedRules(size_t rules) : begins_(rules) {}
  void Enter(const CorrelationMatch& match) override {
    const size_t k = match.reference;
    begins_[k] = k == 0 ? std::optional(match.time) : begins_[k - 1];
  }
  void Leave(const CorrelationMatch&) override {}  // told by `since`
  void Clear() override { begins_.assign(begins_.size(), std::nullopt); }
  std::optional<double> Value(Timestamp since) const override {
    size_t k = 0;
    while (k < begins_.size() && begins_[k].has_value() && *begins_[k] >= since) ++k;
    return static_cast<double>(k);
  }
  MatchPart needs() const override { return MatchPart::kHead; }

 private:
  std::vector<std::optional<Timestamp>> begins_;  // of the chain for rules 0 to k
};

template <typename Visit>
void ForEachNumber(const CorrelationMatch& match, Visit&& visit) {
  for (const std::string& text : match.values[0]) {
    if (const std::optional<double> number = ParseValueNumber(text)) visit(*number);
  }
}

class ValueSum : public WindowValue {
 public:
  explicit ValueSum(bool average) : average_(average) {}
  void Enter(const CorrelationMatch& match) override {
    ForEachNumber(match, [this](double number) {
      sum_.Add(number);
      ++numbers_;
    });
  }
  void Leave(const CorrelationMatch& match) override {
    ForEachNumber(match, [this](double number) {
      sum_.Subtract(number);
      --numbers_;
    });
  }
  void Clear() override {
    sum_ = {};
    numbers_ = 0;
  }
  std::optional<double> Value(Timestamp) const override {
    if (numbers_ == 0) return std::nullopt;
    return average_ ? sum_.Rounded() / static_cast<double>(numbers_) : sum_.Rounded();
  }
  MatchPart needs() const override { return MatchPart::kValues; }

 private:
  bool average_;
  ExactSum sum_;
  uint64_t numbers_ = 0;
};

// The number at a percentile: a sorted set with a finger on the rank below it, which moves by at most one
// place with every number that comes or goes. Source: linear interpolation between closest ranks, as numpy's
// default.
class Percentile : public WindowValue {
 public:
  explicit Percentile(double percentile) : percentile_(percentile) {}
  void Enter(const CorrelationMatch& match) override {
    ForEachNumber(match, [this](double number) { Insert(number); });
  }
  void Leave(const CorrelationMatch& match) override {
    ForEachNumber(match, [this](double number) { Erase(number); });
  }
  void Clear() override { numbers_.clear(); }
  std::optional<double> Value(Timestamp) const override {
    if (numbers_.empty()) return std::nullopt;
    const double fraction = Rank() - static_cast<double>(index_);
    const auto above = std::next(finger_);
    if (fraction == 0 || above == numbers_.end()) return *finger_;
    return *finger_ + fraction * (*above - *finger_);
  }
  MatchPart needs() const override { return MatchPart::kValues; }

 private:
  double Rank() const { return percentile_ / 100 * static_cast<double>(numbers_.size() - 1); }

  void Insert(double number) {
    const auto inserted = numbers_.insert(number);  // behind its equals
    if (numbers_.size() == 1) {
      finger_ = inserted;
      index_ = 0;
    } else if (number < *finger_) {
      ++index_;
    }
    MoveFinger();
  }

  void Erase(double number) {
    const auto found = numbers_.lower_bound(number);  // the first of its equals
    if (found == numbers_.end() || *found != number) return;
    if (found == finger_) {
      finger_ = numbers_.erase(found);
      if (finger_ == numbers_.end() && !numbers_.empty()) {
        --finger_;
        --index_;
      }
    } else {
      if (number <= *finger_) --index_;
      numbers_.erase(found);
    }
    if (!numbers_.empty()) MoveFinger();
  }

  void MoveFinger() {
    const auto wanted = static_cast<size_t>(Rank());
    for (; index_ < wanted; ++index_) ++finger_;
    for (; index_ > wanted; --index_) --finger_;
  }

  double percentile_;
  std::multiset<double> numbers_;
  std::multiset<double>::iterator finger_;  // unless numbers_ is empty
  size_t index_ = 0;                        // of finger_
};

}  // namespace

std::unique_ptr<WindowValue> WindowValue::For(const Correlation& correlation) {
  switch (correlation.type) {
    case CorrelationType::kValueCount:
      return std::make_unique<ValueCount>();
    case CorrelationType::kTemporal:
      return std::make_unique<DistinctRules>(correlation.rules.size());
    case CorrelationType::kTemporalOrdered:
      return std::make_unique<OrderedRules>(correlation.rules.size());
    case CorrelationType::kValueSum:
      return std::make_unique<ValueSum>(false);
    case CorrelationType::kValueAvg:
      return std::make_unique<ValueSum>(true);
    case CorrelationType::kValuePercentile:
    case CorrelationType::kValueMedian:
      return std::make_unique<Percentile>(correlation.percentile);
    default:
      break;
  }
  return std::make_unique<EventCount>();
}

std::optional<double> ParseValueNumber(std::string_view text) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return std::nullopt;
  }
  const std::optional<Number> number = ParseJsonNumber(text);
  if (!number.has_value()) return std::nullopt;
  const double value = number->integral ? static_cast<double>(number->integer) : number->real;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace redthread
