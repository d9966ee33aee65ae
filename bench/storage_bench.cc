// What keeping everything costs: a synced commit of one step, and the append of its lines on one core.
//
//   ninja -C build/release storage_bench && build/release/bench/storage_bench FILE.ndjson
//
// The lines of the file (one record a line, uncompressed) are held in memory and stored over and over, 1,000
// a step. The database lies in the current folder's file system, because a sync costs what its disk costs.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "storage/event_store.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr size_t kStepRecords = 1000;

std::vector<std::string> lines;

void Check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

// A fresh database and the next step's records of one source.
class Steps {
 public:
  Steps() {
    std::filesystem::remove_all(kFolder);
    Database::Options options;
    options.path = kFolder;
    Result<std::unique_ptr<Database>> opened = Database::Open(options);
    Check(opened.status());
    database_ = std::move(opened).value();
    transaction_ = std::make_unique<StateTransaction>(database_.get());
    Result<SourceState> source = FindOrAddSource(transaction_.get(), "bench", "bench");
    Check(source.status());
    source_ = *source;
  }
  ~Steps() {
    transaction_.reset();
    database_.reset();
    std::filesystem::remove_all(kFolder);
  }

  // Puts the next `n` records and the new position into the transaction.
  void Append(size_t n) {
    records_.clear();
    for (size_t i = 0; i < n; ++i) {
      const uint64_t index = source_.next_index + i;
      const std::string& line = lines[index % lines.size()];
      const auto t = static_cast<int64_t>(1'764'000'000'000'000'000 + index * 1'000'000);
      records_.push_back({index, Timestamp{t}, Timestamp{t + 5'000'000}, line});
      bytes_ += line.size();
    }
    Check(store_.Append(transaction_.get(), source_.id, 0, records_));
    source_.next_index += n;
    Check(UpdateSource(transaction_.get(), source_));
  }
  void Seal() {
    Damage damage;
    Check(store_.Seal(transaction_.get(), source_.id, &damage));
  }
  void Commit() { Check(transaction_->Commit()); }
  void Abandon() { transaction_->Abandon(); }

  void Report(benchmark::State& state) const {
    const auto events = static_cast<double>(source_.next_index);
    state.counters["events/s"] = benchmark::Counter(events, benchmark::Counter::kIsRate);
    state.counters["raw MB/s"] =
        benchmark::Counter(static_cast<double>(bytes_) / 1e6, benchmark::Counter::kIsRate);
    state.counters["commits/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
    Result<Database::Size> size = database_->MeasureSize();
    Check(size.status());
    state.counters["disk/raw"] = static_cast<double>(size->disk_bytes) / static_cast<double>(bytes_);
  }
  EventStore& store() { return store_; }
  const Database& database() const { return *database_; }
  uint64_t stored() const { return source_.next_index; }

 private:
  static constexpr char kFolder[] = "storage_bench.tmp";
  EventStore store_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StateTransaction> transaction_;
  SourceState source_;
  std::vector<EventRecord> records_;
  size_t bytes_ = 0;
};

// Steps of `range` records, each committed and synced: what the disk and RocksDB allow.
void BM_SyncedCommit(benchmark::State& state) {
  Steps steps;
  for (auto _ : state) {
    steps.Append(static_cast<size_t>(state.range(0)));
    steps.Commit();
  }
  steps.Report(state);
}
BENCHMARK(BM_SyncedCommit)->Arg(100)->Arg(kStepRecords)->Arg(10 * kStepRecords)->UseRealTime();

// The same without the commit: what compressing and laying out the rows takes of a core.
void BM_Append(benchmark::State& state) {
  Steps steps;
  for (auto _ : state) {
    steps.Append(static_cast<size_t>(state.range(0)));
    state.PauseTiming();
    steps.Commit();
    state.ResumeTiming();
  }
  steps.Report(state);
}
BENCHMARK(BM_Append)->Arg(100)->Arg(kStepRecords);

// Small steps, sealed every 100 of them: the cost of tail rows that are rewritten as blocks.
void BM_AppendAndSeal(benchmark::State& state) {
  Steps steps;
  size_t n = 0;
  for (auto _ : state) {
    steps.Append(100);
    if (++n % 100 == 0) steps.Seal();
    state.PauseTiming();
    steps.Commit();
    state.ResumeTiming();
  }
  steps.Report(state);
}
BENCHMARK(BM_AppendAndSeal);

// Reading all of it back.
void BM_ForEach(benchmark::State& state) {
  Steps steps;
  for (int i = 0; i < 100; ++i) {
    steps.Append(kStepRecords);
    steps.Commit();
  }
  const std::unique_ptr<StateReader> reader = steps.database().Snapshot();
  size_t events = 0;
  for (auto _ : state) {
    Damage damage;
    Check(steps.store().ForEach(*reader, {}, [&](const StoredEvent&) { return ++events > 0; }, &damage));
  }
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_ForEach);

// One record out of the middle of a block.
void BM_Read(benchmark::State& state) {
  Steps steps;
  for (int i = 0; i < 100; ++i) {
    steps.Append(kStepRecords);
    steps.Commit();
  }
  const std::unique_ptr<StateReader> reader = steps.database().Snapshot();
  std::string text;
  StoredEvent event;
  uint64_t index = 0;
  for (auto _ : state) {
    index = (index + 7919) % steps.stored();
    Check(steps.store().Read(*reader, {1, 0, index, 0}, &text, &event));
  }
}
BENCHMARK(BM_Read);

}  // namespace
}  // namespace redthread

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "usage: storage_bench [--benchmark_...] FILE.ndjson\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  size_t bytes = 0;
  for (std::string line; bytes < redthread::kMaxBytes && std::getline(file, line);) {
    bytes += line.size();
    redthread::lines.push_back(line);
  }
  if (redthread::lines.empty()) {
    std::fprintf(stderr, "%s holds no lines\n", argv[1]);
    return 5;
  }
  std::fprintf(stderr, "%zu lines, %zu bytes on average\n", redthread::lines.size(),
               bytes / redthread::lines.size());
  benchmark::RunSpecifiedBenchmarks();
}
