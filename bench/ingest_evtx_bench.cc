// What reading Windows event logs costs, from the bytes of an .evtx file to the classified event.
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

std::string MadeUpLog() {
  std::vector<std::string> chunks;
  uint64_t id = 1;
  for (int n = 0; n < 64; ++n) {
    EvtxChunkBuilder chunk;
    for (; chunk.size() < EvtxChunkBuilder::kSize - 1024; ++id) {
      chunk.AddRecord(
          id, ProcessTemplate(),
          ProcessValues(id, "powershell.exe -NoProfile -File C:\\Scripts\\job" + std::to_string(id % 977) +
                                ".ps1 -Target srv" + std::to_string(id % 31) + ".example"));
    }
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
