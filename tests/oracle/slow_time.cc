#include <re2/re2.h>

#include <limits>

#include "tests/oracle/slow_scalar.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

__extension__ typedef __int128 Wide;  // wide enough for any time before it is checked

std::optional<Timestamp> InRange(Wide ns) {
  if (ns < std::numeric_limits<int64_t>::min() || ns > std::numeric_limits<int64_t>::max())
    return std::nullopt;
  return Timestamp{static_cast<int64_t>(ns)};
}

// digits x 10^exponent, cut off to a whole number.
Wide Scaled(const std::string& digits, int exponent) {
  Wide out = 0;
  const auto whole = static_cast<int>(digits.size()) + exponent;  // digits before the point
  for (int i = 0; i < whole; ++i) {
    out = out * 10 + (i < static_cast<int>(digits.size()) ? digits[i] - '0' : 0);
  }
  return out;
}

// Seconds, above 1e11 milliseconds; the digits as written.
std::optional<Timestamp> NumericTime(const SlowJson& value) {
  const SlowNumber number = *NumberOf(value);
  if (!(number > 0 && number < 1e30L)) return std::nullopt;
  if (number > 1e20L) return std::nullopt;  // beyond the range, in whichever unit
  const std::string text = value.is_number_float() ? ShortestDouble(value.get<double>()) : *ScalarText(value);
  std::string digits;
  int exponent = 0;
  static const re2::RE2 kForm(R"(([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?)");
  std::string whole, fraction, power;
  if (!re2::RE2::FullMatch(text, kForm, &whole, &fraction, &power)) return std::nullopt;
  digits = whole + fraction;
  exponent = (power.empty() ? 0 : std::stoi(power)) - static_cast<int>(fraction.size());
  return InRange(Scaled(digits, exponent + (number > 1e11L ? 6 : 9)));
}

std::optional<Timestamp> IsoTime(const std::string& text) {
  static const re2::RE2 kForm(
      R"([\s\v]*([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?[\s\v]*)"
      R"((?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))?[\s\v]*)");  // \s of RE2 lacks \v
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::string fraction, zulu, sign, zone_hours, zone_minutes;
  if (!re2::RE2::FullMatch(text, kForm, &year, &month, &day, &hour, &minute, &second, &fraction, &zulu, &sign,
                           &zone_hours, &zone_minutes)) {
    return std::nullopt;
  }
  if (year < 1 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::optional<int64_t> days = SlowDaysOf(year, month, day);
  if (!days) return std::nullopt;
  Wide seconds = Wide{*days} * 86400 + hour * 3600 + minute * 60 + second;
  if (!sign.empty()) {
    const int offset = (std::stoi(zone_hours) * 60 + std::stoi(zone_minutes)) * 60;
    seconds += sign == "+" ? -offset : offset;
  }
  return InRange(seconds * 1000000000 + std::stoi((fraction + "000000000").substr(0, 9)));
}

std::optional<Timestamp> TextTime(const std::string& text) {
  if (const std::optional<Timestamp> time = IsoTime(text)) return time;
  static const re2::RE2 kSeconds(R"(([0-9]{9,11})(?:\.([0-9]+))?)");
  static const re2::RE2 kMilliseconds(R"([0-9]{12,14})");
  std::string whole, fraction;
  if (re2::RE2::FullMatch(text, kSeconds, &whole, &fraction)) {
    return InRange(Scaled(whole + fraction, 9 - static_cast<int>(fraction.size())));
  }
  if (re2::RE2::FullMatch(text, kMilliseconds)) return InRange(Scaled(text, 6));
  return std::nullopt;
}

}  // namespace

std::optional<Timestamp> SlowTime(const SlowJson& value) {
  if (value.is_number()) return NumericTime(value);
  if (value.is_string()) return TextTime(value.get<std::string>());
  return std::nullopt;
}

std::optional<Timestamp> SlowEventTime(const SlowJson& flat) {
  for (const char* field : {"TimeCreated_SystemTime", "@timestamp", "TimeCreated", "EventTime", "eventTime",
                            "UtcTime", "ts", "timestamp", "published", "activityDateTime", "time",
                            "createdDateTime", "CreationTime", "TimeGenerated"}) {
    if (!flat.contains(field)) continue;
    if (const std::optional<Timestamp> time = SlowTime(flat.at(field))) return time;
  }
  return std::nullopt;
}

}  // namespace redthread
