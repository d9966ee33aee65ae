// How fast the correlator judges: matches a second of one core. In memory, a match is taken as the stage
// takes it: encoded, in the order of its group. Live, it goes through CorrelationState into a database,
// committed in steps of 10,000; its time is that of the whole process, with the threads of RocksDB.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "correlate/correlation_state.h"
#include "correlate/group_correlator.h"
#include "storage/alert_store.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

RuleSet LoadCorrelation(const std::string& body, const std::string& rules) {
  std::string yaml;
  for (const char name : rules) {
    yaml += std::string("{title: ") + name + ", name: " + name +
            ", logsource: {product: p}, detection: {s: {F: " + name + "}, condition: s}}\n---\n";
  }
  return LoadRulesFromText(yaml + "{title: r, correlation: {" + body + "}}", "bench.yml", {});
}

// `groups` groups take turns, their matches ten milliseconds apart within a group, as hits of a brute
// force come; `values` distinct values.
void Run(benchmark::State& state, const RuleSet& rules, size_t groups, size_t values) {
  const Correlation& correlation = rules.correlations[0];
  const auto told = [](const auto&) { return Status::Ok(); };
  std::vector<std::unique_ptr<GroupCorrelator>> judges(groups);
  std::vector<int64_t> times(groups);
  GroupCorrelator::Options options;
  options.wants_hits = options.wants_trigger = false;
  GroupCorrelator::Shared shared(&rules, &correlation, options, told, told);
  for (auto& judge : judges) {
    judge = std::make_unique<GroupCorrelator>(&shared);
    judge->Reset({0}, Timestamp::Max());
  }
  CorrelationMatch match;
  match.values.assign(correlation.fields.size(), {""});
  match.evidence.resize(1);
  std::string bytes;
  size_t n = 0;
  for (auto _ : state) {
    const size_t group = n % groups;
    match.time = {times[group] += 10'000'000};
    match.reference = static_cast<uint32_t>(n / groups % correlation.rules.size());
    for (Texts& texts : match.values) texts[0] = std::to_string(n / groups * 7919 % values);
    EncodeMatch(match, &bytes);
    if (!judges[group]->Add(match, bytes).ok()) state.SkipWithError("the window cannot be kept");
    ++n;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

// Resident memory of this process, in MB.
double ResidentMegabytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0, resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

// Matches of one batch, and of one commit.
constexpr size_t kBatch = 1'000, kStep = 10'000;
// How far the watermark is behind.
constexpr int64_t kLag = 300'000'000'000;

// What a live lane is made of.
struct Lane {
  std::string body, rules = "a";
  size_t groups = 100'000;
  size_t values = 1;          // distinct ones of field `v`
  int64_t apart = 1'000'000;  // nanoseconds between matches
};

// Matches of `groups` users, of which nine in ten are of somebody new until all have been seen. As `run` does
// it: batches, each match stored, the watermark five minutes behind, a commit every kStep matches.
void RunLive(benchmark::State& state, const Lane& lane) {
  const auto rules = std::make_shared<const RuleSet>(
      LoadCorrelation(lane.body + ", group-by: [u], timespan: 10m", lane.rules));
  FieldTable fields;
  const auto plan = std::make_shared<const CorrelationPlan>(rules, &fields);
  const std::string folder = std::filesystem::temp_directory_path() / "redthread-correlate-bench";
  std::filesystem::remove_all(folder);
  Result<std::unique_ptr<Database>> database = Database::Open({folder});
  if (!database.ok()) return state.SkipWithError("the database cannot be opened");
  auto transaction = std::make_unique<StateTransaction>(database->get());
  const Result<SourceState> source = FindOrAddSource(transaction.get(), "bench", "/var/log/bench.ndjson");
  if (!source.ok()) return state.SkipWithError("the source cannot be stored");
  auto correlations = std::make_unique<CorrelationState>(plan, CorrelationState::Options());
  std::vector<GroupMatch> matches(kBatch);
  for (GroupMatch& m : matches) {
    m.match.values.assign(rules->correlations[0].fields.size(), {""});
    m.match.evidence.resize(1);
    m.match.evidence[0].position.source = source->id;
    m.group.resize(1);
  }
  int64_t time = 0;
  size_t n = 0, next = 0;
  for (auto _ : state) {
    const bool again = n % 10 == 9 || next >= lane.groups;
    const size_t somebody = n * 0x9E3779B97F4A7C15 >> 24;
    GroupMatch& m = matches[n % kBatch];
    m.group[0].assign("user").append(std::to_string(again ? somebody % std::min(next, lane.groups) : next++));
    m.match.time = {time += lane.apart};
    m.match.reference = static_cast<uint32_t>(n / lane.groups % rules->correlations[0].rules.size());
    for (Texts& texts : m.match.values) texts[0] = std::to_string(somebody / lane.groups % lane.values);
    m.match.evidence[0].time = m.match.time;
    m.match.evidence[0].position.index = n;
    if (++n % kBatch != 0) continue;
    if (!correlations->Add(transaction.get(), matches).ok()) state.SkipWithError("Add failed");
    if (n % kStep != 0) continue;
    const bool good = correlations->Advance(transaction.get(), {time - kLag}, {time}).ok() &&
                      correlations->Flush(transaction.get()).ok() && transaction->Commit().ok();
    if (!good) state.SkipWithError("a step failed");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.counters["resident_MB"] = ResidentMegabytes();
  state.counters["evicted"] = static_cast<double>(correlations->counts().evicted);
  state.counters["reloaded"] = static_cast<double>(correlations->counts().reloaded);
  const Result<uint64_t> alerts = CountAlerts(*transaction, {});
  if (alerts.ok()) state.counters["alerts"] = static_cast<double>(*alerts);
  // As after a crash.
  correlations = std::make_unique<CorrelationState>(plan, CorrelationState::Options());
  const auto began = std::chrono::steady_clock::now();
  if (!correlations->Resume(transaction.get(), {time - kLag}, {time}).ok())
    state.SkipWithError("Resume failed");
  state.counters["resumed_s"] =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  correlations.reset();
  transaction.reset();
  database->reset();
  std::filesystem::remove_all(folder);
}

// How much of the lanes below is run, in percent: to profile them.
size_t Percent(size_t iterations) {
  const char* percent = std::getenv("REDTHREAD_BENCH_PERCENT");
  return percent == nullptr ? iterations : iterations * std::strtoul(percent, nullptr, 10) / 100;
}

void LiveEventCount(benchmark::State& state) {
  RunLive(state, {"type: event_count, rules: a, condition: {gte: 1000}"});
}
BENCHMARK(LiveEventCount)->Iterations(Percent(3'000'000))->MeasureProcessCPUTime();

// All of the values are within the timespan.
void LiveValueCountOf10000Values(benchmark::State& state) {
  RunLive(state,
          {"type: value_count, rules: a, condition: {field: v, gte: 20000}", "a", 10, 10'000, 1'000'000});
}
BENCHMARK(LiveValueCountOf10000Values)->Iterations(Percent(1'000'000))->MeasureProcessCPUTime();

// No chain of all five in order is within the timespan.
void LiveTemporalOrderedOf5Rules(benchmark::State& state) {
  RunLive(state, {"type: temporal_ordered, rules: [e, d, c, b, a]", "abcde", 100'000, 1, 10'000'000});
}
BENCHMARK(LiveTemporalOrderedOf5Rules)->Iterations(Percent(2'000'000))->MeasureProcessCPUTime();

void LiveOfAlertingGroups(benchmark::State& state) {
  RunLive(state, {"type: event_count, rules: a, condition: {gte: 5}"});
}
BENCHMARK(LiveOfAlertingGroups)->Iterations(Percent(1'000'000))->MeasureProcessCPUTime();

void LiveOver10MillionGroups(benchmark::State& state) {
  RunLive(state, {"type: event_count, rules: a, condition: {gte: 5}", "a", 10'000'000});
}
BENCHMARK(LiveOver10MillionGroups)->Iterations(Percent(12'000'000))->MeasureProcessCPUTime();

void EventCountOver100000Groups(benchmark::State& state) {
  Run(state, LoadCorrelation("type: event_count, rules: a, timespan: 10s, condition: {gte: 1000}", "a"),
      100'000, 1);
}
BENCHMARK(EventCountOver100000Groups)->Unit(benchmark::kNanosecond);

void EventCountOfOneGroup(benchmark::State& state) {
  Run(state, LoadCorrelation("type: event_count, rules: a, timespan: 10m, condition: {gte: 5}", "a"), 1, 1);
}
BENCHMARK(EventCountOfOneGroup);

void ValueCountOf10000Values(benchmark::State& state) {
  Run(state,
      LoadCorrelation("type: value_count, rules: a, timespan: 10m, condition: {field: u, gte: 20000}", "a"),
      1, 10'000);
}
BENCHMARK(ValueCountOf10000Values);

void TemporalOrderedOf5Rules(benchmark::State& state) {
  Run(state, LoadCorrelation("type: temporal_ordered, rules: [a, b, c, d, e], timespan: 10m", "abcde"), 1'000,
      1);
}
BENCHMARK(TemporalOrderedOf5Rules);

void BooleanWithNot(benchmark::State& state) {
  Run(state, LoadCorrelation("type: temporal, rules: [a, b], timespan: 10s, condition: a and not b", "ab"),
      1'000, 1);
}
BENCHMARK(BooleanWithNot);

void ValueAverage(benchmark::State& state) {
  Run(state,
      LoadCorrelation("type: value_avg, rules: a, timespan: 10m, condition: {field: u, gte: 20000}", "a"), 1,
      10'000);
}
BENCHMARK(ValueAverage);

void ValuePercentile(benchmark::State& state) {
  Run(state,
      LoadCorrelation("type: value_percentile, rules: a, timespan: 10m, condition: {field: u, percentile: "
                      "95, gte: 20000}",
                      "a"),
      1, 10'000);
}
BENCHMARK(ValuePercentile);

void FirstSeen(benchmark::State& state) {
  Run(state, LoadCorrelation("type: first_seen, rules: a, timespan: 10m, condition: {field: u}", "a"), 1,
      10'000);
}
BENCHMARK(FirstSeen);

}  // namespace
}  // namespace redthread

BENCHMARK_MAIN();
