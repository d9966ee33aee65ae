#include "ingest/export_stream.h"

#include <algorithm>
#include <cstring>

namespace redthread {

namespace {

constexpr size_t kReadBytes = 64 << 10;

}  // namespace

Result<size_t> ExportStream::Read(char* out, size_t size) {
  while (taken_ == lines_.size()) {
    lines_.clear();
    taken_ = 0;
    const size_t part = TakePart(std::string_view(text_).substr(done_), at_end_, &lines_);
    done_ += part;
    if (part > 0) continue;
    if (at_end_) {
      if (!failure_.ok()) return failure_;
      return size_t{0};
    }
    Fill();
  }
  const size_t n = std::min(size, lines_.size() - taken_);
  std::memcpy(out, lines_.data() + taken_, n);
  taken_ += n;
  return n;
}

void ExportStream::Fill() {
  text_.erase(0, done_);
  done_ = 0;
  const size_t used = text_.size();
  text_.resize(used + kReadBytes);
  const Result<size_t> n = from_->Read(text_.data() + used, kReadBytes);
  text_.resize(used + (n.ok() ? *n : 0));
  failure_ = n.status();
  at_end_ = !n.ok() || *n == 0;
}

}  // namespace redthread
