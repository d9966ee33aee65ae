// Matching: whatever event the input's bytes shape out of the rules' own values, the detector finds the rules
// that the slow evaluator finds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "rules/rule_set.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/oracle/constructs.h"
#include "tests/oracle/event_generator.h"
#include "tests/oracle/fast_engine.h"
#include "tests/oracle/slow_evaluator.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

// Both engines over the same rules, made once.
struct Engines {
  SiteVariables variables = {{"servers", {"dc-01", "FS*.corp"}}, {"one", {"x"}}};
  std::shared_ptr<const RuleSet> rules =
      std::make_shared<const RuleSet>(LoadRulesFromText(kConstructs, "constructs.yml", {variables}));
  FastEngine fast{rules, {}};
  std::vector<SlowEvaluator> slow;
  LogSourceFacts facts = {
      .products = {"some", "windows"},
      .categories = {{"process_creation", {}}, {"process_creation", {{"Image", "NewProcessName"}}}}};

  Engines() {
    FUZZ_CHECK(rules->problems.empty());
    for (const Rule& rule : rules->rules) {
      Result<SlowEvaluator> evaluator = SlowEvaluator::Compile(rule, variables);
      FUZZ_CHECK(evaluator.ok());
      slow.push_back(std::move(evaluator).value());
    }
  }
  bool SlowVerdict(size_t rule, const SlowJson& flat) const {
    for (const FieldRenames& renames : SlowRoutes(rules->rules[rule].log_source, facts)) {
      if (slow[rule].Matches(flat, renames)) return true;
    }
    return false;
  }
};

// The first byte says whether the rest is a record as it stands, or choices of the event generator.
std::string Record(const uint8_t* data, size_t size, const Engines& engines) {
  if (size < 2 || data[0] % 4 == 0) return {reinterpret_cast<const char*>(data + 1), size > 0 ? size - 1 : 0};
  Dice dice(data + 2, size - 2);
  EventGenerator generator(&dice, engines.variables);
  const Rule& rule = engines.rules->rules[data[1] % engines.rules->rules.size()];
  return WriteJson(generator.Draw(rule, {}, data[0] % 4 != 1), &dice);
}

// The slow twin has no notion of repaired records, of keys that stand there twice, of nesting that is kept as
// text, and of numbers beyond 64 bits, and its parser takes the byte 0 for the end: these are left to the
// decoder's own target.
bool Comparable(const std::string& record) {
  constexpr size_t kMaxRecord = 2000;  // the slow twin backtracks
  constexpr int kMaxDepth = 40;
  if (record.size() > kMaxRecord || record.find('\0') != std::string::npos) return false;
  bool comparable = true;
  std::vector<std::vector<std::string>> keys;
  const auto look = [&](int depth, SlowJson::parse_event_t event, SlowJson& value) {
    using Kind = SlowJson::parse_event_t;
    comparable &= depth <= kMaxDepth;
    if (event == Kind::object_start) keys.emplace_back();
    if (event == Kind::object_end) keys.pop_back();
    if (event == Kind::key) {
      const std::string key = value.get<std::string>();
      comparable &= std::find(keys.back().begin(), keys.back().end(), key) == keys.back().end();
      keys.back().push_back(key);
    }
    if (event == Kind::value && value.is_number()) comparable &= std::abs(value.get<double>()) < 9e18;
    return true;
  };
  const SlowJson parsed = SlowJson::parse(record, look, /*allow_exceptions=*/false);
  return comparable && parsed.is_object();
}

void CompareEngines(const std::string& record, Engines& engines) {
  engines.fast.Decode(record);
  const std::vector<RuleIndex> found = engines.fast.Match(engines.facts);
  if (!Comparable(record)) return;
  const SlowJson flat = SlowFlatten(SlowJson::parse(record));
  for (RuleIndex rule = 0; rule < engines.slow.size(); ++rule) {
    const bool fast = std::binary_search(found.begin(), found.end(), rule);
    const bool slow = engines.SlowVerdict(rule, flat);
    if (fast == slow) continue;
    std::fprintf(stderr, "rule %s: detector %d, slow evaluator %d\n%s\n",
                 engines.rules->rules[rule].id.c_str(), fast, slow, record.c_str());
    FUZZ_CHECK(fast == slow);
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static redthread::Engines engines;  // compiling the rules takes longer than any input
  redthread::CompareEngines(redthread::Record(data, size, engines), engines);
  return 0;
}
