#include "storage/source_census.h"

#include <algorithm>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kCensusRow = 'c';
constexpr Nanoseconds kHour = std::chrono::hours(1);
constexpr Nanoseconds kQuarter = std::chrono::minutes(15);
constexpr Nanoseconds kRight = std::chrono::minutes(5);  // a clock that is not further off
constexpr int64_t kMemory = 256;                         // records that the means are over, about
constexpr uint64_t kKnown = 20;                          // so many say how a clock goes
constexpr Nanoseconds kSteady = std::chrono::seconds(60);
constexpr Nanoseconds kNearQuarter = std::chrono::seconds(90);
constexpr size_t kUsuallyHeard = 20;  // of 24 hours

std::string CensusKey(SourceId id) { return KeyWriter(kCensusRow).U32(id).str(); }

int64_t HourOf(Timestamp time) { return time.ns / kHour.count(); }

}  // namespace

void SourceCensus::Count(Timestamp arrival, uint64_t n, uint64_t size) {
  if (!first_heard.has_value()) {
    first_heard = arrival;
    hour = HourOf(arrival);
  }
  records += n;
  bytes += size;
  if (const int64_t passed = HourOf(arrival) - hour; passed > 0) {
    const auto shift = static_cast<size_t>(std::min<int64_t>(passed, kHours));
    std::copy_backward(by_hour.begin(), by_hour.end() - static_cast<ptrdiff_t>(shift), by_hour.end());
    std::fill_n(by_hour.begin(), shift, 0);
    hour += passed;
  }
  by_hour[0] += n;
}

void SourceCensus::NoteTime(Timestamp time, Timestamp arrival) {
  const Nanoseconds off = time - arrival;
  const auto weight = std::min<int64_t>(static_cast<int64_t>(++timed), kMemory);
  skew += (off - skew) / weight;
  spread += (std::max(off - skew, skew - off) - spread) / weight;
}

uint64_t SourceCensus::LastDay(Timestamp now) const {
  uint64_t sum = 0;
  const int64_t passed = std::max<int64_t>(0, HourOf(now) - hour);
  for (size_t n = 0; n + static_cast<size_t>(passed) < kHours && n < kHours; ++n) sum += by_hour[n];
  return sum;
}

bool SourceCensus::IsSilent(Timestamp now) const {
  if (!first_heard.has_value()) return false;
  const int64_t passed = HourOf(now) - hour;
  if (passed > static_cast<int64_t>(kHours)) return true;
  const auto heard = std::count_if(by_hour.begin(), by_hour.end(), [](uint64_t n) { return n > 0; });
  return passed > 1 && static_cast<size_t>(heard) >= kUsuallyHeard;
}

std::optional<Nanoseconds> SourceCensus::SteadySkew() const {
  if (timed < kKnown || spread > kSteady) return std::nullopt;
  if (skew <= kRight && skew >= -kRight) return std::nullopt;
  return skew;
}

std::optional<Nanoseconds> SourceCensus::ZoneSkew() const {
  const std::optional<Nanoseconds> off = SteadySkew();
  if (!off.has_value()) return std::nullopt;
  const int64_t half = off->count() < 0 ? -kQuarter.count() / 2 : kQuarter.count() / 2;
  const Nanoseconds rounded = kQuarter * ((off->count() + half) / kQuarter.count());
  const Nanoseconds rest = *off - rounded;
  if (rest > kNearQuarter || rest < -kNearQuarter) return std::nullopt;
  return rounded;
}

Result<SourceCensus> GetCensus(const StateReader& reader, SourceId id) {
  SourceCensus census;
  const std::string key = CensusKey(id);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kSource, key, &value);
  if (found.code() == StatusCode::kNotFound) return census;
  if (!found.ok()) return found;
  const Result<std::string_view> payload = OpenRow("census", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  uint64_t hour = 0, skew = 0, spread = 0, count = 0;
  row.Varint(&census.records);
  row.Varint(&census.bytes);
  row.OptionalTime(&census.first_heard);
  row.Varint(&hour);
  for (uint64_t& n : census.by_hour) row.Varint(&n);
  row.Varint(&census.timed);
  row.Fixed64(&skew);
  row.Fixed64(&spread);
  // A later version may know more formats.
  if (!row.Varint(&count)) return DamagedRow("census", key, "its fields end too early");
  for (uint64_t i = 0, n = 0; i < count; ++i) {
    if (!row.Varint(&n)) return DamagedRow("census", key, "its formats end too early");
    if (i < kSourceFormats) census.formats[i] = n;
  }
  census.hour = static_cast<int64_t>(hour);
  census.skew = Nanoseconds(static_cast<int64_t>(skew));
  census.spread = Nanoseconds(static_cast<int64_t>(spread));
  return census;
}

void PutCensus(StateTransaction* transaction, SourceId id, const SourceCensus& census) {
  const std::string key = CensusKey(id);
  RowWriter row;
  row.Varint(census.records).Varint(census.bytes).OptionalTime(census.first_heard);
  row.Varint(static_cast<uint64_t>(census.hour));
  for (const uint64_t n : census.by_hour) row.Varint(n);
  row.Varint(census.timed).Fixed64(static_cast<uint64_t>(census.skew.count()));
  row.Fixed64(static_cast<uint64_t>(census.spread.count()));
  row.Varint(kSourceFormats);
  for (const uint64_t n : census.formats) row.Varint(n);
  transaction->Put(ColumnFamily::kSource, key, row.Finish(key));
}

}  // namespace redthread
