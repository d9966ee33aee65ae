// What `run` costs beside `scan`: all SigmaHQ rules over real events in files, each line stored, each alert
// committed; what a reload of the rules costs while lines flow; and how long after an event its correlation's
// early alert can be read.
//
//   ./dev bench run             needs the reference data beside the checkout (../shared)
//   build/release/bench/run_bench [--reference DIR] [--data-dir DIR] [--rounds N]
//
// Rows: scan (alerts, folded, not stored) and run (until idle, into a fresh database) with one and two
// workers; the median of the rounds by wall time, the processor's time of the same round beside it. `run` has
// one thread more, which reads, folds, stores and syncs. Then reloads: each in the middle of a run. Memory is
// that of the whole process, RocksDB's caches included. Nothing here is a test: machines are noisy, the
// ratios of one run are what counts.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench/reference_rules.h"
#include "runtime/embedded.h"
#include "runtime/rule_reload.h"
#include "runtime/scan.h"
#include "storage/alert_store.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "run_bench: %s\n", why.c_str());
  std::exit(2);
}

void Check(const Status& status) {
  if (!status.ok()) Die(status.message());
}

// A line of /proc/self/status, in megabytes.
double StatusMb(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size(), name) == 0) return std::atof(line.c_str() + name.size() + 1) / 1024;
  }
  return 0;
}
double ResidentMb() { return StatusMb("VmRSS"); }
double PeakMb() { return StatusMb("VmHWM"); }

// What was freed goes back, and the peak is measured from here on.
void StartPeak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Measured {
  double wall = 0;  // seconds
  double cpu = 0;   // seconds, of all threads
  double peak = 0;  // megabytes
  uint64_t events = 0;
};

Measured Measure(const std::function<uint64_t()>& work) {
  StartPeak();
  Measured m;
  const auto start = std::chrono::steady_clock::now();
  const double cpu = CpuSeconds();
  m.events = work();
  m.wall = Seconds(std::chrono::steady_clock::now() - start).count();
  m.cpu = CpuSeconds() - cpu;
  m.peak = PeakMb();
  return m;
}

Measured Median(std::vector<Measured> all) {
  std::sort(all.begin(), all.end(), [](const Measured& a, const Measured& b) { return a.wall < b.wall; });
  return all[all.size() / 2];
}

struct Bench {
  std::string events;
  std::string data_dir;
  int rounds = 3;
  Engine::Options rules;
  SystemClock clock;

  std::shared_ptr<const Engine> Load() const {
    Result<std::shared_ptr<const Engine>> engine = Engine::Load(rules);
    Check(engine.status());
    return *engine;
  }

  static uint64_t ScanAll(const std::shared_ptr<const Engine>& engine, const std::string& path, int jobs) {
    Scan scan(engine, {.paths = {path}, .jobs = jobs});
    Check(scan.Alerts([](const Alert&) { return Status::Ok(); }, nullptr));
    return scan.report().counts.records;
  }

  uint64_t RunAll(std::shared_ptr<const Engine> engine, int jobs,
                  std::function<std::shared_ptr<const Engine>()> next) {
    fs::remove_all(data_dir);
    Embedded::Options options;
    options.data_dir = data_dir;
    options.inputs = {{"events", {events}, {}}};
    options.jobs = jobs;
    options.until_idle = true;
    options.next_engine = std::move(next);
    Result<std::unique_ptr<Embedded>> embedded =
        Embedded::Open(std::move(engine), std::move(options), &clock);
    Check(embedded.status());
    Check((*embedded)->Run(false));
    return (*embedded)->report().counts.records;
  }

  void EarlyAlerts();
  void Throughput();
  void Reloads();
};

// A file grows by the second failure of some user, and the database is opened anew, as another process would,
// until the alert is there: what is measured has that looking in it.
void Bench::EarlyAlerts() {
  constexpr size_t kAlerts = 200;
  const auto parsed = std::make_shared<const RuleSet>(LoadRulesFromText(
      "{title: a, name: a, logsource: {product: linux}, detection: {s: {e: a}, condition: s}}\n---\n"
      "{title: r, correlation: {type: event_count, rules: a, group-by: [u], timespan: 10m, condition: {gte: "
      "2}}}",
      "bench.yml", {}));
  Engine::Options maps;
  maps.log_sources_path = rules.log_sources_path;
  maps.entities_path = rules.entities_path;
  const Result<std::shared_ptr<const Engine>> engine = Engine::Load(parsed, maps);
  Check(engine.status());
  fs::remove_all(data_dir);
  fs::create_directories(data_dir);
  const std::string path = data_dir + "/growing.ndjson";
  std::ofstream file(path);
  Embedded::Options options;
  options.data_dir = data_dir + "/data";
  options.inputs = {{"growing", {path}, DeclaredLogSource{{"linux"}, {}, {}}}};
  Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(*engine, std::move(options), &clock);
  Check(embedded.status());
  std::atomic<bool> stop = false;
  std::thread running([&] { Check((*embedded)->Run(stop)); });
  std::vector<double> latencies;
  for (size_t n = 0; n < kAlerts; ++n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + n % 20));
    const std::string line = R"({"@timestamp":")" + FormatTimestamp(clock.Now()) + R"(","e":"a","u":"user)" +
                             std::to_string(n) + "\"}\n";
    const auto begin = std::chrono::steady_clock::now();
    file << line << line << std::flush;
    for (uint64_t alerts = 0; alerts <= n;) {
      Result<std::unique_ptr<Database>> database =
          Database::Open({.path = data_dir + "/data/state", .create = false, .read_only = true});
      if (!database.ok()) continue;  // its files change under the look
      const Result<uint64_t> found = CountAlerts(*(*database)->Snapshot(), {});
      if (found.ok()) alerts = *found;
    }
    latencies.push_back(Seconds(std::chrono::steady_clock::now() - begin).count() * 1e3);
  }
  stop = true;
  running.join();
  std::sort(latencies.begin(), latencies.end());
  std::printf("event to early alert, %zu lone ones: median %.1f ms, p99 %.1f ms, at most %.1f ms\n", kAlerts,
              latencies[kAlerts / 2], latencies[kAlerts * 99 / 100], latencies.back());
  std::fflush(stdout);
}

void Bench::Throughput() {
  std::printf("%-6s %4s | %9s %7s %7s | %10s | %7s\n", "", "jobs", "events", "wall s", "cpu s", "events/s",
              "peak MB");
  const std::shared_ptr<const Engine> engine = Load();
  ScanAll(engine, events, 1);  // warm: partitions are made on first sight, files come into memory
  for (const int jobs : {1, 2}) {
    std::vector<Measured> scans, runs;
    for (int round = 0; round < rounds; ++round) {
      scans.push_back(Measure([&] { return ScanAll(engine, events, jobs); }));
      runs.push_back(Measure([&] { return RunAll(engine, jobs, nullptr); }));
    }
    const Measured scan = Median(scans), run = Median(runs);
    for (const auto& [name, m] : {std::pair{"scan", scan}, std::pair{"run", run}}) {
      std::printf("%-6s %4d | %9lu %7.2f %7.2f | %10.0f | %7.0f\n", name, jobs,
                  static_cast<unsigned long>(m.events), m.wall, m.cpu, double(m.events) / m.wall, m.peak);
    }
    std::printf("run/scan, %d jobs: %.2f by wall time, %.2f by processor time\n", jobs, scan.wall / run.wall,
                scan.cpu / run.cpu);
    std::fflush(stdout);
  }
}

// Each round reads everything anew, and takes up a new set in the middle of it.
void Bench::Reloads() {
  StartPeak();
  std::shared_ptr<const Engine> engine = Load();
  std::printf("reload: %zu rules, %.0f MB with them loaded, %.0f MB at most meanwhile\n",
              engine->rules().rules.size(), ResidentMb(), PeakMb());
  for (int round = 0; round <= 5; ++round) {
    RuleReload reload({.load = [this] { return RuleReload::Loaded{nullptr, Load(), Status::Ok()}; }}, &clock);
    std::shared_ptr<const Engine> next;
    std::chrono::steady_clock::time_point began;
    double took = 0, before = 0, swapped = 0;
    int asked = 0;
    const auto ask = [&]() -> std::shared_ptr<const Engine> {
      if (++asked == 100 && round > 0) {
        before = ResidentMb();
        began = std::chrono::steady_clock::now();
        reload.Request();
      }
      std::optional<RuleReload::Loaded> loaded = reload.Poll();
      if (!loaded.has_value()) return nullptr;
      took = Seconds(std::chrono::steady_clock::now() - began).count();
      swapped = ResidentMb();
      next = loaded->engine;
      engine.reset();  // the pipeline has the last reference
      return next;
    };
    const Measured run = Measure([&] { return RunAll(engine, 2, ask); });
    if (next != nullptr) engine = std::move(next);
    malloc_trim(0);
    if (round == 0) {
      std::printf("run without a reload: %.2f s, at most %.0f MB; %.0f MB after it\n", run.wall, run.peak,
                  ResidentMb());
    } else {
      std::printf(
          "reload %d: %.2f s beside the old set; run %.2f s; %.0f MB before, %.0f MB with both, "
          "%.0f MB at most; %.0f MB after the run\n",
          round, took, run.wall, before, swapped, run.peak, ResidentMb());
    }
    std::fflush(stdout);
  }
}

}  // namespace

int Main(int argc, char** argv) {
  std::string reference = fs::path(REDTHREAD_SOURCE_DIR).parent_path() / "shared";
  Bench bench;
  bench.data_dir = fs::temp_directory_path() / "redthread-run-bench";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--reference") reference = argv[i + 1];
    if (flag == "--data-dir") bench.data_dir = argv[i + 1];
    if (flag == "--rounds") bench.rounds = std::max(1, std::atoi(argv[i + 1]));
  }
  bench.rules.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  bench.rules.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  bench.EarlyAlerts();
  const std::string data = reference + "/data";
  if (!fs::exists(data)) Die("no reference data in " + reference + "; name its folder with --reference");
  bench.events = data + "/events/otrf";
  const std::optional<Engine::Options> corpus = ReferenceRules(reference);
  if (!corpus.has_value()) Die("cannot unpack the rules");
  bench.rules = *corpus;
  bench.Reloads();
  bench.Throughput();
  fs::remove_all(bench.data_dir);
  return 0;
}

}  // namespace redthread

int main(int argc, char** argv) { return redthread::Main(argc, argv); }
