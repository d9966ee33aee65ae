#include "storage/database.h"

#include <fcntl.h>
#include <unistd.h>

#if __has_include(<rocksdb/advanced_cache.h>)
#include <rocksdb/advanced_cache.h>  // where RocksDB 8 and later define Cache
#endif
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "storage/key.h"
#include "storage/rocks.h"
#include "storage/row.h"

namespace redthread {

namespace {

namespace fs = std::filesystem;

constexpr char kFormatKey[] = "format";
constexpr size_t kMinMemory = size_t{8} << 20;

// The log is what a restart has to read again: this many bytes are read in well under a second.
constexpr uint64_t kMaxLogBytes = uint64_t{64} << 20;

// Smaller values stay beside their keys. A block is far above, a tail row of a quiet source below.
constexpr uint64_t kMinBlobBytes = 4096, kMinJournalBytes = 16'384;

constexpr const char* kNames[kColumnFamilies] = {"meta",  "source", "event",  "match", "group",
                                                 "timer", "alert",  "outbox", "dead"};

// RocksDB's own log is for its developers; what matters here comes back as a Status. And it does harm: a
// read-only database would create the file, and on a full disk Debian's RocksDB, built with its assertions,
// ends the process when it cannot write to it.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

bool Supported(rocksdb::CompressionType type) {
  const std::vector<rocksdb::CompressionType> all = rocksdb::GetSupportedCompressions();
  return std::find(all.begin(), all.end(), type) != all.end();
}

rocksdb::ColumnFamilyOptions FamilyOptions(ColumnFamily family, size_t max_memory,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // else they grow outside of the ceiling
  // In pieces of a few kB: as one block of a large file they would push out all else, and each other.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.pin_top_level_index_and_filter = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = std::clamp(max_memory / 8, size_t{1} << 20, size_t{32} << 20);
  options.compression =
      Supported(rocksdb::kLZ4Compression) ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  if (family == ColumnFamily::kGroup || family == ColumnFamily::kAlert) {
    // Most rows that are asked for here are not there yet.
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = 0.02;
  }
  if (family == ColumnFamily::kMatch) {
    // The journal of correlations: large values that are gone before they would be moved, or even written.
    options.write_buffer_size *= 2;
    options.enable_blob_files = true;
    options.min_blob_size = kMinJournalBytes;
    options.compression = rocksdb::kNoCompression;  // hashes for the most part
  }
  if (family == ColumnFamily::kEvent) {
    options.compression = rocksdb::kNoCompression;  // its values are zstd frames already
    options.enable_blob_files = true;
    options.min_blob_size = kMinBlobBytes;
    options.blob_file_size = uint64_t{64} << 20;
    options.enable_blob_garbage_collection = true;
    options.blob_garbage_collection_age_cutoff = 0.5;
    options.blob_garbage_collection_force_threshold = 0.5;
  }
  return options;
}

rocksdb::DBOptions BaseOptions(const Database::Options& options,
                               const std::shared_ptr<rocksdb::WriteBufferManager>& write_buffers) {
  rocksdb::DBOptions base;
  base.create_if_missing = options.create && !options.read_only;
  base.create_missing_column_families = base.create_if_missing;
  base.write_buffer_manager = write_buffers;
  base.max_total_wal_size = kMaxLogBytes;
  base.max_background_jobs = 2;
  base.max_file_opening_threads = 1;    // a few files: threads would cost more than they give
  base.allow_fallocate = options.sync;  // room that is reserved ahead makes synced appends cheaper, no others
  base.db_host_id = "";                 // the host's name has no place in files that are copied around
  base.info_log = std::make_shared<NoLog>();
  base.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return base;
}

// What RocksDB makes of a new database before CURRENT, in which nothing can be yet. Source: DBImpl::NewDB.
bool IsOfUnfinishedCreation(const std::string& name) {
  return name == "LOCK" || name == "IDENTITY" || name == "MANIFEST-000001" || name.ends_with(".dbtmp");
}

// A folder without CURRENT but with files of a database is a damaged one, and RocksDB would start anew in it;
// unless the process was killed while it made the database.
Status CheckFolder(const Database::Options& options, bool* exists) {
  std::error_code error;
  *exists = fs::exists(fs::path(options.path) / "CURRENT", error);
  if (error == std::errc::permission_denied) return Status::Denied("no right to read " + options.path);
  if (*exists) return Status::Ok();
  if (fs::exists(options.path, error)) {
    fs::directory_iterator entry(options.path, error);
    if (error == std::errc::permission_denied) return Status::Denied("no right to read " + options.path);
    if (error) return Status::Io("cannot list " + options.path + ": " + error.message());
    for (; entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename();
      if (IsOfUnfinishedCreation(name)) continue;
      return Status::Corrupt(options.path + " holds " + name +
                             " but no CURRENT: not a database, or one that lost its files; restore it from a "
                             "backup, or name an empty folder");
    }
  }
  if (!options.create || options.read_only) return Status::NotFound("there is no state in " + options.path);
  return Status::Ok();
}

Status FormatRefused(const std::string& path, const std::string& found) {
  return Status::Invalid("the state in " + path + " has " + found + ", this redthread knows format " +
                         std::to_string(kStateFormat) +
                         "; use the version that wrote it, or another data folder. Nothing was changed");
}

Status CheckFormatRow(const std::string& path, std::string_view row) {
  Result<std::string_view> payload = OpenRow("meta", kFormatKey, row);
  if (!payload.ok()) return payload.status();
  uint32_t format;
  if (!RowReader(*payload).Varint32(&format)) return DamagedRow("meta", kFormatKey, "it holds no number");
  if (format == kStateFormat) return Status::Ok();
  return FormatRefused(path, "format " + std::to_string(format));
}

// A database whose column families are not ours was written by another version: say which, if it tells.
Status CheckFamilies(const Database::Options& options) {
  const rocksdb::DBOptions base = BaseOptions(options, nullptr);
  std::vector<std::string> names;
  rocksdb::Status listed = rocksdb::DB::ListColumnFamilies(base, options.path, &names);
  if (!listed.ok()) return FromRocks(listed, "open", options.path);
  std::set<std::string> unknown(names.begin(), names.end());
  unknown.erase(rocksdb::kDefaultColumnFamilyName);
  for (const char* name : kNames) unknown.erase(name);
  if (unknown.empty()) return Status::Ok();

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {{rocksdb::kDefaultColumnFamilyName, {}},
                                                                 {kNames[0], {}}};
  std::string row;
  if (rocksdb::DB::OpenForReadOnly(base, options.path, families, &handles, &raw).ok()) {
    std::unique_ptr<rocksdb::DB> db(raw);
    if (!db->Get({}, handles[1], kFormatKey, &row).ok()) row.clear();
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  Status refused = row.empty() ? Status::Ok() : CheckFormatRow(options.path, row);
  if (!refused.ok()) return refused;
  return FormatRefused(options.path, "an unknown column family, " + *unknown.begin());
}

// Who holds RocksDB's lock on the folder. Not to be asked by the holder itself, which would lose the lock.
std::string HolderOf(const std::string& path) {
  const int fd = ::open((path + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool known = fd >= 0 && ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
  if (fd >= 0) ::close(fd);
  return known ? "process " + std::to_string(lock.l_pid) : "another redthread process";
}

}  // namespace

const char* ColumnFamilyName(ColumnFamily family) { return kNames[static_cast<size_t>(family)]; }

Status FromRocks(const rocksdb::Status& status, const char* doing, const std::string& where) {
  if (status.ok()) return Status::Ok();
  const std::string text = status.ToString();
  // The only sign that RocksDB gives: the words of its LockFile.
  const bool locked_here = text.find("lock hold by") != std::string::npos;
  const bool locked = locked_here || text.find("While lock file") != std::string::npos;
  if (text.find("Permission denied") != std::string::npos) {
    return Status::Denied(std::string("no right to ") + doing + ' ' + where + ": " + text);
  }
  if (locked) {
    return Status::Unavailable(where + " is in use by " + (locked_here ? "this process" : HolderOf(where)) +
                               "; stop that one first, or name another data folder");
  }
  const std::string message = std::string("cannot ") + doing + ' ' + where + ": " + text;
  if (status.IsCorruption()) return Status::Corrupt(message);
  if (status.IsNotSupported() || status.IsInvalidArgument()) return Status::Invalid(message);
  return Status::Io(message);
}

Database::Rocks::~Rocks() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : families) {
    if (handle != nullptr) db->DestroyColumnFamilyHandle(handle);
  }
  if (default_family != nullptr) db->DestroyColumnFamilyHandle(default_family);
}

Status Database::Rocks::Get(const rocksdb::Snapshot* snapshot, ColumnFamily f, std::string_view key,
                            std::string* value) const {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  const rocksdb::Status found = db->Get(read, family(f), ToSlice(key), value);
  if (found.IsNotFound()) return Status::NotFound("no such row");
  return FromRocks(found, "read from", db->GetName());
}

std::unique_ptr<rocksdb::Iterator> Database::Rocks::NewIterator(const rocksdb::Snapshot* snapshot,
                                                                ColumnFamily f, const rocksdb::Slice* begin,
                                                                const rocksdb::Slice* end) const {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  read.iterate_lower_bound = begin;
  if (!end->empty()) read.iterate_upper_bound = end;
  return std::unique_ptr<rocksdb::Iterator>(db->NewIterator(read, family(f)));
}

Database::Database(std::string path, std::unique_ptr<Rocks> rocks)
    : path_(std::move(path)), rocks_(std::move(rocks)) {}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const Options& options) {
  // A reader may look while the writer replaces a file, and RocksDB then reports all sorts of damage. So only
  // what stays is told.
  constexpr int kLooks = 20;
  constexpr auto kPause = std::chrono::milliseconds(10);
  for (int look = 1;; ++look) {
    Result<std::unique_ptr<Database>> opened = OpenOnce(options);
    std::error_code ignored;
    const bool may_change = options.read_only && std::filesystem::exists(options.path, ignored);
    if (opened.ok() || !may_change || look == kLooks) return opened;
    std::this_thread::sleep_for(kPause);
  }
}

Result<std::unique_ptr<Database>> Database::OpenOnce(const Options& options) {
  if (options.path.empty()) return Status::Invalid("the state folder has no name");
  bool exists = false;
  RT_RETURN_IF_ERROR(CheckFolder(options, &exists));
  if (exists) RT_RETURN_IF_ERROR(CheckFamilies(options));

  auto rocks = std::make_unique<Rocks>();
  RT_RETURN_IF_ERROR(OpenFamilies(options, exists, rocks.get()));
  std::unique_ptr<Database> database(new Database(options.path, std::move(rocks)));
  RT_RETURN_IF_ERROR(database->CheckFormat());
  return database;
}

Status Database::OpenFamilies(const Options& options, bool exists, Rocks* rocks) {
  const size_t memory = std::max(options.max_memory_bytes, kMinMemory);
  // Few shards: a thread or two read at a time, and no shard may be small beside what is put into it.
  constexpr int kShardBits = 2;
  rocks->cache = rocksdb::NewLRUCache(memory, kShardBits, false, 0.5);
  rocks->write_buffers = std::make_shared<rocksdb::WriteBufferManager>(memory / 2, rocks->cache);
  rocks->read_only = options.read_only;
  rocks->sync = options.sync;

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  for (size_t i = 0; i < kColumnFamilies; ++i) {
    families.emplace_back(kNames[i], FamilyOptions(static_cast<ColumnFamily>(i), memory, rocks->cache));
  }
  const rocksdb::DBOptions base = BaseOptions(options, rocks->write_buffers);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  rocksdb::Status opened;
  if (options.read_only) {
    opened = rocksdb::DB::OpenForReadOnly(base, options.path, families, &handles, &raw);
  } else if (exists) {
    opened = rocksdb::DB::Open(base, options.path, families, &handles, &raw);
  } else {
    // All families at once: where Open makes missing ones it writes, and reads, all options for each of them.
    const std::vector<rocksdb::ColumnFamilyDescriptor> first(families.begin(), families.begin() + 1);
    const std::vector<rocksdb::ColumnFamilyDescriptor> others(families.begin() + 1, families.end());
    opened = rocksdb::DB::Open(base, options.path, first, &handles, &raw);
    std::vector<rocksdb::ColumnFamilyHandle*> made;
    if (opened.ok()) opened = raw->CreateColumnFamilies(others, &made);
    handles.insert(handles.end(), made.begin(), made.end());
    if (!opened.ok() && raw != nullptr) {
      for (rocksdb::ColumnFamilyHandle* handle : handles) raw->DestroyColumnFamilyHandle(handle);
      delete raw;
    }
  }
  if (!opened.ok()) return FromRocks(opened, "open", options.path);
  rocks->db.reset(raw);
  rocks->default_family = handles[0];
  std::copy(handles.begin() + 1, handles.end(), rocks->families.begin());
  return Status::Ok();
}

Status Database::CheckFormat() {
  std::string row;
  const Status found = rocks_->Get(nullptr, ColumnFamily::kMeta, kFormatKey, &row);
  if (found.ok()) return CheckFormatRow(path_, row);
  if (found.code() != StatusCode::kNotFound) return found;

  // New, or a crash came between making the folder and this row: then nothing else is there.
  for (size_t i = 0; i < kColumnFamilies; ++i) {
    const rocksdb::Slice none;
    std::unique_ptr<rocksdb::Iterator> rows =
        rocks_->NewIterator(nullptr, static_cast<ColumnFamily>(i), nullptr, &none);
    rows->SeekToFirst();
    if (rows->Valid()) return FormatRefused(path_, "no format number");
    RT_RETURN_IF_ERROR(FromRocks(rows->status(), "read from", path_));
  }
  if (rocks_->read_only) return Status::NotFound("there is no state in " + path_);
  rocksdb::WriteOptions synced;
  synced.sync = rocks_->sync;
  const rocksdb::Status written = rocks_->db->Put(synced, rocks_->family(ColumnFamily::kMeta), kFormatKey,
                                                  RowWriter().Varint(kStateFormat).Finish(kFormatKey));
  return FromRocks(written, "write to", path_);
}

Status Database::Flush() {
  std::vector<rocksdb::ColumnFamilyHandle*> handles(rocks_->families.begin(), rocks_->families.end());
  return FromRocks(rocks_->db->Flush(rocksdb::FlushOptions(), handles), "write to", path_);
}

Result<Database::Size> Database::MeasureSize() const {
  Size size;
  std::error_code error;
  for (fs::directory_iterator entry(path_, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code gone;  // RocksDB deletes files beside us
    const uintmax_t bytes = fs::file_size(entry->path(), gone);
    if (!gone) size.disk_bytes += bytes;
  }
  if (error) return Status::Io("cannot list " + path_ + ": " + error.message());
  size.memory_bytes = rocks_->cache->GetUsage();
  size.pending_flush = rocks_->write_buffers->memory_usage();
  return size;
}

}  // namespace redthread
