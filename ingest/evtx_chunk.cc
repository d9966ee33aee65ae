#include "ingest/evtx_chunk.h"

#include <zlib.h>

#include <algorithm>

#include "ingest/little_endian.h"

namespace redthread {

namespace {

constexpr std::string_view kChunkMark("ElfChnk\0", 8);
constexpr std::string_view kRecordMark("**\0\0", 4);
constexpr size_t kRecordHead = 24;
constexpr size_t kSmallestRecord = kRecordHead + 4;
// Offsets of the header's fields.
constexpr size_t kFirstRecordId = 24;
constexpr size_t kFreeSpace = 48;
constexpr size_t kRecordsChecksum = 52;
constexpr size_t kHeaderChecksum = 124;
// The header's checksum is of its first part and of its tables, which leaves out itself.
constexpr size_t kChecked = 120;
constexpr size_t kTables = 128;

uint32_t Crc32(std::string_view bytes, uint32_t before = 0) {
  return static_cast<uint32_t>(
      crc32(before, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

}  // namespace

EvtxChunk::EvtxChunk(std::string_view bytes) : bytes_(bytes) {
  has_header_ = bytes_.size() >= kHeaderSize && bytes_.starts_with(kChunkMark);
  if (!has_header_) {
    // Its records may be there all the same.
    free_space_ = bytes_.size();
    return;
  }
  first_record_id_ = LoadLittleEndian<uint64_t>(bytes_.data() + kFirstRecordId);
  free_space_ = LoadLittleEndian<uint32_t>(bytes_.data() + kFreeSpace);
  if (free_space_ < kHeaderSize || free_space_ > bytes_.size()) free_space_ = bytes_.size();
}

bool EvtxChunk::IsUnused() const {
  return !has_header_ && bytes_.find_first_not_of('\0') == std::string_view::npos;
}

const char* EvtxChunk::Damage() const {
  if (bytes_.size() < kSize) return "the file ends within this chunk";
  if (!has_header_) return "no header of a chunk";
  const auto header_crc = LoadLittleEndian<uint32_t>(bytes_.data() + kHeaderChecksum);
  if (Crc32(bytes_.substr(kTables, kHeaderSize - kTables), Crc32(bytes_.substr(0, kChecked))) != header_crc) {
    return "the checksum of the chunk's header does not match";
  }
  const auto records_crc = LoadLittleEndian<uint32_t>(bytes_.data() + kRecordsChecksum);
  if (Crc32(bytes_.substr(kHeaderSize, free_space_ - kHeaderSize)) != records_crc) {
    return "the checksum of the chunk's records does not match";
  }
  return nullptr;
}

bool EvtxChunk::HasMark(size_t at) const { return bytes_.substr(at, kRecordMark.size()) == kRecordMark; }

// Whether a whole record begins there.
bool EvtxChunk::IsRecord(size_t at, Part* part) const {
  if (bytes_.size() < at + kSmallestRecord || !HasMark(at)) return false;
  const size_t size = LoadLittleEndian<uint32_t>(bytes_.data() + at + 4);
  if (size < kSmallestRecord || size > bytes_.size() - at) return false;
  if (LoadLittleEndian<uint32_t>(bytes_.data() + at + size - 4) != size) return false;
  *part = {at, at + size, true, LoadLittleEndian<uint64_t>(bytes_.data() + at + 8)};
  return true;
}

// Where the next whole record begins; the end of the records when there is none.
size_t EvtxChunk::FindRecord(size_t from) const {
  Part part;
  for (size_t at = from;; ++at) {
    at = bytes_.find(kRecordMark, at);
    if (at >= free_space_) return free_space_;
    if (IsRecord(at, &part)) return at;
  }
}

bool EvtxChunk::Next(Part* part) {
  if (at_ >= free_space_) {
    // Of a log that is being written the header is older than its records. What goes on without a gap is new;
    // anything else was left by those who used this space before.
    if (!has_header_ || last_id_ == 0 || !IsRecord(at_, part) || part->id != last_id_ + 1) return false;
  } else if (!IsRecord(at_, part)) {
    *part = {at_, FindRecord(at_ + 1)};
    at_ = part->end;
    // The space that a chunk without a header does not use is no loss.
    const std::string_view lost = bytes_.substr(part->begin, part->end - part->begin);
    return lost.find_first_not_of('\0') != std::string_view::npos || Next(part);
  }
  at_ = part->end;
  last_id_ = part->id;
  return true;
}

}  // namespace redthread
