#include "tests/oracle/differential.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>

#include "tests/oracle/event_generator.h"
#include "tests/oracle/json_writer.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"
#include "tests/oracle/windows_shapes.h"

namespace redthread {
namespace {

// Draws for one event that shall match, until the slow evaluator says that one does.
constexpr int kDraws = 8;
// Rules compared besides the one the event was made for and those that the detector finds.
constexpr size_t kBystanders = 2;
// Targets are dealt into courses, each with its own dice, whatever the number of threads: so many, and more
// when a course would be longer than so many pairs, in which the classifier learns more names of services
// from the events than it wants to know.
constexpr size_t kCourses = 16;
constexpr size_t kPairsOfCourse = 30000;
constexpr size_t kReports = 10;

}  // namespace

void DifferentialTally::Add(const DifferentialTally& other) {
  events += other.events;
  pairs += other.pairs;
  matching += other.matching;
  differences += other.differences;
  matched.resize(std::max(matched.size(), other.matched.size()));
  for (size_t i = 0; i < other.matched.size(); ++i) matched[i] = matched[i] || other.matched[i];
  for (const std::string& report : other.reports) {
    if (reports.size() < kReports) reports.push_back(report);
  }
}

// Both engines, and the events to compare them on. One per thread.
class DifferentialWorker {
 public:
  DifferentialWorker(const Differential& all, FastEngine fast) : all_(all), fast_(std::move(fast)) {}

  // Events for each of `targets` in turn, until `pairs` are compared.
  DifferentialTally Course(const std::vector<RuleIndex>& targets, uint64_t seed, size_t pairs,
                           bool until_difference) {
    fast_ = fast_.Another();
    dice_ = Dice(seed);
    tally_ = {};
    tally_.matched.resize(all_.rules_->rules.size());
    for (size_t i = 0; tally_.pairs < pairs && !(until_difference && tally_.differences > 0); ++i) {
      CompareOne(targets[i % targets.size()]);
    }
    return std::move(tally_);
  }

 private:
  // An event, and by what rules come to it.
  struct Subject {
    std::string record;
    SlowJson flat;
    LogSourceFacts facts;
  };

  const Rule& RuleAt(RuleIndex rule) const { return all_.rules_->rules[rule]; }

  bool SlowVerdict(RuleIndex rule, const Subject& subject) const {
    for (const FieldRenames& renames : SlowRoutes(RuleAt(rule).log_source, subject.facts)) {
      if (all_.slow_[rule].Matches(subject.flat, renames)) return true;
    }
    return false;
  }

  void CompareOne(RuleIndex target) {
    const bool matching = dice_.Chance(75);
    const std::vector<size_t>& fitting = all_.neighbours_[target]->events;
    // What the event is, it says itself, or it is declared.
    const bool declared = fitting.empty() || dice_.Chance(50);
    const LogSourceFacts declared_facts = DrawFacts(RuleAt(target).log_source);
    Subject subject;
    for (int draw = 0; draw < kDraws; ++draw) {
      const RealEvent* base = nullptr;
      if (!declared) {
        base = &all_.real_[dice_.Pick(fitting)];
      } else if (!all_.real_.empty() && dice_.Chance(70)) {
        base = &all_.real_[dice_.Below(all_.real_.size())];
      }
      subject = DrawSubject(target, matching, base, declared ? &declared_facts : nullptr);
      if (!matching || SlowVerdict(target, subject)) break;
    }
    Compare(target, subject);
  }

  Subject DrawSubject(RuleIndex target, bool matching, const RealEvent* base,
                      const LogSourceFacts* declared) {
    const LogSourceFacts& facts = declared == nullptr ? base->facts : *declared;
    SlowJson flat = base == nullptr ? SlowJson::object() : base->flat;
    // The rules of each (source, EventID) are compiled when the first such event comes: real EventIDs come
    // with their own source only.
    if (declared != nullptr && flat.contains("EventID")) flat["EventID"] = dice_.Chance(50) ? 1 : 4688;
    const std::vector<FieldRenames> routes = SlowRoutes(RuleAt(target).log_source, facts);
    EventGenerator generator(&dice_);
    const SlowJson event = DrawWindowsShape(
        generator.Draw(all_.slow_[target], dice_.Pick(routes), matching, std::move(flat)), &dice_);
    Subject subject;
    // A key that is there twice says of a log source something else than an array, so only where that is
    // known.
    subject.record =
        WriteJson(event, &dice_, {.duplicate_keys = declared != nullptr, .hostile_member = true});
    subject.flat = SlowFlatten(event);
    subject.facts = declared == nullptr ? SlowClassify(all_.map_, subject.flat, base->declared) : *declared;
    fast_.Decode(subject.record);
    if (declared == nullptr && !(fast_.Classify(base->declared) == subject.facts)) {
      Report("the classifier and its slow twin differ\n" + subject.record);
    }
    return subject;
  }

  // On the target, on all that the detector finds, and on a few others.
  void Compare(RuleIndex target, const Subject& subject) {
    ++tally_.events;
    const std::vector<RuleIndex> found = fast_.Match(subject.facts);
    std::set<RuleIndex> compared(found.begin(), found.end());
    compared.insert(target);
    for (size_t i = 0; i < kBystanders; ++i) compared.insert(dice_.Pick(all_.neighbours_[target]->rules));
    for (const RuleIndex rule : compared) {
      const bool fast = std::binary_search(found.begin(), found.end(), rule);
      const bool slow = SlowVerdict(rule, subject);
      ++tally_.pairs;
      if (slow) {
        ++tally_.matching;
        tally_.matched[rule] = true;
      }
      if (fast != slow) ReportRule(rule, fast, subject);
    }
  }

  // Facts by which the rule comes to the event: now and then through a source with renames, or through two.
  LogSourceFacts DrawFacts(const LogSource& wanted) {
    LogSourceFacts facts;
    facts.products.push_back(wanted.product.empty() ? "some" : wanted.product);
    if (!wanted.service.empty()) facts.services.push_back(wanted.service);
    std::vector<FieldRenames> renames = {{}};
    for (const LogSourceMap::Category& category : all_.map_.categories) {
      if (category.category == wanted.category && !category.renames.empty())
        renames.push_back(category.renames);
    }
    if (!wanted.category.empty()) {
      facts.categories.push_back({wanted.category, dice_.Pick(renames)});
      if (dice_.Chance(20)) facts.categories.push_back({wanted.category, dice_.Pick(renames)});
    }
    for (const LogSourceMap::Other& other : all_.map_.others) {
      if (other.log_source.product == wanted.product) facts.renames = other.renames;
    }
    return facts;
  }

  void ReportRule(RuleIndex rule, bool fast, const Subject& subject) {
    const Rule& r = RuleAt(rule);
    const std::string file = r.where.file == nullptr ? "" : *r.where.file;
    const LogSourceFacts& facts = subject.facts;
    Report("the detector says " + std::to_string(fast) + ", the slow evaluator " + std::to_string(!fast) +
           "\nrule " + r.id + " (" + r.title + ", " + file + ":" + std::to_string(r.where.line) +
           ")\nrenames of its categories " +
           std::to_string(facts.categories.empty() ? 0 : facts.categories[0].renames.size()) + "\n" +
           subject.record);
  }

  void Report(const std::string& text) {
    ++tally_.differences;
    if (tally_.reports.size() < kReports) tally_.reports.push_back(text);
  }

  const Differential& all_;
  FastEngine fast_;
  Dice dice_{0};
  DifferentialTally tally_;
};

Differential::Differential(RuleSet rules, const SiteVariables& variables, LogSourceMap map,
                           std::vector<RealEvent> real)
    : map_(std::move(map)),
      rules_(std::make_shared<const RuleSet>(std::move(rules))),
      real_(std::move(real)) {
  for (const Rule& rule : rules_->rules) {
    Result<SlowEvaluator> slow = SlowEvaluator::Compile(rule, variables);
    if (!slow.ok()) {
      std::fprintf(stderr, "%s\n", slow.status().message().c_str());
      std::abort();
    }
    slow_.push_back(std::move(slow).value());
  }
  AddNeighbours();
}

void Differential::AddNeighbours() {
  std::map<std::string, std::shared_ptr<Neighbours>> by_source;
  for (RuleIndex rule = 0; rule < rules_->rules.size(); ++rule) {
    const LogSource& source = rules_->rules[rule].log_source;
    std::shared_ptr<Neighbours>& known =
        by_source[source.product + "\n" + source.category + "\n" + source.service];
    if (known == nullptr) {
      known = std::make_shared<Neighbours>();
      for (size_t i = 0; i < real_.size(); ++i) {
        if (!SlowRoutes(source, real_[i].facts).empty()) known->events.push_back(i);
      }
    }
    known->rules.push_back(rule);
    neighbours_.push_back(known);
  }
}

DifferentialTally Differential::Run(const std::vector<RuleIndex>& targets, const Options& options) const {
  const size_t courses = std::min(std::max(kCourses, options.pairs / kPairsOfCourse + 1), targets.size());
  std::vector<DifferentialTally> tallies(courses);
  std::atomic<size_t> next{0};
  const FastEngine fast(rules_, map_, options.drop_need);
  const auto work = [&] {
    DifferentialWorker worker(*this, fast.Another());
    for (size_t course = next++; course < courses; course = next++) {
      std::vector<RuleIndex> own;
      for (size_t i = course; i < targets.size(); i += courses) own.push_back(targets[i]);
      tallies[course] = worker.Course(own, (options.seed << 16) + course,
                                      (options.pairs + courses - 1) / courses, options.until_difference);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  DifferentialTally sum;
  for (const DifferentialTally& tally : tallies) sum.Add(tally);
  return sum;
}

DifferentialTally Differential::Run(const Options& options) const {
  std::vector<RuleIndex> all(rules_->rules.size());
  for (RuleIndex rule = 0; rule < all.size(); ++rule) all[rule] = rule;
  return Run(all, options);
}

}  // namespace redthread
