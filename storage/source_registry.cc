#include "storage/source_registry.h"

#include "storage/counter.h"
#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr char kStateRow = 's';
constexpr char kIdentityRow = 'i';
constexpr std::string_view kWatermarkKey = "w";
constexpr size_t kMaxIdentity = 4096;

std::string StateKey(SourceId id) { return KeyWriter(kStateRow).U32(id).str(); }
std::string IdentityKey(std::string_view identity) { return KeyWriter(kIdentityRow).String(identity).str(); }

void WriteState(StateTransaction* transaction, const SourceState& state) {
  const std::string key = StateKey(state.id);
  RowWriter row;
  row.Bytes(state.identity).Bytes(state.path);
  row.Varint(state.epoch).Varint(state.next_index).Varint(state.cursor);
  row.OptionalTime(state.watermark).OptionalTime(state.greatest_time).OptionalTime(state.last_heard);
  row.Varint(state.dead_letters).U8(state.idle);
  transaction->Put(ColumnFamily::kSource, key, row.Finish(key));
}

Result<SourceState> ParseState(std::string_view key, std::string_view value) {
  SourceState state;
  KeyReader parts(key);
  if (!parts.Kind(kStateRow) || !parts.U32(&state.id) || !parts.Done()) {
    return DamagedRow("source", key, "its key cannot be read");
  }
  Result<std::string_view> payload = OpenRow("source", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  if (row.Bytes(&state.identity) && row.Bytes(&state.path) && row.Varint32(&state.epoch) &&
      row.Varint(&state.next_index) && row.Varint(&state.cursor) && row.OptionalTime(&state.watermark) &&
      row.OptionalTime(&state.greatest_time) && row.OptionalTime(&state.last_heard) &&
      row.Varint(&state.dead_letters)) {
    // Rows of before this field was added end here.
    if (row.AtEnd() || row.Flag(&state.idle)) return state;
  }
  return DamagedRow("source", key, "its fields end too early");
}

void WriteIdentity(StateTransaction* transaction, std::string_view identity, SourceId id) {
  const std::string key = IdentityKey(identity);
  transaction->Put(ColumnFamily::kSource, key, RowWriter().Varint(id).Finish(key));
}

Status CheckIdentity(std::string_view identity) {
  if (identity.size() <= kMaxIdentity) return Status::Ok();
  return Status::Limit("the identity of a source has " + std::to_string(identity.size()) +
                       " bytes, the limit is " + std::to_string(kMaxIdentity));
}

}  // namespace

Result<std::optional<SourceState>> FindSource(const StateReader& reader, std::string_view identity) {
  const std::string key = IdentityKey(identity);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kSource, key, &value);
  if (found.code() == StatusCode::kNotFound) return std::optional<SourceState>();
  if (!found.ok()) return found;
  Result<std::string_view> payload = OpenRow("source", key, value);
  if (!payload.ok()) return payload.status();
  SourceId id;
  if (!RowReader(*payload).Varint32(&id)) return DamagedRow("source", key, "it holds no number");
  Result<SourceState> state = GetSource(reader, id);
  if (!state.ok()) return state.status();
  return std::optional<SourceState>(std::move(state).value());
}

Result<SourceState> GetSource(const StateReader& reader, SourceId id) {
  const std::string key = StateKey(id);
  std::string value;
  const Status found = reader.Get(ColumnFamily::kSource, key, &value);
  if (found.code() == StatusCode::kNotFound) {
    return Status::NotFound("there is no source " + std::to_string(id));
  }
  if (!found.ok()) return found;
  return ParseState(key, value);
}

Result<SourceState> FindOrAddSource(StateTransaction* transaction, std::string_view identity,
                                    std::string_view path) {
  RT_RETURN_IF_ERROR(CheckIdentity(identity));
  Result<std::optional<SourceState>> found = FindSource(*transaction, identity);
  if (!found.ok()) return found.status();
  if (*found) return std::move(**found);

  Result<uint64_t> number = NextNumber(transaction, "source");
  if (!number.ok()) return number.status();
  if (*number > ~SourceId{0}) return Status::Limit("no number is left for another source");
  SourceState state;
  state.id = static_cast<SourceId>(*number);
  state.identity = identity;
  state.path = path;
  WriteIdentity(transaction, identity, state.id);
  WriteState(transaction, state);
  return state;
}

Status UpdateSource(StateTransaction* transaction, const SourceState& state) {
  Result<SourceState> stored = GetSource(*transaction, state.id);
  if (!stored.ok()) return stored.status();
  const bool back =
      state.epoch < stored->epoch || (state.epoch == stored->epoch && state.next_index < stored->next_index);
  if (back) {
    return Status::Invalid("source " + std::to_string(state.id) + " cannot go back from epoch " +
                           std::to_string(stored->epoch) + ", record " + std::to_string(stored->next_index) +
                           " to epoch " + std::to_string(state.epoch) + ", record " +
                           std::to_string(state.next_index));
  }
  if (state.identity != stored->identity) {
    RT_RETURN_IF_ERROR(CheckIdentity(state.identity));
    Result<std::optional<SourceState>> other = FindSource(*transaction, state.identity);
    if (!other.ok()) return other.status();
    if (*other) {
      return Status::Invalid("source " + std::to_string(state.id) + " cannot take the identity of source " +
                             std::to_string((*other)->id));
    }
    transaction->Delete(ColumnFamily::kSource, IdentityKey(stored->identity));
    WriteIdentity(transaction, state.identity, state.id);
  }
  WriteState(transaction, state);
  return Status::Ok();
}

Result<std::optional<Timestamp>> GetStageWatermark(const StateReader& reader) {
  std::string value;
  const Status found = reader.Get(ColumnFamily::kSource, kWatermarkKey, &value);
  if (found.code() == StatusCode::kNotFound) return std::optional<Timestamp>();
  if (!found.ok()) return found;
  Result<std::string_view> payload = OpenRow("source", kWatermarkKey, value);
  if (!payload.ok()) return payload.status();
  Timestamp watermark;
  if (!RowReader(*payload).Time(&watermark)) return DamagedRow("source", kWatermarkKey, "it holds no time");
  return std::optional<Timestamp>(watermark);
}

void SetStageWatermark(StateTransaction* transaction, Timestamp watermark) {
  transaction->Put(ColumnFamily::kSource, kWatermarkKey, RowWriter().Time(watermark).Finish(kWatermarkKey));
}

Status ForEachSource(const StateReader& reader, const std::function<bool(const SourceState&)>& visit,
                     Damage* damage) {
  const std::string prefix(1, kStateRow);
  return reader.Scan(ColumnFamily::kSource, prefix, PrefixEnd(prefix),
                     [&](std::string_view key, std::string_view value) {
                       Result<SourceState> state = ParseState(key, value);
                       if (state.ok()) return visit(*state);
                       damage->Note(state.status());
                       return true;
                     });
}

}  // namespace redthread
