// What text logs cost, on lines that are made up here, since no real log has the same line a million times:
// from the line to the classified event, and to its detections by the whole corpus of SigmaHQ.
//
//   ./dev bench ingest_text      the corpus is that of the reference data beside the checkout (../shared)
//
// Reported: lines and bytes a second of CPU time on one core. Wanted: 400,000 lines/s in each lane.
#include <benchmark/benchmark.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/reference_rules.h"
#include "core/facts_table.h"
#include "core/time_zone.h"
#include "ingest/classifier.h"
#include "ingest/event_time.h"
#include "ingest/record_decoder.h"

namespace redthread {
namespace {

constexpr int kLines = 200'000;

// Lines one behind the other, as a reader hands them over.
class TextLines {
 public:
  void Add(const std::string& line) {
    ends_.push_back(text_.size() + line.size());
    text_ += line + "\n";
  }
  template <typename Visit>
  void ForEach(Visit&& visit) {
    text_.reserve(text_.size() + Decoder::kPadding);
    size_t begin = 0;
    for (const size_t end : ends_) {
      visit(std::string_view(text_).substr(begin, end - begin));
      begin = end + 1;
    }
  }
  size_t size() const { return ends_.size(); }
  size_t bytes() const { return text_.size(); }

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

__attribute__((format(printf, 1, 2))) std::string Printed(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return line;
}

TextLines AccessLog() {
  TextLines lines;
  for (int i = 0; i < kLines; ++i) {
    lines.Add(Printed(
        "198.51.%d.%d - - [17/May/2015:%02d:%02d:%02d +0000] \"GET /shop/item%d.html?ref=%d HTTP/1.1\" %d %d "
        "\"https://shop.example/list?page=%d\" \"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 "
        "Firefox/131.0\"",
        i / 256 % 256, i % 256, i / 3600 % 24, i / 60 % 60, i % 60, i % 977, i % 31, i % 17 == 0 ? 404 : 200,
        i % 3000 * 37, i % 40));
  }
  return lines;
}

TextLines AuthLog() {
  TextLines lines;
  for (int i = 0; i < kLines; ++i) {
    const std::string head = Printed("Dec %2d %02d:%02d:%02d web%02d sshd[%d]: ", 1 + i / 86'400 % 28,
                                     i / 3600 % 24, i / 60 % 60, i % 60, i % 12, 1000 + i % 30'000);
    const std::string address = Printed("198.51.%d.%d", i / 256 % 256, i % 256);
    const std::string peer = address + " port " + std::to_string(1024 + i % 60'000);
    switch (i % 4) {
      case 0:
        lines.Add(head + "Failed password for invalid user admin" + std::to_string(i % 91) + " from " + peer +
                  " ssh2");
        break;
      case 1:
        lines.Add(head +
                  "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=" +
                  address + "  user=root");
        break;
      case 2:
        lines.Add(head + "Connection closed by authenticating user root " + peer + " [preauth]");
        break;
      default:
        lines.Add(head + "Accepted publickey for deploy from " + peer + " ssh2: ED25519 SHA256:AbCdEfGh");
    }
  }
  return lines;
}

// As many fields as rules ask for, and the part of the map that text logs meet.
struct Ingest {
  Ingest() {
    for (const char* program : {"sshd", "sudo", "cron"}) {
      map.others.push_back({program,
                            {{"program", {program}}, {"message", {"*"}}, {"host", {"*"}}},
                            {},
                            {},
                            {"linux", "", program},
                            {}});
    }
    LogSourceMap::Other web;
    for (const char* field : {"c-ip", "cs-method", "cs-uri-stem", "sc-status"})
      web.all_of.push_back({field, {"*"}});
    web.log_source.category = "webserver";
    map.others.push_back(web);
    RecordDecoder::RegisterFields(&fields);
    EventTime::RegisterFields(&fields);
    Classifier::RegisterFields(map, &fields);
    for (const char* name : {"cs-uri-query", "cs-user-agent", "ssh_event", "user", "src_ip"})
      fields.Add(name);
    for (int i = 0; i < 450; ++i) fields.Add("filler.field_" + std::to_string(i));
  }
  LogSourceMap map;
  FieldTable fields;
  FactsTable facts;
};

void Decode(benchmark::State& state, TextLines (*make)()) {
  TextLines lines = make();
  Ingest ingest;
  RecordDecoder decoder(ingest.fields);
  Classifier classifier(ingest.map, ingest.fields, &ingest.facts);
  const auto zone = TimeZone::FromRule("CET-1CEST,M3.5.0,M10.5.0/3");
  RecordOrigin origin;
  origin.zone = zone.get();
  origin.written = *ParseTimestamp("2017-01-01T00:00:00Z");
  Event event;
  uint64_t sum = 0;
  for (auto _ : state) {
    lines.ForEach([&](std::string_view line) {
      event.Clear(ingest.fields);
      if (decoder.Decode(line, origin, &event).outcome != DecodeOutcome::kClean) std::abort();
      sum += classifier.Classify(event, FactsTable::kNotDeclared);
    });
  }
  benchmark::DoNotOptimize(sum);
  const double total = static_cast<double>(state.iterations()) * static_cast<double>(lines.size());
  state.counters["lines/s"] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(lines.bytes()));
}
void DecodeAndDetect(benchmark::State& state, TextLines (*make)()) {
  const std::optional<Engine::Options> options = ReferenceRules(DefaultReference());
  if (!options.has_value()) return state.SkipWithError("no reference data beside the checkout");
  TextLines lines = make();
  Pipeline pipeline(std::move(*Engine::Load(*options)));
  const auto zone = TimeZone::FromRule("CET-1CEST,M3.5.0,M10.5.0/3");
  RecordOrigin origin;
  origin.zone = zone.get();
  origin.written = *ParseTimestamp("2017-01-01T00:00:00Z");
  uint64_t matches = 0;
  const auto run = [&] {
    lines.ForEach([&](std::string_view line) {
      pipeline.Process(line, FactsTable::kNotDeclared, {}, Timestamp{}, origin);
      matches += pipeline.matches().size();
    });
  };
  run();  // the first event of a kind compiles the rules that it meets
  matches = 0;
  for (auto _ : state) run();
  const double total = static_cast<double>(state.iterations()) * static_cast<double>(lines.size());
  state.counters["lines/s"] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  state.counters["matches"] = static_cast<double>(matches) / static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(lines.bytes()));
}
BENCHMARK_CAPTURE(DecodeAndDetect, access_log, AccessLog)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(DecodeAndDetect, syslog_with_sshd_fields, AuthLog)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, access_log, AccessLog)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, syslog_with_sshd_fields, AuthLog)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace redthread

BENCHMARK_MAIN();
