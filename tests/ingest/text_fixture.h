// What the tests of text formats share: a line read by the RecordDecoder, and its fields.
#pragma once

#include <gtest/gtest.h>

#include <ctime>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/record_decoder.h"
#include "tests/ingest/ingest_fixture.h"

namespace redthread {

class TextFormatTest : public ::testing::Test {
 protected:
  using json = nlohmann::json;

  TextFormatTest() {
    RecordDecoder::RegisterFields(&fields_);
    EventTime::RegisterFields(&fields_);
    origin_.written = *ParseTimestamp("2016-12-31T23:59:59Z");
  }

  // The event lives until the next call.
  DecodeResult Decode(std::string_view line) {
    if (decoder_ == nullptr) decoder_ = std::make_unique<RecordDecoder>(fields_);
    line_ = std::make_unique<PaddedText>(line);
    event_.Clear(fields_);
    return decoder_->Decode(line_->text(), origin_, &event_);
  }

  // All fields of the event.
  json Fields() const {
    std::string text;
    AppendJson(event_, &text);
    return json::parse(text);
  }

  // The fields of a line, but for `raw`, `@timestamp` and second names. Of a line that is not read cleanly,
  // the reason.
  json Read(std::string_view line) {
    const DecodeResult result = Decode(line);
    if (result.outcome != DecodeOutcome::kClean) return result.reason;
    json fields = Fields();
    EXPECT_EQ(fields["raw"], line);
    for (const char* name : {"raw", "@timestamp", "program"}) fields.erase(name);
    if (fields.contains("hostname")) fields.erase("host");
    if (fields.contains("procid")) fields.erase("pid");
    return fields;
  }

  // The time of a line; empty when it has none.
  std::string TimeOf(std::string_view line) {
    Decode(line);
    return event_.time.has_value() ? FormatTimestamp(*event_.time) : "";
  }

  // Of this thread; what others do on the machine must not decide a test.
  static double CpuSeconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  }

  // Checks that a line made of `unit`, `count` times and four times as often, is read in time that grows with
  // its length and not with its square.
  void ExpectLinear(const std::string& head, const std::string& unit, const std::string& tail) {
    const auto seconds = [&](int count) {
      std::string line = head;
      for (int i = 0; i < count; ++i) line += unit;
      line += tail;
      double best = 1e9;
      for (int round = 0; round < 3; ++round) {
        const double begin = CpuSeconds();
        Decode(line);
        best = std::min(best, CpuSeconds() - begin);
      }
      return best;
    };
    const double once = seconds(20'000), four = seconds(80'000);
    EXPECT_LT(four, 10 * once + 0.05) << head << " " << unit << " x n " << tail;
  }

  FieldTable fields_;
  RecordOrigin origin_;
  std::unique_ptr<RecordDecoder> decoder_;
  std::unique_ptr<PaddedText> line_;
  Event event_;
};

// Lines with the fields they must give, as JSON, or the reason why they give none.
struct LineCase {
  std::string line;
  std::string expected;
};

}  // namespace redthread
