#include "storage/event_store.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "storage/event_index.h"
#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

// Sealing holds this many blocks' worth of text at once.
constexpr size_t kSealRunBlocks = 16;

size_t TextBytes(std::span<const EventRecord> records) {
  size_t bytes = 0;
  for (const EventRecord& record : records) bytes += record.raw.size();
  return bytes;
}

std::string PositionText(SourceId source, uint32_t epoch, uint64_t index) {
  return "source " + std::to_string(source) + ", epoch " + std::to_string(epoch) + ", record " +
         std::to_string(index);
}

Status OutOfOrder(SourceId source, uint32_t epoch, uint64_t index) {
  return Status::Invalid(PositionText(source, epoch, index) + " was already stored, or comes out of order");
}

void StoreBlocks(StateTransaction* transaction, const PackedEvents& packed) {
  for (const PackedEvents::Block& block : packed.blocks) {
    transaction->Put(ColumnFamily::kEvent, block.address.Key(kBlockRow), block.bytes);
    IndexedBlock{block.head.min_time, block.head.max_time, block.head.count, block.address}.Store(
        transaction);
  }
}

}  // namespace

EventStore::EventStore() : EventStore(Options{}) {}
EventStore::EventStore(const Options& options)
    : options_(options), codec_(std::make_unique<EventBlockCodec>()) {
  options_.block_bytes = std::clamp(options_.block_bytes, size_t{1}, kMaxBlockText / 4);
}
EventStore::~EventStore() = default;

// ---- writing ----

Status EventStore::PackBlock(char kind, std::span<const EventRecord> records, PackedEvents* packed) {
  const BlockAddress address{packed->source, packed->epoch, records.front().index};
  const std::string key = address.Key(kind);
  const int level = kind == kTailRow ? options_.tail_compression : options_.block_compression;
  Result<std::string_view> block = codec_->Encode(key, records, level);
  if (!block.ok()) return block.status();
  Result<EventBlockHead> head = EventBlockCodec::ReadHead(key, *block);
  if (!head.ok()) return head.status();
  packed->blocks.push_back({address, *head, std::string(*block)});
  return Status::Ok();
}

// Cuts records into blocks of even size, of block_bytes to twice that where they are as many. A very long
// line has a block of its own.
Status EventStore::PackBlocks(std::span<const EventRecord> records, PackedEvents* packed) {
  const size_t total = TextBytes(records);
  const size_t target = total / std::max<size_t>(1, total / options_.block_bytes);
  while (!records.empty()) {
    size_t n = 0, bytes = 0;
    const size_t most = 4 * options_.block_bytes;
    while (n < records.size() && (n == 0 || (bytes < target && bytes + records[n].raw.size() <= most))) {
      bytes += records[n++].raw.size();
    }
    RT_RETURN_IF_ERROR(PackBlock(kBlockRow, records.first(n), packed));
    records = records.subspan(n);
  }
  return Status::Ok();
}

Status EventStore::Pack(SourceId source, uint32_t epoch, std::span<const EventRecord> records,
                        PackedEvents* packed) {
  packed->source = source;
  packed->epoch = epoch;
  packed->blocks.clear();
  if (records.empty()) return Status::Ok();
  uint64_t next = 0;
  packed->arrival = records.front().arrival;
  for (const EventRecord& record : records) {
    if (record.index < next || record.index == ~uint64_t{0}) return OutOfOrder(source, epoch, record.index);
    if (record.raw.size() > kMaxBlockText) {
      return Status::Limit(PositionText(source, epoch, record.index) + " is longer than 1 GiB");
    }
    next = record.index + 1;
    packed->arrival = std::min(packed->arrival, record.arrival);
  }
  packed->text_bytes = TextBytes(records);
  packed->sealed = packed->text_bytes >= options_.block_bytes;
  return packed->sealed ? PackBlocks(records, packed) : PackBlock(kTailRow, records, packed);
}

Status EventStore::Append(StateTransaction* transaction, const PackedEvents& packed) {
  if (packed.blocks.empty()) return Status::Ok();
  Result<std::optional<SourceEnd>> stored = SourceEnd::Load(*transaction, packed.source);
  if (!stored.ok()) return stored.status();
  SourceEnd end = stored->value_or(SourceEnd{});
  const uint64_t first = packed.blocks.front().address.first;
  if (packed.epoch < end.epoch || (packed.epoch == end.epoch && first < end.next_index)) {
    return OutOfOrder(packed.source, packed.epoch, first);
  }
  if (packed.sealed) {
    StoreBlocks(transaction, packed);
  } else {
    const PackedEvents::Block& row = packed.blocks.front();
    transaction->Put(ColumnFamily::kEvent, row.address.Key(kTailRow), row.bytes);
    ++end.tail_rows;
    end.tail_bytes += packed.text_bytes;
    end.tail_arrival = std::min(end.tail_arrival.value_or(packed.arrival), packed.arrival);
  }
  end.epoch = packed.epoch;
  end.next_index = packed.blocks.back().head.last + 1;
  end.Store(transaction, packed.source);
  return Status::Ok();
}

Status EventStore::Append(StateTransaction* transaction, SourceId source, uint32_t epoch,
                          std::span<const EventRecord> records) {
  RT_RETURN_IF_ERROR(Pack(source, epoch, records, &packed_));
  return Append(transaction, packed_);
}

// ---- sealing ----

// Tail rows that lie side by side, unpacked, to become blocks.
struct EventStore::SealRun {
  explicit SealRun(SourceId of) : source(of) {}
  SourceId source;
  uint32_t epoch = 0;
  size_t bytes = 0;
  std::vector<std::string> keys;
  std::deque<std::string> texts;  // what the records point into
  std::vector<EventRecord> records;
};

Status EventStore::FinishRun(StateTransaction* transaction, SealRun* run) {
  if (!run->records.empty()) {
    packed_.source = run->source;
    packed_.epoch = run->epoch;
    packed_.blocks.clear();
    RT_RETURN_IF_ERROR(PackBlocks(run->records, &packed_));
    StoreBlocks(transaction, packed_);
    for (const std::string& key : run->keys) transaction->Delete(ColumnFamily::kEvent, key);
  }
  *run = SealRun(run->source);
  return Status::Ok();
}

Status EventStore::Seal(StateTransaction* transaction, SourceId source, Damage* damage) {
  Result<std::optional<SourceEnd>> stored = SourceEnd::Load(*transaction, source);
  if (!stored.ok()) return stored.status();
  if (!*stored || (*stored)->tail_rows == 0) return Status::Ok();
  std::vector<BlockAddress> tail;
  RT_RETURN_IF_ERROR(ListTail(*transaction, source, &tail, damage));

  uint64_t left = 0;
  SealRun run(source);
  for (const BlockAddress& address : tail) {
    const std::string key = address.Key(kTailRow);
    bool apart = run.epoch != address.epoch || run.bytes >= kSealRunBlocks * options_.block_bytes;
    if (!apart && !run.keys.empty()) {
      RT_RETURN_IF_ERROR(BlockBetween(*transaction, run.keys.back(), key, &apart));
    }
    if (apart) RT_RETURN_IF_ERROR(FinishRun(transaction, &run));
    const Status added = AddToRun(*transaction, address, &run);
    if (added.ok()) continue;
    if (added.code() != StatusCode::kCorrupt && added.code() != StatusCode::kInvalid) return added;
    damage->Note(added);
    ++left;
    RT_RETURN_IF_ERROR(FinishRun(transaction, &run));
  }
  RT_RETURN_IF_ERROR(FinishRun(transaction, &run));
  SourceEnd end = **stored;
  end.tail_rows = left;
  end.tail_bytes = 0;
  end.tail_arrival.reset();  // what is left cannot be sealed: do not try it over and over
  end.Store(transaction, source);
  return Status::Ok();
}

Status EventStore::ListTail(const StateReader& reader, SourceId source, std::vector<BlockAddress>* tail,
                            Damage* damage) {
  const std::string prefix = KeyWriter(kTailRow).U32(source).str();
  return reader.Scan(ColumnFamily::kEvent, prefix, PrefixEnd(prefix),
                     [&](std::string_view key, std::string_view) {
                       BlockAddress address;
                       if (BlockAddress::Parse(kTailRow, key, &address)) {
                         tail->push_back(address);
                       } else {
                         damage->Note(DamagedRow("event", key, "its key cannot be read"));
                       }
                       return true;
                     });
}

// Whether a sealed block stands between two tail rows: they must not become one then.
Status EventStore::BlockBetween(const StateReader& reader, std::string_view tail_key,
                                std::string_view next_key, bool* between) {
  std::string begin(tail_key), end(next_key);
  begin[0] = end[0] = kBlockRow;
  *between = false;
  return reader.Scan(ColumnFamily::kEvent, begin, end, [&](std::string_view, std::string_view) {
    *between = true;
    return false;
  });
}

Status EventStore::AddToRun(const StateReader& reader, const BlockAddress& address, SealRun* run) {
  const std::string key = address.Key(kTailRow);
  std::string row;
  RT_RETURN_IF_ERROR(reader.Get(ColumnFamily::kEvent, key, &row));
  std::vector<EventRecord> records;
  // The text's bytes must not move any more once records point at them: it goes into the deque first.
  run->texts.emplace_back();
  const Status decoded = codec_->Decode(key, address.first, row, &run->texts.back(), &records);
  if (!decoded.ok()) {
    run->texts.pop_back();
    return decoded;
  }
  run->epoch = address.epoch;
  run->bytes += run->texts.back().size();
  run->keys.push_back(key);
  run->records.insert(run->records.end(), records.begin(), records.end());
  return Status::Ok();
}

Result<size_t> EventStore::SealDue(StateTransaction* transaction, Timestamp now, size_t max_pending_bytes,
                                   Damage* damage) {
  std::vector<SourceId> due;
  const std::string prefix(1, kSourceEndRow);
  RT_RETURN_IF_ERROR(transaction->Scan(
      ColumnFamily::kEvent, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
        KeyReader reader(key);
        SourceId source;
        SourceEnd end;
        const Status parsed = SourceEnd::Parse(key, value, &end);
        if (!parsed.ok() || !reader.Kind(kSourceEndRow) || !reader.U32(&source) || !reader.Done()) {
          damage->Note(parsed.ok() ? DamagedRow("event", key, "its key cannot be read") : parsed);
          return true;
        }
        const bool full = end.tail_bytes >= options_.block_bytes;
        const bool old = end.tail_arrival && now - *end.tail_arrival >= options_.max_tail_age;
        if (full || old) due.push_back(source);
        return true;
      }));
  size_t sealed = 0;
  for (SourceId source : due) {
    if (transaction->pending_bytes() >= max_pending_bytes) break;
    RT_RETURN_IF_ERROR(Seal(transaction, source, damage));
    ++sealed;
  }
  return sealed;
}

// ---- reading ----

Result<std::optional<Position>> EventStore::End(const StateReader& reader, SourceId source) const {
  Result<std::optional<SourceEnd>> end = SourceEnd::Load(reader, source);
  if (!end.ok()) return end.status();
  if (!*end) return std::optional<Position>();
  return std::optional<Position>(Position{source, (*end)->epoch, (*end)->next_index, 0});
}

Status EventStore::Read(const StateReader& reader, const Position& position, std::string* text,
                        StoredEvent* event) {
  const BlockAddress wanted{position.source, position.epoch, position.index};
  std::optional<BlockAddress> holder;
  std::string key, row;
  for (char kind : {kTailRow, kBlockRow}) {
    const std::string begin = BlockAddress{position.source, position.epoch, 0}.Key(kind);
    RT_RETURN_IF_ERROR(reader.ScanBackward(ColumnFamily::kEvent, begin, KeyAfter(wanted.Key(kind)),
                                           [&](std::string_view found, std::string_view value) {
                                             BlockAddress address;
                                             if (!BlockAddress::Parse(kind, found, &address)) return true;
                                             if (!holder || address > *holder) {
                                               holder = address;
                                               key.assign(found);
                                               row.assign(value);
                                             }
                                             return false;
                                           }));
  }
  const std::string name = PositionText(position.source, position.epoch, position.index);
  if (!holder) return Status::NotFound(name + " was never stored, or is no longer kept");
  Result<EventBlockHead> head = EventBlockCodec::ReadHead(key, row);
  if (!head.ok()) return head.status();
  if (head->last < position.index) return Status::NotFound(name + " was never stored, or is no longer kept");
  RT_RETURN_IF_ERROR(codec_->Decode(key, holder->first, row, &text_, &records_));
  const auto at = std::lower_bound(records_.begin(), records_.end(), position.index,
                                   [](const EventRecord& r, uint64_t index) { return r.index < index; });
  if (at == records_.end() || at->index != position.index) {
    return Status::NotFound(name + " was not stored: a blank line");
  }
  text->assign(at->raw);
  *event = {position.source, position.epoch, *at};
  event->record.raw = *text;
  return Status::Ok();
}

// Visits the records of one row that lie in the range. Sets *go_on to false when the visitor wants no more.
void EventStore::VisitRow(char kind, const BlockAddress& address, std::string_view row, const Range& range,
                          const Visitor& visit, Damage* damage, bool* go_on) {
  const Status decoded = codec_->Decode(address.Key(kind), address.first, row, &text_, &records_);
  if (!decoded.ok()) return damage->Note(decoded);
  std::stable_sort(records_.begin(), records_.end(), [](const EventRecord& a, const EventRecord& b) {
    return a.stored_time() < b.stored_time();
  });
  for (const EventRecord& record : records_) {
    if (record.stored_time() < range.begin || record.stored_time() > range.end) continue;
    if (!visit({address.source, address.epoch, record})) {
      *go_on = false;
      return;
    }
  }
}

Status EventStore::ForEachInBlocks(const StateReader& reader, const Range& range, const Visitor& visit,
                                   Damage* damage, bool* go_on) {
  TimeIndexStream index(&reader, range.begin, range.end, damage);
  std::string row;
  while (*go_on) {
    Result<std::optional<IndexedBlock>> next = index.Next();
    if (!next.ok()) return next.status();
    if (!*next) return Status::Ok();
    const BlockAddress& address = (*next)->address;
    if (range.source && address.source != *range.source) continue;
    const Status found = reader.Get(ColumnFamily::kEvent, address.Key(kBlockRow), &row);
    if (found.code() == StatusCode::kNotFound || found.code() == StatusCode::kCorrupt) {
      damage->Note(Status::Corrupt("the block at " +
                                   PositionText(address.source, address.epoch, address.first) +
                                   " cannot be read: " + found.message()));
      continue;
    }
    RT_RETURN_IF_ERROR(found);
    VisitRow(kBlockRow, address, row, range, visit, damage, go_on);
  }
  return Status::Ok();
}

Status EventStore::ForEachInTail(const StateReader& reader, const Range& range, const Visitor& visit,
                                 Damage* damage, bool* go_on) {
  KeyWriter prefix(kTailRow);
  if (range.source) prefix.U32(*range.source);
  return reader.Scan(
      ColumnFamily::kEvent, prefix, PrefixEnd(prefix), [&](std::string_view key, std::string_view row) {
        BlockAddress address;
        Result<EventBlockHead> head = EventBlockCodec::ReadHead(key, row);
        if (!head.ok() || !BlockAddress::Parse(kTailRow, key, &address)) {
          damage->Note(head.ok() ? DamagedRow("event", key, "its key cannot be read") : head.status());
          return true;
        }
        if (head->max_time < range.begin || head->min_time > range.end) return true;
        VisitRow(kTailRow, address, row, range, visit, damage, go_on);
        return *go_on;
      });
}

Status EventStore::ForEach(const StateReader& reader, const Range& range, const Visitor& visit,
                           Damage* damage) {
  bool go_on = true;
  RT_RETURN_IF_ERROR(ForEachInBlocks(reader, range, visit, damage, &go_on));
  if (!go_on) return Status::Ok();
  return ForEachInTail(reader, range, visit, damage, &go_on);
}

}  // namespace redthread
