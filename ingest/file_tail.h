// FileTail: log files that are written to, rotated, compressed and truncated while they are read.
//
// The files are those of some paths, folders or globs. A file is known by its FileIdentity, so that
//   renamed       it is read on, to its end, before it is forgotten (its descriptor stays open)
//   compressed    a .gz or .zst with the same beginning is the same file at the same uncompressed offset
//   truncated     (copytruncate) its next epoch begins; what was still unread of the old content is read from
//   its
//                 copy, if the pattern finds that
// and nothing is read twice.
// An event log or an XML export (line_stream.h) is read once it has not changed for a while, and again, from
// where it was left, when it did; one that begins with the same events as another is a file of its own. Only
// whole lines are given. A last line without an end waits until its file has been rotated away and has not
// changed for a while.
//
// It looks at the files anew every so often and needs no help of the system to see changes: that works on
// every file system, and a restart is no special case.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/status.h"
#include "ingest/file_identity.h"
#include "ingest/record_reader.h"

namespace redthread {

// One per thread. The Clock outlives it.
class FileTail {
 public:
  struct Options {
    std::vector<std::string> patterns;  // paths, folders or globs; a file of several is read once
    RecordReader::Options reader;
    Nanoseconds scan_interval = std::chrono::seconds(1);  // between two looks for files that came or went
    // For how long a file that was rotated away must not change before its last line counts as whole, and a
    // compressed one, or one that is converted, before it is read.
    Nanoseconds settle = std::chrono::seconds(10);
  };
  // How far a file has been read: kept by the caller, in the transaction that keeps what was made of the
  // records.
  struct Progress {
    FileIdentity identity;
    std::string path;    // where it was first seen
    uint32_t epoch = 0;  // grows when a file starts over
    uint64_t next_index = 0;
    uint64_t cursor = 0;  // byte offset, uncompressed and in lines
    bool operator==(const Progress&) const = default;
  };
  // What a batch is of.
  struct Source {
    size_t number = 0;  // index into `known` of the constructor, or a new one behind it; stays while it lives
    Progress progress;  // after the batch
  };

  // `known`: what was read before, from storage. Files not among them are read from their beginning.
  FileTail(Options options, std::vector<Progress> known, Clock* clock);
  ~FileTail();

  // Looks for files, and returns those that are there: before the first Poll, what there is to read at the
  // start.
  std::vector<Source> Find();

  // Gives the next records of some file that has new ones, the files in turn. False when there are none now.
  bool Poll(RecordBatch* batch, Source* source);

  // Whether it reads that file, or waits for it to grow.
  bool Has(const FileIdentity& identity) { return FindLive({identity.device, identity.inode}) != nullptr; }

  // All files are as they will ever be: last lines without an end count. For reading to the end and stopping.
  void Finish() { finishing_ = true; }

  // Files that have to be remembered though no record of theirs was given since the last call: copies of what
  // was already read from a file that was truncated then.
  std::vector<Source> TakeProgress();

  // Files that have been read to their end since the last call, or since they were found: there is nothing
  // more in them until Poll gives more.
  std::vector<Source> TakeEnded();

  // What went wrong since the last call: files that cannot be read, or only in part. Each is told once.
  std::vector<Status> TakeProblems();

 private:
  // One epoch of one file.
  struct File {
    size_t number = 0;
    Progress progress;
    std::string path;                   // where it is now
    bool whole = false;                 // FilePrefix::whole: compressed, or converted to lines
    std::optional<Timestamp> modified;  // of a whole one, when it was opened
    bool rotated = false;               // no longer where it was first seen
    bool gone = false;                  // has no path any more, or was truncated
    bool truncated = false;
    bool seen = false;     // in the scan at hand
    bool started = false;  // by its reader
    bool behind = true;    // its end has not been seen since it was found or gave records
    std::unique_ptr<RecordReader> reader;
    int fd = -1;             // the reader's, of a plain file
    uint64_t size = 0;       // when it was last looked at
    Nanoseconds changed{0};  // when that changed, by Clock::Elapsed
  };
  using FileKey = std::pair<uint64_t, uint64_t>;  // device, inode

  void Scan();
  void LookAt(const std::string& path);
  void Return(const std::string& path, uint64_t size, File* file);
  bool Settled(const std::string& path, uint64_t size);
  void Arrive(const std::string& path, const FilePrefix& prefix);
  File* FindLive(const FileKey& key);
  std::optional<size_t> FindKnown(const FilePrefix& prefix) const;
  bool IsCopy(const FilePrefix& prefix, const FileIdentity& original) const;

  bool Open(bool utf16, File* file);
  void Close(File* file);
  bool CheckContent(File* file);
  void StartOver(File* file, const FilePrefix* prefix);
  bool ReadFrom(File* file, RecordBatch* batch);
  bool ReadNext(RecordBatch* batch, Source* source);
  const File* Unpacking() const;
  File* FindOriginal(const FilePrefix& prefix);
  void Forget();
  void Problem(const std::string& path, const Status& status);

  const Options options_;
  Clock* const clock_;
  std::vector<Progress> known_;
  std::vector<bool> claimed_;  // of known_: found again
  size_t next_number_;
  std::deque<File> files_;  // a deque: pointers stay valid while it grows
  size_t next_file_ = 0;    // whose turn it is
  std::map<std::string, std::pair<uint64_t, Nanoseconds>>
      arriving_;  // files read whole: size, and since when
  std::optional<Nanoseconds> scanned_;
  bool first_scan_ = true;
  bool inodes_only_ = false;  // first pass of the first scan
  bool finishing_ = false;
  std::vector<Source> progress_;
  std::vector<Source> ended_;
  std::vector<Status> problems_;
  std::set<std::string> told_;
};

}  // namespace redthread
