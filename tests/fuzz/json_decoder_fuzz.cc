// The JSON decoder: any bytes are read without harm; what comes out is JSON again; and on valid JSON the
// strict and the tolerant reading give the same event.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/event.h"
#include "core/text.h"
#include "ingest/event_time.h"
#include "ingest/json_decoder.h"
#include "ingest/tolerant_json.h"
#include "tests/fuzz/decoder_check.h"

namespace redthread {
namespace {

using nlohmann::json;

const FieldTable& Fields() {
  static const FieldTable fields = [] {
    FieldTable table;
    JsonDecoder::RegisterFields(&table);
    EventTime::RegisterFields(&table);
    for (const char* name : {"a", "a.b", "CommandLine", "ThreatName"}) table.Add(name);
    return table;
  }();
  return fields;
}

// Whether the decoder must find nothing to complain of: nlohmann is as strict as the RFC but for the escapes
// in strings, which the decoder does not judge.
bool IsValidObject(const std::string& text) {
  if (text.find('\0') != std::string::npos) return false;  // which nlohmann takes for the end of the text
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_object();
}

void CheckReadings(std::string_view record, bool valid) {
  static JsonDecoder decoder(Fields());
  static Event event;
  event.Clear(Fields());
  const DecodeResult result = decoder.Decode(record, &event);
  FUZZ_CHECK(result.offset <= record.size());
  const std::string decoded = AsJson(event);
  FUZZ_CHECK(json::accept(decoded));
  CheckTexts(event);
  if (!valid) return;
  // Deep nesting is the one thing valid JSON is not read whole for.
  FUZZ_CHECK(result.outcome == DecodeOutcome::kClean || result.outcome == DecodeOutcome::kDamaged);
}

// On the members of the record as they stand, before any shape is taken off.
void CheckTolerantReading(std::string_view record) {
  static KeyCache keys(Fields());
  static Flattener flattener(Fields());
  static JsonDecoder decoder(Fields());
  static Event tolerant, strict;
  keys.Rewind();
  tolerant.Clear(Fields());
  bool spaced = false;
  const DecodeResult result = ReadTolerantly(record, &keys, &tolerant, &spaced);
  flattener.Flatten(spaced, &tolerant);
  strict.Clear(Fields());
  FUZZ_CHECK(decoder.Decode(record, &strict).outcome == result.outcome);
  FUZZ_CHECK(AsJson(strict) == AsJson(tolerant));
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const PaddedRecord padded(data, size);
  const std::string_view record = padded.text();
  const bool valid = IsValidObject(std::string(record));
  CheckReadings(record, valid);
  if (valid) CheckTolerantReading(record);
  return 0;
}
