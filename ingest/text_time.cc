#include "ingest/text_time.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "ingest/text_field.h"

namespace redthread {

namespace {

constexpr int64_t kDay = 86'400;
constexpr int64_t kSecond = 1'000'000'000;
constexpr auto kClockTolerance = std::chrono::hours(24);

// Reads parts of a time from the front of a text; once a part is not there, it stays failed.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : p_(text.data()), end_(p_ + text.size()) {}

  bool failed() const { return failed_; }
  std::string_view rest() const { return {p_, static_cast<size_t>(end_ - p_)}; }
  char Peek() const { return p_ != end_ ? *p_ : '\0'; }

  void Expect(char c) {
    if (Peek() != c || p_ == end_) {
      failed_ = true;
    } else {
      ++p_;
    }
  }
  bool Take(char c) {
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }
  // Exactly `size` digits, of a number up to `max`.
  int Digits(int size, int max) {
    int value = 0;
    if (end_ - p_ < size) return failed_ = true, 0;
    for (int i = 0; i < size; ++i) {
      if (!IsDigit(p_[i])) return failed_ = true, 0;
      value = value * 10 + (p_[i] - '0');
    }
    p_ += size;
    if (value > max) failed_ = true;
    return value;
  }
  // "4", " 4", "04"
  int Day() {
    Take(' ');
    const int day = end_ - p_ > 1 && IsDigit(p_[1]) ? Digits(2, 31) : Digits(1, 9);
    if (day == 0) failed_ = true;
    return day;
  }
  int Month() {
    static constexpr const char* kNames = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (end_ - p_ < 3) return failed_ = true, 0;
    for (int month = 0; month < 12; ++month) {
      if (std::memcmp(kNames + 3 * month, p_, 3) == 0) {
        p_ += 3;
        return month + 1;
      }
    }
    return failed_ = true, 0;
  }
  int MonthNumber() {
    const int month = Digits(2, 12);
    if (month == 0) failed_ = true;
    return month;
  }
  void Clock(WallTime* time) {
    time->hour = Digits(2, 23);
    Expect(':');
    time->minute = Digits(2, 59);
    Expect(':');
    time->second = Digits(2, 60);
  }
  // ".123", and what stands behind the ninth digit is passed over.
  void Fraction(WallTime* time) {
    if (failed_ || (Peek() != '.' && Peek() != ',') || end_ - p_ < 2 || !IsDigit(p_[1])) return;
    ++p_;
    int place = kSecond / 10;
    for (; p_ != end_ && IsDigit(*p_); ++p_, place /= 10) time->nanosecond += (*p_ - '0') * place;
  }
  // "+01:00", "+0100", "Z"; sets nothing when there is none.
  void Zone(WallTime* time) {
    if (failed_) return;
    if (Take('Z')) {
      time->zoned = true;
      return;
    }
    if (Peek() != '+' && Peek() != '-') return;
    const bool west = *p_++ == '-';
    const int hours = Digits(2, 23);
    Take(':');
    const int minutes = Digits(2, 59);
    time->zoned = true;
    time->offset = (hours * 60 + minutes) * 60;
    if (west) time->offset = -time->offset;
  }

 private:
  const char* p_;
  const char* const end_;
  bool failed_ = false;
};

bool Finish(const TimeScanner& in, const WallTime& read, std::string_view* text, WallTime* time) {
  if (in.failed()) return false;
  *text = in.rest();
  *time = read;
  return true;
}

}  // namespace

// ---- reading

bool BeginsWithMonth(std::string_view text) {
  if (text.size() < 4 || text[3] != ' ') return false;
  TimeScanner in(text);
  in.Month();
  return !in.failed();
}

bool TakeBsdTime(std::string_view* text, WallTime* time) {
  TimeScanner in(*text);
  WallTime read;
  read.month = in.Month();
  in.Expect(' ');
  read.day = in.Day();
  in.Expect(' ');
  // "2016 06:55:46" as against "06:55:46"
  const std::string_view rest = in.rest();
  if (rest.size() > 4 && rest[2] != ':' && rest[4] == ' ') {
    read.year = in.Digits(4, 9999);
    in.Expect(' ');
  }
  in.Clock(&read);
  in.Fraction(&read);
  return Finish(in, read, text, time);
}

bool TakeIsoTime(std::string_view* text, WallTime* time) {
  TimeScanner in(*text);
  WallTime read;
  read.year = in.Digits(4, 9999);
  in.Expect('-');
  read.month = in.MonthNumber();
  in.Expect('-');
  read.day = in.Day();
  if (!in.Take('T')) in.Expect(' ');
  in.Clock(&read);
  in.Fraction(&read);
  in.Zone(&read);
  return Finish(in, read, text, time);
}

bool TakeClfTime(std::string_view* text, WallTime* time) {
  TimeScanner in(*text);
  WallTime read;
  read.day = in.Day();
  in.Expect('/');
  read.month = in.Month();
  in.Expect('/');
  read.year = in.Digits(4, 9999);
  in.Expect(':');
  in.Clock(&read);
  in.Fraction(&read);
  if (in.Take(' ')) in.Zone(&read);
  return Finish(in, read, text, time);
}

bool TakeCtime(std::string_view* text, WallTime* time) {
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  if (text->size() < 4 || (*text)[3] != ' ') return false;
  const size_t at = kDays.find(text->substr(0, 3));
  if (at == std::string_view::npos || at % 3 != 0) return false;
  TimeScanner in(text->substr(4));
  WallTime read;
  read.month = in.Month();
  in.Expect(' ');
  read.day = in.Day();
  in.Expect(' ');
  in.Clock(&read);
  in.Fraction(&read);
  in.Expect(' ');
  read.year = in.Digits(4, 9999);
  return Finish(in, read, text, time);
}

bool TakeSlashedTime(std::string_view* text, WallTime* time) {
  TimeScanner in(*text);
  WallTime read;
  read.year = in.Digits(4, 9999);
  in.Expect('/');
  read.month = in.MonthNumber();
  in.Expect('/');
  read.day = in.Day();
  in.Expect(' ');
  in.Clock(&read);
  return Finish(in, read, text, time);
}

// ---- TextClock

void TextClock::Begin(const RecordOrigin& origin) {
  origin_ = &origin;
  assumed_year_ = 0;
  if (origin.zone != zone_) {
    zone_ = origin.zone;
    span_ = {};
  }
  if (origin.written.ns == written_ && limit_year_ != 0) return;
  written_ = origin.written.ns;
  limit_ = origin.written + kClockTolerance;
  int month = 0, day = 0;
  // No zone is a day ahead of UTC.
  CivilFromDays((limit_ + kClockTolerance).ns / (kDay * kSecond), &limit_year_, &month, &day);
}

std::optional<Timestamp> TextClock::Resolve(const WallTime& time) {
  assumed_year_ = 0;
  if (time.year != 0) return In(time.year, time);
  if (origin_->year == 0) return InSomeYear(time);
  const std::optional<Timestamp> resolved = In(origin_->year, time);
  if (resolved.has_value()) assumed_year_ = origin_->year;
  return resolved;
}

// The latest year that is not after the limit; of 29 February that may be eight years back.
std::optional<Timestamp> TextClock::InSomeYear(const WallTime& time) {
  for (int year = limit_year_; year > limit_year_ - 10; --year) {
    const std::optional<Timestamp> resolved = In(year, time);
    if (!resolved.has_value() || *resolved > limit_) continue;
    assumed_year_ = year;
    return resolved;
  }
  return std::nullopt;
}

std::optional<Timestamp> TextClock::In(int year, const WallTime& time) {
  if (year < 1678 || year > 2261 || time.day > DaysInMonth(year, time.month)) return std::nullopt;
  const int64_t wall =
      DaysOf(year, time.month, time.day) * kDay + time.hour * 3600 + time.minute * 60 + time.second;
  int64_t offset = time.offset;
  if (!time.zoned && zone_ != nullptr) {
    if (!span_.Holds(wall)) span_ = zone_->At(wall);
    offset = span_.offset;
  }
  return Timestamp{(wall - offset) * kSecond + time.nanosecond};
}

int64_t TextClock::DaysOf(int year, int month, int day) {
  const int key = (year * 16 + month) * 32 + day;
  if (key != day_key_) {
    day_key_ = key;
    days_ = DaysFromCivil(year, month, day);
  }
  return days_;
}

}  // namespace redthread
