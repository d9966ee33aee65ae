// How fast the correlator judges: matches a second of one core, in memory. A match is taken as the stage
// takes it: encoded, in the order of its group.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "correlate/group_correlator.h"

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
  for (auto& judge : judges) {
    GroupCorrelator::Options options;
    options.wants_hits = false;
    judge = std::make_unique<GroupCorrelator>(&rules, &correlation, options, told, told);
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
