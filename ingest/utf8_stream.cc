#include "ingest/utf8_stream.h"

#include <algorithm>
#include <cstring>

#include "core/text.h"

namespace redthread {

namespace {

constexpr size_t kMarkBytes = 3;
constexpr size_t kChunkBytes = 64 << 10;
constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

Result<size_t> Utf8Stream::Read(char* out, size_t size) {
  if (encoding_ == Encoding::kUnknown) RT_RETURN_IF_ERROR(DetectEncoding());
  if (taken_ < pending_.size()) return TakePending(out, size);
  if (encoding_ == Encoding::kUtf8) return from_->Read(out, size);
  pending_.clear();
  taken_ = 0;
  while (pending_.empty() && !at_end_) {
    char chunk[kChunkBytes];
    const Result<size_t> n = from_->Read(chunk, sizeof(chunk));
    if (!n.ok()) return n.status();
    at_end_ = *n == 0;
    Convert(chunk, *n);
    if (at_end_ && (high_ != 0 || odd_byte_ >= 0)) AppendUtf8(kReplacement, &pending_);
  }
  return TakePending(out, size);
}

Status Utf8Stream::DetectEncoding() {
  char bytes[kMarkBytes];
  encoding_ = Encoding::kUtf8;
  while (pending_.size() < kMarkBytes) {
    const Result<size_t> n = from_->Read(bytes, kMarkBytes - pending_.size());
    if (!n.ok()) {
      // The failure comes again, after what was read before it.
      if (pending_.empty()) return n.status();
      break;
    }
    if (*n == 0) break;
    pending_.append(bytes, *n);
  }
  if (pending_ == "\xEF\xBB\xBF") {
    mark_bytes_ = kMarkBytes;
    pending_.clear();
    return Status::Ok();
  }
  const std::string_view mark = std::string_view(pending_).substr(0, 2);
  if (mark != "\xFF\xFE" && mark != "\xFE\xFF") return Status::Ok();
  encoding_ = mark[0] == '\xFF' ? Encoding::kUtf16Le : Encoding::kUtf16Be;
  const std::string rest = pending_.substr(mark.size());
  pending_.clear();
  Convert(rest.data(), rest.size());
  return Status::Ok();
}

void Utf8Stream::Convert(const char* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    const int byte = static_cast<unsigned char>(data[i]);
    if (odd_byte_ < 0) {
      odd_byte_ = byte;
      continue;
    }
    const int unit = encoding_ == Encoding::kUtf16Le ? byte << 8 | odd_byte_ : odd_byte_ << 8 | byte;
    odd_byte_ = -1;
    ConvertUnit(static_cast<char32_t>(unit));
  }
}

void Utf8Stream::ConvertUnit(char32_t unit) {
  const bool low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (high_ != 0) {
    const char32_t high = high_;
    high_ = 0;
    if (low) return AppendUtf8(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), &pending_);
    AppendUtf8(kReplacement, &pending_);
  }
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_ = unit;
  } else {
    AppendUtf8(low ? kReplacement : unit, &pending_);
  }
}

Result<size_t> Utf8Stream::TakePending(char* out, size_t size) {
  const size_t n = std::min(size, pending_.size() - taken_);
  std::memcpy(out, pending_.data() + taken_, n);
  taken_ += n;
  return n;
}

std::string AsciiOf(std::string_view beginning) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (beginning.starts_with(kMark)) beginning.remove_prefix(kMark.size());
  if (!beginning.starts_with("\xFF\xFE") && !beginning.starts_with("\xFE\xFF")) return std::string(beginning);
  std::string text;
  for (const char c : beginning.substr(2)) {
    if (c != '\0') text.push_back(c);
  }
  return text;
}

}  // namespace redthread
