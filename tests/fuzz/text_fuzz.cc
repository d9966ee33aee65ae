// Text, time and addresses: what production code finds in any bytes is what the slow twins find.
#include <algorithm>
#include <cstring>
#include <string>

#include "core/text.h"
#include "core/timestamp.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/oracle/slow_shapes.h"
#include "tests/oracle/slow_value.h"

namespace redthread {
namespace {

// The slow matcher backtracks: more than this takes it too long.
constexpr size_t kMaxPattern = 32;
constexpr size_t kMaxRuns = 5;
constexpr size_t kMaxText = 96;

std::string Sanitized(std::string_view text) {
  std::string out;
  SanitizeUtf8(text, &out);
  return out;
}

void CheckUtf8(std::string_view bytes) {
  std::string once, twice;
  SanitizeUtf8(bytes, &once);
  FUZZ_CHECK(SanitizeUtf8(once, &twice) == 0);
  FUZZ_CHECK(once == twice);
  FUZZ_CHECK(once == CodePointsToUtf8(Utf8ToCodePoints(bytes)));
}

void CheckFolding(std::string_view bytes) {
  const std::string folded = Fold(bytes);
  std::string into(3 * bytes.size(), '\0');
  into.resize(FoldInto(bytes, into.data()));
  FUZZ_CHECK(into == folded);
  FUZZ_CHECK(Fold(folded) == folded);
  FUZZ_CHECK(Fold(Sanitized(bytes)) == CodePointsToUtf8(SlowFold(Utf8ToCodePoints(bytes))));
}

void CheckMatching(const std::string& pattern_text, const std::string& text) {
  const Pattern pattern = Pattern::Parse(pattern_text);
  FUZZ_CHECK(Pattern::Parse(pattern.ToSigma()) == pattern);
  const SlowPattern slow = ParseSlowPattern(pattern_text);
  const std::u32string slow_text = Utf8ToCodePoints(text);
  if (slow.size() > kMaxPattern || slow_text.size() > kMaxText) return;
  if (static_cast<size_t>(std::count(slow.begin(), slow.end(), kAnyRun)) > kMaxRuns) return;
  FUZZ_CHECK(Matches(pattern, text) == SlowMatches(slow, slow_text));
  FUZZ_CHECK(Matches(pattern.Folded(), Fold(text)) == SlowMatches(SlowFold(slow), SlowFold(slow_text)));
  FUZZ_CHECK(Matches(pattern.Wrapped(true, true), text) == SlowMatches(kAnyRun + slow + kAnyRun, slow_text));
}

void CheckTime(const std::string& text) {
  const std::optional<Timestamp> time = ParseTimestamp(text);
  FUZZ_CHECK(time == SlowTime(SlowJson(text)));
  if (time) FUZZ_CHECK(ParseTimestamp(FormatTimestamp(*time)) == time);
  Timestamp any;
  std::memcpy(&any.ns, text.data(), std::min(text.size(), sizeof(any.ns)));
  FUZZ_CHECK(ParseTimestamp(FormatTimestamp(any)) == any);
}

void CheckNumber(const std::string& text) {
  const std::optional<Number> number = ParseDecimal(text);
  const std::optional<SlowNumber> slow = DecimalOf(text);
  FUZZ_CHECK(number.has_value() == slow.has_value());
  // Beyond 64 bits production code keeps a double, the slow twin a little more.
  if (number && (number->integral || text.find('.') != std::string::npos)) {
    FUZZ_CHECK(ToSlowNumber(*number) == *slow);
  }
  // Only what is a number from its first byte to its last: a JSON parser also takes white space, a byte order
  // mark, and the byte 0 for the end.
  if (text.find_first_not_of("+-.0123456789Ee") != std::string::npos) return;
  const SlowJson json = SlowJson::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool huge = json.is_number_float() && text.find_first_of(".eE") == std::string::npos;
  if (json.is_number() && !huge) FUZZ_CHECK(JsonNumberText(text) == ScalarText(json));
}

void CheckAddress(const std::string& network_text, const std::string& text) {
  const std::optional<IpAddress> address = ParseIpAddress(text);
  const std::optional<SlowAddress> slow = ParseSlowAddress(text);
  FUZZ_CHECK(address.has_value() == slow.has_value());
  if (address) {
    FUZZ_CHECK(address->v6 == (slow->bits == 128));
    FUZZ_CHECK(address->bytes == slow->bytes);
  }
  const std::optional<Cidr> network = ParseCidr(network_text);
  const std::optional<SlowNetwork> slow_network = ParseSlowNetwork(network_text);
  FUZZ_CHECK(network.has_value() == slow_network.has_value());
  if (network && address) {
    FUZZ_CHECK(network->Contains(*address) == SlowContains(*slow_network, *slow));
  }
}

}  // namespace
}  // namespace redthread

// The input is one text, or two with the first line as pattern and network.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckUtf8(bytes);
  CheckFolding(bytes);
  const std::string text = Sanitized(bytes);
  const size_t line = std::min(text.find('\n'), text.size());
  const std::string first = text.substr(0, line);
  const std::string rest = line < text.size() ? text.substr(line + 1) : text;
  CheckMatching(first, rest);
  CheckTime(text);
  CheckTime(rest);
  CheckNumber(text);
  CheckAddress(first, rest);
  return 0;
}
