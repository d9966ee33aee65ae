// RecordReader: an input as batches of lines.
//
// A record is a line, with LF or CRLF at its end; the last one may lack it. Every physical line has an index,
// blank ones too, so that an index is the same however the input is read. Memory is bounded by the batch size
// and by the longest line allowed: of a longer one only the beginning is given, and the rest is skipped as it
// is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "ingest/byte_stream.h"
#include "ingest/ingest_counts.h"
#include "ingest/utf8_stream.h"

namespace redthread {

// Lines that were read together, and the buffer they lie in. Made to be recycled: a reader reuses the memory
// of the batch it is given.
class RecordBatch {
 public:
  struct Record {
    const char* data = nullptr;  // without the line end; Decoder::kPadding bytes are readable behind it
    size_t size = 0;
    uint64_t index = 0;   // 0-based ordinal of the line in the input
    uint64_t cursor = 0;  // uncompressed byte offset behind the line's end
    // Bytes of the whole line, when it was too long and this is its beginning; else 0.
    uint64_t cut_from = 0;
    std::string_view text() const { return {data, size}; }
  };

  std::vector<Record> records;  // all but blank lines, in order
  IngestCounts counts;          // records, blank, oversized and bytes of this batch

  RecordBatch() = default;
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;

  // For records that are no lines of an input: empties it, and makes room for `bytes` of text in all.
  void Begin(size_t bytes);
  // Copies a record in, a blank one only into the counts. `cut_from` as in Record.
  void Add(std::string_view text, uint64_t index, uint64_t cut_from);

 private:
  friend class RecordReader;

  void Clear();
  // Makes room for `capacity` bytes and the padding; the first `used` bytes stay as they are.
  void Reserve(size_t capacity, size_t used);

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t added_ = 0;  // bytes of it that Add has filled
};

// Turns bytes of one input into records: counts lines, bytes and positions. One per input.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_record_bytes) : max_record_bytes_(max_record_bytes) {}

  // Goes on behind a position that was read before.
  void Resume(uint64_t index, uint64_t cursor) {
    index_ = index;
    cursor_ = cursor;
  }
  // Counts bytes that stand before the first line.
  void SkipBytes(uint64_t n) { cursor_ += n; }

  // Adds the whole lines of `bytes`, which lie in the batch's buffer. Returns the bytes used: up to and with
  // the last LF.
  size_t Split(std::string_view bytes, RecordBatch* batch);
  // Adds a line; `end_bytes` is the size of its line end.
  void AddLine(std::string_view line, size_t end_bytes, RecordBatch* batch);
  // Adds a line of `size` bytes of which only the beginning is at hand, in the batch's buffer.
  void AddOversized(std::string_view beginning, uint64_t size, size_t end_bytes, RecordBatch* batch);

  uint64_t index() const { return index_; }    // of the next line
  uint64_t cursor() const { return cursor_; }  // where the next line begins

 private:
  const size_t max_record_bytes_;
  uint64_t index_ = 0;
  uint64_t cursor_ = 0;
};

// One per thread.
class RecordReader {
 public:
  struct Options {
    size_t batch_bytes = 1 << 20;        // about so many a batch: some hundred records, a few milliseconds
    size_t max_record_bytes = 16 << 20;  // of longer lines only so much is given
    // The input may grow: a last line without its end is held back, and after a false Next may be called
    // again.
    bool growing = false;
  };

  // Opens a file or "-", as OpenLines does. `source` is its name in messages. Fails as ByteStream::Open does.
  static Result<std::unique_ptr<RecordReader>> Open(const std::string& path, const std::string& source,
                                                    const Options& options);
  RecordReader(std::unique_ptr<ByteStream> stream, const std::string& source, const Options& options);

  // Goes on where a record read earlier said: to be called before the first Next. `at_cursor`: the stream
  // begins there; else it begins at the input's beginning, and what comes before the cursor is skipped. Fails
  // as reading does; kCorrupt when the input is shorter.
  Status Resume(uint64_t index, uint64_t cursor, bool at_cursor);

  // A growing input grows no more: what is held back is the last line.
  void Finish() { growing_ = false; }

  // Fills `batch` with the next records, whatever it held before. False at the end of the input. A failure
  // comes after all that was read before it, and is the end.
  Result<bool> Next(RecordBatch* batch);

  // The record that Next gives next.
  uint64_t next_index() const { return lines_.index(); }
  uint64_t cursor() const { return lines_.cursor(); }
  // Whether a line without its end is held back.
  bool holds_back() const { return !carry_.empty() || oversized_ > 0; }

 private:
  void Fill(RecordBatch* batch);
  void BeginOversized(size_t used, RecordBatch* batch);
  void SkipOversized(RecordBatch* batch);
  size_t Read(char* out, size_t size);

  const Options options_;
  const std::string source_;
  Utf8Stream stream_;
  LineSplitter lines_;
  std::string carry_;  // the beginning of a line whose end has not been read yet; shorter than a batch
  // Of a line that is too long and not at its end yet: how much of it was passed, and its beginning.
  uint64_t oversized_ = 0;
  std::string beginning_;
  bool started_ = false;
  bool growing_;
  bool paused_ = false;  // the end of a growing input
  bool at_end_ = false;
  Status failure_;  // what ended the input
};

}  // namespace redthread
