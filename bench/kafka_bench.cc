// What sharing the work over Kafka costs, with a real broker on the same machine.
//
//   ./dev bench kafka           needs Java and Maven; the first part the reference data (../shared)
//   build/release/bench/kafka_bench [--reference DIR] [--rounds N]
//
//   whole      all SigmaHQ rules over real events, by their time, four times over, each time four years
//   later:
//              `scan` with two threads from files, then two workers of one thread each over a topic that
//              holds the same (lz4), alerts told; how long a commit made all stand still
//   latency    event to alert in the topic of alerts, while 10,000 other events a second flow
//   correlate  frames of matches of 100,000 groups, read from the topic; then the same after the folder was
//              lost
//
// Rates are of the time between two looks at what the groups say they have read, the first when all workers
// have partitions: joining a group is not in it, nor is the first round, in which the broker compiles itself.
// Nothing here is a test: machines are noisy, and the broker has its share of the processors.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/reference_rules.h"
#include "core/record.h"
#include "correlate/group_rows.h"
#include "ingest/event_time.h"
#include "ingest/input_list.h"
#include "ingest/kafka_admin.h"
#include "ingest/kafka_producer.h"
#include "ingest/record_decoder.h"
#include "ingest/record_reader.h"
#include "ingest/topic_dump.h"
#include "runtime/pipeline_worker.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kRawPartitions = 6;
constexpr int kMatchPartitions = 4;
constexpr int kRepeats = 4;
constexpr int kYearsApart = 4;  // days of leap years stay days
constexpr size_t kGroups = 100'000;
constexpr size_t kMatches = 4'000'000;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "kafka_bench: %s\n", why.c_str());
  std::exit(2);
}

template <typename T>
T Take(Result<T> result) {
  if (!result.ok()) Die(result.status().message());
  return std::move(*result);
}
void Check(const Status& status) {
  if (!status.ok()) Die(status.message());
}

SteadyTime Now() { return std::chrono::steady_clock::now(); }
double Since(SteadyTime begin) { return Seconds(Now() - begin).count(); }

double Percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<size_t>(static_cast<double>(values.size()) * percent / 100))];
}

// The rules that everybody has.
class FixedRules final : public RuleEpochs {
 public:
  explicit FixedRules(std::shared_ptr<const Engine> engine) : engine_(std::move(engine)) {}
  Rules Newest() override { return {1, engine_}; }
  Result<std::shared_ptr<const Engine>> Find(uint64_t) override { return engine_; }

 private:
  std::shared_ptr<const Engine> engine_;
};

class Bench {
 public:
  Bench(std::string reference, int rounds) : reference_(std::move(reference)), rounds_(rounds) {
    folder_ = (fs::temp_directory_path() / "redthread-kafka-bench").string();
    Broker("clean");
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    if (Broker("start 1") != 0) Die("no broker can be run here");
    std::ifstream(folder_ + "/kafka/brokers") >> settings_.brokers.emplace_back();
    admin_ = Take(KafkaAdmin::Open(settings_));
    maps_.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    maps_.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  }
  ~Bench() {
    admin_.reset();
    Broker("clean");
    fs::remove_all(folder_);
  }

  void Whole();
  void Latency();
  void Correlate();

 private:
  int Broker(const std::string& verb) const {
    return std::system(("REDTHREAD_KAFKA_DIR=" + folder_ +
                        "/kafka REDTHREAD_KAFKA_PORT=0 REDTHREAD_KAFKA_JOIN_DELAY=1000 " REDTHREAD_SOURCE_DIR
                        "/deploy/kafka-dev/kafka " +
                        verb + " > /dev/null")
                           .c_str());
  }
  std::vector<std::string> Repeated(const std::string& source) const;
  void MakeTopic(const std::string& name, int partitions) const {
    Check(
        admin_->Create({{name,
                         partitions,
                         1,
                         {{"message.timestamp.type", "LogAppendTime"}, {"max.message.bytes", "33554432"}}}}));
  }
  std::shared_ptr<const Engine> RulesOf(const std::string& yaml) const {
    return Take(
        Engine::Load(std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "bench.yml", {})), maps_));
  }

  PipelineWorker::Options WorkerOptions(const std::string& raw, const std::string& name) const {
    PipelineWorker::Options options;
    KafkaInput input;
    input.name = "logs";
    input.settings = settings_;
    input.settings.group = name + "-detect";
    input.topics = {raw};
    options.detect.inputs = {input};
    options.settings = settings_;
    options.settings.group = name + "-correlate";
    options.detect.matches = options.correlate.matches = name + ".matches";
    options.correlate.alerts = name + ".alerts";
    options.detect.partitions = options.correlate.partitions = kMatchPartitions;
    options.correlate.render = TopicAlertRecord;
    options.on_problem = [](const std::string& text) { std::fprintf(stderr, "  %s\n", text.c_str()); };
    return options;
  }

  // Waits for a group to say that it has read `total` records of a topic; records a second since all of its
  // members had their share. What it has read is told with its commits, seconds apart: of several members the
  // first word of progress is the start, of one, which reads nothing before it has its share, the share
  // itself.
  double RateOf(const std::string& group, const std::string& topic, int partitions, uint64_t total,
                size_t members) {
    KafkaSettings settings = settings_;
    settings.group = group;
    const std::unique_ptr<KafkaAdmin> admin = Take(KafkaAdmin::Open(settings));
    std::vector<KafkaPartition> all;
    for (int p = 0; p < partitions; ++p) all.push_back({topic, p});
    std::optional<uint64_t> first;
    SteadyTime begun = Now();
    const SteadyTime deadline = Now() + std::chrono::minutes(10);
    for (uint64_t read = 0; read < total; std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
      read = 0;
      for (const auto& [partition, position] : Take(admin->ToldPositions(all)))
        read += static_cast<uint64_t>(position.next_offset);
      if (!first.has_value() && (read > 0 || members == 1) && OwnersOf(admin.get(), group) == members) {
        first = read;
        begun = Now();
      }
      if (Now() > deadline) Die(group + " has read " + std::to_string(read) + " of " + std::to_string(total));
    }
    if (!first.has_value() || *first > total / 2) Die("all was read before all members had joined " + group);
    return static_cast<double>(total - *first) / Since(begun);
  }
  static size_t OwnersOf(KafkaAdmin* admin, const std::string& group) {
    std::set<std::string> owners;
    for (const auto& [partition, owner] : Take(admin->Owners(group))) owners.insert(owner);
    return owners.size();
  }

  std::string reference_;
  int rounds_;
  std::string folder_;
  KafkaSettings settings_;
  std::unique_ptr<KafkaAdmin> admin_;
  Engine::Options maps_;
  SystemClock clock_;
};

// ---- the whole

// Reads lines of files, in order.
void ForEachLine(const std::vector<std::string>& paths, const std::function<void(std::string_view)>& take) {
  RecordBatch batch;
  const auto take_all = [&] {
    for (const RecordBatch::Record& record : batch.records) take(record.text());
  };
  for (const std::string& path : paths) {
    const std::unique_ptr<RecordReader> reader = Take(RecordReader::Open(path, path, {}));
    while (Take(reader->Next(&batch))) take_all();
    take_all();
    batch.records.clear();
  }
}

// Moves times that begin with a quote and a year of this century: "2020-...
std::string YearsLater(std::string line, int years) {
  const auto is_digit = [&](size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  for (size_t at = 0; (at = line.find("\"20", at)) != std::string::npos; at += 3) {
    if (at + 5 >= line.size() || !is_digit(at + 3) || !is_digit(at + 4) || line[at + 5] != '-') continue;
    const int year = (line[at + 3] - '0') * 10 + line[at + 4] - '0' + years;
    line[at + 3] = static_cast<char>('0' + year / 10 % 10);
    line[at + 4] = static_cast<char>('0' + year % 10);
  }
  return line;
}

// The lines of a folder by their time, a file for each repetition. They are made once.
std::vector<std::string> Bench::Repeated(const std::string& source) const {
  const fs::path folder = fs::path(REDTHREAD_BINARY_DIR) / "reference" / "bench-by-time";
  std::vector<std::string> paths;
  for (int n = 0; n < kRepeats; ++n) paths.push_back((folder / (std::to_string(n) + ".ndjson.zst")).string());
  if (fs::exists(folder)) return paths;
  FieldTable fields;
  RecordDecoder::RegisterFields(&fields);
  EventTime::RegisterFields(&fields);
  RecordDecoder decoder(fields);
  const EventTime time(fields);
  std::vector<std::pair<Timestamp, std::string>> lines;
  Event event;
  std::string padded;
  ForEachLine(ExpandInputs({source}).paths, [&](std::string_view line) {
    padded.assign(line).append(Decoder::kPadding, '\0');
    event.Clear(fields);
    decoder.Decode({padded.data(), line.size()}, {}, &event);
    time.Set(&event);
    lines.emplace_back(event.time.value_or(Timestamp()), line);
  });
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::string making = folder_ + "/by-time";
  fs::create_directories(making);
  for (int n = 0; n < kRepeats; ++n) {
    const std::string name = making + "/" + std::to_string(n) + ".ndjson";
    std::ofstream file(name);
    for (const auto& [at, line] : lines) file << YearsLater(line, n * kYearsApart) << '\n';
    file.close();
    if (!file || std::system(("zstd -q --rm " + name).c_str()) != 0) Die("cannot write " + name);
  }
  fs::create_directories(folder.parent_path());
  if (std::system(("cp -r " + making + " " + folder.string()).c_str()) != 0)
    Die("cannot write " + folder.string());
  return paths;
}

void Bench::Whole() {
  const std::string data = reference_ + "/data";
  if (!fs::exists(data)) {
    std::printf("whole: no reference data in %s; name its folder with --reference\n", reference_.c_str());
    return;
  }
  const std::optional<Engine::Options> options = ReferenceRules(reference_);
  if (!options.has_value()) Die("cannot unpack the rules");
  const std::shared_ptr<const Engine> engine = Take(Engine::Load(*options));

  const std::vector<std::string> paths = Repeated(data + "/events/otrf");
  MakeTopic("otrf", kRawPartitions);
  uint64_t events = 0;
  {
    const std::unique_ptr<KafkaProducer> producer = Take(KafkaProducer::Start({.settings = settings_}));
    ForEachLine(paths, [&](std::string_view line) {
      Take(producer->Send("otrf", static_cast<int32_t>(events++ / 500 % kRawPartitions), {}, line));
    });
    Check(producer->Flush(std::chrono::minutes(5)));
  }
  std::vector<double> scans, shared;
  std::mutex mutex;
  std::vector<double> stalls;
  for (int round = 0; round <= rounds_; ++round) {
    if (round == 1) {
      scans.clear();
      shared.clear();
      stalls.clear();
    }
    Scan scan(engine, {.paths = paths, .jobs = 2});
    const SteadyTime begun = Now();
    Check(scan.Alerts([](const Alert&) { return Status::Ok(); }, nullptr));
    scans.push_back(static_cast<double>(scan.report().counts.records) / Since(begun));

    const std::string name = "whole" + std::to_string(round);
    MakeTopic(name + ".matches", kMatchPartitions);
    MakeTopic(name + ".alerts", kMatchPartitions);
    FixedRules rules(engine);
    std::atomic<bool> stop{false};
    std::vector<std::thread> workers;
    for (int n = 0; n < 2; ++n) {
      workers.emplace_back([&, n] {
        PipelineWorker::Options worker = WorkerOptions("otrf", name);
        worker.instance = "worker" + std::to_string(n);
        worker.detect.jobs = 1;
        worker.correlate.data_dir = folder_ + "/" + name + "-" + std::to_string(n);
        worker.correlate.on_commit = [&](Nanoseconds took) {
          const std::lock_guard lock(mutex);
          stalls.push_back(static_cast<double>(took.count()) / 1e6);
        };
        Check(PipelineWorker(worker, &rules, &clock_).Run(stop));
      });
    }
    shared.push_back(RateOf(name + "-detect", "otrf", kRawPartitions, events, 2));
    stop = true;
    for (std::thread& worker : workers) worker.join();
    std::printf(
        "%s: %lu events; scan of files, 2 threads %.0f/s; 2 workers over Kafka %.0f/s, broker included; "
        "ratio %.2f\n",
        round == 0 ? "not counted" : "whole", static_cast<unsigned long>(events), scans.back(), shared.back(),
        shared.back() / scans.back());
    std::fflush(stdout);
  }
  std::printf(
      "whole, median of %d: scan %.0f/s, workers %.0f/s, ratio %.2f; commits stood still median %.1f ms, "
      "p99 %.1f ms, of %zu\n",
      rounds_, Percentile(scans, 50), Percentile(shared, 50), Percentile(shared, 50) / Percentile(scans, 50),
      Percentile(stalls, 50), Percentile(stalls, 99), stalls.size());
  std::fflush(stdout);
}

// ---- latency

void Bench::Latency() {
  constexpr size_t kAlerts = 400;
  constexpr size_t kBetween = 250;  // other events between two that raise an alert: 40 a second
  const auto engine = RulesOf(
      "{title: a, logsource: {product: linux}, detection: {s: {e: a}, condition: s}}\n---\n"
      "{title: b, name: b, logsource: {product: linux}, detection: {s: {e: b}, condition: s}}\n---\n"
      "{title: c, correlation: {type: event_count, rules: b, group-by: [u], timespan: 10m, condition: {gte: "
      "2}}}");
  MakeTopic("lines", kRawPartitions);
  MakeTopic("latency.matches", kMatchPartitions);
  MakeTopic("latency.alerts", kMatchPartitions);
  PipelineWorker::Options options = WorkerOptions("lines", "latency");
  options.detect.inputs[0].log_source = DeclaredLogSource{{"linux"}, {}, {}};
  options.correlate.data_dir = folder_ + "/latency";
  FixedRules rules(engine);
  std::atomic<bool> stop{false};
  std::thread worker([&] { Check(PipelineWorker(options, &rules, &clock_).Run(stop)); });

  std::mutex mutex;
  std::map<std::string, SteadyTime> sent;  // by user
  std::atomic<bool> awake{false};          // the first alert has come: everybody has joined
  std::thread producing([&] {
    const std::unique_ptr<KafkaProducer> producer = Take(KafkaProducer::Start({.settings = settings_}));
    for (int twice = 0; twice < 2; ++twice)
      Take(producer->Send(
          "lines", 0, {},
          R"({"@timestamp":")" + FormatTimestamp(clock_.Now()) + R"(","e":"b","u":"userfirst"})"));
    while (!awake) {
      Take(producer->Acknowledged());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const SteadyTime begun = Now();
    for (size_t n = 0; n < kAlerts * kBetween; ++n) {
      const auto due = begun + std::chrono::microseconds(100 * n);
      if (n % 10 == 0) std::this_thread::sleep_until(due);
      const std::string time = R"({"@timestamp":")" + FormatTimestamp(clock_.Now()) + "\",";
      const auto partition = static_cast<int32_t>(n % kRawPartitions);
      if (n % kBetween == 0) {
        const std::string user = "user" + std::to_string(n);
        {
          const std::lock_guard lock(mutex);
          sent[user] = Now();
        }
        for (int twice = 0; twice < 2; ++twice)
          Take(producer->Send("lines", partition, {}, time + R"("e":"b","u":")" + user + "\"}"));
      } else {
        Take(producer->Send("lines", partition, {},
                            time + R"("e":"z","u":"nobody","n":)" + std::to_string(n) + "}"));
      }
      Take(producer->Acknowledged());
    }
    Check(producer->Flush(std::chrono::minutes(1)));
  });
  std::vector<double> latencies;
  std::set<std::string> told;
  KafkaSettings settings = settings_;
  settings.group = "latency-reader";
  const std::unique_ptr<KafkaConsumer> consumer = Take(
      KafkaConsumer::Start({settings, Take(TopicFilter::Of({"latency.alerts"})), std::chrono::seconds(10)}));
  while (!consumer->TakeView().has_value()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (int p = 0; p < kMatchPartitions; ++p)
    Check(consumer->Read({"latency.alerts", p}, 0, static_cast<uint32_t>(p)));
  const SteadyTime deadline = Now() + std::chrono::minutes(2);
  while (told.size() < kAlerts && Now() < deadline) {
    for (const KafkaRecords::Record& record : consumer->Poll().records) {
      const size_t at = record.value.find("\"u\":\"user");
      if (at == std::string_view::npos) continue;
      const std::string user(record.value.substr(at + 5, record.value.find('"', at + 5) - at - 5));
      if (user == "userfirst") awake = true;
      if (user == "userfirst" || !told.insert(user).second) continue;
      const std::lock_guard lock(mutex);
      latencies.push_back(Since(sent.at(user)) * 1e3);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  producing.join();
  stop = true;
  worker.join();
  std::printf(
      "latency: event to alert in its topic at 10,000 events/s: median %.0f ms, p99 %.0f ms, at most %.0f "
      "ms, of %zu\n",
      Percentile(latencies, 50), Percentile(latencies, 99), Percentile(latencies, 100), latencies.size());
  std::fflush(stdout);
}

// ---- correlation alone

void Bench::Correlate() {
  const auto engine = RulesOf(
      "{title: b, name: b, id: 00000000-0000-4000-8000-000000000001, logsource: {product: linux}, detection: "
      "{s: {e: "
      "b}, condition: s}}\n---\n"
      "{title: c, id: 00000000-0000-4000-8000-000000000002, correlation: {type: event_count, rules: b, "
      "group-by: [u], "
      "timespan: 10m, condition: {gte: 1000000}}}");
  const std::string rule = IdentityOf(engine->rules().rules[0]);
  const std::string correlation = IdentityOf(engine->rules().correlations[0]);
  const MatchRouter router(engine->correlations(), kMatchPartitions);
  MakeTopic("raw", 1);
  MakeTopic("frames.matches", kMatchPartitions);
  MakeTopic("frames.alerts", kMatchPartitions);
  std::vector<uint64_t> frames(kMatchPartitions);
  {
    const std::unique_ptr<KafkaProducer> producer = Take(KafkaProducer::Start({.settings = settings_}));
    const std::string source = KafkaIdentity{"bench", {"raw", 0}}.Encode();
    std::vector<FrameWriter> writers(kMatchPartitions);
    std::vector<FrameHead> heads(kMatchPartitions);
    for (FrameHead& head : heads) {
      head.source = source;
      head.rules = 1;
    }
    for (int p = 0; p < kMatchPartitions; ++p) {
      Take(producer->Send("frames.matches", p, {}, EncodeAnnounce({source})));
      ++frames[static_cast<size_t>(p)];
      writers[static_cast<size_t>(p)].Begin(heads[static_cast<size_t>(p)]);
    }
    CorrelationMatch match;
    match.evidence.resize(1);
    uint64_t state = 1;
    for (uint64_t n = 0; n < kMatches; ++n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      match.time = *ParseTimestamp("2026-11-22T10:00:00Z") + std::chrono::microseconds(100 * n);
      const Texts group = {"user" + std::to_string((state >> 33) % kGroups)};
      const auto p = static_cast<size_t>(router.PartitionOf(0, group));
      writers[p].AddMatch(n, correlation, group, match, rule);
      if ((n + 1) % 4096 != 0 && n + 1 != kMatches) continue;
      for (size_t each = 0; each < writers.size(); ++each) {
        heads[each].end = {n + 1, 0};
        heads[each].seen = heads[each].greatest = match.time;
        Take(producer->Send("frames.matches", static_cast<int32_t>(each), {},
                            writers[each].Finish(heads[each])));
        ++frames[each];
        heads[each].begin = heads[each].end;
        writers[each].Begin(heads[each]);
      }
    }
    Check(producer->Flush(std::chrono::minutes(5)));
  }
  uint64_t total = 0;
  for (const uint64_t of_partition : frames) total += of_partition;
  FixedRules rules(engine);
  for (const std::string name : {"first", "restored"}) {
    fs::remove_all(folder_ + "/frames");
    PipelineWorker::Options options = WorkerOptions("raw", "frames");
    options.settings.group =
        "frames-" + name;  // of the restored one nothing is known either: it does the same
    options.detects = false;
    options.correlate.data_dir = folder_ + "/frames";
    std::atomic<bool> stop{false};
    const SteadyTime begun = Now();
    std::thread worker([&] { Check(PipelineWorker(options, &rules, &clock_).Run(stop)); });
    const double rate = RateOf(options.settings.group, "frames.matches", kMatchPartitions, total, 1);
    const double took = Since(begun);
    stop = true;
    worker.join();
    std::printf("correlate, %s: %.0f matches/s over %zu groups in one thread; %.1f s with its start\n",
                name.c_str(), rate * static_cast<double>(kMatches) / static_cast<double>(total), kGroups,
                took);
    std::fflush(stdout);
  }
}

}  // namespace

int Main(int argc, char** argv) {
  std::string reference = fs::path(REDTHREAD_SOURCE_DIR).parent_path() / "shared";
  int rounds = 3;
  std::string only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--reference") reference = argv[i + 1];
    if (flag == "--rounds") rounds = std::max(1, std::atoi(argv[i + 1]));
    if (flag == "--only") only = argv[i + 1];
  }
  Bench bench(reference, rounds);
  if (only.empty() || only == "correlate") bench.Correlate();
  if (only.empty() || only == "latency") bench.Latency();
  if (only.empty() || only == "whole") bench.Whole();
  return 0;
}

}  // namespace redthread

int main(int argc, char** argv) { return redthread::Main(argc, argv); }
