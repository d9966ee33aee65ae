#include "storage/event_block.h"

#include <zstd.h>

#include <algorithm>

#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 32;
constexpr size_t kEntryBytes = 24;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kMaxSections = 32;

constexpr uint8_t kRecordsSection = 1;
constexpr uint8_t kTextSection = 2;
constexpr uint8_t kMustUnderstand = 0x80;

constexpr uint8_t kPlain = 0;
constexpr uint8_t kZstd = 1;
constexpr uint8_t kZstdWithDictionary = 2;

void Store(uint64_t v, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i, v >>= 8) out->push_back(static_cast<char>(v));
}

uint64_t Load(std::string_view from, size_t at, size_t bytes) {
  uint64_t v = 0;
  for (size_t i = bytes; i-- > 0;) v = v << 8 | static_cast<uint8_t>(from[at + i]);
  return v;
}

// Differences of times are taken modulo 2^64, so that the ends of the range need no special case.
uint64_t ZigZag(Timestamp t, Timestamp from) {
  const uint64_t d = static_cast<uint64_t>(t.ns) - static_cast<uint64_t>(from.ns);
  return (d << 1) ^ (d >> 63 ? ~uint64_t{0} : 0);
}
Timestamp UnZigZag(uint64_t z, Timestamp from) {
  const uint64_t d = (z >> 1) ^ (z & 1 ? ~uint64_t{0} : 0);
  return {static_cast<int64_t>(static_cast<uint64_t>(from.ns) + d)};
}

void AppendVarint(uint64_t v, std::string* out) {
  for (; v >= 0x80; v >>= 7) out->push_back(static_cast<char>(v | 0x80));
  out->push_back(static_cast<char>(v));
}

Status Damaged(std::string_view key, const char* why) { return DamagedRow("event", key, why); }

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct EventBlockCodec::Zstd {
  std::unique_ptr<ZSTD_CCtx, FreeZstd> packer{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, FreeZstd> unpacker{ZSTD_createDCtx()};
};

struct EventBlockCodec::Section {
  uint8_t kind = 0;
  uint8_t codec = 0;
  uint64_t dictionary = 0;
  size_t plain_size = 0;
  uint64_t checksum = 0;
  std::string_view packed;
};

EventBlockCodec::EventBlockCodec() : zstd_(std::make_unique<Zstd>()) {}
EventBlockCodec::~EventBlockCodec() = default;

Status EventBlockCodec::AppendSection(uint8_t kind, std::string_view plain, int level, std::string* table) {
  const size_t begin = bodies_.size();
  bodies_.resize(begin + ZSTD_compressBound(plain.size()));
  const size_t packed = ZSTD_compressCCtx(zstd_->packer.get(), bodies_.data() + begin, bodies_.size() - begin,
                                          plain.data(), plain.size(), level);
  if (ZSTD_isError(packed)) {
    return Status::Io(std::string("zstd cannot compress events: ") + ZSTD_getErrorName(packed));
  }
  const bool worth_it = packed < plain.size();
  bodies_.resize(begin + (worth_it ? packed : 0));
  if (!worth_it) bodies_.append(plain);

  const std::string_view stored = std::string_view(bodies_).substr(begin);
  Store(kind, 1, table);
  Store(worth_it ? kZstd : kPlain, 1, table);
  Store(0, 2, table);
  Store(0, 4, table);
  Store(stored.size(), 4, table);
  Store(plain.size(), 4, table);
  Store(Checksum(stored), 8, table);
  return Status::Ok();
}

Result<std::string_view> EventBlockCodec::Encode(std::string_view key, std::span<const EventRecord> records,
                                                 int level) {
  Timestamp min_time = Timestamp::Max(), max_time = Timestamp::Min();
  for (const EventRecord& record : records) {
    min_time = std::min(min_time, record.stored_time());
    max_time = std::max(max_time, record.stored_time());
  }
  columns_.clear();
  raw_text_.clear();
  bodies_.clear();
  uint64_t next_index = records.front().index;
  Timestamp arrival = min_time;
  for (const EventRecord& record : records) {
    AppendVarint(record.index - next_index, &columns_);
    AppendVarint(uint64_t{record.raw.size()} * 2 + record.time.has_value(), &columns_);
    AppendVarint(ZigZag(record.arrival, arrival), &columns_);
    if (record.time) AppendVarint(ZigZag(*record.time, record.arrival), &columns_);
    raw_text_.append(record.raw);
    next_index = record.index + 1;
    arrival = record.arrival;
  }

  block_.clear();
  Store(kVersion, 1, &block_);
  Store(2, 1, &block_);
  Store(0, 2, &block_);
  Store(records.size(), 4, &block_);
  Store(records.back().index, 8, &block_);
  Store(static_cast<uint64_t>(min_time.ns), 8, &block_);
  Store(static_cast<uint64_t>(max_time.ns), 8, &block_);
  RT_RETURN_IF_ERROR(AppendSection(kRecordsSection, columns_, level, &block_));
  RT_RETURN_IF_ERROR(AppendSection(kTextSection, raw_text_, level, &block_));
  Store(RowChecksum(key, block_), 8, &block_);
  block_.append(bodies_);
  return std::string_view(block_);
}

Result<EventBlockHead> EventBlockCodec::ReadHead(std::string_view key, std::string_view block) {
  if (block.size() < kHeadBytes + kEntryBytes + kChecksumBytes) return Damaged(key, "it is cut short");
  const size_t sections = Load(block, 1, 1);
  const size_t checked = kHeadBytes + sections * kEntryBytes;
  if (sections == 0 || sections > kMaxSections || block.size() < checked + kChecksumBytes) {
    return Damaged(key, "its section table is not whole");
  }
  if (Load(block, checked, 8) != RowChecksum(key, block.substr(0, checked))) {
    return Damaged(key, "the checksum of its head does not match");
  }
  if (Load(block, 0, 1) != kVersion) {
    return Status::Invalid("event row " + KeyText(key) + " was written by a newer version of redthread");
  }
  EventBlockHead head;
  head.count = static_cast<uint32_t>(Load(block, 4, 4));
  head.last = Load(block, 8, 8);
  head.min_time.ns = static_cast<int64_t>(Load(block, 16, 8));
  head.max_time.ns = static_cast<int64_t>(Load(block, 24, 8));
  if (head.count == 0) return Damaged(key, "it holds no record");
  return head;
}

// Requires a block that ReadHead has accepted.
Result<std::vector<EventBlockCodec::Section>> EventBlockCodec::ReadTable(std::string_view key,
                                                                         std::string_view block) {
  const size_t count = Load(block, 1, 1);
  size_t body = kHeadBytes + count * kEntryBytes + kChecksumBytes;
  std::vector<Section> sections(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view entry = block.substr(kHeadBytes + i * kEntryBytes, kEntryBytes);
    Section& section = sections[i];
    section.kind = static_cast<uint8_t>(Load(entry, 0, 1));
    section.codec = static_cast<uint8_t>(Load(entry, 1, 1));
    section.dictionary = Load(entry, 4, 4);
    const size_t packed_size = Load(entry, 8, 4);
    section.plain_size = Load(entry, 12, 4);
    section.checksum = Load(entry, 16, 8);
    if (packed_size > block.size() - body) return Damaged(key, "its sections are not whole");
    section.packed = block.substr(body, packed_size);
    body += packed_size;
    if (section.kind >= kMustUnderstand) {
      return Status::Invalid("an event row of a newer version of redthread has a section of kind " +
                             std::to_string(section.kind) + " that this one must not ignore");
    }
  }
  if (body != block.size()) return Damaged(key, "bytes follow its last section");
  return sections;
}

Status EventBlockCodec::Unpack(std::string_view key, const Section& section, std::string* plain) {
  if (section.checksum != Checksum(section.packed)) {
    return Damaged(key, "the checksum of a section does not match");
  }
  // Records take at most 30 bytes each, far fewer than one gibibyte as well.
  if (section.plain_size > kMaxBlockText) return Damaged(key, "a section is larger than any was written");
  switch (section.codec) {
    case kPlain:
      if (section.packed.size() != section.plain_size) return Damaged(key, "a section has a wrong size");
      plain->assign(section.packed);
      return Status::Ok();
    case kZstd: {
      plain->resize(section.plain_size);
      const size_t size = ZSTD_decompressDCtx(zstd_->unpacker.get(), plain->data(), plain->size(),
                                              section.packed.data(), section.packed.size());
      if (ZSTD_isError(size) || size != section.plain_size) return Damaged(key, "a section does not unpack");
      return Status::Ok();
    }
    case kZstdWithDictionary:
      return Status::Invalid("an event row needs dictionary " + std::to_string(section.dictionary) +
                             ", which this version of redthread does not know");
    default:
      return Status::Invalid("an event row uses codec " + std::to_string(section.codec) +
                             ", which this version of redthread does not know");
  }
}

namespace {

// Reads the section "records"; the views are laid over `text`, which they must cover exactly.
bool ReadColumns(std::string_view columns, const EventBlockHead& head, uint64_t first, std::string_view text,
                 std::vector<EventRecord>* records) {
  RowReader reader(columns);
  uint64_t next_index = first;
  Timestamp arrival = head.min_time;
  // A count is not believed further than the bytes that could hold it: three a record at least.
  if (head.count > columns.size() / 3) return false;
  records->reserve(head.count);
  for (uint32_t i = 0; i < head.count; ++i) {
    uint64_t gap, length, arrival_difference, time_difference = 0;
    if (!reader.Varint(&gap) || !reader.Varint(&length) || !reader.Varint(&arrival_difference)) return false;
    const bool timed = length & 1;
    length >>= 1;
    if (timed && !reader.Varint(&time_difference)) return false;
    if (length > text.size() || gap > ~next_index) return false;
    EventRecord& record = records->emplace_back();
    record.index = next_index + gap;
    record.arrival = arrival = UnZigZag(arrival_difference, arrival);
    if (timed) record.time = UnZigZag(time_difference, arrival);
    record.raw = text.substr(0, length);
    text.remove_prefix(length);
    next_index = record.index + 1;
  }
  return reader.AtEnd() && text.empty() && records->back().index == head.last;
}

}  // namespace

Status EventBlockCodec::Decode(std::string_view key, uint64_t first, std::string_view block,
                               std::string* text, std::vector<EventRecord>* records) {
  records->clear();
  Result<EventBlockHead> head = ReadHead(key, block);
  if (!head.ok()) return head.status();
  Result<std::vector<Section>> sections = ReadTable(key, block);
  if (!sections.ok()) return sections.status();
  bool have_columns = false, have_text = false;
  for (const Section& section : *sections) {
    if (section.kind == kRecordsSection) {
      RT_RETURN_IF_ERROR(Unpack(key, section, &columns_));
      have_columns = true;
    } else if (section.kind == kTextSection) {
      RT_RETURN_IF_ERROR(Unpack(key, section, text));
      have_text = true;
    }
  }
  if (!have_columns || !have_text) return Damaged(key, "a required section is missing");
  if (!ReadColumns(columns_, *head, first, *text, records)) {
    records->clear();
    return Damaged(key, "its records and its text do not fit together");
  }
  return Status::Ok();
}

}  // namespace redthread
