#include "storage/alert_codec.h"

#include <algorithm>

namespace redthread {

namespace {

constexpr uint8_t kLate = 1;
constexpr uint8_t kCorrelation = 2;
constexpr uint8_t kByClock = 4;

void WriteEvidence(const Evidence& evidence, RowWriter* row) {
  const Position& p = evidence.position;
  row->Time(evidence.time).Bytes(evidence.rule_id).Bytes(evidence.source);
  row->Varint(p.source).Varint(p.epoch).Varint(p.index).Varint(p.cursor);
  row->Bytes({reinterpret_cast<const char*>(evidence.raw_hash.data()), evidence.raw_hash.size()});
}

bool ReadEvidence(std::string_view payload, Evidence* evidence) {
  RowReader row(payload);
  Position& p = evidence->position;
  std::string_view hash;
  const bool whole = row.Time(&evidence->time) && row.Bytes(&evidence->rule_id) &&
                     row.Bytes(&evidence->source) && row.Varint32(&p.source) && row.Varint32(&p.epoch) &&
                     row.Varint(&p.index) && row.Varint(&p.cursor) && row.Bytes(&hash) &&
                     hash.size() == evidence->raw_hash.size();
  if (whole) std::copy(hash.begin(), hash.end(), evidence->raw_hash.begin());
  return whole;
}

// A list is read as far as its bytes go: its length is not believed, so it allocates nothing ahead.
template <typename Read>
bool ReadList(RowReader* row, Read&& read) {
  uint64_t n;
  if (!row->Varint(&n)) return false;
  for (; n > 0; --n) {
    if (!read()) return false;
  }
  return true;
}

}  // namespace

void WriteAlert(const Alert& alert, RowWriter* row) {
  row->Bytes(alert.id).Varint(alert.revision).U8(static_cast<uint8_t>(alert.state));
  row->U8(static_cast<uint8_t>((alert.late ? kLate : 0) | (alert.correlation ? kCorrelation : 0) |
                               (alert.by_clock ? kByClock : 0)));
  row->Bytes(alert.rule_id).Bytes(alert.rule_title).U8(static_cast<uint8_t>(alert.level));
  row->Varint(alert.tags.size());
  for (const std::string& tag : alert.tags) row->Bytes(tag);
  row->Varint(alert.group.size());
  for (const auto& [name, value] : alert.group) row->Bytes(name).Bytes(value);
  row->Time(alert.time).Time(alert.first).Time(alert.last).Varint(alert.count);
  row->Varint(alert.evidence.size());
  for (const Evidence& evidence : alert.evidence) {
    RowWriter record;
    WriteEvidence(evidence, &record);
    row->Bytes(record.payload());
  }
  row->Bytes(alert.explain).Bytes(alert.replaced_by).OptionalTime(alert.ended);
}

bool ReadAlertHead(std::string_view payload, uint32_t* revision, Timestamp* time) {
  RowReader row(payload);
  std::string_view skipped;
  uint8_t byte;
  if (!row.Bytes(&skipped) || !row.Varint32(revision) || !row.U8(&byte) || !row.U8(&byte)) return false;
  if (!row.Bytes(&skipped) || !row.Bytes(&skipped) || !row.U8(&byte)) return false;
  if (!ReadList(&row, [&] { return row.Bytes(&skipped); })) return false;
  if (!ReadList(&row, [&] { return row.Bytes(&skipped) && row.Bytes(&skipped); })) return false;
  return row.Time(time);
}

bool ReadAlert(std::string_view payload, Alert* alert) {
  RowReader row(payload);
  uint8_t state, flags, level;
  if (!row.Bytes(&alert->id) || !row.Varint32(&alert->revision) || !row.U8(&state) || !row.U8(&flags) ||
      !row.Bytes(&alert->rule_id) || !row.Bytes(&alert->rule_title) || !row.U8(&level)) {
    return false;
  }
  if (state > static_cast<uint8_t>(AlertState::kWithdrawn)) return false;
  if (level > static_cast<uint8_t>(Level::kCritical)) return false;
  alert->state = static_cast<AlertState>(state);
  alert->level = static_cast<Level>(level);
  alert->late = flags & kLate;
  alert->correlation = flags & kCorrelation;
  alert->by_clock = flags & kByClock;
  if (!ReadList(&row, [&] { return row.Bytes(&alert->tags.emplace_back()); })) return false;
  if (!ReadList(&row, [&] {
        auto& [name, value] = alert->group.emplace_back();
        return row.Bytes(&name) && row.Bytes(&value);
      })) {
    return false;
  }
  if (!row.Time(&alert->time) || !row.Time(&alert->first) || !row.Time(&alert->last) ||
      !row.Varint(&alert->count)) {
    return false;
  }
  if (!ReadList(&row, [&] {
        std::string_view record;
        return row.Bytes(&record) && ReadEvidence(record, &alert->evidence.emplace_back());
      })) {
    return false;
  }
  if (!row.Bytes(&alert->explain) || !row.Bytes(&alert->replaced_by)) return false;
  return row.AtEnd() || row.OptionalTime(&alert->ended);
}

}  // namespace redthread
