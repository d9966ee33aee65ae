#include "storage/outbox.h"

#include <algorithm>
#include <vector>

#include "storage/counter.h"
#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kItemRow = 'i';
constexpr char kCursorRow = 'c';

std::string ItemKey(uint64_t sequence) { return KeyWriter(kItemRow).U64(sequence).str(); }

Result<OutboxItem> ParseItem(std::string_view key, std::string_view value) {
  OutboxItem item;
  KeyReader parts(key);
  if (!parts.Kind(kItemRow) || !parts.U64(&item.sequence) || !parts.Done()) {
    return DamagedRow("outbox", key, "its key cannot be read");
  }
  Result<std::string_view> payload = OpenRow("outbox", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  uint8_t state;
  if (!row.Bytes(&item.alert_id) || !row.Varint32(&item.revision) || !row.U8(&state) ||
      state > static_cast<uint8_t>(AlertState::kWithdrawn)) {
    return DamagedRow("outbox", key, "its fields cannot be read");
  }
  item.state = static_cast<AlertState>(state);
  return item;
}

}  // namespace

Result<uint64_t> AppendOutboxItem(StateTransaction* transaction, const OutboxItem& item) {
  Result<uint64_t> sequence = NextNumber(transaction, "outbox");
  if (!sequence.ok()) return sequence;
  const std::string key = ItemKey(*sequence);
  RowWriter row;
  row.Bytes(item.alert_id).Varint(item.revision).U8(static_cast<uint8_t>(item.state));
  transaction->Put(ColumnFamily::kOutbox, key, row.Finish(key));
  return sequence;
}

Status ForEachOutboxItem(const StateReader& reader, uint64_t after,
                         const std::function<bool(const OutboxItem&)>& visit, Damage* damage) {
  return reader.Scan(ColumnFamily::kOutbox, KeyAfter(ItemKey(after)), PrefixEnd({&kItemRow, 1}),
                     [&](std::string_view key, std::string_view value) {
                       Result<OutboxItem> item = ParseItem(key, value);
                       if (item.ok()) return visit(*item);
                       damage->Note(item.status());
                       return true;
                     });
}

Result<uint64_t> GetSinkCursor(const StateReader& reader, std::string_view sink) {
  const std::string key = KeyWriter(kCursorRow).String(sink).str();
  std::string value;
  const Status found = reader.Get(ColumnFamily::kOutbox, key, &value);
  if (found.code() == StatusCode::kNotFound) return uint64_t{0};
  if (!found.ok()) return found;
  Result<std::string_view> payload = OpenRow("outbox", key, value);
  if (!payload.ok()) return payload.status();
  uint64_t sequence;
  if (!RowReader(*payload).Varint(&sequence)) return DamagedRow("outbox", key, "it holds no number");
  return sequence;
}

void SetSinkCursor(StateTransaction* transaction, std::string_view sink, uint64_t sequence) {
  const std::string key = KeyWriter(kCursorRow).String(sink).str();
  transaction->Put(ColumnFamily::kOutbox, key, RowWriter().Varint(sequence).Finish(key));
}

Result<size_t> TrimOutbox(StateTransaction* transaction, uint64_t sequence, size_t max_items) {
  std::vector<std::string> keys;
  RT_RETURN_IF_ERROR(transaction->Scan(ColumnFamily::kOutbox, ItemKey(0), KeyAfter(ItemKey(sequence)),
                                       [&](std::string_view key, std::string_view) {
                                         if (keys.size() == max_items) return false;
                                         keys.emplace_back(key);
                                         return true;
                                       }));
  for (const std::string& key : keys) transaction->Delete(ColumnFamily::kOutbox, key);
  return keys.size();
}

}  // namespace redthread
