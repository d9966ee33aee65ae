#include "core/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

#include "core/timestamp.h"

namespace redthread {

namespace {

constexpr const char* kZoneFolder = "/usr/share/zoneinfo/";
constexpr int kLastYear = 2262;  // of Timestamp
constexpr int64_t kDay = 86'400;
constexpr int32_t kMaxOffset = 26 * 3600;  // seconds; RFC 8536, 3.2
constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// ---- POSIX rules

// When in a year the clock is put forward or back.
struct YearDay {
  enum class Kind { kMonth, kJulian, kZeroBased };
  Kind kind = Kind::kMonth;
  int month = 0, week = 0, weekday = 0;  // of kMonth: week 5 is the last
  int day = 0;                           // of the others: 1 to 365 without 29 February, 0 to 365 with it
  int seconds = 2 * 3600;                // of the day, on the wall; may lie in days before or after

  // Seconds since the epoch, on the wall.
  int64_t In(int year) const {
    int64_t days = DaysFromCivil(year, 1, 1);
    if (kind == Kind::kZeroBased) {
      days += day;
    } else if (kind == Kind::kJulian) {
      days += day - 1 + (IsLeapYear(year) && day >= 60 ? 1 : 0);
    } else {
      const int64_t first = DaysFromCivil(year, month, 1);
      const auto first_weekday = static_cast<int>(((first + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
      int of_month = (weekday - first_weekday + 7) % 7 + (week - 1) * 7;
      if (of_month >= DaysInMonth(year, month)) of_month -= 7;
      days = first + of_month;
    }
    return days * kDay + seconds;
  }
};

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}
  bool at_end() const { return i_ == text_.size(); }

  bool Take(char c) {
    if (at_end() || text_[i_] != c) return false;
    ++i_;
    return true;
  }
  // "CET", "<+0330>"
  bool Name() {
    const size_t begin = i_;
    if (Take('<')) {
      while (!at_end() && text_[i_] != '>') ++i_;
      return Take('>') && i_ - begin > 2;
    }
    while (!at_end() && (static_cast<unsigned char>((text_[i_] | 0x20) - 'a') < 26)) ++i_;
    return i_ - begin >= 3;
  }
  bool Number(int max, int* value) {
    const size_t begin = i_;
    for (*value = 0; !at_end() && text_[i_] >= '0' && text_[i_] <= '9' && *value <= max; ++i_) {
      *value = *value * 10 + (text_[i_] - '0');
    }
    return i_ > begin && *value <= max;
  }
  // [+-]hh[:mm[:ss]]; hours up to a week, for the times of rules.
  bool Seconds(int* value) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int hours = 0, minutes = 0, seconds = 0;
    if (!Number(167, &hours)) return false;
    if (Take(':') && (!Number(59, &minutes) || (Take(':') && !Number(59, &seconds)))) return false;
    *value = hours * 3600 + minutes * 60 + seconds;
    if (negative) *value = -*value;
    return true;
  }
  bool Day(YearDay* day) {
    if (Take('M')) {
      day->kind = YearDay::Kind::kMonth;
      if (!Number(12, &day->month) || !Take('.') || !Number(5, &day->week) || !Take('.') ||
          !Number(6, &day->weekday) || day->month < 1 || day->week < 1) {
        return false;
      }
    } else if (Take('J')) {
      day->kind = YearDay::Kind::kJulian;
      if (!Number(365, &day->day) || day->day < 1) return false;
    } else {
      day->kind = YearDay::Kind::kZeroBased;
      if (!Number(365, &day->day)) return false;
    }
    return !Take('/') || Seconds(&day->seconds);
  }

 private:
  std::string_view text_;
  size_t i_ = 0;
};

// ---- zone files

// Reads big-endian numbers; at the end of the bytes it fails, and stays failed.
class BytesReader {
 public:
  explicit BytesReader(std::string_view bytes) : bytes_(bytes) {}
  bool failed() const { return failed_; }
  std::string_view rest() const { return bytes_; }

  bool Skip(uint64_t size) {
    if (failed_ || size > bytes_.size()) return failed_ = true, false;
    bytes_.remove_prefix(size);
    return true;
  }
  int64_t Number(size_t size) {
    const std::string_view from = bytes_;
    if (!Skip(size)) return 0;
    uint64_t value = (static_cast<unsigned char>(from[0]) & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
    return static_cast<int64_t>(value);
  }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

struct FileHeader {
  int version = 0;
  // Counts: of UT and standard-time marks, leap seconds, transitions, kinds of time, bytes of names.
  uint64_t ut = 0, standard = 0, leap = 0, times = 0, types = 0, names = 0;

  bool Read(BytesReader* in) {
    if (!in->rest().starts_with("TZif") || !in->Skip(4)) return false;
    version = static_cast<int>(in->Number(1));
    in->Skip(15);
    for (uint64_t* count : {&ut, &standard, &leap, &times, &types, &names}) {
      *count = static_cast<uint64_t>(in->Number(4)) & 0xFFFFFFFF;
    }
    return !in->failed() && types > 0 && types <= 256;
  }
  // Bytes of a block whose times take `size`.
  uint64_t BlockSize(uint64_t size) const {
    return times * (size + 1) + types * 6 + names + leap * (size + 4) + standard + ut;
  }
};

std::optional<std::string> ReadZoneFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  constexpr size_t kMaxBytes = 1 << 20;  // the largest there is has some ten thousand
  std::string bytes(kMaxBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// "+02:00", "-0530", "+2"
std::optional<int32_t> FixedOffset(std::string_view text) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  std::string digits;
  for (const char c : text.substr(1)) {
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c != ':' || digits.size() != 2) {
      return std::nullopt;
    }
  }
  if (digits.size() == 1) digits.insert(0, "0");
  if (digits.size() == 2) digits += "00";
  if (digits.size() != 4) return std::nullopt;
  const int number = std::atoi(digits.c_str());
  if (number / 100 > 23 || number % 100 > 59) return std::nullopt;
  const int32_t seconds = number / 100 * 3600 + number % 100 * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

struct TimeZone::Rule {
  int32_t standard = 0, summer = 0;  // wall - UTC
  bool has_summer = false;
  YearDay begin, end;  // of summer time

  // POSIX counts offsets westwards.
  bool Read(std::string_view text) {
    RuleReader in(text);
    int west = 0;
    if (!in.Name() || !in.Seconds(&west)) return false;
    standard = -west;
    if (in.at_end()) return true;
    has_summer = true;
    summer = standard + 3600;
    if (!in.Name()) return false;
    if (!in.Take(',')) {
      if (!in.Seconds(&west) || !in.Take(',')) return false;
      summer = -west;
    }
    return in.Day(&begin) && in.Take(',') && in.Day(&end) && in.at_end();
  }
};

// ---- TimeZone

void TimeZone::AddChange(int64_t utc, int32_t offset) {
  const int32_t before = changes_.empty() ? first_offset_ : changes_.back().offset;
  // Put back: the time that stands twice is the first. Put forward: what stands not at all is still read with
  // the old distance. Either way the new one begins at the later of the two.
  int64_t wall = utc + std::max(before, offset);
  if (!changes_.empty()) wall = std::max(wall, changes_.back().wall);
  changes_.push_back({wall, offset});
}

void TimeZone::AddRule(const Rule& rule, int first_year, int64_t after) {
  if (!rule.has_summer) return;
  for (int year = first_year; year <= kLastYear; ++year) {
    std::pair<int64_t, int32_t> changes[] = {{rule.begin.In(year) - rule.standard, rule.summer},
                                             {rule.end.In(year) - rule.summer, rule.standard}};
    if (changes[1].first < changes[0].first) std::swap(changes[0], changes[1]);
    for (const auto& [utc, offset] : changes) {
      if (utc > after) AddChange(utc, offset);
    }
  }
}

TimeZone::Span TimeZone::At(int64_t wall) const {
  const auto next = std::upper_bound(changes_.begin(), changes_.end(), wall,
                                     [](int64_t w, const Change& change) { return w < change.wall; });
  Span span{std::numeric_limits<int64_t>::min(), kForever, first_offset_};
  if (next != changes_.begin()) {
    span.begin = std::prev(next)->wall;
    span.offset = std::prev(next)->offset;
  }
  if (next != changes_.end()) span.end = next->wall;
  return span;
}

std::shared_ptr<const TimeZone> TimeZone::FromRule(std::string_view text) {
  Rule rule;
  if (!rule.Read(text)) return nullptr;
  std::shared_ptr<TimeZone> zone(new TimeZone());
  zone->first_offset_ = rule.standard;
  zone->AddRule(rule, 1970, std::numeric_limits<int64_t>::min());
  return zone;
}

std::shared_ptr<const TimeZone> TimeZone::FromFile(std::string_view bytes) {
  BytesReader in(bytes);
  FileHeader header;
  if (!header.Read(&in)) return nullptr;
  size_t time_size = 4;
  if (header.version >= '2') {  // the same once more, in 64 bits
    if (!in.Skip(header.BlockSize(4)) || !header.Read(&in)) return nullptr;
    time_size = 8;
  }
  if (header.BlockSize(time_size) > in.rest().size()) return nullptr;
  std::vector<int64_t> times(header.times);
  for (int64_t& time : times) time = in.Number(time_size);
  std::vector<size_t> kinds(header.times);
  for (size_t& kind : kinds) kind = static_cast<size_t>(in.Number(1)) & 0xFF;
  std::vector<int32_t> offsets(header.types);
  for (int32_t& offset : offsets) {
    offset = static_cast<int32_t>(in.Number(4));
    if (offset < -kMaxOffset || offset > kMaxOffset) return nullptr;
    in.Skip(2);
  }
  in.Skip(header.names + header.leap * (time_size + 4) + header.standard + header.ut);
  if (in.failed()) return nullptr;

  std::shared_ptr<TimeZone> zone(new TimeZone());
  zone->first_offset_ = offsets[0];
  for (size_t i = 0; i < times.size(); ++i) {
    if (kinds[i] >= offsets.size()) return nullptr;
    // Older files begin with the age of the universe.
    constexpr int64_t kFar = int64_t{1} << 55;
    if (times[i] > -kFar && times[i] < kFar) zone->AddChange(times[i], offsets[kinds[i]]);
  }
  std::string_view last = in.rest();
  if (time_size == 8 && last.size() > 2 && last.front() == '\n') {
    last = last.substr(1, last.find('\n', 1) - 1);
    Rule rule;
    if (!rule.Read(last)) return nullptr;
    int year = 1970, month = 0, day = 0;
    if (!times.empty()) CivilFromDays(times.back() / kDay, &year, &month, &day);
    zone->AddRule(rule, std::max(year, 1970), times.empty() ? 0 : times.back());
  }
  return zone;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Load(const std::string& name) {
  const auto bad = [&] {
    return Status::Invalid("`" + name +
                           "` is no time zone; write a name such as Europe/Berlin, UTC, local, or +02:00");
  };
  if (const std::optional<int32_t> offset = FixedOffset(name); offset.has_value()) {
    std::shared_ptr<TimeZone> zone(new TimeZone());
    zone->first_offset_ = *offset;
    return std::shared_ptr<const TimeZone>(std::move(zone));
  }
  std::string path = kZoneFolder + name;
  std::string rule;
  if (name == "local") {
    const char* tz = std::getenv("TZ");
    rule = tz == nullptr ? "" : tz[0] == ':' ? tz + 1 : tz;
    path = rule.empty() ? "/etc/localtime" : rule[0] == '/' ? rule : kZoneFolder + rule;
  } else if (name.empty() || name[0] == '/' || name.find("..") != std::string::npos) {
    return bad();
  }
  if (const std::optional<std::string> bytes = ReadZoneFile(path); bytes.has_value()) {
    if (std::shared_ptr<const TimeZone> zone = FromFile(*bytes); zone != nullptr) return zone;
  }
  if (std::shared_ptr<const TimeZone> zone = FromRule(rule); zone != nullptr) return zone;
  // A host without zone files still knows this one; and without a zone of its own, it is on UTC.
  if (name == "UTC" || name == "Z" || (name == "local" && rule.empty())) {
    return std::shared_ptr<const TimeZone>(new TimeZone());
  }
  return bad();
}

}  // namespace redthread
