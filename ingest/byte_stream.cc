#include "ingest/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace redthread {

namespace {

constexpr size_t kInputBytes = 256 << 10;  // compressed bytes read at once
// The largest window zstd knows: logs are often compressed with --long. It costs memory only where it is
// used.
constexpr int kZstdWindowLogMax = 31;

std::string ErrorText(int error) { return std::generic_category().message(error); }

Status OpenError(const std::string& path, int error) {
  const std::string message = path + ": " + ErrorText(error);
  if (error == ENOENT || error == ENOTDIR) return Status::NotFound(message);
  if (error == EACCES || error == EPERM) return Status::Denied(message);
  return Status::Io(message);
}

// A file descriptor with a look ahead.
class RawFile {
 public:
  RawFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~RawFile() {
    if (fd_ > STDIN_FILENO) ::close(fd_);
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  // The first bytes, up to four; they are read again by Read.
  Result<std::string> Peek() {
    char bytes[4];
    while (ahead_.size() < sizeof(bytes)) {
      Result<size_t> n = ReadFile(bytes, sizeof(bytes) - ahead_.size());
      if (!n.ok()) return n.status();
      if (*n == 0) break;
      ahead_.append(bytes, *n);
    }
    return ahead_;
  }

  Result<size_t> Read(char* out, size_t size) {
    if (ahead_.empty()) return ReadFile(out, size);
    const size_t n = std::min(size, ahead_.size());
    std::memcpy(out, ahead_.data(), n);
    ahead_.erase(0, n);
    return n;
  }

  const std::string& path() const { return path_; }

 private:
  Result<size_t> ReadFile(char* out, size_t size) {
    for (;;) {
      const ssize_t n = ::read(fd_, out, size);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) return Status::Io(path_ + ": " + ErrorText(errno));
    }
  }

  const int fd_;
  const std::string path_;
  std::string ahead_;
};

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<RawFile> file) : file_(std::move(file)) {}
  Result<size_t> Read(char* out, size_t size) override { return file_->Read(out, size); }

 private:
  std::unique_ptr<RawFile> file_;
};

// What gzip and zstd share: a buffer of compressed bytes, and where in the file they stand.
class CompressedInput {
 public:
  explicit CompressedInput(std::unique_ptr<RawFile> file) : file_(std::move(file)), buffer_(kInputBytes) {}

  // Reads on when all has been used. False at the end of the file.
  Result<bool> Fill() {
    if (used_ < size_) return true;
    const Result<size_t> n = file_->Read(buffer_.data(), buffer_.size());
    if (!n.ok()) return n.status();
    before_ += size_;
    used_ = 0;
    size_ = *n;
    return *n > 0;
  }
  const char* data() const { return buffer_.data() + used_; }
  size_t size() const { return size_ - used_; }
  void Use(size_t n) { used_ += n; }
  uint64_t offset() const { return before_ + used_; }

  Status Corrupt(const std::string& what) const {
    return Status::Corrupt(file_->path() + ": " + what + " at byte " + std::to_string(offset()));
  }

 private:
  std::unique_ptr<RawFile> file_;
  std::vector<char> buffer_;
  size_t used_ = 0;
  size_t size_ = 0;
  uint64_t before_ = 0;
};

// Source: RFC 1952; a file may be several members one after another (2.2).
class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<RawFile> file) : input_(std::move(file)) {
    constexpr int kGzipOnly = 16;
    ready_ = inflateInit2(&z_, kGzipOnly + MAX_WBITS) == Z_OK;
  }
  ~GzipStream() override {
    if (ready_) inflateEnd(&z_);
  }

  Result<size_t> Read(char* out, size_t size) override {
    if (!ready_) return Status::Io("no memory for gzip");
    if (!failed_.ok()) return failed_;
    z_.next_out = reinterpret_cast<Bytef*>(out);
    z_.avail_out = static_cast<uInt>(size);
    while (z_.avail_out == size) {
      const Result<bool> more = input_.Fill();
      if (!more.ok()) return more.status();
      if (!*more && !in_member_) return size_t{0};
      Inflate();
      if (!*more && failed_.ok()) failed_ = input_.Corrupt("gzip data end before their end");
      // What the last call still gave is good; the failure is told by the next one.
      if (!failed_.ok() && z_.avail_out == size) return failed_;
    }
    return size - z_.avail_out;
  }
  bool compressed() const override { return true; }

 private:
  void Inflate() {
    // Zeros after a member are padding of tapes and block devices.
    if (!in_member_ && members_ > 0 && *input_.data() == '\0') return input_.Use(1);
    const bool first = !in_member_;
    in_member_ = true;
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    z_.avail_in = static_cast<uInt>(input_.size());
    const int code = inflate(&z_, Z_NO_FLUSH);
    input_.Use(input_.size() - z_.avail_in);
    if (code == Z_STREAM_END) {
      in_member_ = false;
      ++members_;
      inflateReset(&z_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      failed_ = input_.Corrupt(first && members_ > 0 ? "no gzip data after the end of gzip data"
                                                     : "damaged gzip data");
    }
  }

  CompressedInput input_;
  z_stream z_{};
  bool ready_ = false;
  bool in_member_ = false;
  uint64_t members_ = 0;
  Status failed_;
};

// Source: RFC 8878; a file may be several frames one after another (3.1).
class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(std::unique_ptr<RawFile> file)
      : input_(std::move(file)), context_(ZSTD_createDCtx(), &ZSTD_freeDCtx) {
    if (context_ != nullptr) {
      ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
    }
  }

  Result<size_t> Read(char* out, size_t size) override {
    if (context_ == nullptr) return Status::Io("no memory for zstd");
    if (!failed_.ok()) return failed_;
    ZSTD_outBuffer to{out, size, 0};
    while (to.pos == 0) {
      const Result<bool> more = input_.Fill();
      if (!more.ok()) return more.status();
      if (!*more && hint_ == 0) return size_t{0};
      ZSTD_inBuffer from{input_.data(), input_.size(), 0};
      hint_ = ZSTD_decompressStream(context_.get(), &to, &from);
      input_.Use(from.pos);
      if (ZSTD_isError(hint_)) {
        failed_ = input_.Corrupt(std::string("damaged zstd data (") + ZSTD_getErrorName(hint_) + ")");
      } else if (!*more && to.pos == 0 && hint_ != 0) {
        failed_ = input_.Corrupt("zstd data end before their end");
      }
      // What the last call still gave is good; the failure is told by the next one.
      if (!failed_.ok() && to.pos == 0) return failed_;
    }
    return to.pos;
  }
  bool compressed() const override { return true; }

 private:
  CompressedInput input_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  size_t hint_ = 0;  // 0: between frames
  Status failed_;
};

Result<int> OpenFile(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return OpenError(path, errno);
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    return Status::Invalid(path + ": is a folder");
  }
  return fd;
}

}  // namespace

std::unique_ptr<ByteStream> ByteStream::OfDescriptor(int fd, const std::string& path) {
  return std::make_unique<PlainStream>(std::make_unique<RawFile>(fd, path));
}

Result<std::unique_ptr<ByteStream>> ByteStream::Open(const std::string& path) {
  const Result<int> fd = OpenFile(path);
  if (!fd.ok()) return fd.status();
  auto file = std::make_unique<RawFile>(*fd, path);
  const Result<std::string> magic = file->Peek();
  if (!magic.ok()) return magic.status();
  const std::string_view first = *magic;
  constexpr std::string_view kGzip("\x1f\x8b", 2);
  constexpr std::string_view kZstd("\x28\xb5\x2f\xfd", 4);
  // A skippable frame may come first (3.1.2): 0x184D2A50 to 0x184D2A5F, little-endian.
  const bool skippable = first.size() == 4 && (first[0] & 0xF0) == 0x50 && first.substr(1) == "\x2a\x4d\x18";
  std::unique_ptr<ByteStream> stream;
  if (first.substr(0, 2) == kGzip) {
    stream = std::make_unique<GzipStream>(std::move(file));
  } else if (first == kZstd || skippable) {
    stream = std::make_unique<ZstdStream>(std::move(file));
  } else {
    stream = std::make_unique<PlainStream>(std::move(file));
  }
  return stream;
}

}  // namespace redthread
