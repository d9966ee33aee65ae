#include "storage/event_index.h"

#include <algorithm>
#include <tuple>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr int kFirstShift = 36;  // the narrowest bins: 69 s
constexpr int kShiftStep = 4;
constexpr size_t kReadAhead = 256;

int Shift(int level) { return kFirstShift + kShiftStep * level; }

uint64_t Bin(Timestamp t, int level) {
  const int shift = Shift(level);
  return shift >= 64 ? 0 : OrderedTime(t) >> shift;
}

// The last moment of a bin.
Timestamp BinEnd(uint64_t bin, int level) {
  const int shift = Shift(level);
  if (shift >= 64) return Timestamp::Max();
  return TimeOfOrdered((bin << shift) | ((uint64_t{1} << shift) - 1));
}

int LevelOf(Timestamp min_time, Timestamp max_time) {
  int level = 0;
  while (Bin(min_time, level) != Bin(max_time, level)) ++level;
  return level;
}

}  // namespace

std::string BlockAddress::Key(char kind) const {
  return KeyWriter(kind).U32(source).U32(epoch).U64(first).str();
}

bool BlockAddress::Parse(char kind, std::string_view key, BlockAddress* address) {
  KeyReader reader(key);
  return reader.Kind(kind) && reader.U32(&address->source) && reader.U32(&address->epoch) &&
         reader.U64(&address->first) && reader.Done();
}

Status SourceEnd::Parse(std::string_view key, std::string_view value, SourceEnd* end) {
  Result<std::string_view> payload = OpenRow("event", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  if (row.Varint32(&end->epoch) && row.Varint(&end->next_index) && row.Varint(&end->tail_rows) &&
      row.Varint(&end->tail_bytes) && row.OptionalTime(&end->tail_arrival)) {
    return Status::Ok();
  }
  return DamagedRow("event", key, "its fields end too early");
}

Result<std::optional<SourceEnd>> SourceEnd::Load(const StateReader& reader, SourceId source) {
  const std::string key = KeyWriter(kSourceEndRow).U32(source).str();
  std::string value;
  const Status found = reader.Get(ColumnFamily::kEvent, key, &value);
  if (found.code() == StatusCode::kNotFound) return std::optional<SourceEnd>();
  if (!found.ok()) return found;
  SourceEnd end;
  RT_RETURN_IF_ERROR(Parse(key, value, &end));
  return std::optional<SourceEnd>(end);
}

void SourceEnd::Store(StateTransaction* transaction, SourceId source) const {
  const std::string key = KeyWriter(kSourceEndRow).U32(source).str();
  RowWriter row;
  row.Varint(epoch).Varint(next_index).Varint(tail_rows).Varint(tail_bytes).OptionalTime(tail_arrival);
  transaction->Put(ColumnFamily::kEvent, key, row.Finish(key));
}

std::string IndexedBlock::Key() const {
  const int level = LevelOf(min_time, max_time);
  return KeyWriter(kTimeIndexRow)
      .U8(static_cast<uint8_t>(level))
      .U64(Bin(min_time, level))
      .Time(min_time)
      .U32(address.source)
      .U32(address.epoch)
      .U64(address.first)
      .str();
}

void IndexedBlock::Store(StateTransaction* transaction) const {
  const std::string key = Key();
  transaction->Put(ColumnFamily::kEvent, key, RowWriter().Time(max_time).Varint(count).Finish(key));
}

bool IndexedBlock::ParseKey(std::string_view key, IndexedBlock* block) {
  KeyReader reader(key);
  uint8_t level;
  uint64_t bin;
  if (!reader.Kind(kTimeIndexRow) || !reader.U8(&level) || !reader.U64(&bin) ||
      !reader.Time(&block->min_time) || !reader.U32(&block->address.source) ||
      !reader.U32(&block->address.epoch) || !reader.U64(&block->address.first) || !reader.Done()) {
    return false;
  }
  if (level >= TimeIndexStream::kLevels || bin != Bin(block->min_time, level)) return false;
  block->max_time = BinEnd(bin, level);
  return true;
}

Status IndexedBlock::ParseValue(std::string_view key, std::string_view value, IndexedBlock* block) {
  Result<std::string_view> payload = OpenRow("time index", key, value);
  if (!payload.ok()) return payload.status();
  RowReader row(*payload);
  IndexedBlock read = *block;
  if (!row.Time(&read.max_time) || !row.Varint(&read.count) || read.Key() != key) {
    return DamagedRow("time index", key, "its fields do not fit its key");
  }
  *block = read;
  return Status::Ok();
}

TimeIndexStream::TimeIndexStream(const StateReader* reader, Timestamp begin, Timestamp end, Damage* damage)
    : reader_(reader), begin_(begin), damage_(damage) {
  for (int i = 0; i < kLevels; ++i) {
    const auto level = static_cast<uint8_t>(i);
    levels_[i].next = KeyWriter(kTimeIndexRow).U8(level).U64(Bin(begin, i)).str();
    // Within the last bin the rows ascend by min_time: those above `end` are not even read.
    levels_[i].end = PrefixEnd(KeyWriter(kTimeIndexRow).U8(level).U64(Bin(end, i)).Time(end));
    levels_[i].exhausted = begin > end;
  }
}

Status TimeIndexStream::Fill(Level* level) {
  std::string last;
  size_t rows = 0;
  const auto visit = [&](std::string_view key, std::string_view value) {
    last.assign(key);
    ++rows;
    IndexedBlock block;
    if (!IndexedBlock::ParseKey(key, &block)) {
      damage_->Note(DamagedRow("time index", key, "its key cannot be read"));
    } else {
      const Status status = IndexedBlock::ParseValue(key, value, &block);
      if (!status.ok()) damage_->Note(status);
      if (block.max_time >= begin_) level->ahead.push_back(block);
    }
    return rows < kReadAhead;
  };
  // A whole run may be of blocks that end too early: go on until something is ahead.
  while (level->ahead.empty() && !level->exhausted) {
    rows = 0;
    RT_RETURN_IF_ERROR(reader_->Scan(ColumnFamily::kEvent, level->next, level->end, visit));
    if (rows < kReadAhead) level->exhausted = true;
    if (rows > 0) level->next = KeyAfter(last);
  }
  return Status::Ok();
}

Result<std::optional<IndexedBlock>> TimeIndexStream::Next() {
  const auto order = [](const IndexedBlock& block) { return std::tie(block.min_time, block.address); };
  Level* least = nullptr;
  for (Level& level : levels_) {
    if (level.ahead.empty() && !level.exhausted) RT_RETURN_IF_ERROR(Fill(&level));
    if (level.ahead.empty()) continue;
    if (least == nullptr || order(level.ahead.front()) < order(least->ahead.front())) least = &level;
  }
  if (least == nullptr) return std::optional<IndexedBlock>();
  const IndexedBlock block = least->ahead.front();
  least->ahead.pop_front();
  return std::optional<IndexedBlock>(block);
}

}  // namespace redthread
