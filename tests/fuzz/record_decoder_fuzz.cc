// Text formats: any bytes are read without harm in every format; the line is kept; what comes out is JSON, is
// the same a second time, and has a time within reason; what is dead has nothing but its text.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text.h"
#include "ingest/event_time.h"
#include "ingest/record_decoder.h"
#include "tests/fuzz/decoder_check.h"

namespace redthread {
namespace {

using nlohmann::json;

const FieldTable& Fields() {
  static const FieldTable fields = [] {
    FieldTable table;
    RecordDecoder::RegisterFields(&table);
    EventTime::RegisterFields(&table);
    for (const char* name : {"message", "user", "src_ip", "cs-uri-query", "e@1.iut"}) table.Add(name);
    return table;
  }();
  return fields;
}

DecodeResult Decode(std::string_view record, SourceFormat format, Event* event) {
  static RecordDecoder decoder(Fields());
  static const std::shared_ptr<const TimeZone> zone = TimeZone::FromRule("CET-1CEST,M3.5.0,M10.5.0/3");
  RecordOrigin origin;
  origin.format = format;
  origin.zone = zone.get();
  origin.written = Timestamp{1'500'000'000'000'000'000};
  static const std::vector<Cidr> proxies = {*ParseCidr("10.0.0.0/8")};
  origin.trusted_proxies = &proxies;
  event->Clear(Fields());
  return decoder.Decode(record, origin, event);
}

void Check(std::string_view record, SourceFormat format) {
  static Event event;
  const DecodeResult result = Decode(record, format, &event);
  FUZZ_CHECK(result.offset <= record.size());
  FUZZ_CHECK(event.raw == record);
  const std::string decoded = AsJson(event);
  FUZZ_CHECK(json::accept(decoded));
  CheckTexts(event);
  if (result.outcome == DecodeOutcome::kDead) {
    FUZZ_CHECK(event.fields().size() <= 1);
    FUZZ_CHECK(!event.time.has_value());
  } else if (event.time.has_value() && result.assumed_year != 0) {
    FUZZ_CHECK(event.time->ns < 1'500'000'000'000'000'000 + 2 * 86'400'000'000'000);
  }
  FUZZ_CHECK(Decode(record, format, &event).outcome == result.outcome);
  FUZZ_CHECK(AsJson(event) == decoded);
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const PaddedRecord padded(data, size);
  const std::string_view record = padded.text();
  for (int format = 0; format <= static_cast<int>(SourceFormat::kXml); ++format)
    Check(record, static_cast<SourceFormat>(format));
  return 0;
}
