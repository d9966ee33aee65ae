#include "correlate/match_log.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/temporary_file.h"

namespace redthread {
namespace {

// entry := time i64 | size u32 | bytes, in the machine's own order: it never leaves it.
constexpr size_t kHead = sizeof(int64_t) + sizeof(uint32_t);

}  // namespace

MatchLog::MatchLog(Options options) : options_(std::move(options)) {}

MatchLog::~MatchLog() {
  if (file_ >= 0) close(file_);
}

Timestamp MatchLog::TimeAt(std::string_view block, size_t offset) {
  Timestamp time;
  std::memcpy(&time.ns, block.data() + offset, sizeof time.ns);
  return time;
}

size_t MatchLog::SizeAt(std::string_view block, size_t offset) {
  uint32_t size = 0;
  std::memcpy(&size, block.data() + offset + sizeof(int64_t), sizeof size);
  return size;
}

Status MatchLog::Append(Timestamp time, std::string_view bytes) {
  if (blocks_.empty() || blocks_.back().bytes >= options_.block_bytes) {
    Block& block = blocks_.emplace_back();
    block.first = end_;
    block.front_time = time;
  }
  Block& block = blocks_.back();
  const auto size = static_cast<uint32_t>(bytes.size());
  block.in_memory.append(reinterpret_cast<const char*>(&time.ns), sizeof time.ns);
  block.in_memory.append(reinterpret_cast<const char*>(&size), sizeof size);
  block.in_memory.append(bytes);
  block.bytes = static_cast<uint32_t>(block.in_memory.size());
  ++block.entries;
  ++end_;
  bytes_in_memory_ += kHead + bytes.size();
  return bytes_in_memory_ > options_.max_bytes ? SpillMiddle() : Status::Ok();
}

void MatchLog::Clear() {
  blocks_.clear();
  begin_ = end_;
  front_offset_ = bytes_in_memory_ = 0;
  next_to_spill_ = 1;
  file_end_ = 0;
}

Status MatchLog::PopFront() {
  Block& front = blocks_.front();
  front_offset_ += kHead + SizeAt(front.in_memory, front_offset_);
  ++begin_;
  if (front_offset_ < front.bytes) {
    front.front_time = TimeAt(front.in_memory, front_offset_);
    return Status::Ok();
  }
  bytes_in_memory_ -= front.bytes;
  blocks_.pop_front();
  front_offset_ = 0;
  if (next_to_spill_ > 1) --next_to_spill_;
  if (blocks_.empty()) {
    file_end_ = 0;
    return Status::Ok();
  }
  Block& next = blocks_.front();
  if (!next.in_memory.empty()) return Status::Ok();
  RT_RETURN_IF_ERROR(Load(next, &next.in_memory));
  bytes_in_memory_ += next.bytes;
  return Status::Ok();
}

// Writes blocks to the file, the oldest first, but for the first and the last one.
Status MatchLog::SpillMiddle() {
  while (next_to_spill_ + 1 < blocks_.size()) {
    Block& block = blocks_[next_to_spill_++];
    if (block.in_memory.empty()) continue;
    if (file_ < 0) {
      Result<int> file = OpenTemporaryFile(options_.folder);
      if (!file.ok()) return file.status();
      file_ = *file;
    }
    block.offset = file_end_;
    size_t done = 0;
    while (done < block.bytes) {
      const ssize_t n = pwrite(file_, block.in_memory.data() + done, block.bytes - done,
                               static_cast<off_t>(block.offset + done));
      if (n <= 0) return TemporaryFileError("written", options_.folder);
      done += static_cast<size_t>(n);
    }
    file_end_ += block.bytes;
    bytes_in_memory_ -= block.bytes;
    block.in_memory = {};
  }
  return Status::Ok();
}

Status MatchLog::Load(const Block& block, std::string* out) const {
  out->resize(block.bytes);
  size_t done = 0;
  while (done < block.bytes) {
    const ssize_t n =
        pread(file_, out->data() + done, block.bytes - done, static_cast<off_t>(block.offset + done));
    if (n <= 0) return TemporaryFileError("read back", options_.folder);
    done += static_cast<size_t>(n);
  }
  return Status::Ok();
}

size_t MatchLog::BlockOf(uint64_t position) const {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), position,
                                      [](uint64_t p, const Block& block) { return p < block.first; });
  return static_cast<size_t>(after - blocks_.begin()) - 1;
}

void MatchLog::Cursor::Seek(uint64_t position) {
  position_ = position;
  block_ = ~uint64_t{0};
}

Status MatchLog::Cursor::Read(Timestamp* time, std::string_view* bytes) {
  const Block& block = log_->blocks_[log_->BlockOf(position_)];
  std::string_view text = block.in_memory;
  if (block.in_memory.empty()) {
    if (loaded_block_ != block.first) {
      RT_RETURN_IF_ERROR(log_->Load(block, &loaded_));
      loaded_block_ = block.first;
    }
    text = loaded_;
  }
  if (block_ != block.first) {
    const bool front = &block == &log_->blocks_.front();
    block_ = block.first;
    offset_ = front ? log_->front_offset_ : 0;
    for (uint64_t i = front ? log_->begin_ : block.first; i < position_; ++i) {
      offset_ += kHead + SizeAt(text, offset_);
    }
  }
  *time = TimeAt(text, offset_);
  *bytes = text.substr(offset_ + kHead, SizeAt(text, offset_));
  return Status::Ok();
}

void MatchLog::Cursor::Next() {
  // Read has been called: offset_ is that of position_, unless the block ends here.
  const Block& block = log_->blocks_[log_->BlockOf(position_)];
  const std::string_view text = block.in_memory.empty() ? std::string_view(loaded_) : block.in_memory;
  offset_ += kHead + SizeAt(text, offset_);
  ++position_;
}

}  // namespace redthread
