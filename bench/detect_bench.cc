// What detection costs: all SigmaHQ rules over real events held in memory, against simdjson reading every
// field and string of the same buffers.
//
//   ./dev bench detect          needs the reference data beside the checkout (../shared)
//   build/release/bench/detect_bench [--reference DIR] [--lane NAME] [--rounds N]
//
// Columns: (a) simdjson On-Demand, one thread; (b) redthread, one thread: shape, time, classification, all
// rules, results written; (c) the same on two threads; medians of the rounds. (a) and (b) are in seconds of
// processor time, (c) and c/b in those of the wall. Below each lane: from the compressed files, and (d)
// rsigma if it is on the PATH. Nothing here is a test: machines are noisy, the ratios of one run are what
// counts.
#include <simdjson.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "bench/reference_rules.h"
#include "core/record.h"
#include "ingest/record_reader.h"
#include "runtime/engine.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kRsigmaEvents = 50'000, kLeastRsigmaEvents = 10'000;
using Seconds = std::chrono::duration<double>;

double Time(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

// Seconds of this thread's processor time: what one thread costs, whoever else is on the machine.
double CpuTime(const std::function<void()>& work) {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  const double start = now();
  work();
  return now() - start;
}

// Kilobytes in use now.
size_t ResidentKb() {
  std::ifstream statm("/proc/self/statm");
  size_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * 4;
}

struct Lane {
  std::string name;
  std::vector<std::string> paths;
  std::vector<LogSourceFlag> log_sources;  // of the paths
  struct Part {
    RecordBatch batch;
    uint32_t declared = 0;
  };
  std::vector<Part> parts;
  uint64_t events = 0;
  uint64_t bytes = 0;
};

void ReadFile(const std::string& path, uint32_t declared, Lane* lane) {
  auto reader = RecordReader::Open(path, path, {});
  if (!reader.ok()) {
    std::fprintf(stderr, "%s\n", reader.status().message().c_str());
    std::exit(1);
  }
  for (;;) {
    Lane::Part part;
    part.declared = declared;
    const Result<bool> more = (*reader)->Next(&part.batch);
    if (!more.ok() || !*more) return;
    lane->events += part.batch.records.size();
    lane->bytes += part.batch.counts.bytes;
    lane->parts.push_back(std::move(part));
  }
}

DeclaredLogSource DeclaredOf(const nlohmann::json& log_source) {
  DeclaredLogSource declared;
  for (const auto& [key, value] : log_source.items()) {
    std::vector<std::string>* list = key == "product"    ? &declared.products
                                     : key == "service"  ? &declared.services
                                     : key == "category" ? &declared.categories
                                                         : nullptr;
    if (list == nullptr) continue;
    for (const auto& v : value.is_array() ? value : nlohmann::json::array({value})) list->push_back(v);
  }
  return declared;
}

// The same as `scan` is told it.
void AddFlags(const DeclaredLogSource& declared, const std::string& path, std::vector<LogSourceFlag>* flags) {
  using Key = LogSourceFlag::Key;
  for (const std::string& value : declared.products) flags->push_back({Key::kProduct, value, path});
  for (const std::string& value : declared.services) flags->push_back({Key::kService, value, path});
  for (const std::string& value : declared.categories) flags->push_back({Key::kCategory, value, path});
}

// Lines made to hurt: long values, nearly every literal of the rules but not quite, a great many fields.
std::string HostileLines(const RuleSet& rules) {
  std::mt19937 random(1);
  std::vector<std::string> literals;
  const std::function<void(const SearchNode&)> collect = [&](const SearchNode& node) {
    for (const SearchNode& c : node.children) collect(c);
    if (node.kind != SearchNode::Kind::kItem) return;
    for (const RawValue& v : node.item.raw_values) {
      if (v.text.size() > 4) literals.push_back(v.text);
    }
  };
  for (const Rule& r : rules.rules) {
    if (r.log_source.category == "process_creation") {
      for (const Search& s : r.logic.searches) collect(s.root);
    }
  }
  const auto event = [](const std::string& command_line) {
    std::string line =
        R"({"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":)";
    AppendJsonString(command_line, &line);
    return line + "}\n";
  };
  std::string out;
  for (int n = 0; n < 60; ++n) {
    std::string near;
    while (near.size() < 150'000) {
      std::string literal = literals[random() % literals.size()];
      if (n % 3 != 0) literal[random() % literal.size()] = '~';
      near += literal + " ";
    }
    out += event(near);
    out += event(std::string(150'000, "a-/ "[n % 4]));
    std::string runs;
    while (runs.size() < 150'000) runs += "powershell -e -en -enc aaaaaaaaaaaa\\\\\\\\";
    out += event(runs);
  }
  for (int n = 0; n < 4; ++n) {
    std::string fields = R"({"Channel":"Security","EventID":4688)";
    for (int f = 0; f < 50'000; ++f) fields += ",\"f" + std::to_string(f) + "\":\"\\\\u0061 value\"";
    out += fields + "}\n";
  }
  return out;
}

// ---- (a) the yardstick
// -------------------------------------------------------------------------------------------------

size_t Walk(simdjson::ondemand::value value);

size_t Walk(simdjson::ondemand::object object) {
  size_t sum = 0;
  for (auto field : object) {
    sum += std::string_view(field.unescaped_key()).size();
    sum += Walk(simdjson::ondemand::value(field.value()));
  }
  return sum;
}

size_t Walk(simdjson::ondemand::value value) {
  size_t sum = 0;
  switch (value.type()) {
    case simdjson::ondemand::json_type::object:
      return Walk(simdjson::ondemand::object(value.get_object()));
    case simdjson::ondemand::json_type::array:
      for (auto element : value.get_array()) sum += Walk(simdjson::ondemand::value(element.value()));
      return sum;
    case simdjson::ondemand::json_type::string:
      return std::string_view(value.get_string()).size();
    case simdjson::ondemand::json_type::number:
      return static_cast<size_t>(double(value.get_double()));
    case simdjson::ondemand::json_type::boolean:
      return bool(value.get_bool()) ? 1 : 0;
    default:
      return value.is_null() ? 1 : 0;
  }
}

size_t ReadEverything(const Lane& lane) {
  simdjson::ondemand::parser parser;
  size_t sum = 0;
  for (const Lane::Part& part : lane.parts) {
    for (const RecordBatch::Record& r : part.batch.records) {
      try {
        auto document = parser.iterate(r.data, r.size, r.size + Decoder::kPadding);
        sum += Walk(simdjson::ondemand::object(document.get_object()));
      } catch (const simdjson::simdjson_error&) {
        ++sum;
      }
    }
  }
  return sum;
}

// ---- (b) redthread
// -----------------------------------------------------------------------------------------------------

struct Work {
  uint64_t detections = 0;
  Detector::Counters counters;
};

void Match(const Lane::Part& part, const RecordBatch::Record& r, Pipeline* pipeline) {
  pipeline->Process(r.text(), part.declared, {0, 0, r.index, r.cursor}, {});
}

// Writes what the record matched to *out, which is emptied now and then. Returns how many detections.
size_t Write(const std::shared_ptr<const Engine>& engine, const Lane& lane, Pipeline* pipeline,
             std::string* out) {
  const std::vector<RuleIndex>& matches = pipeline->matches();
  if (matches.empty()) return 0;
  std::string event_json;
  AppendJson(pipeline->event(), &event_json);
  for (const RuleIndex rule : matches) {
    const Rule& matched = engine->rules().rules[rule];
    AppendDetectionRecord({matched.id, matched.title, matched.level, &matched.tags}, pipeline->event(),
                          event_json, lane.name,
                          pipeline->detector().Explain(pipeline->event(), pipeline->facts(), rule), out);
  }
  if (out->size() > 1 << 20) out->clear();
  return matches.size();
}

// Runs parts of the lane until `next`, which threads may share, has gone `repeat` times through them.
void Detect(const std::shared_ptr<const Engine>& engine, const Lane& lane, size_t repeat,
            std::atomic<size_t>* next, Pipeline* pipeline, Work* work) {
  std::string out;
  for (size_t p = (*next)++; p < repeat * lane.parts.size(); p = (*next)++) {
    const Lane::Part& part = lane.parts[p % lane.parts.size()];
    for (const RecordBatch::Record& r : part.batch.records) {
      Match(part, r, pipeline);
      work->detections += Write(engine, lane, pipeline, &out);
    }
  }
  work->counters = pipeline->detector().counters();
}

void DetectAlone(const std::shared_ptr<const Engine>& engine, const Lane& lane, size_t repeat,
                 Pipeline* pipeline, Work* work) {
  std::atomic<size_t> next{0};
  Detect(engine, lane, repeat, &next, pipeline, work);
}

double Median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// (b) alone, over and over: for a profiler.
void Profile(const std::shared_ptr<const Engine>& engine, const Lane& lane, int rounds) {
  Pipeline pipeline(engine);
  Work work;
  for (int round = 0; round < rounds; ++round) {
    const double seconds = CpuTime([&] { DetectAlone(engine, lane, 1, &pipeline, &work); });
    std::printf("%s: %.0f events/s\n", lane.name.c_str(), static_cast<double>(lane.events) / seconds);
  }
}

struct SlowestLine {
  double match = 0, write = 0;  // seconds a MB of the line: to match it, to write what it matched
  size_t detections = 0;
};

// The line that is slowest to match. Of three readings of it the fastest is its cost.
SlowestLine FindSlowestLine(const std::shared_ptr<const Engine>& engine, const Lane& lane,
                            Pipeline* pipeline) {
  SlowestLine slowest;
  std::string out;
  for (const Lane::Part& part : lane.parts) {
    for (const RecordBatch::Record& r : part.batch.records) {
      if (r.size < 100'000) continue;
      SlowestLine line{1e9, 1e9, 0};
      for (int n = 0; n < 3; ++n) {
        line.match = std::min(line.match, CpuTime([&] { Match(part, r, pipeline); }));
        line.write =
            std::min(line.write, CpuTime([&] { line.detections = Write(engine, lane, pipeline, &out); }));
      }
      if (line.match / static_cast<double>(r.size) * 1e6 < slowest.match) continue;
      slowest = line;
      slowest.match *= 1e6 / static_cast<double>(r.size);
      slowest.write *= 1e6 / static_cast<double>(r.size);
    }
  }
  return slowest;
}

// Events/s of (b).
double Run(const std::shared_ptr<const Engine>& engine, const Lane& lane, int rounds) {
  const size_t repeat = std::max<uint64_t>(1, (256 << 20) / std::max<uint64_t>(lane.bytes, 1));
  std::vector<double> a, b, one_wall, two_wall;
  Work work;
  Pipeline one(engine), two(engine);
  DetectAlone(engine, lane, 1, &one, &work);  // warm: partitions are made on first sight
  for (int round = 0; round < rounds; ++round) {
    volatile size_t sink = 0;
    a.push_back(CpuTime([&] {
      for (size_t n = 0; n < repeat; ++n) sink = sink + ReadEverything(lane);
    }));
    Work ignored;
    one_wall.push_back(
        Time([&] { b.push_back(CpuTime([&] { DetectAlone(engine, lane, repeat, &one, &ignored); })); }));
    two_wall.push_back(Time([&] {
      Work other;
      std::atomic<size_t> next{0};
      std::thread half([&] { Detect(engine, lane, repeat, &next, &two, &other); });
      Detect(engine, lane, repeat, &next, &one, &ignored);
      half.join();
    }));
  }
  const double events = static_cast<double>(lane.events * repeat);
  const double megabytes = static_cast<double>(lane.bytes * repeat) / 1e6;
  const double events_seen = static_cast<double>(work.counters.events);
  std::printf("%-8s %9lu %8.1f | %9.0f %6.0f | %9.0f %6.0f | %9.0f %6.0f | %5.2f %5.2f | %7.1f %6.2f %8lu\n",
              lane.name.c_str(), static_cast<unsigned long>(lane.events),
              static_cast<double>(lane.bytes) / 1e6, events / Median(a), megabytes / Median(a),
              events / Median(b), megabytes / Median(b), events / Median(two_wall),
              megabytes / Median(two_wall), Median(a) / Median(b), Median(one_wall) / Median(two_wall),
              static_cast<double>(work.counters.rules) / events_seen,
              static_cast<double>(work.counters.candidates) / events_seen,
              static_cast<unsigned long>(work.detections));
  const SlowestLine slowest = FindSlowestLine(engine, lane, &one);
  if (slowest.match > 0) {
    std::printf("         slowest line over 100 kB: %.1f ms a MB, and %.1f to write its %lu detections\n",
                slowest.match * 1e3, slowest.write * 1e3, static_cast<unsigned long>(slowest.detections));
  }
  std::fflush(stdout);
  return events / Median(b);
}

// From the compressed files to sorted detections, as `scan --detections` does it.
void RunEndToEnd(const std::shared_ptr<const Engine>& engine, const Lane& lane, int rounds) {
  for (const int jobs : {1, 2}) {
    std::vector<double> seconds;
    uint64_t detections = 0;
    for (int round = 0; round < rounds; ++round) {
      ScanOptions options;
      options.paths = lane.paths;
      options.log_sources = lane.log_sources;
      options.jobs = jobs;
      Scan scan(engine, options);
      detections = 0;
      seconds.push_back(Time([&] {
        const Status status = scan.Detections(
            [&detections](const DetectionRow&) {
              ++detections;
              return Status::Ok();
            },
            {});
        if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
      }));
    }
    std::printf("         scan from its files, --jobs %d: %.0f events/s, %lu detections\n", jobs,
                static_cast<double>(lane.events) / Median(seconds), static_cast<unsigned long>(detections));
  }
}

// rsigma, another engine that reads Sigma, when it is on the PATH: events/s of the lane's lines from one
// file, on one core.
void RunRsigma(const std::string& rules, const Lane& lane, double ours) {
  if (std::system("command -v rsigma > /dev/null 2>&1") != 0) return;
  const fs::path path = fs::temp_directory_path() / "redthread-rsigma.ndjson";
  uint64_t events = 0;
  {
    std::ofstream file(path, std::ios::binary);
    for (const Lane::Part& part : lane.parts) {
      for (const RecordBatch::Record& r : part.batch.records) {
        if (events == kRsigmaEvents) break;
        file.write(r.data, static_cast<std::streamsize>(r.size)).put('\n');
        ++events;
      }
    }
  }
  const auto run = [&](const std::string& input) {
    const std::string command =
        "taskset -c 0 rsigma engine eval -r " + rules + " < " + input + " > /dev/null 2>&1";
    return Time([&] {
      if (std::system(command.c_str()) != 0) std::fprintf(stderr, "rsigma failed: %s\n", command.c_str());
    });
  };
  if (events < kLeastRsigmaEvents) {
    std::printf("         rsigma (d): too few events to be timed beside its loading\n");
    fs::remove(path);
    return;
  }
  const double load = run("/dev/null");
  const double rate = static_cast<double>(events) / (run(path.string()) - load);
  fs::remove(path);
  std::printf("         rsigma (d): %.0f events/s over the first %lu, load %.2f s; b/d %.1f\n", rate,
              static_cast<unsigned long>(events), load, ours / rate);
}

}  // namespace

int Main(int argc, char** argv) {
  std::string reference = DefaultReference();
  std::string only;
  int rounds = 5;
  bool profile = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--reference") reference = argv[i + 1];
    if (flag == "--lane") only = argv[i + 1];
    if (flag == "--rounds" || flag == "--profile") rounds = std::atoi(argv[i + 1]);
    if (flag == "--profile") profile = true;
  }
  const std::string data = reference + "/data";
  if (!fs::exists(data)) {
    std::fprintf(stderr, "detect_bench: no reference data in %s; name its folder with --reference\n",
                 reference.c_str());
    return 2;
  }
  const std::optional<Engine::Options> options = ReferenceRules(reference);
  if (!options.has_value()) return 2;
  const size_t before = ResidentKb();
  std::shared_ptr<const Engine> engine;
  const double load = Time([&] { engine = std::move(*Engine::Load(*options)); });
  std::printf("%zu rules loaded in %.2f s, %.1f MB\n", engine->rules().rules.size(), load,
              static_cast<double>(ResidentKb() - before) / 1024);

  std::ifstream file(data + "/manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(file);
  std::printf("%-8s %9s %8s | %16s | %16s | %16s | %5s %5s | %7s %6s %8s\n", "lane", "events", "MB",
              "(a) simdjson /s", "(b) 1 thread /s", "(c) 2 threads /s", "b/a", "c/b", "rules", "cand.",
              "matches");
  for (const std::string name : {"otrf", "evtx", "zeek", "cloud", "hostile"}) {
    if (!only.empty() && only != name) continue;
    Lane lane;
    lane.name = name;
    if (name == "hostile") {
      const fs::path path = fs::temp_directory_path() / "redthread-hostile.ndjson";
      std::ofstream(path) << HostileLines(engine->rules());
      ReadFile(path, 0, &lane);
      fs::remove(path);
    }
    for (const auto& f : manifest["files"]) {
      const std::string path = f["path"];
      if (path.find("events/" + name + "/") != 0 || f["logsource"].empty()) continue;
      lane.paths.push_back(data + "/" + path);
      const DeclaredLogSource declared = DeclaredOf(f["logsource"]);
      AddFlags(declared, lane.paths.back(), &lane.log_sources);
      ReadFile(lane.paths.back(), engine->facts()->Declare(declared), &lane);
    }
    if (profile) {
      Profile(engine, lane, rounds);
      continue;
    }
    const size_t rss = ResidentKb();
    const double ours = Run(engine, lane, rounds);
    std::printf("         memory grew by %.1f MB: partitions of the rules, scratch\n",
                (static_cast<double>(ResidentKb()) - static_cast<double>(rss)) / 1024);
    if (name == "hostile") continue;
    RunEndToEnd(engine, lane, rounds);
    RunRsigma((fs::path(REDTHREAD_BINARY_DIR) / "reference" / "bench-sigma").string(), lane, ours);
  }
  return 0;
}

}  // namespace redthread

int main(int argc, char** argv) { return redthread::Main(argc, argv); }
