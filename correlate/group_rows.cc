#include "correlate/group_rows.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {
namespace {

// What a row of a family is; folds have 'f'.
constexpr char kGroup = 'c';
constexpr char kEpisode = 'e';
constexpr char kHit = 'h';
constexpr char kStart = 's';
constexpr char kHours = 'd';
constexpr char kJudgeTimer = 'j';
constexpr char kClockTimer = 'l';
constexpr char kExpiryTimer = 'x';

constexpr size_t kIdentityBytes = sizeof(Hash128);
constexpr size_t kMaxGroupBytes = 256;
constexpr char kByTexts = 't', kByHash = 'h';

std::string_view BytesOf(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

void AppendTexts(const Texts& group, std::string* out) {
  for (const std::string& text : group) AppendKeyString(text, out);
}

std::string Prefixed(char kind, std::string_view group_key) { return std::string(1, kind).append(group_key); }

std::string WithTime(char kind, std::string_view group_key, Timestamp time) {
  return Prefixed(kind, group_key) + KeyWriter('\0').Time(time).str().substr(1);
}

}  // namespace

std::string IdentityOf(const RuleDescription& rule) {
  return std::string(BytesOf(HashBytes(rule.id + '\0' + rule.content_hash)));
}

bool KeyHoldsGroup(const Texts& group) {
  const auto add = [](size_t n, const std::string& text) { return n + text.size(); };
  return std::accumulate(group.begin(), group.end(), size_t{0}, add) <= kMaxGroupBytes;
}

// key := identity | 't' (string)* 00 00 | identity 'h' hash. No key is the beginning of another: a string's
// end mark is 00 01, and 00 FF stands for a NUL.
void GroupKey(std::string_view identity, const Texts& group, std::string* key) {
  *key = identity;
  if (KeyHoldsGroup(group)) {
    *key += kByTexts;
    AppendTexts(group, key);
    key->append(2, '\0');
    return;
  }
  std::string texts;
  AppendTexts(group, &texts);
  *key += kByHash;
  *key += BytesOf(HashBytes(texts));
}

std::string GroupKey(std::string_view identity, const Texts& group) {
  std::string key;
  GroupKey(identity, group, &key);
  return key;
}

std::optional<ParsedGroupKey> ParseGroupKey(std::string_view key) {
  if (key.size() <= kIdentityBytes) return std::nullopt;
  ParsedGroupKey parsed{key.substr(0, kIdentityBytes), std::nullopt};
  if (key[kIdentityBytes] == kByHash) return parsed;
  const std::string texts = std::string(1, '\0').append(key.substr(kIdentityBytes + 1));
  KeyReader reader(texts);
  if (!reader.Kind('\0')) return std::nullopt;
  Texts group;
  for (std::string text; reader.String(&text);) group.push_back(text);
  parsed.group = std::move(group);
  return parsed;
}

// ---- groups

std::string GroupRowKey(std::string_view group_key) { return Prefixed(kGroup, group_key); }

const std::string& EncodeGroup(const GroupRow& row, std::string_view row_key, RowWriter* out) {
  out->Time(row.judged_to).Time(row.expires).OptionalTime(row.stale_from);
  out->OptionalTime(row.stale_to).OptionalTime(row.forced_from).OptionalTime(row.forced_to);
  out->OptionalTime(row.newest_episode).OptionalTime(row.unsettled).OptionalTime(row.timer);
  out->Varint(row.group.size());
  for (const std::string& text : row.group) out->Bytes(text);
  out->Time(row.newest_in_block).Varint(row.journal_to).Bytes(row.tail).U8(row.stale_late ? 1 : 0);
  out->Varint(row.deferral).Varint(row.rejudged_rows).Varint(row.added_since);
  return out->Finish(row_key);
}

Result<GroupRow> DecodeGroup(std::string_view row_key, std::string_view value) {
  Result<std::string_view> payload = OpenRow("group", row_key, value);
  if (!payload.ok()) return payload.status();
  RowReader in(*payload);
  GroupRow row;
  uint64_t texts = 0;
  bool whole = in.Time(&row.judged_to) && in.Time(&row.expires) && in.OptionalTime(&row.stale_from) &&
               in.OptionalTime(&row.stale_to) && in.OptionalTime(&row.forced_from) &&
               in.OptionalTime(&row.forced_to) && in.OptionalTime(&row.newest_episode) &&
               in.OptionalTime(&row.unsettled) && in.OptionalTime(&row.timer) && in.Varint(&texts);
  for (; whole && texts > 0; --texts) whole = in.Bytes(&row.group.emplace_back());
  whole = whole && in.Time(&row.newest_in_block) && in.Varint(&row.journal_to) && in.Bytes(&row.tail) &&
          (in.AtEnd() || in.Flag(&row.stale_late)) &&
          (in.AtEnd() ||
           (in.Varint(&row.deferral) && in.Varint(&row.rejudged_rows) && in.Varint(&row.added_since)));
  if (!whole) return DamagedRow("group", row_key, "it ends too early");
  return row;
}

// ---- episodes and hits

std::string EpisodeRowKey(std::string_view group_key, Timestamp time) {
  return WithTime(kEpisode, group_key, time);
}

std::string EncodeEpisode(const EpisodeRow& row, std::string_view row_key) {
  RowWriter out;
  out.Time(row.time).Time(row.last_hit).Bytes(row.alert_id).U8(row.value.has_value() ? 1 : 0);
  out.Fixed64(std::bit_cast<uint64_t>(row.value.value_or(0))).Varint(row.told);
  out.U8(row.early ? 1 : 0).U8(row.open ? 1 : 0).OptionalTime(row.ended);
  return out.Finish(row_key);
}

Result<EpisodeRow> DecodeEpisode(std::string_view row_key, std::string_view value) {
  Result<std::string_view> payload = OpenRow("episode", row_key, value);
  if (!payload.ok()) return payload.status();
  RowReader in(*payload);
  EpisodeRow row;
  bool has_value = false;
  uint64_t bits = 0;
  if (!in.Time(&row.time) || !in.Time(&row.last_hit) || !in.Bytes(&row.alert_id) || !in.Flag(&has_value) ||
      !in.Fixed64(&bits) || !in.Varint(&row.told) || !in.Flag(&row.early) || !in.Flag(&row.open) ||
      (!in.AtEnd() && !in.OptionalTime(&row.ended))) {
    return DamagedRow("episode", row_key, "it ends too early");
  }
  if (has_value) row.value = std::bit_cast<double>(bits);
  return row;
}

std::string HitRowKey(std::string_view group_key, Timestamp time) { return WithTime(kHit, group_key, time); }

// ---- timers

// All three end with the group's key, behind parts of fixed size.
std::string JudgeTimersBegin(uint32_t level, Timestamp deadline) {
  return KeyWriter(kJudgeTimer).U8(static_cast<uint8_t>(level)).Time(deadline).str();
}
std::string JudgeTimerKey(uint32_t level, Timestamp deadline, std::string_view group_key) {
  return JudgeTimersBegin(level, deadline).append(group_key);
}
std::string ClockTimersBegin(Timestamp deadline) { return KeyWriter(kClockTimer).Time(deadline).str(); }
std::string ClockTimerKey(Timestamp deadline, std::string_view group_key) {
  return ClockTimersBegin(deadline).append(group_key);
}
std::string ExpiryTimersBegin(Timestamp deadline) { return KeyWriter(kExpiryTimer).Time(deadline).str(); }
std::string ExpiryTimerKey(Timestamp deadline, std::string_view group_key) {
  return ExpiryTimersBegin(deadline).append(group_key);
}

std::string_view GroupOfTimer(std::string_view timer_key) {
  const size_t head = !timer_key.empty() && timer_key[0] == kJudgeTimer ? 10 : 9;
  return timer_key.size() > head ? timer_key.substr(head) : std::string_view();
}

std::string StartRowKey(std::string_view identity) { return Prefixed(kStart, identity); }

// ---- hours

Timestamp DayOf(Timestamp time) {
  constexpr int64_t kDay = Nanoseconds(std::chrono::hours(24)).count();
  const int64_t past = time.ns % kDay;
  return time - Nanoseconds(past < 0 ? past + kDay : past);
}

std::string HoursRowKey(std::string_view group_key, Timestamp day) {
  return WithTime(kHours, group_key, day);
}

std::optional<Timestamp> HoursRowDay(std::string_view row_key) {
  if (row_key.size() < 1 + sizeof(int64_t) || row_key[0] != kHours) return std::nullopt;
  const std::string time = std::string(1, kHours).append(row_key.substr(row_key.size() - sizeof(int64_t)));
  KeyReader reader(time);
  Timestamp day;
  if (!reader.Kind(kHours) || !reader.Time(&day)) return std::nullopt;
  return day;
}

std::string EncodeHours(uint32_t hours, std::string_view row_key) {
  return RowWriter().Varint(hours).Finish(row_key);
}

Result<uint32_t> DecodeHours(std::string_view row_key, std::string_view value) {
  Result<std::string_view> payload = OpenRow("hours", row_key, value);
  if (!payload.ok()) return payload.status();
  uint32_t hours = 0;
  if (!RowReader(*payload).Varint32(&hours)) return DamagedRow("hours", row_key, "it ends too early");
  return hours;
}

}  // namespace redthread
