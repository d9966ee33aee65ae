#include "ingest/file_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "ingest/input_list.h"
#include "ingest/line_stream.h"

namespace redthread {

namespace {

// Files that are read to their end and gone are remembered, so that their compressed copies are known.
constexpr size_t kMaxRemembered = 4096;

FilePrefix PrefixOf(int fd) {
  FilePrefix prefix;
  prefix.bytes.resize(FileIdentity::kMaxPrefix);
  const ssize_t n = ::pread(fd, prefix.bytes.data(), prefix.bytes.size(), 0);
  prefix.bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return prefix;
}

bool LeadsTo(const std::string& path, const FilePrefix& file) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && info.st_ino == file.inode && info.st_dev == file.device;
}

}  // namespace

FileTail::FileTail(Options options, std::vector<Progress> known, Clock* clock)
    : options_(std::move(options)),
      clock_(clock),
      known_(std::move(known)),
      claimed_(known_.size()),
      next_number_(known_.size()) {}

FileTail::~FileTail() = default;

std::vector<Status> FileTail::TakeProblems() {
  std::vector<Status> problems;
  problems.swap(problems_);
  return problems;
}

std::vector<FileTail::Source> FileTail::TakeProgress() {
  std::vector<Source> progress;
  progress.swap(progress_);
  return progress;
}

std::vector<FileTail::Source> FileTail::TakeEnded() {
  std::vector<Source> ended;
  ended.swap(ended_);
  // An epoch may have ended whose next one has begun, under the same number.
  std::erase_if(ended, [this](const Source& source) {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const File& file) { return file.number == source.number && file.behind; });
  });
  return ended;
}

void FileTail::Problem(const std::string& path, const Status& status) {
  constexpr size_t kMaxTold = 10'000;
  if (told_.size() >= kMaxTold) told_.clear();
  if (told_.insert(path + "\n" + status.message()).second) problems_.push_back(status);
}

// ---- reading

std::vector<FileTail::Source> FileTail::Find() {
  Scan();
  std::vector<Source> found;
  for (const File& file : files_) {
    if (file.reader != nullptr) found.push_back({file.number, file.progress});
  }
  return found;
}

bool FileTail::Poll(RecordBatch* batch, Source* source) {
  const Nanoseconds now = clock_->Elapsed();
  const bool due = !scanned_.has_value() || now - *scanned_ >= options_.scan_interval;
  if (due) Scan();
  if (ReadNext(batch, source)) return true;
  if (due || !finishing_) return false;
  Scan();
  return ReadNext(batch, source);
}

bool FileTail::ReadNext(RecordBatch* batch, Source* source) {
  const File* unpacking = Unpacking();
  for (size_t looked_at = 0; looked_at < files_.size(); ++looked_at) {
    next_file_ = (next_file_ + 1) % files_.size();
    File& file = files_[next_file_];
    if (file.whole && file.reader != nullptr && &file != unpacking) continue;
    const size_t all = files_.size();
    const bool more = ReadFrom(&file, batch);
    if (!more && file.behind) ended_.push_back({file.number, file.progress});
    file.behind = more;
    if (more) {
      *source = {file.number, file.progress};
      // What the batch says is newer.
      std::erase_if(progress_, [&](const Source& s) { return s.number == file.number; });
      return true;
    }
    // Its next epoch was added behind the others, or the turn is that of the next compressed one: all are
    // looked at once more.
    if (files_.size() > all || &file == unpacking) {
      unpacking = Unpacking();
      looked_at = 0;
    }
  }
  return false;
}

// The compressed or converted file that is being read. They are read one after the other, since unpacking one
// takes up to 128 MB; they do not grow meanwhile.
const FileTail::File* FileTail::Unpacking() const {
  const File* found = nullptr;
  for (const File& file : files_) {
    if (!file.whole || file.reader == nullptr) continue;
    if (file.started) return &file;
    if (found == nullptr) found = &file;
  }
  return found;
}

// False when the file has nothing new.
bool FileTail::ReadFrom(File* file, RecordBatch* batch) {
  if (file->reader == nullptr) return false;
  if (file->fd >= 0 && !CheckContent(file)) return false;
  const Result<bool> more = file->reader->Next(batch);
  file->progress.next_index = file->reader->next_index();
  file->progress.cursor = file->reader->cursor();
  file->started = true;
  if (more.ok() && *more) return true;
  if (!more.ok()) {
    Problem(file->path, more.status());
    Close(file);
    return false;
  }
  const bool quiet = clock_->Elapsed() - file->changed >= options_.settle;
  if (file->whole) {
    Close(file);
  } else if (finishing_ || ((file->rotated || file->gone) && quiet)) {
    file->reader->Finish();
    const Result<bool> last = file->reader->Next(batch);
    file->progress.next_index = file->reader->next_index();
    file->progress.cursor = file->reader->cursor();
    Close(file);
    return last.ok() && *last;
  }
  return false;
}

// Looks whether the file is still the one that was opened. False when its content was replaced: then its next
// epoch was added.
bool FileTail::CheckContent(File* file) {
  struct stat info{};
  if (::fstat(file->fd, &info) != 0) return true;  // the read will say why
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size != file->size) {
    file->size = size;
    file->changed = clock_->Elapsed();
  }
  FileIdentity& identity = file->progress.identity;
  const FilePrefix prefix = PrefixOf(file->fd);
  const auto read = static_cast<uint64_t>(::lseek(file->fd, 0, SEEK_CUR));
  if (size < read || (identity.prefix_size > 0 && !prefix.BeginsLike(identity))) {
    StartOver(file, nullptr);
    return false;
  }
  if (file->progress.cursor == 0 && IsConverted(prefix.bytes)) {
    // It was opened before it had any bytes; the scans to come will see it as changed, and when it is whole.
    Close(file);
    file->whole = true;
    file->size = 0;
    identity.prefix_size = 0;
    identity.prefix_hash = 0;
    return false;
  }
  if (identity.prefix_size < FileIdentity::kMaxPrefix) {
    const FileIdentity longer = prefix.Identity();
    identity.prefix_size = longer.prefix_size;
    identity.prefix_hash = longer.prefix_hash;
  }
  return true;
}

// The file was truncated, and perhaps written anew: its next epoch. What was not read of the old one may be
// found in a copy, now or after a restart, so how far it was read is remembered under a number of its own and
// an identity that only a copy has. `prefix`: how the file begins now, if that is known.
void FileTail::StartOver(File* file, const FilePrefix* prefix) {
  File next;
  next.number = file->number;
  next.path = file->path;
  next.rotated = file->rotated;
  next.progress = file->progress;
  next.progress.epoch += 1;
  next.progress.next_index = 0;
  next.progress.cursor = 0;
  next.progress.identity.prefix_size = 0;
  next.progress.identity.prefix_hash = 0;
  if (prefix != nullptr) {
    next.progress.identity = prefix->Identity();
    next.whole = prefix->whole();
    next.modified = ModifiedAt(file->path);
    next.size = prefix->size;
  }
  next.seen = true;
  next.changed = clock_->Elapsed();
  if (file->progress.identity.prefix_size > 0) {
    file->number = next_number_++;
    file->progress.identity.inode = FileIdentity::OfFormerContent(file->progress.identity.inode);
    progress_.push_back({file->number, file->progress});
  }
  file->truncated = true;
  file->gone = true;
  file->behind = false;
  Close(file);
  if (Open(false, &next)) files_.push_back(std::move(next));
}

bool FileTail::Open(bool utf16, File* file) {
  const Progress& progress = file->progress;
  RecordReader::Options options = options_.reader;
  options.growing = !file->whole;
  std::unique_ptr<ByteStream> stream;
  if (file->whole) {
    Result<LineStream> opened = OpenLines(file->path);
    if (!opened.ok()) return Problem(file->path, opened.status()), false;
    stream = std::move(opened->bytes);
  } else {
    const int fd = ::open(file->path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info{};
    if (fd < 0) {
      Problem(file->path, Status::Io(file->path + ": " + std::generic_category().message(errno)));
      return false;
    }
    // By now, the name may lead to another file; the next scan will see which.
    if (::fstat(fd, &info) != 0 || info.st_ino != progress.identity.inode ||
        info.st_dev != progress.identity.device) {
      ::close(fd);
      return false;
    }
    file->fd = fd;
    file->size = static_cast<uint64_t>(info.st_size);
    if (!utf16) ::lseek(fd, static_cast<off_t>(progress.cursor), SEEK_SET);
    stream = ByteStream::OfDescriptor(fd, file->path);
  }
  file->reader = std::make_unique<RecordReader>(std::move(stream), progress.path, options);
  const bool at_cursor = !file->whole && !utf16;
  if (const Status s = file->reader->Resume(progress.next_index, progress.cursor, at_cursor); !s.ok()) {
    Problem(file->path, s);
    Close(file);
    return false;
  }
  return true;
}

void FileTail::Close(File* file) {
  file->reader.reset();
  file->fd = -1;
}

// ---- looking for files

void FileTail::Scan() {
  scanned_ = clock_->Elapsed();
  const InputList list = ExpandInputs(options_.patterns);
  for (const Status& problem : list.problems) {
    // A file that is not there yet is awaited.
    if (problem.code() != StatusCode::kNotFound) Problem("", problem);
  }
  for (File& file : files_) file.seen = false;
  // Files that were read before are first looked for by inode, all of them: a copy must not be taken for its
  // original.
  inodes_only_ = first_scan_;
  for (const std::string& path : list.paths) LookAt(path);
  if (first_scan_) {
    inodes_only_ = false;
    for (const std::string& path : list.paths) LookAt(path);
  }
  first_scan_ = false;
  for (File& file : files_) {
    if (!file.seen) file.gone = true;
  }
  Forget();
}

FileTail::File* FileTail::FindLive(const FileKey& key) {
  for (File& file : files_) {
    const FileIdentity& identity = file.progress.identity;
    // While its descriptor is open, an inode without a name is not used again.
    const bool there = !file.gone || (file.fd >= 0 && !file.truncated);
    if (there && FileKey{identity.device, identity.inode} == key) return &file;
  }
  return nullptr;
}

void FileTail::LookAt(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
  if (File* file = FindLive({info.st_dev, info.st_ino}); file != nullptr) {
    return Return(path, static_cast<uint64_t>(info.st_size), file);
  }
  const Result<FilePrefix> prefix = ReadFilePrefix(path);
  if (!prefix.ok()) {
    const StatusCode code = prefix.status().code();
    if (code != StatusCode::kNotFound && code != StatusCode::kUnavailable) Problem(path, prefix.status());
    return;
  }
  Arrive(path, *prefix);
}

// A file that is known, by its inode.
void FileTail::Return(const std::string& path, uint64_t size, File* file) {
  // It may have several names, links to it: the one by which it was first seen counts.
  const bool at_home = file->seen && file->path == file->progress.path;
  file->seen = true;
  file->gone = false;
  if (!at_home) file->path = path;
  file->rotated = file->path != file->progress.path;
  // An export may be replaced by another of the same size.
  const std::optional<Timestamp> modified = file->whole ? ModifiedAt(path) : file->modified;
  if (file->reader != nullptr || (size == file->size && modified == file->modified)) return;
  if (!Settled(path, size)) return;
  file->modified = modified;
  // It was closed at its end and has changed since.
  const Result<FilePrefix> prefix = ReadFilePrefix(path);
  if (!prefix.ok()) return;
  file->changed = clock_->Elapsed();
  if (file->whole != prefix->whole() || !prefix->BeginsLike(file->progress.identity)) {
    file->size = size;
    return StartOver(file, &*prefix);
  }
  if (Open(prefix->utf16, file)) file->size = size;
}

// Whether a file has not changed for a while. One that is read whole is written in one go, and is read when
// that is over.
bool FileTail::Settled(const std::string& path, uint64_t size) {
  const Nanoseconds now = clock_->Elapsed();
  const auto [it, is_new] = arriving_.try_emplace(path, size, now);
  if (it->second.first != size) it->second = {size, now};
  if (!first_scan_ && !finishing_ && now - it->second.second < options_.settle) return false;
  arriving_.erase(it);
  return true;
}

bool FileTail::IsCopy(const FilePrefix& prefix, const FileIdentity& original) const {
  // Two exports of one event log begin with the same events, and both have more.
  if (prefix.converted) return false;
  const bool long_enough = prefix.compressed || original.prefix_size == FileIdentity::kMaxPrefix;
  return long_enough && prefix.BeginsLike(original);
}

// Of what was read before and has not been found yet: the same file, or else one this is a copy of.
std::optional<size_t> FileTail::FindKnown(const FilePrefix& prefix) const {
  for (size_t i = 0; i < known_.size(); ++i) {
    const FileIdentity& k = known_[i].identity;
    if (claimed_[i] || k.device != prefix.device || k.inode != prefix.inode) continue;
    if (k.prefix_size == 0 || prefix.BeginsLike(k)) return i;
  }
  if (inodes_only_) return std::nullopt;
  for (size_t i = 0; i < known_.size(); ++i) {
    if (!claimed_[i] && IsCopy(prefix, known_[i].identity)) return i;
  }
  return std::nullopt;
}

// A file that is not known by its inode.
void FileTail::Arrive(const std::string& path, const FilePrefix& prefix) {
  File file;
  file.path = path;
  file.whole = prefix.whole();
  file.modified = ModifiedAt(path);
  file.progress.path = path;
  file.seen = true;
  file.changed = clock_->Elapsed();
  File* original = nullptr;
  const std::optional<size_t> known = FindKnown(prefix);
  if (known.has_value()) {
    file.number = *known;
    file.progress = known_[*known];
    if (!prefix.whole() && !prefix.utf16 && prefix.size < file.progress.cursor) {
      file.progress.epoch += 1;
      file.progress.next_index = file.progress.cursor = 0;
    }
  } else if (inodes_only_) {
    return;
  } else {
    original = FindOriginal(prefix);
    // The original is read as long as it is there; then its copy, which may have more.
    if (original != nullptr && (!original->gone || original->reader != nullptr)) {
      if (!prefix.compressed) {
        Problem(path,
                Status::Invalid(path + ": begins like " + original->path + ", so it is taken for its copy"));
      }
      return;
    }
    if (prefix.whole() && !Settled(path, prefix.size)) return;
    if (original != nullptr) file.progress = original->progress;
    file.number = original != nullptr ? original->number : next_number_;
  }
  const bool of_truncated = original != nullptr && original->truncated;
  if (of_truncated) file.progress.path = path;
  file.rotated = path != file.progress.path;
  file.progress.identity = prefix.Identity();
  file.size = prefix.size;
  // It may have gone since it was looked at, and a copy may be there or another name: that is looked at by
  // itself. What is there and cannot be read has been told.
  if (!Open(prefix.utf16, &file) && (!file.whole || !LeadsTo(path, prefix))) return;
  if (known.has_value()) claimed_[*known] = true;
  if (file.number == next_number_) ++next_number_;
  if (of_truncated) progress_.push_back({file.number, file.progress});
  if (original != nullptr) {
    *original = std::move(file);
  } else {
    files_.push_back(std::move(file));
  }
}

// The file, or the one that this is a copy of; the newest, if there are several.
FileTail::File* FileTail::FindOriginal(const FilePrefix& prefix) {
  File* found = nullptr;
  for (File& file : files_) {
    const FileIdentity& identity = file.progress.identity;
    const bool same_inode = identity.device == prefix.device && identity.inode == prefix.inode;
    if (IsCopy(prefix, identity) || (same_inode && !file.truncated && prefix.BeginsLike(identity))) {
      found = &file;
    }
  }
  return found;
}

// Drops the oldest of the files that are gone and read to their end.
void FileTail::Forget() {
  size_t remembered = 0;
  for (const File& file : files_) remembered += file.gone && file.reader == nullptr;
  while (remembered > kMaxRemembered) {
    const auto oldest = std::find_if(files_.begin(), files_.end(),
                                     [](const File& file) { return file.gone && file.reader == nullptr; });
    files_.erase(oldest);
    --remembered;
  }
}

}  // namespace redthread
