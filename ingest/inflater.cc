#include "ingest/inflater.h"

#include <zlib.h>

#include <algorithm>

namespace redthread {

namespace {

constexpr size_t kStep = 64 << 10;

}  // namespace

Inflater::Inflater() : stream_(std::make_unique<z_stream>()) {
  // 32: the header says whether it is gzip or zlib. Source: zlib.h, inflateInit2.
  inflateInit2(stream_.get(), 32 + MAX_WBITS);
}

Inflater::~Inflater() { inflateEnd(stream_.get()); }

Inflater::Result Inflater::Append(std::string_view bytes, size_t max_bytes, std::string* out) {
  stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream_->avail_in = static_cast<uInt>(bytes.size());
  bool more = stream_->avail_in > 0;
  while (more) {
    // Several gzip members one behind the other are one body. Source: RFC 1952, 2.2.
    if (complete_ && inflateReset(stream_.get()) != Z_OK) return Result::kBroken;
    complete_ = false;
    const size_t size = out->size();
    // One byte more than allowed shows that there is more.
    const size_t room = std::min(kStep, max_bytes + 1 - size);
    out->resize(size + room);
    stream_->next_out = reinterpret_cast<Bytef*>(out->data() + size);
    stream_->avail_out = static_cast<uInt>(room);
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    const bool filled = stream_->avail_out == 0;
    out->resize(size + room - stream_->avail_out);
    if (out->size() > max_bytes) {
      out->resize(max_bytes);
      return Result::kTooLong;
    }
    if (result == Z_BUF_ERROR && !filled) return Result::kOk;  // nothing more to be had from what was given
    if (result != Z_OK && result != Z_STREAM_END) return Result::kBroken;
    complete_ = result == Z_STREAM_END;
    // A full buffer may hide that there is more, also when all has been read.
    more = stream_->avail_in > 0 || (filled && !complete_);
  }
  return Result::kOk;
}

}  // namespace redthread
