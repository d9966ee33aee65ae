// MatchLog: the matches of one group that its window, or an open answer, still stands on: a queue that is
// written at one end, forgotten at the other, and read anywhere between.
//
// Entries are numbered from 0 on. The first and the last stretch are in memory; what lies between goes to an
// unlinked temporary file once it is large, so a window of any length takes a fixed amount of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

// One per thread.
class MatchLog {
 public:
  struct Options {
    size_t block_bytes = 64 << 10;  // entries are moved in blocks of at least this
    size_t max_bytes = 4 << 20;     // blocks kept in memory
    std::string folder;             // of the temporary file; empty: $TMPDIR, else /tmp
  };
  // `options` outlives the log.
  explicit MatchLog(const Options* options) : options_(options) {}
  ~MatchLog();
  MatchLog(const MatchLog&) = delete;
  MatchLog& operator=(const MatchLog&) = delete;

  // kIo when the temporary file cannot be written.
  Status Append(Timestamp time, std::string_view bytes);
  void Clear();  // forgets all entries; their numbers are not given again

  uint64_t begin() const { return begin_; }  // the number of the first entry that is kept
  uint64_t end() const { return end_; }
  bool empty() const { return begin_ == end_; }
  // About what it takes of memory, beside itself.
  size_t memory_bytes() const;
  Timestamp front_time() const { return front().front_time; }
  // Has the processor fetch what Append will write to.
  void Prefetch() const {
    if (front_ == blocks_.size()) return;
    const std::string& last = blocks_.back().in_memory;
    __builtin_prefetch(last.data() + last.size());
  }
  // Forgets the first entry. kIo when what follows it cannot be read back.
  Status PopFront();

  // Reads entries one after another. One that is forgotten or appended meanwhile does no harm, as long as
  // position() >= begin().
  class Cursor {
   public:
    explicit Cursor(MatchLog* log) : log_(log), position_(log->begin()) {}
    uint64_t position() const { return position_; }
    void Seek(uint64_t position);
    bool AtEnd() const { return position_ >= log_->end(); }
    // The entry at position(), which is before the end; *bytes is valid until the next call of the log or of
    // a cursor.
    Status Read(Timestamp* time, std::string_view* bytes);
    void Next();

   private:
    MatchLog* log_;
    uint64_t position_;
    uint64_t block_ = ~uint64_t{0};  // the number of the block's first entry that offset_ counts in
    size_t offset_ = 0;
    std::string loaded_;  // of a block that is in the file
    uint64_t loaded_block_ = ~uint64_t{0};
  };

 private:
  struct Block {
    uint64_t first = 0;  // the number of its first entry
    uint32_t bytes = 0;
    std::string in_memory;  // empty: in the file
    uint64_t offset = 0;    // there
    Timestamp front_time;   // of the first entry that is kept
  };
  static Timestamp TimeAt(std::string_view block, size_t offset);
  static size_t SizeAt(std::string_view block, size_t offset);
  const Block& front() const { return blocks_[front_]; }
  Block& front() { return blocks_[front_]; }
  void PopBlock();
  void Compact();
  size_t BlockOf(uint64_t position) const;
  Status SpillMiddle();
  Status Load(const Block& block, std::string* out) const;

  // A group's log is small as a rule, and there are many: hence no deque, which is large when empty.
  const Options* options_;
  std::vector<Block> blocks_;
  size_t front_ = 0;  // index of the first block that is kept
  uint64_t begin_ = 0, end_ = 0;
  size_t front_offset_ = 0;  // of the first entry that is kept, in the first block
  size_t bytes_in_memory_ = 0;
  size_t next_to_spill_ = 1;  // index of a block that all before it but the first are in the file
  int file_ = -1;
  uint64_t file_end_ = 0;
};

}  // namespace redthread
