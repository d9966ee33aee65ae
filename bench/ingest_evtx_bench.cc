// What reading Windows event logs costs, from the bytes of an .evtx file to the classified event, and to its
// detections by the whole corpus of SigmaHQ (of the reference data beside the checkout, ../shared).
//
//   ninja -C build/release ingest_evtx_bench && build/release/bench/ingest_evtx_bench [FILE.evtx...]
//
// Without files, one is made up here: process creations with command lines of some length. Reported: bytes of
// the file and events a second of CPU time on one core. Wanted: 40 MB/s.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "bench/reference_rules.h"
#include "core/facts_table.h"
#include "ingest/classifier.h"
#include "ingest/event_time.h"
#include "ingest/line_stream.h"
#include "ingest/record_decoder.h"
#include "ingest/record_reader.h"
#include "tests/support/bytes_stream.h"
#include "tests/support/evtx_builder.h"

namespace redthread {
namespace {

std::vector<std::string> files;

// Event 4688 with all of its data, as Windows Server 2022 writes it. Source: Microsoft, "4688(S): A new
// process has been created", event version 2.
EvtxElement ProcessCreation() {
  EvtxElement event = ProcessTemplate();
  EvtxElement data{"EventData", {}, {}};
  int value = 8;  // the first behind those of System
  for (const char* name :
       {"SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "NewProcessId",
        "NewProcessName", "TokenElevationType", "ProcessId", "CommandLine", "TargetUserSid", "TargetUserName",
        "TargetDomainName", "TargetLogonId", "ParentProcessName", "MandatoryLabel"}) {
    data.content.push_back(EvtxElement{"Data", {{"Name", name}}, {value++}});
  }
  event.content.back() = data;
  return event;
}

// What Windows starts all day, and an administrator's script now and then.
struct Process {
  const char* image;
  const char* command_line;
};
constexpr Process kProcesses[] = {
    {"C:\\Windows\\System32\\svchost.exe", "C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s Schedule"},
    {"C:\\Windows\\System32\\backgroundTaskHost.exe",
     "\"C:\\Windows\\system32\\backgroundTaskHost.exe\" "
     "-ServerName:CortanaUI.AppX8z9r6jm96hw4bsbneegw0kyxx296wr9t.mca"},
    {"C:\\Windows\\System32\\conhost.exe", "\\??\\C:\\Windows\\system32\\conhost.exe 0xffffffff -ForceV1"},
    {"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
     "\"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe\" --type=renderer --lang=en-US "
     "--device-scale-factor=1"},
    {"C:\\Windows\\System32\\taskhostw.exe", "taskhostw.exe SYSTEM"},
    {"C:\\Windows\\System32\\RuntimeBroker.exe", "C:\\Windows\\System32\\RuntimeBroker.exe -Embedding"},
    {"C:\\Windows\\System32\\SearchProtocolHost.exe",
     "\"C:\\Windows\\system32\\SearchProtocolHost.exe\" Global\\UsGthrFltPipeMssGthrPipe_ 1 -2147483646"},
    {"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
     "powershell.exe -NoProfile -File C:\\Scripts\\inventory.ps1 -Target srv.example"},
};

std::vector<EvtxValue> ProcessCreationValues(uint64_t id) {
  const Process& process = kProcesses[id % std::size(kProcesses)];
  std::vector<EvtxValue> values = ProcessValues(id, "");
  const EvtxValue sid = values[7];
  values.resize(8);
  const std::string user = "user" + std::to_string(id % 41);
  const auto add = [&values](EvtxValue value) { values.push_back(std::move(value)); };
  add(sid);
  add(TextValue(user));
  add(TextValue("EXAMPLE"));
  add(NumberValue(0x15, 0x3e7 + id % 977, 8));
  add(NumberValue(0x14, 0x1f40 + id % 8191, 4));
  add(TextValue(process.image));
  add(TextValue("%%1936"));
  add(NumberValue(0x14, 0x3e8 + id % 511, 4));
  add(TextValue(process.command_line));
  add(sid);
  add(TextValue("-"));
  add(TextValue("-"));
  add(NumberValue(0x15, 0, 8));
  add(TextValue("C:\\Windows\\System32\\svchost.exe"));
  add(sid);
  return values;
}

std::string MadeUpLog() {
  const EvtxElement process = ProcessCreation();
  std::vector<std::string> chunks;
  uint64_t id = 1;
  for (int n = 0; n < 64; ++n) {
    EvtxChunkBuilder chunk;
    for (; chunk.size() < EvtxChunkBuilder::kSize - 2048; ++id)
      chunk.AddRecord(id, process, ProcessCreationValues(id));
    chunks.push_back(chunk.Finish());
  }
  return EvtxFile(chunks);
}

// Reads all files as the engine does; `visit` gets every record. Returns the number of records.
template <typename Visit>
uint64_t ReadAll(Visit&& visit) {
  uint64_t records = 0;
  RecordBatch batch;
  for (const std::string& file : files) {
    RecordReader reader(LinesOf(std::make_unique<BytesStream>(file)).bytes, "bench", {});
    for (;;) {
      const Result<bool> more = reader.Next(&batch);
      if (!more.ok()) std::abort();
      if (!*more) break;
      records += batch.records.size();
      for (const RecordBatch::Record& record : batch.records) visit(record);
    }
  }
  return records;
}

void Report(uint64_t records, benchmark::State* state) {
  int64_t bytes = 0;
  for (const std::string& file : files) bytes += static_cast<int64_t>(file.size());
  state->SetBytesProcessed(static_cast<int64_t>(state->iterations()) * bytes);
  state->counters["events/s"] = benchmark::Counter(static_cast<double>(records), benchmark::Counter::kIsRate);
}

void Read(benchmark::State& state) {
  uint64_t records = 0, sum = 0;
  for (auto _ : state) {
    records += ReadAll([&](const RecordBatch::Record& record) { sum += record.size; });
  }
  benchmark::DoNotOptimize(sum);
  Report(records, &state);
}
BENCHMARK(Read)->Unit(benchmark::kMillisecond);

void ReadDecodeAndClassify(benchmark::State& state) {
  FieldTable fields;
  FactsTable facts;
  LogSourceMap map;
  RecordDecoder::RegisterFields(&fields);
  EventTime::RegisterFields(&fields);
  Classifier::RegisterFields(map, &fields);
  for (const char* name : {"CommandLine", "NewProcessName", "Image", "ParentImage", "User"}) fields.Add(name);
  for (int i = 0; i < 450; ++i) fields.Add("filler.field_" + std::to_string(i));
  RecordDecoder decoder(fields);
  Classifier classifier(map, fields, &facts);
  Event event;
  uint64_t records = 0, sum = 0;
  for (auto _ : state) {
    records += ReadAll([&](const RecordBatch::Record& record) {
      event.Clear(fields);
      if (decoder.Decode(record.text(), {}, &event).outcome == DecodeOutcome::kDead) std::abort();
      sum += classifier.Classify(event, FactsTable::kNotDeclared);
    });
  }
  benchmark::DoNotOptimize(sum);
  Report(records, &state);
}
void ReadDecodeAndDetect(benchmark::State& state) {
  const std::optional<Engine::Options> options = ReferenceRules(DefaultReference());
  if (!options.has_value()) return state.SkipWithError("no reference data beside the checkout");
  Pipeline pipeline(std::move(*Engine::Load(*options)));
  uint64_t records = 0, matches = 0;
  const auto run = [&] {
    return ReadAll([&](const RecordBatch::Record& record) {
      pipeline.Process(record.text(), FactsTable::kNotDeclared, {}, Timestamp{});
      matches += pipeline.matches().size();
    });
  };
  run();  // the first event of a kind compiles the rules that it meets
  matches = 0;
  for (auto _ : state) records += run();
  state.counters["matches"] = static_cast<double>(matches) / static_cast<double>(state.iterations());
  Report(records, &state);
}
BENCHMARK(ReadDecodeAndDetect)->Unit(benchmark::kMillisecond);

BENCHMARK(ReadDecodeAndClassify)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace redthread

int main(int argc, char** argv) {
  using redthread::files;
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (files.empty()) files.push_back(redthread::MadeUpLog());
  benchmark::RunSpecifiedBenchmarks();
}
