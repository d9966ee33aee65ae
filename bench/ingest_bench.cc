// What decoding costs, on real lines held in memory: simdjson reading every string, as the yardstick; the
// decoder with its shapes; and all of ingest up to the classified event.
//
//   ninja -C build/release ingest_bench && build/release/bench/ingest_bench FILE.ndjson.zst...
//
// Reported: events and bytes a second on one core.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "ingest/classifier.h"
#include "ingest/event_time.h"
#include "ingest/json_decoder.h"
#include "ingest/record_reader.h"

namespace redthread {
namespace {

constexpr size_t kMaxBytes = 256 << 20;  // of lines held in memory; more than any cache

std::vector<RecordBatch> batches;
size_t bytes = 0;
size_t records = 0;

// Field names that rules ask for: as many as the SigmaHQ rules do, real ones and fillers.
void RegisterRuleFields(FieldTable* fields) {
  for (const char* name : {"CommandLine",
                           "Image",
                           "ParentImage",
                           "ParentCommandLine",
                           "OriginalFileName",
                           "TargetFilename",
                           "TargetObject",
                           "Details",
                           "ScriptBlockText",
                           "Payload",
                           "ImageLoaded",
                           "Hashes",
                           "User",
                           "IntegrityLevel",
                           "CurrentDirectory",
                           "Description",
                           "Product",
                           "Company",
                           "Signed",
                           "Signature",
                           "SourceImage",
                           "TargetImage",
                           "GrantedAccess",
                           "CallTrace",
                           "DestinationHostname",
                           "DestinationIp",
                           "DestinationPort",
                           "SourceIp",
                           "Initiated",
                           "QueryName",
                           "PipeName",
                           "EventType",
                           "ServiceName",
                           "ImagePath",
                           "AccountName",
                           "SubjectUserName",
                           "TargetUserName",
                           "ObjectName",
                           "AccessMask",
                           "LogonType",
                           "IpAddress",
                           "Keywords",
                           "Provider_Name",
                           "ProcessName",
                           "NewProcessName",
                           "TaskName",
                           "AuditPolicyChanges",
                           "ShareName",
                           "RelativeTargetName",
                           "Properties"}) {
    fields->Add(name);
  }
  for (int i = 0; i < 450; ++i) fields->Add("filler.field_" + std::to_string(i));
}

LogSourceMap SomeMap() {
  LogSourceMap map;
  map.services = {{"security", {"Security"}}, {"sysmon", {"Microsoft-Windows-Sysmon/Operational"}}};
  for (int id = 1; id < 30; ++id) {
    map.categories.push_back({"sysmon-" + std::to_string(id),
                              "category_" + std::to_string(id),
                              "sysmon",
                              "core",
                              {{"EventID", {std::to_string(id)}}},
                              {}});
  }
  map.categories[11].when.push_back({"EventType", {"CreateKey"}});
  LogSourceMap::Other other;
  for (const char* field : {"type", "audit_id", "eventSource", "eventName", "awsRegion", "eventType", "actor",
                            "published", "outcome", "action", "org", "protoPayload", "logName"}) {
    other.all_of.push_back({field, {"*"}});
  }
  other.log_source.product = "other";
  map.others.push_back(other);
  return map;
}

template <typename Visit>
void ForEachRecord(benchmark::State& state, Visit&& visit) {
  for (auto _ : state) {
    for (const RecordBatch& batch : batches) {
      for (const RecordBatch::Record& record : batch.records) visit(record.text());
    }
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["events/s"] =
      benchmark::Counter(rounds * static_cast<double>(records), benchmark::Counter::kIsRate);
  state.counters["ns/event"] = benchmark::Counter(rounds * static_cast<double>(records) / 1e9,
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<int64_t>(rounds * static_cast<double>(bytes)));
}

size_t ReadStrings(simdjson::ondemand::value value) {
  size_t size = 0;
  switch (value.type().value()) {
    case simdjson::ondemand::json_type::object:
      for (auto field : value.get_object()) {
        size += field.unescaped_key().value().size();
        size += ReadStrings(field.value());
      }
      return size;
    case simdjson::ondemand::json_type::array:
      for (auto element : value.get_array()) size += ReadStrings(element.value());
      return size;
    case simdjson::ondemand::json_type::string:
      return value.get_string().value().size();
    default:
      return value.raw_json_token().size();
  }
}

void SimdjsonReadingEveryString(benchmark::State& state) {
  simdjson::ondemand::parser parser;
  size_t size = 0;
  ForEachRecord(state, [&](std::string_view line) {
    auto document = parser.iterate(line.data(), line.size(), line.size() + Decoder::kPadding);
    for (auto field : document.get_object()) {
      size += field.unescaped_key().value().size();
      size += ReadStrings(field.value());
    }
  });
  benchmark::DoNotOptimize(size);
}
BENCHMARK(SimdjsonReadingEveryString)->Unit(benchmark::kMillisecond);

void SimdjsonStructureAlone(benchmark::State& state) {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
  (void)simdjson::get_active_implementation()->create_dom_parser_implementation(1 << 20, 1, stage);
  size_t size = 0;
  ForEachRecord(state, [&](std::string_view line) {
    const simdjson::error_code error = stage->stage1(reinterpret_cast<const uint8_t*>(line.data()),
                                                     line.size(), simdjson::stage1_mode::regular);
    benchmark::DoNotOptimize(error);
    size += stage->n_structural_indexes;
  });
  benchmark::DoNotOptimize(size);
}
BENCHMARK(SimdjsonStructureAlone)->Unit(benchmark::kMillisecond);

struct Ingest {
  Ingest() : map(SomeMap()) {
    JsonDecoder::RegisterFields(&fields);
    EventTime::RegisterFields(&fields);
    Classifier::RegisterFields(map, &fields);
    RegisterRuleFields(&fields);
  }
  LogSourceMap map;
  FieldTable fields;
  FactsTable facts;
};

void Decode(benchmark::State& state) {
  const Ingest ingest;
  JsonDecoder decoder(ingest.fields);
  Event event;
  size_t nodes = 0;
  ForEachRecord(state, [&](std::string_view line) {
    event.Clear(ingest.fields);
    decoder.Decode(line, &event);
    nodes += event.fields().size();
  });
  state.counters["fields"] =
      static_cast<double>(nodes) / static_cast<double>(records) / static_cast<double>(state.iterations());
}
BENCHMARK(Decode)->Unit(benchmark::kMillisecond);

void DecodeTimeAndClassify(benchmark::State& state) {
  Ingest ingest;
  JsonDecoder decoder(ingest.fields);
  const EventTime time(ingest.fields);
  Classifier classifier(ingest.map, ingest.fields, &ingest.facts);
  Event event;
  uint64_t sum = 0;
  ForEachRecord(state, [&](std::string_view line) {
    event.Clear(ingest.fields);
    decoder.Decode(line, &event);
    time.Set(&event);
    sum += classifier.Classify(event, FactsTable::kNotDeclared);
  });
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(DecodeTimeAndClassify)->Unit(benchmark::kMillisecond);

void Load(const std::string& path) {
  auto reader = RecordReader::Open(path, path, {});
  if (!reader.ok()) {
    std::fprintf(stderr, "%s\n", reader.status().message().c_str());
    return;
  }
  while (bytes < kMaxBytes) {
    RecordBatch batch;
    const Result<bool> more = (*reader)->Next(&batch);
    if (!more.ok() || !*more) break;
    bytes += batch.counts.bytes;
    records += batch.records.size();
    batches.push_back(std::move(batch));
  }
}

}  // namespace
}  // namespace redthread

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) redthread::Load(argv[i]);
  if (redthread::records == 0) {
    std::printf("ingest_bench measures files that it is given: lines of JSON, plain or compressed\n");
    return 0;
  }
  std::printf("%zu records, %zu bytes each\n", redthread::records, redthread::bytes / redthread::records);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
