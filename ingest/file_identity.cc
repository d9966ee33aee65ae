#include "ingest/file_identity.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <cerrno>
#include <charconv>
#include <system_error>

#include "ingest/line_stream.h"

namespace redthread {

namespace {

constexpr std::string_view kKind = "file";

std::string Hex(uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number, 16).ptr;
  return {digits, end};
}

uint64_t HashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace

std::optional<Timestamp> ModifiedAt(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return Timestamp{} + std::chrono::seconds(info.st_mtim.tv_sec) + Nanoseconds(info.st_mtim.tv_nsec);
}

std::string FileIdentity::Encode() const {
  std::string out(kKind);
  for (const uint64_t number : {device, inode, uint64_t{prefix_size}, prefix_hash}) {
    out.append(":").append(Hex(number));
  }
  return out;
}

std::optional<FileIdentity> FileIdentity::Decode(std::string_view text) {
  if (text.substr(0, kKind.size()) != kKind) return std::nullopt;
  uint64_t numbers[4];
  const char* p = text.data() + kKind.size();
  const char* const end = text.data() + text.size();
  for (uint64_t& number : numbers) {
    if (p == end || *p != ':') return std::nullopt;
    const auto [next, error] = std::from_chars(p + 1, end, number, 16);
    if (error != std::errc()) return std::nullopt;
    p = next;
  }
  if (p != end || numbers[2] > kMaxPrefix) return std::nullopt;
  return FileIdentity{numbers[0], numbers[1], static_cast<uint32_t>(numbers[2]), numbers[3]};
}

FileIdentity FilePrefix::Identity() const {
  return {device, inode, static_cast<uint32_t>(bytes.size()), HashOf(bytes)};
}

bool FilePrefix::BeginsLike(const FileIdentity& other) const {
  return other.prefix_size > 0 && other.prefix_size <= bytes.size() &&
         HashOf(std::string_view(bytes).substr(0, other.prefix_size)) == other.prefix_hash;
}

Result<FilePrefix> ReadFilePrefix(const std::string& path) {
  FilePrefix prefix;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    const std::string message = path + ": " + std::generic_category().message(errno);
    return errno == ENOENT ? Status::NotFound(message) : Status::Denied(message);
  }
  if (!S_ISREG(info.st_mode)) return Status::Invalid(path + ": is no regular file");
  prefix.device = info.st_dev;
  prefix.inode = info.st_ino;
  prefix.size = static_cast<uint64_t>(info.st_size);
  const Result<LineStream> lines = OpenLines(path);
  if (!lines.ok()) return lines.status();
  ByteStream& stream = *lines->bytes;
  prefix.compressed = stream.compressed();
  prefix.converted = lines->converted;
  prefix.bytes.resize(FileIdentity::kMaxPrefix);
  size_t used = 0;
  while (used < prefix.bytes.size()) {
    const Result<size_t> n = stream.Read(prefix.bytes.data() + used, prefix.bytes.size() - used);
    if (!n.ok() && used == 0) return n.status();
    if (!n.ok() || *n == 0) break;
    used += *n;
  }
  prefix.bytes.resize(used);
  // Between the two looks by name, a rotation may have put another file there.
  if (::stat(path.c_str(), &info) != 0 || info.st_ino != prefix.inode || info.st_dev != prefix.device) {
    return Status::Unavailable(path + ": was replaced while it was looked at");
  }
  const std::string_view mark = std::string_view(prefix.bytes).substr(0, 2);
  prefix.utf16 = mark == "\xFF\xFE" || mark == "\xFE\xFF";
  return prefix;
}

}  // namespace redthread
