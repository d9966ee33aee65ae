#include "ingest/evtx_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "ingest/event_json.h"
#include "ingest/little_endian.h"

namespace redthread {

namespace {

constexpr size_t kHeaderBlock = 4096;
// Offsets of the file header's fields.
constexpr size_t kChunkCount = 42;
constexpr size_t kFlags = 120;
constexpr size_t kChecksum = 124;
constexpr uint32_t kDirty = 1;

// Between two chunks; most give less.
constexpr size_t kKeptBytes = 1 << 20;

// Text that is kept of what cannot be read: runs of UTF-16 of at least this many letters.
constexpr size_t kShortestText = 4;

bool IsTextUnit(const char* unit) {
  const auto code = LoadLittleEndian<uint16_t>(unit);
  // ASCII, and the letters of Latin, Greek and Cyrillic: anything else is more likely to be no text.
  return (code >= ' ' && code < 0x7F) || (code >= 0xA0 && code < 0x0530);
}

}  // namespace

EvtxStream::EvtxStream(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}

Result<size_t> EvtxStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size()) {
    // A buffer that grew for one hostile chunk is not kept.
    if (lines_.capacity() > kKeptBytes) lines_ = {};
    lines_.clear();
    taken_ = 0;
    if (at_end_) {
      if (!failure_.ok()) return failure_;
      return size_t{0};
    }
    failure_ = Fill();
    at_end_ |= !failure_.ok();
  }
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

Status EvtxStream::Fill() {
  block_begin_ += block_.size();
  const Status status = ReadBlock(in_header_ ? kHeaderBlock : EvtxChunk::kSize);
  if (in_header_) {
    ReadHeader();
    in_header_ = false;
  } else if (!block_.empty()) {
    ReadChunk();
  }
  if (at_end_) Finish();
  return status;
}

// Fewer bytes only at the end of the file.
Status EvtxStream::ReadBlock(size_t size) {
  block_.resize(size);
  size_t used = 0;
  Status status;
  while (used < size) {
    const Result<size_t> n = from_->Read(block_.data() + used, size - used);
    status = n.status();
    if (!n.ok() || *n == 0) {
      at_end_ = true;
      break;
    }
    used += *n;
  }
  block_.resize(used);
  return status;
}

void EvtxStream::ReadHeader() {
  if (block_.size() < kHeaderBlock) return Complain(0, "the file ends within its header", block_);
  dirty_ = (LoadLittleEndian<uint32_t>(block_.data() + kFlags) & kDirty) != 0;
  header_chunks_ = LoadLittleEndian<uint16_t>(block_.data() + kChunkCount);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(block_.data()), kFlags);
  if (!dirty_ && crc != LoadLittleEndian<uint32_t>(block_.data() + kChecksum)) {
    Complain(0, "the checksum of the file's header does not match", {});
    header_chunks_ = 0;
  }
}

void EvtxStream::ReadChunk() {
  EvtxChunk chunk(block_);
  ++chunks_;
  if (chunk.IsUnused()) return;
  CheckChunk(chunk);
  reader_.Begin(block_);
  chunk_json_ = 0;
  EvtxChunk::Part part;
  while (chunk.Next(&part)) {
    if (part.is_record) {
      AddRecord(part);
    } else {
      Complain(block_begin_ + part.begin, "no record that holds together",
               std::string_view(block_).substr(part.begin, part.end - part.begin));
    }
  }
}

// The last chunk of a log that was open may have been written to since its checksums were. It is the last of
// the file, or what follows it is older, since the space is used in a ring.
void EvtxStream::CheckChunk(const EvtxChunk& chunk) {
  if (doubtful_ != nullptr && chunk.first_record_id() > doubtful_id_) {
    Complain(doubtful_begin_, doubtful_, {});
  }
  doubtful_ = chunk.Damage();
  if (doubtful_ == nullptr) return;
  doubtful_begin_ = block_begin_;
  doubtful_id_ = chunk.first_record_id();
  if (dirty_ && block_.size() == EvtxChunk::kSize && doubtful_id_ > 0) return;
  Complain(doubtful_begin_, doubtful_, {});
  doubtful_ = nullptr;
}

void EvtxStream::Finish() {
  if (failure_.ok() && !dirty_ && chunks_ < header_chunks_) {
    Complain(block_begin_ + block_.size(), "the file ends before its last chunk", {});
  }
}

void EvtxStream::AddRecord(const EvtxChunk::Part& part) {
  const std::string_view bytes = std::string_view(block_).substr(part.begin, part.end - part.begin);
  tree_.Clear();
  const char* const why = reader_.Read(part.xml_begin(), part.xml_end(), &tree_);
  if (why != nullptr) return Complain(block_begin_ + reader_.offset(), why, bytes);
  const size_t begin = lines_.size();
  const size_t allowed = std::min(kMaxRecordJson, kMaxChunkJson - std::min(kMaxChunkJson, chunk_json_));
  const bool whole = AppendEventJson(tree_, allowed, &lines_);
  chunk_json_ += lines_.size() - begin;
  if (whole) return lines_.push_back('\n');
  lines_.resize(begin);
  Complain(block_begin_ + part.begin, "not one element, or longer than the limit", bytes);
}

void EvtxStream::Complain(uint64_t byte, const char* why, std::string_view bytes) {
  lines_.append(kUnreadable).append("byte ").append(std::to_string(byte));
  if (byte >= kHeaderBlock) {
    lines_.append(", chunk ").append(std::to_string((byte - kHeaderBlock) / EvtxChunk::kSize + 1));
  }
  lines_.append(": ").append(why);
  AddText(bytes);
  lines_.push_back('\n');
}

// What can be read of it by eye, so that keyword rules find it.
void EvtxStream::AddText(std::string_view bytes) {
  bool any = false;
  for (size_t at = 0; at + 1 < bytes.size();) {
    size_t end = at;
    while (end + 1 < bytes.size() && IsTextUnit(bytes.data() + end)) end += 2;
    if (end - at >= 2 * kShortestText) {
      lines_.append(any ? " | " : "; text: ");
      AppendUtf16(bytes.substr(at, end - at), false, &lines_);
      any = true;
      at = end;
    } else {
      ++at;  // text need not stand at an even offset
    }
  }
}

}  // namespace redthread
