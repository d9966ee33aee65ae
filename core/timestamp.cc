#include "core/timestamp.h"

#include <charconv>
#include <cstdlib>

#include "core/clock.h"

namespace redthread {

// ---- the calendar

// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
int64_t DaysFromCivil(int y, int m, int d) {
  y -= m <= 2;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void CivilFromDays(int64_t days, int* y, int* m, int* d) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t doe = days - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  *d = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  *m = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  *y = static_cast<int>(yoe + era * 400 + (*m <= 2));
}

bool IsLeapYear(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

int DaysInMonth(int y, int m) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return m == 2 && IsLeapYear(y) ? 29 : kDays[m - 1];
}

namespace {

__extension__ typedef __int128 Int128;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view Trim(std::string_view s) {
  while (!s.empty() && IsSpace(s.front())) s.remove_prefix(1);
  while (!s.empty() && IsSpace(s.back())) s.remove_suffix(1);
  return s;
}

// ISO 8601: the week that holds the year's first Thursday is week 1.
int IsoWeek(int y, int m, int d) {
  const int64_t days = DaysFromCivil(y, m, d);
  const int64_t weekday = ((days + 3) % 7 + 7) % 7;  // Monday is 0; 1970-01-01 was a Thursday
  const int64_t thursday = days - weekday + 3;
  int ty = 0, tm = 0, td = 0;
  CivilFromDays(thursday, &ty, &tm, &td);
  return static_cast<int>((thursday - DaysFromCivil(ty, 1, 1)) / 7 + 1);
}

// Reads exactly `count` digits at *i.
bool ReadDigits(std::string_view s, size_t* i, int count, int* value) {
  if (s.size() - *i < static_cast<size_t>(count)) return false;
  *value = 0;
  for (int n = 0; n < count; ++n, ++*i) {
    if (!IsDigit(s[*i])) return false;
    *value = *value * 10 + (s[*i] - '0');
  }
  return true;
}

bool Expect(std::string_view s, size_t* i, char c) {
  if (*i >= s.size() || s[*i] != c) return false;
  ++*i;
  return true;
}

struct Civil {
  int year, month, day, hour, minute, second;
};

// "YYYY-MM-DD[T ]hh:mm"
bool ReadMinutes(std::string_view s, size_t* i, Civil* c) {
  if (!ReadDigits(s, i, 4, &c->year) || !Expect(s, i, '-') || !ReadDigits(s, i, 2, &c->month) ||
      !Expect(s, i, '-') || !ReadDigits(s, i, 2, &c->day)) {
    return false;
  }
  if (*i >= s.size() || (s[*i] != 'T' && s[*i] != ' ')) return false;
  ++*i;
  return ReadDigits(s, i, 2, &c->hour) && Expect(s, i, ':') && ReadDigits(s, i, 2, &c->minute);
}

std::optional<Timestamp> Narrow(Int128 ns) {
  if (ns < Timestamp::Min().ns || ns > Timestamp::Max().ns) return std::nullopt;
  return Timestamp{static_cast<int64_t>(ns)};
}

// The first nine of the digits at *i, as nanoseconds; *i moves past all of them.
int64_t ReadFraction(std::string_view s, size_t* i) {
  int64_t ns = 0;
  int64_t place = kSecond / 10;
  for (; *i < s.size() && IsDigit(s[*i]); ++*i, place /= 10) ns += (s[*i] - '0') * place;
  return ns;
}

std::optional<Timestamp> ParseIso(std::string_view s) {
  s = Trim(s);
  size_t i = 0;
  Civil c{};
  if (!ReadMinutes(s, &i, &c) || !Expect(s, &i, ':') || !ReadDigits(s, &i, 2, &c.second)) return std::nullopt;
  int64_t fraction = 0;
  if (i < s.size() && (s[i] == '.' || s[i] == ',')) {
    ++i;
    if (i >= s.size() || !IsDigit(s[i])) return std::nullopt;
    fraction = ReadFraction(s, &i);
  }
  while (i < s.size() && IsSpace(s[i])) ++i;
  int64_t offset = 0;
  if (i < s.size()) {
    const char sign = s[i++];
    if (sign != 'Z') {
      int hours = 0, minutes = 0;
      if ((sign != '+' && sign != '-') || !ReadDigits(s, &i, 2, &hours)) return std::nullopt;
      if (i < s.size() && s[i] == ':') ++i;
      if (!ReadDigits(s, &i, 2, &minutes)) return std::nullopt;
      offset = (hours * 60 + minutes) * int64_t{60};
      if (sign == '-') offset = -offset;
    }
    if (i != s.size()) return std::nullopt;
  }
  if (c.year < 1 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > DaysInMonth(c.year, c.month) ||
      c.hour > 23 || c.minute > 59 || c.second > 59) {
    return std::nullopt;
  }
  const int64_t seconds =
      DaysFromCivil(c.year, c.month, c.day) * kDay + c.hour * 3600 + c.minute * 60 + c.second - offset;
  return Narrow(static_cast<Int128>(seconds) * kSecond + fraction);
}

}  // namespace

std::string FormatTimestamp(Timestamp t) {
  std::string out(kTimestampSize, '0');
  FormatTimestamp(t, out.data());
  return out;
}

void FormatTimestamp(Timestamp t, char* out) {
  int64_t seconds = t.ns / kSecond;
  int64_t fraction = t.ns % kSecond;
  if (fraction < 0) {
    fraction += kSecond;
    --seconds;
  }
  int64_t days = seconds / kDay;
  int64_t rest = seconds % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  int y = 0, m = 0, d = 0;
  CivilFromDays(days, &y, &m, &d);
  const auto put = [out](size_t at, int64_t value, int digits) {
    for (int n = digits; n-- > 0; value /= 10)
      out[at + static_cast<size_t>(n)] = static_cast<char>('0' + value % 10);
  };
  put(0, y, 4);
  put(5, m, 2);
  put(8, d, 2);
  put(11, rest / 3600, 2);
  put(14, rest / 60 % 60, 2);
  put(17, rest % 60, 2);
  put(20, fraction, 9);
  out[4] = out[7] = '-';
  out[10] = 'T';
  out[13] = out[16] = ':';
  out[19] = '.';
  out[29] = 'Z';
}

std::optional<Timestamp> ParseTimestamp(std::string_view text) {
  if (const auto iso = ParseIso(text); iso.has_value()) return iso;
  size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  if (digits < 9 || digits > 14) return std::nullopt;
  int64_t whole = 0;
  std::from_chars(text.data(), text.data() + digits, whole);
  size_t i = digits;
  if (digits >= 12) {
    if (i != text.size()) return std::nullopt;
    return Narrow(static_cast<Int128>(whole) * 1'000'000);
  }
  int64_t fraction = 0;
  if (i < text.size()) {
    if (text[i] != '.' || ++i == text.size()) return std::nullopt;
    fraction = ReadFraction(text, &i);
    if (i != text.size()) return std::nullopt;
  }
  return Narrow(static_cast<Int128>(whole) * kSecond + fraction);
}

std::optional<Timestamp> ParseNumericTimestamp(std::string_view token) {
  // The number is mantissa * 10^scale, its digits exactly as written.
  size_t i = 0;
  Int128 mantissa = 0;
  int scale = 0;
  int significant = 0;
  bool any = false;
  const auto take = [&](char c, bool fraction) {
    any = true;
    if (significant >= 36) {  // more cannot change a nanosecond within range, but counts for the size
      if (!fraction) ++scale;
      return;
    }
    mantissa = mantissa * 10 + (c - '0');
    if (mantissa != 0) ++significant;
    if (fraction) --scale;
  };
  while (i < token.size() && IsDigit(token[i])) take(token[i++], false);
  if (i < token.size() && token[i] == '.') {
    ++i;
    while (i < token.size() && IsDigit(token[i])) take(token[i++], true);
  }
  if (any && i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    if (i < token.size() && token[i] == '+') ++i;
    int exponent = 0;
    const auto [end, error] = std::from_chars(token.data() + i, token.data() + token.size(), exponent);
    if (error != std::errc() || std::abs(exponent) > 400) return std::nullopt;
    scale += exponent;
    i = static_cast<size_t>(end - token.data());
  }
  if (!any || i != token.size() || mantissa == 0) return std::nullopt;
  // Above 1e11 the number is milliseconds.
  const auto shifted = [&](int by) -> std::optional<Int128> {
    Int128 v = mantissa;
    int s = scale + by;
    for (; s > 0; --s) {
      if (v > static_cast<Int128>(1) << 90) return std::nullopt;
      v *= 10;
    }
    for (; s < 0 && v != 0; ++s) v /= 10;
    return v;
  };
  const std::optional<Int128> ns = shifted(9);
  if (!ns.has_value()) return std::nullopt;
  if (*ns > static_cast<Int128>(100'000'000'000) * kSecond) return Narrow(*ns / 1000);
  return Narrow(*ns);
}

std::optional<CalendarParts> ParseCalendarParts(std::string_view text) {
  size_t i = 0;
  Civil c{};
  if (!ReadMinutes(text, &i, &c)) return std::nullopt;
  CalendarParts parts{c.year, c.month, c.day, c.hour, c.minute, std::nullopt};
  if (c.year >= 1 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= DaysInMonth(c.year, c.month))
    parts.iso_week = IsoWeek(c.year, c.month, c.day);
  return parts;
}

CalendarParts CalendarPartsOf(Timestamp t) { return *ParseCalendarParts(FormatTimestamp(t)); }

std::optional<Nanoseconds> ParseTimespan(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, count);
  if (error != std::errc() || end != text.data() + text.size() - 1 || !IsDigit(text[0])) return std::nullopt;
  int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = kDay;
      break;
    case 'w':
      unit = 7 * kDay;
      break;
    case 'M':
      unit = 2'629'746;
      break;
    case 'y':
      unit = 31'556'952;
      break;
    default:
      return std::nullopt;
  }
  const Int128 ns = static_cast<Int128>(count) * unit * kSecond;
  if (ns > Timestamp::Max().ns) return std::nullopt;
  return Nanoseconds(static_cast<int64_t>(ns));
}

// ---- clocks
// ----------------------------------------------------------------------------------------------------------

Timestamp SystemClock::Now() {
  return {
      std::chrono::duration_cast<Nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

Nanoseconds SystemClock::Elapsed() {
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string FormatTimespan(Nanoseconds span) {
  constexpr std::pair<int64_t, char> kUnits[] = {{7 * kDay, 'w'}, {kDay, 'd'}, {3600, 'h'}, {60, 'm'}};
  const int64_t seconds = span.count() / kSecond;
  for (const auto& [length, unit] : kUnits) {
    if (seconds > 0 && seconds % length == 0) return std::to_string(seconds / length) + unit;
  }
  return std::to_string(seconds) + "s";
}

std::string DurationWords(Nanoseconds duration) {
  constexpr std::pair<int64_t, const char*> kUnits[] = {{kDay, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
  const int64_t seconds = duration.count() / kSecond;
  for (size_t i = 0; i < std::size(kUnits); ++i) {
    const auto& [length, unit] = kUnits[i];
    if (seconds < length && length > 1) continue;
    std::string words = std::to_string(seconds / length) + unit;
    const int64_t rest = seconds % length;
    if (rest == 0 || rest < kUnits[i + 1].first) return words;
    return words + " " + std::to_string(rest / kUnits[i + 1].first) + kUnits[i + 1].second;
  }
  return "";
}

}  // namespace redthread
