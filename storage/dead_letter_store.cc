#include "storage/dead_letter_store.h"

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kLetterRow = 'd';

std::string KeyOf(const Position& p) {
  return KeyWriter(kLetterRow).U32(p.source).U32(p.epoch).U64(p.index).str();
}

Result<StoredDeadLetter> ParseLetter(std::string_view key, std::string_view value) {
  StoredDeadLetter letter;
  KeyReader parts(key);
  if (!parts.Kind(kLetterRow) || !parts.U32(&letter.position.source) || !parts.U32(&letter.position.epoch) ||
      !parts.U64(&letter.position.index) || !parts.Done()) {
    return DamagedRow("dead letter", key, "its key cannot be read");
  }
  Result<std::string_view> payload = OpenRow("dead letter", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  if (row.Time(&letter.arrival) && row.Bytes(&letter.reason) && row.Varint(&letter.offset) &&
      row.Varint(&letter.raw_size) && row.Bytes(&letter.raw_prefix)) {
    return letter;
  }
  return DamagedRow("dead letter", key, "its fields end too early");
}

}  // namespace

void PutDeadLetter(StateTransaction* transaction, const StoredDeadLetter& letter) {
  const std::string key = KeyOf(letter.position);
  RowWriter row;
  row.Time(letter.arrival).Bytes(letter.reason).Varint(letter.offset).Varint(letter.raw_size);
  row.Bytes(std::string_view(letter.raw_prefix).substr(0, StoredDeadLetter::kMaxRaw));
  transaction->Put(ColumnFamily::kDead, key, row.Finish(key));
}

Result<StoredDeadLetter> GetDeadLetter(const StateReader& reader, const Position& position) {
  const std::string key = KeyOf(position);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kDead, key, &value);
  if (!found.ok()) return found;
  return ParseLetter(key, value);
}

void DeleteDeadLetter(StateTransaction* transaction, const Position& position) {
  transaction->Delete(ColumnFamily::kDead, KeyOf(position));
}

Status ForEachDeadLetter(const StateReader& reader, std::optional<SourceId> source,
                         const std::function<bool(const StoredDeadLetter&)>& visit, Damage* damage) {
  KeyWriter prefix(kLetterRow);
  if (source) prefix.U32(*source);
  return reader.Scan(ColumnFamily::kDead, prefix, PrefixEnd(prefix),
                     [&](std::string_view key, std::string_view value) {
                       Result<StoredDeadLetter> letter = ParseLetter(key, value);
                       if (letter.ok()) return visit(*letter);
                       damage->Note(letter.status());
                       return true;
                     });
}

}  // namespace redthread
