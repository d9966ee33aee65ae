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
#include "tests/oracle/json_writer.h"
#include "tests/oracle/slow_evaluator.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"
#include "tests/oracle/windows_shapes.h"

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

// What rules see of an event of the shape that most of them are written for, for the generator to change.
SlowJson ProcessCreation() {
  return {{"EventID", 1},
          {"Channel", "Microsoft-Windows-Sysmon/Operational"},
          {"Provider_Name", "Microsoft-Windows-Sysmon"},
          {"Computer", "WS-17.example.com"},
          {"UtcTime", "2020-09-14 13:05:31.478"},
          {"Image", R"(C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe)"},
          {"CommandLine", R"(powershell.exe -NoP -Enc SQBFAFgA "C:\Users\kay\a.ps1")"},
          {"ParentImage", R"(C:\Windows\explorer.exe)"},
          {"User", R"(EXAMPLE\kay)"},
          {"ProcessId", 4688}};
}

struct Subject {
  std::string record;
  SlowJson flat;
};

// An event of the generator, its choices the input's bytes: for a rule, on top of a whole event or not.
Subject Drawn(uint8_t how, uint8_t rule, const uint8_t* data, size_t size, const Engines& engines) {
  Dice dice(data, size);
  EventGenerator generator(&dice);
  const SlowJson base = dice.Chance(60) ? ProcessCreation() : SlowJson::object();
  const SlowEvaluator& target = engines.slow[rule % engines.slow.size()];
  const SlowJson event = DrawWindowsShape(generator.Draw(target, {}, how != 1, base), &dice);
  return {WriteJson(event, &dice, {.duplicate_keys = true}), SlowFlatten(event)};
}

// The slow twin has no notion of repaired records, of keys that stand there twice, of nesting that is kept as
// text, and of numbers beyond 64 bits, and its parser takes the byte 0 for the end: these are left to the
// decoder's own target.
bool Comparable(const std::string& record) {
  constexpr size_t kMaxRecord = 2000;  // the slow twin takes its time
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

void Compare(const Subject& subject, const std::vector<RuleIndex>& found, const Engines& engines) {
  for (RuleIndex rule = 0; rule < engines.slow.size(); ++rule) {
    const bool fast = std::binary_search(found.begin(), found.end(), rule);
    const bool slow = engines.SlowVerdict(rule, subject.flat);
    if (fast == slow) continue;
    std::fprintf(stderr, "rule %s: detector %d, slow evaluator %d\n%s\n",
                 engines.rules->rules[rule].id.c_str(), fast, slow, subject.record.c_str());
    FUZZ_CHECK(fast == slow);
  }
}

// The first byte says whether the rest is a record as it stands, or choices of the event generator.
void Run(const uint8_t* data, size_t size, Engines& engines) {
  const bool drawn = size >= 2 && data[0] % 4 != 0;
  Subject subject;
  if (drawn) {
    subject = Drawn(data[0] % 4, data[1], data + 2, size - 2, engines);
  } else if (size > 0) {
    subject.record.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  }
  engines.fast.Decode(subject.record);
  const std::vector<RuleIndex> found = engines.fast.Match(engines.facts);
  if (!drawn) {
    if (!Comparable(subject.record)) return;
    subject.flat = SlowFlatten(SlowJson::parse(subject.record));
  }
  Compare(subject, found, engines);
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static redthread::Engines engines;  // compiling the rules takes longer than any input
  redthread::Run(data, size, engines);
  return 0;
}
