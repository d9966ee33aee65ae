// FileIdentity: what makes a log file the same file after it was renamed, compressed or copied.
//
// Device and inode say it while the file lives; a hash of its first bytes confirms it, because inodes are
// used again, and finds it again in a compressed copy. A log's first bytes hold its first timestamps, so
// equal ones mean equal content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/timestamp.h"

namespace redthread {

struct FileIdentity {
  // Uncompressed bytes hashed at most.
  static constexpr size_t kMaxPrefix = 1024;

  uint64_t device = 0;
  uint64_t inode = 0;
  uint32_t prefix_size = 0;  // bytes hashed: all the file had when it was looked at, up to kMaxPrefix
  uint64_t prefix_hash = 0;  // XXH3-64 of them

  // In the place of the inode, of what a file held before it was truncated: no file has it, but a copy may be
  // known by the rest.
  static uint64_t OfFormerContent(uint64_t inode) { return ~inode; }

  bool operator==(const FileIdentity&) const = default;

  // "file", device, inode, size and hash, in hex, colons between: the form in which it is stored.
  std::string Encode() const;
  // Nothing when `text` is no identity of a file.
  static std::optional<FileIdentity> Decode(std::string_view text);
};

// The first bytes of a file, uncompressed; of a file that is converted (line_stream.h), of what it becomes:
// the headers of two event logs may be the same, their first events are not.
struct FilePrefix {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;        // of the file as it lies there, compressed or not
  bool compressed = false;  // gzip or zstd
  bool converted = false;   // LineStream::converted
  bool utf16 = false;       // begins with the mark of UTF-16
  std::string bytes;        // up to FileIdentity::kMaxPrefix

  // Not to be read as it grows.
  bool whole() const { return compressed || converted; }
  FileIdentity Identity() const;
  // Whether a file with this identity began with the same bytes. Never for an identity of an empty file.
  bool BeginsLike(const FileIdentity& other) const;
};

// When the content of a file was last changed; nothing when it cannot be said.
std::optional<Timestamp> ModifiedAt(const std::string& path);

// kNotFound, kDenied, kIo, kCorrupt; kInvalid for what is no regular file.
Result<FilePrefix> ReadFilePrefix(const std::string& path);

}  // namespace redthread
