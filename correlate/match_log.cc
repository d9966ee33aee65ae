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
  if (front_ == blocks_.size() || blocks_.back().bytes >= options_->block_bytes) {
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
  ++end_;
  bytes_in_memory_ += kHead + bytes.size();
  return bytes_in_memory_ > options_->max_bytes ? SpillMiddle() : Status::Ok();
}

size_t MatchLog::memory_bytes() const {
  size_t bytes = blocks_.capacity() * sizeof(Block);
  // Of many blocks each is as large as block_bytes says, give or take an entry.
  if (blocks_.size() > front_)
    bytes += blocks_.size() - front_ == 1 ? front().in_memory.capacity() : 2 * bytes_in_memory_;
  return bytes;
}

void MatchLog::Clear() {
  blocks_.clear();
  front_ = 0;
  begin_ = end_;
  front_offset_ = bytes_in_memory_ = 0;
  next_to_spill_ = 1;
  file_end_ = 0;
}

Status MatchLog::PopFront() {
  Block& block = front();
  front_offset_ += kHead + SizeAt(block.in_memory, front_offset_);
  ++begin_;
  if (front_offset_ < block.bytes) {
    block.front_time = TimeAt(block.in_memory, front_offset_);
    // The block that is written to may never be full.
    if (front_ + 1 == blocks_.size() && front_offset_ > block.bytes / 2) Compact();
    return Status::Ok();
  }
  PopBlock();
  if (front_ == blocks_.size()) {
    Clear();
    return Status::Ok();
  }
  Block& next = front();
  if (!next.in_memory.empty()) return Status::Ok();
  RT_RETURN_IF_ERROR(Load(next, &next.in_memory));
  bytes_in_memory_ += next.bytes;
  return Status::Ok();
}

void MatchLog::PopBlock() {
  bytes_in_memory_ -= front().bytes;
  std::string().swap(front().in_memory);
  front_offset_ = 0;
  ++front_;
  constexpr size_t kFew = 16;
  if (front_ < kFew || front_ < blocks_.size() / 2) return;
  blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(front_));
  next_to_spill_ -= std::min(next_to_spill_, front_);
  front_ = 0;
}

// Gives back what the first block, which is in memory, holds of forgotten entries. To cursors it is another
// block from now on.
void MatchLog::Compact() {
  Block& block = front();
  block.in_memory.erase(0, front_offset_);
  block.bytes = static_cast<uint32_t>(block.in_memory.size());
  block.first = begin_;
  bytes_in_memory_ -= front_offset_;
  front_offset_ = 0;
}

// Writes blocks to the file, the oldest first, but for the first and the last one.
Status MatchLog::SpillMiddle() {
  next_to_spill_ = std::max(next_to_spill_, front_ + 1);
  while (next_to_spill_ + 1 < blocks_.size()) {
    Block& block = blocks_[next_to_spill_++];
    if (block.in_memory.empty()) continue;
    if (file_ < 0) {
      Result<int> file = OpenTemporaryFile(options_->folder);
      if (!file.ok()) return file.status();
      file_ = *file;
    }
    block.offset = file_end_;
    size_t done = 0;
    while (done < block.bytes) {
      const ssize_t n = pwrite(file_, block.in_memory.data() + done, block.bytes - done,
                               static_cast<off_t>(block.offset + done));
      if (n <= 0) return TemporaryFileError("written", options_->folder);
      done += static_cast<size_t>(n);
    }
    file_end_ += block.bytes;
    bytes_in_memory_ -= block.bytes;
    std::string().swap(block.in_memory);
  }
  return Status::Ok();
}

Status MatchLog::Load(const Block& block, std::string* out) const {
  out->resize(block.bytes);
  size_t done = 0;
  while (done < block.bytes) {
    const ssize_t n =
        pread(file_, out->data() + done, block.bytes - done, static_cast<off_t>(block.offset + done));
    if (n <= 0) return TemporaryFileError("read back", options_->folder);
    done += static_cast<size_t>(n);
  }
  return Status::Ok();
}

size_t MatchLog::BlockOf(uint64_t position) const {
  const auto after =
      std::upper_bound(blocks_.begin() + static_cast<ptrdiff_t>(front_), blocks_.end(), position,
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
    const bool front = &block == &log_->front();
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
