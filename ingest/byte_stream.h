// ByteStream: the uncompressed bytes of an input, from its beginning to its end.
//
// What an input is compressed with is seen from its first bytes, never from its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"

namespace redthread {

// One per thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Writes up to `size` bytes to `out` and returns how many; 0 is the end of the input. kCorrupt: the
  // compressed data are damaged at the stated byte of the file, or stop before their end; all bytes before
  // that have been returned. kIo: the file cannot be read. After either there is nothing more to be had.
  virtual Result<size_t> Read(char* out, size_t size) = 0;

  // Whether the bytes were compressed: such a file is whole, a plain one may grow.
  virtual bool compressed() const { return false; }

  // Opens a file or, as "-", the standard input. kNotFound, kDenied, kIo; kInvalid for a folder.
  static Result<std::unique_ptr<ByteStream>> Open(const std::string& path);

  // The bytes of an open file from its current offset on, as they are. It may grow: after a 0, Read may be
  // called again. Takes the descriptor over.
  static std::unique_ptr<ByteStream> OfDescriptor(int fd, const std::string& path);
};

}  // namespace redthread
