#include "tests/oracle/slow_scalar.h"

#include <re2/re2.h>

#include <cmath>
#include <map>

namespace redthread {
namespace {

bool Holds(std::optional<Modifier> op, SlowNumber a, SlowNumber b) {
  if (!op) return a == b;
  switch (*op) {
    case Modifier::kLt:
      return a < b;
    case Modifier::kLte:
      return a <= b;
    case Modifier::kGt:
      return a > b;
    case Modifier::kGte:
      return a >= b;
    default:
      return false;
  }
}

// ---- text ----

bool TextMatches(const SlowText& rule, const SlowScalar& scalar, bool cased) {
  if (cased) return SlowMatches(rule.pattern, scalar.code_points);
  return SlowMatches(rule.folded, scalar.folded);
}

bool Finds(const SlowRegex& regex, const std::string& text) {
  if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex.compiled)) return true;
  // `$` also stands before a final newline, which RE2 does not know.
  if (text.empty() || text.back() != '\n' || regex.source.find('$') == std::string::npos) return false;
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size() - 1), *regex.compiled);
}

bool Within(const SlowNetwork& network, const std::string& text) {
  const std::optional<SlowAddress> address = ParseSlowAddress(text);
  return address && SlowContains(network, *address);
}

// ---- time ----

struct WrittenTime {
  int64_t year = 0;
  int month = 0, day = 0, hour = 0, minute = 0;
};

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int64_t year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

std::optional<WrittenTime> ReadWritten(const std::string& text) {
  static const re2::RE2 kForm(R"(^([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}))");
  WrittenTime t;
  if (!re2::RE2::PartialMatch(text, kForm, &t.year, &t.month, &t.day, &t.hour, &t.minute))
    return std::nullopt;
  return t;
}

// A number is seconds since the epoch, above 1e11 milliseconds; its parts are those of UTC.
std::optional<WrittenTime> ReadNumeric(SlowNumber number) {
  if (!(number > 0)) return std::nullopt;
  const SlowNumber seconds = number > 1e11L ? number / 1000 : number;
  if (seconds >= 9223372037.0L) return std::nullopt;  // more nanoseconds than 64 bits hold
  const auto whole = static_cast<int64_t>(seconds);
  int64_t days = whole / 86400;
  WrittenTime t{1970, 1, 1, static_cast<int>(whole % 86400 / 3600), static_cast<int>(whole % 3600 / 60)};
  for (; days >= DaysInMonth(t.year, t.month); t.year += t.month / 12, t.month = t.month % 12 + 1) {
    days -= DaysInMonth(t.year, t.month);
  }
  t.day += static_cast<int>(days);
  return t;
}

// The week with the year's first Thursday is week 1; weeks begin on Monday. Source: ISO 8601.
std::optional<int> IsoWeek(const WrittenTime& t) {
  const std::optional<int64_t> days = SlowDaysOf(t.year, t.month, t.day);
  if (!days || t.year < 1) return std::nullopt;
  const int64_t weekday = ((*days + 3) % 7 + 7) % 7;  // Monday 0; 1970-01-01 was a Thursday
  const int64_t thursday = *days - weekday + 3;
  // The week has the number that its Thursday has among the Thursdays of that day's year.
  int64_t year = t.year + 1;
  while (*SlowDaysOf(year, 1, 1) > thursday) --year;
  return static_cast<int>((thursday - *SlowDaysOf(year, 1, 1)) / 7) + 1;
}

std::optional<int64_t> PartOf(const WrittenTime& t, Modifier part) {
  switch (part) {
    case Modifier::kMinute:
      return t.minute;
    case Modifier::kHour:
      return t.hour;
    case Modifier::kDay:
      return t.day;
    case Modifier::kWeek:
      return IsoWeek(t);
    case Modifier::kMonth:
      return t.month;
    default:
      return t.year;
  }
}

bool TimeMatches(const SlowTimePart& rule, const SlowJson& scalar) {
  std::optional<WrittenTime> time;
  if (scalar.is_string()) {
    time = ReadWritten(scalar.get<std::string>());
  } else if (scalar.is_number()) {
    time = ReadNumeric(*NumberOf(scalar));
  }
  if (!time) return false;
  const std::optional<int64_t> part = PartOf(*time, rule.part);
  return part && Holds(rule.op, static_cast<SlowNumber>(*part), rule.number);
}

bool BooleanMatches(bool wanted, const SlowJson& scalar) {
  if (scalar.is_boolean()) return scalar.get<bool>() == wanted;
  return scalar.is_string() &&
         SlowFold(Utf8ToCodePoints(scalar.get<std::string>())) == (wanted ? U"true" : U"false");
}

}  // namespace

std::optional<int64_t> SlowDaysOf(int64_t year, int month, int day) {
  if (month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month)) return std::nullopt;
  const int64_t before = year - 1;  // whole years since the year 1
  int64_t days = before * 365 + before / 4 - before / 100 + before / 400;
  for (int m = 1; m < month; ++m) days += DaysInMonth(year, m);
  constexpr int64_t kEpoch = 719162;  // days from 0001-01-01 to 1970-01-01
  return days + day - 1 - kEpoch;
}

SlowScalar::SlowScalar(SlowJson value)
    : json(std::move(value)), text(ScalarText(json)), number(NumberOf(json)) {
  if (!text) return;
  code_points = Utf8ToCodePoints(*text);
  folded = SlowFold(code_points);
}

bool ScalarMatches(const SlowValue& value, const SlowScalar& scalar, bool cased) {
  if (const auto* alternatives = std::get_if<SlowAlternatives>(&value.v)) {
    for (const SlowValue& each : alternatives->values) {
      if (ScalarMatches(each, scalar, cased)) return true;
    }
    return false;
  }
  const SlowJson& json = scalar.json;
  const std::optional<std::string>& text = scalar.text;
  const std::optional<SlowNumber>& number = scalar.number;
  if (const auto* rule = std::get_if<SlowText>(&value.v)) return text && TextMatches(*rule, scalar, cased);
  if (const auto* rule = std::get_if<SlowRegex>(&value.v)) return text && Finds(*rule, *text);
  if (const auto* rule = std::get_if<SlowNetwork>(&value.v)) return json.is_string() && Within(*rule, *text);
  if (const auto* rule = std::get_if<SlowCompare>(&value.v))
    return number && Holds(rule->op, *number, rule->number);
  if (const auto* rule = std::get_if<SlowTimePart>(&value.v)) return TimeMatches(*rule, json);
  if (const auto* rule = std::get_if<bool>(&value.v)) return BooleanMatches(*rule, json);
  if (const auto* rule = std::get_if<Number>(&value.v)) return number && *number == ToSlowNumber(*rule);
  return false;
}

}  // namespace redthread
