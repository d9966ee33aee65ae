// Zone files and POSIX rules: any bytes are read without harm, and what comes out covers all times with spans
// that hold what they were asked for.
#include <string_view>

#include "core/time_zone.h"
#include "tests/fuzz/fuzz_check.h"

namespace {

void Check(const redthread::TimeZone* zone) {
  if (zone == nullptr) return;
  // From 1900 to 2300 in steps of no round number.
  for (int64_t wall = -2'208'988'800; wall < 10'413'792'000; wall += 12'345'678) {
    const redthread::TimeZone::Span span = zone->At(wall);
    FUZZ_CHECK(span.Holds(wall));
    FUZZ_CHECK(span.offset >= -170 * 3600 && span.offset <= 170 * 3600);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(redthread::TimeZone::FromFile(bytes).get());
  Check(redthread::TimeZone::FromRule(bytes).get());
  return 0;
}
