#include "ingest/record_reader.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/decoder.h"
#include "ingest/line_stream.h"

namespace redthread {

// ---- RecordBatch

void RecordBatch::Clear() {
  records.clear();
  counts = {};
}

void RecordBatch::Reserve(size_t capacity, size_t used) {
  if (capacity_ >= capacity) return;
  auto larger = std::make_unique_for_overwrite<char[]>(capacity + Decoder::kPadding);
  if (used > 0) std::memcpy(larger.get(), buffer_.get(), used);
  std::memset(larger.get() + capacity, 0, Decoder::kPadding);
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

void RecordBatch::Begin(size_t bytes) {
  // A buffer that grew for one long record is not kept.
  if (capacity_ > 4 * std::max<size_t>(bytes, 1 << 20)) capacity_ = 0;
  Clear();
  Reserve(bytes, 0);
  added_ = 0;
}

void RecordBatch::Add(std::string_view text, uint64_t index, uint64_t cut_from) {
  ++counts.records;
  counts.bytes += cut_from > 0 ? cut_from : text.size();
  if (text.empty()) {
    ++counts.blank;
    return;
  }
  assert(added_ + text.size() <= capacity_);
  char* const at = buffer_.get() + added_;
  std::memcpy(at, text.data(), text.size());
  added_ += text.size();
  if (cut_from > 0) ++counts.oversized;
  records.push_back({at, text.size(), index, index + 1, cut_from});
}

// ---- LineSplitter

size_t LineSplitter::Split(std::string_view bytes, RecordBatch* batch) {
  const char* line = bytes.data();
  const char* const end = line + bytes.size();
  while (line != end) {
    const auto* lf = static_cast<const char*>(std::memchr(line, '\n', static_cast<size_t>(end - line)));
    if (lf == nullptr) break;
    AddLine({line, static_cast<size_t>(lf - line)}, 1, batch);
    line = lf + 1;
  }
  return static_cast<size_t>(line - bytes.data());
}

void LineSplitter::AddLine(std::string_view line, size_t end_bytes, RecordBatch* batch) {
  if (line.size() > max_record_bytes_) return AddOversized(line, line.size(), end_bytes, batch);
  const uint64_t bytes = line.size() + end_bytes;
  cursor_ += bytes;
  batch->counts.bytes += bytes;
  ++batch->counts.records;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) {
    ++batch->counts.blank;
    ++index_;
    return;
  }
  batch->records.push_back({line.data(), line.size(), index_++, cursor_});
}

void LineSplitter::AddOversized(std::string_view beginning, uint64_t size, size_t end_bytes,
                                RecordBatch* batch) {
  cursor_ += size + end_bytes;
  batch->counts.bytes += size + end_bytes;
  ++batch->counts.records;
  ++batch->counts.oversized;
  const size_t given = std::min(beginning.size(), max_record_bytes_);
  batch->records.push_back({beginning.data(), given, index_++, cursor_, size});
}

// ---- RecordReader

Result<std::unique_ptr<RecordReader>> RecordReader::Open(const std::string& path, const std::string& source,
                                                         const Options& options) {
  Result<LineStream> lines = OpenLines(path);
  if (!lines.ok()) return lines.status();
  return std::make_unique<RecordReader>(std::move(lines->bytes), source, options);
}

RecordReader::RecordReader(std::unique_ptr<ByteStream> stream, const std::string& source,
                           const Options& options)
    : options_(options),
      source_(source),
      stream_(std::move(stream)),
      lines_(options.max_record_bytes),
      growing_(options.growing) {}

Result<bool> RecordReader::Next(RecordBatch* batch) {
  batch->Clear();
  if (!at_end_) Fill(batch);
  if (batch->counts.records > 0) return true;
  Status failure;
  std::swap(failure, failure_);
  if (!failure.ok()) return failure;
  return false;
}

Status RecordReader::Resume(uint64_t index, uint64_t cursor, bool at_cursor) {
  if (at_cursor) {
    if (cursor > 0) stream_.ExpectNoMark();
  } else {
    std::string skipped(64 << 10, '\0');
    for (uint64_t at = 0; at < cursor;) {
      // One byte first: then it is known whether there is a mark, which the cursor counts and the stream does
      // not.
      const size_t wanted = at == 0 ? 1 : std::min<uint64_t>(skipped.size(), cursor - at);
      const Result<size_t> n = stream_.Read(skipped.data(), wanted);
      if (!n.ok()) return n.status();
      if (*n == 0) {
        return Status::Corrupt(source_ + ": ends at byte " + std::to_string(at) + ", before byte " +
                               std::to_string(cursor) + " up to which it was read before");
      }
      at += *n + (at == 0 ? stream_.mark_bytes() : 0);
    }
  }
  started_ = cursor > 0;
  lines_.Resume(index, cursor);
  return Status::Ok();
}

// Reads until at least one line is whole, or the input ends or pauses.
void RecordReader::Fill(RecordBatch* batch) {
  paused_ = false;
  // A buffer that grew for one long line is not kept.
  if (batch->capacity_ > 4 * options_.batch_bytes) batch->capacity_ = 0;
  batch->Reserve(std::max(options_.batch_bytes, carry_.size() + 1), 0);
  if (oversized_ > 0) return SkipOversized(batch);
  char* buffer = batch->buffer_.get();
  size_t used = carry_.size();
  std::memcpy(buffer, carry_.data(), used);
  carry_.clear();
  for (;;) {
    while (used < batch->capacity_ && !at_end_ && !paused_) {
      used += Read(buffer + used, batch->capacity_ - used);
    }
    const size_t done = lines_.Split({buffer, used}, batch);
    const std::string_view rest(buffer + done, used - done);
    if (at_end_) {
      if (!rest.empty()) lines_.AddLine(rest, 0, batch);
      return;
    }
    if (rest.size() > options_.max_record_bytes && done == 0) return BeginOversized(used, batch);
    if (done > 0 || paused_) {
      carry_.assign(rest);
      return;
    }
    batch->Reserve(2 * batch->capacity_, used);
    buffer = batch->buffer_.get();
  }
}

// The buffer holds the beginning of a line that is too long, and nothing else.
void RecordReader::BeginOversized(size_t used, RecordBatch* batch) {
  beginning_.assign(batch->buffer_.get(), options_.max_record_bytes);
  oversized_ = used;
  SkipOversized(batch);
}

void RecordReader::SkipOversized(RecordBatch* batch) {
  batch->Reserve(beginning_.size(), 0);
  char* const buffer = batch->buffer_.get();
  size_t end_bytes = 0;
  while (!at_end_ && !paused_ && end_bytes == 0) {
    const size_t n = Read(buffer, batch->capacity_);
    const auto* lf = static_cast<const char*>(std::memchr(buffer, '\n', n));
    if (lf != nullptr) {
      carry_.assign(lf + 1, static_cast<size_t>(buffer + n - lf - 1));
      end_bytes = 1;
    }
    oversized_ += lf != nullptr ? static_cast<size_t>(lf - buffer) : n;
  }
  if (paused_) return;
  std::memcpy(buffer, beginning_.data(), beginning_.size());
  lines_.AddOversized({buffer, beginning_.size()}, oversized_, end_bytes, batch);
  oversized_ = 0;
  beginning_ = {};
}

// Returns the bytes read; sets at_end_ at the end and on a failure, paused_ at the end of what may grow.
size_t RecordReader::Read(char* out, size_t size) {
  const Result<size_t> n = stream_.Read(out, size);
  if (!started_) {
    started_ = true;
    lines_.SkipBytes(stream_.mark_bytes());
  }
  if (n.ok() && *n > 0) return *n;
  if (n.ok() && growing_) {
    paused_ = true;
  } else {
    at_end_ = true;
    failure_ = n.status();
  }
  return 0;
}

}  // namespace redthread
