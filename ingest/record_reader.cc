#include "ingest/record_reader.h"

#include <algorithm>
#include <cstring>

#include "core/decoder.h"

namespace redthread {

// ---- RecordBatch

void RecordBatch::Clear() {
  records.clear();
  dead_letters.clear();
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
  DeadLetter letter;
  letter.source = source_;
  letter.position.index = index_++;
  letter.position.cursor = cursor_;
  letter.reason =
      "line of " + std::to_string(size) + " bytes; the limit is " + std::to_string(max_record_bytes_);
  letter.offset = max_record_bytes_;
  letter.raw.assign(beginning.substr(0, std::min(DeadLetter::kMaxRawBytes, max_record_bytes_)));
  batch->dead_letters.push_back(std::move(letter));
}

// ---- RecordReader

Result<std::unique_ptr<RecordReader>> RecordReader::Open(const std::string& path, const std::string& source,
                                                         const Options& options) {
  Result<std::unique_ptr<ByteStream>> stream = ByteStream::Open(path);
  if (!stream.ok()) return stream.status();
  return std::make_unique<RecordReader>(std::move(stream).value(), source, options);
}

RecordReader::RecordReader(std::unique_ptr<ByteStream> stream, const std::string& source,
                           const Options& options)
    : options_(options), stream_(std::move(stream)), lines_(source, options.max_record_bytes) {}

Result<bool> RecordReader::Next(RecordBatch* batch) {
  batch->Clear();
  if (!at_end_) Fill(batch);
  if (batch->counts.records > 0) return true;
  Status failure;
  std::swap(failure, failure_);
  if (!failure.ok()) return failure;
  return false;
}

// Reads until at least one line is whole, or the input ends.
void RecordReader::Fill(RecordBatch* batch) {
  // A buffer that grew for one long line is not kept.
  if (batch->capacity_ > 4 * options_.batch_bytes) batch->capacity_ = 0;
  batch->Reserve(std::max(options_.batch_bytes, carry_.size() + 1), 0);
  char* buffer = batch->buffer_.get();
  size_t used = carry_.size();
  std::memcpy(buffer, carry_.data(), used);
  carry_.clear();
  for (;;) {
    while (used < batch->capacity_ && !at_end_) used += Read(buffer + used, batch->capacity_ - used);
    const size_t done = lines_.Split({buffer, used}, batch);
    if (done > 0 || at_end_) {
      const std::string_view rest(buffer + done, used - done);
      if (!at_end_) {
        carry_.assign(rest);
      } else if (!rest.empty()) {
        lines_.AddLine(rest, 0, batch);
      }
      return;
    }
    if (used > options_.max_record_bytes) return SkipOversized(used, batch);
    batch->Reserve(2 * batch->capacity_, used);
    buffer = batch->buffer_.get();
  }
}

// The buffer holds the beginning of a line that is too long, and nothing else.
void RecordReader::SkipOversized(size_t used, RecordBatch* batch) {
  char* const buffer = batch->buffer_.get();
  const std::string beginning(buffer, std::min(used, DeadLetter::kMaxRawBytes));
  uint64_t size = used;
  while (!at_end_) {
    const size_t n = Read(buffer, batch->capacity_);
    const auto* lf = static_cast<const char*>(std::memchr(buffer, '\n', n));
    if (lf != nullptr) {
      const auto before = static_cast<size_t>(lf - buffer);
      carry_.assign(lf + 1, n - before - 1);
      return lines_.AddOversized(beginning, size + before, 1, batch);
    }
    size += n;
  }
  lines_.AddOversized(beginning, size, 0, batch);
}

// Returns the bytes read; sets at_end_ at the end and on a failure.
size_t RecordReader::Read(char* out, size_t size) {
  const Result<size_t> n = stream_.Read(out, size);
  if (!started_) {
    started_ = true;
    lines_.SkipBytes(stream_.mark_bytes());
  }
  if (n.ok() && *n > 0) return *n;
  at_end_ = true;
  failure_ = n.status();
  return 0;
}

}  // namespace redthread
