// Database: the one RocksDB that holds everything redthread knows.
//
// There is one writer, the StateTransaction of the committer, and any number of readers over snapshots. A
// commit is one WriteBatch, synced to disk before it returns, so a crash at any instruction leaves either
// all of a step or nothing of it. The rows themselves: docs/state_format.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/status.h"
#include "storage/state_reader.h"

namespace redthread {

// What the rows of this version look like. A change that an older redthread could misread raises it.
inline constexpr uint32_t kStateFormat = 1;

// Thread-safe. Outlives every snapshot and transaction over it.
class Database {
 public:
  struct Options {
    std::string path;  // a folder; of its parents all must exist
    // One ceiling for what RocksDB keeps in memory: cached blocks, and up to half of it not yet flushed rows.
    // Rows held by a StateTransaction come on top. At least 8 MiB are taken.
    size_t max_memory_bytes = size_t{128} << 20;
    // Make the folder and an empty database where there is none. Never touches a folder that holds anything
    // else.
    bool create = true;
    // Look without writing or locking: also while another process has it open. Sees what was committed
    // before Open. Excludes `create`.
    bool read_only = false;
    // A commit is on disk when it returns. Without, a failure of the machine may take the last commits, whole
    // and from the end: for state that can be made again.
    bool sync = true;
  };

  // How much there is, for status pages and for keeping a space limit.
  struct Size {
    uint64_t disk_bytes = 0;     // files of the database, its log included
    uint64_t memory_bytes = 0;   // of max_memory_bytes, in use
    uint64_t pending_flush = 0;  // bytes of rows not yet in sorted files
  };

  // Errors:
  //   kNotFound     there is no database and `create` is off
  //   kUnavailable  another process holds it; one process at a time may write
  //   kInvalid      a state format that this version does not know (never opened, never changed), or bad
  //                 options
  //   kDenied       no right to the folder
  //   kCorrupt      files are missing or their checksums fail
  //   kIo           reading or writing failed
  static Result<std::unique_ptr<Database>> Open(const Options& options);

  // Does not need to be reached: a killed process loses nothing that was committed.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // What is committed now. The snapshot must be gone before the database.
  std::unique_ptr<StateReader> Snapshot() const;

  // Moves rows from the log to sorted files. Never needed for safety.
  Status Flush();

  Result<Size> MeasureSize() const;
  const std::string& path() const { return path_; }

 private:
  friend class StateTransaction;
  friend class DatabaseSnapshot;
  struct Rocks;
  Database(std::string path, std::unique_ptr<Rocks> rocks);
  static Result<std::unique_ptr<Database>> OpenOnce(const Options& options);
  static Status OpenFamilies(const Options& options, bool exists, Rocks* rocks);
  Status CheckFormat();

  std::string path_;
  std::unique_ptr<Rocks> rocks_;
};

}  // namespace redthread
