// What only the two classes that speak to RocksDB share: the open database and the translation of its
// errors.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/write_buffer_manager.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "storage/database.h"

namespace redthread {

struct Database::Rocks {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* default_family = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kColumnFamilies> families{};
  bool read_only = false;
  bool sync = true;

  ~Rocks();
  rocksdb::ColumnFamilyHandle* family(ColumnFamily f) const { return families[static_cast<size_t>(f)]; }
  // Get and iterators of `snapshot`; null: the newest state.
  Status Get(const rocksdb::Snapshot* snapshot, ColumnFamily f, std::string_view key,
             std::string* value) const;
  // `begin` and `end` outlive the iterator. An empty end is none.
  std::unique_ptr<rocksdb::Iterator> NewIterator(const rocksdb::Snapshot* snapshot, ColumnFamily f,
                                                 const rocksdb::Slice* begin,
                                                 const rocksdb::Slice* end) const;
};

// RocksDB asserts that a slice points somewhere, an empty one too.
inline rocksdb::Slice ToSlice(std::string_view bytes) {
  return bytes.empty() ? rocksdb::Slice() : rocksdb::Slice(bytes.data(), bytes.size());
}
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// `doing` and `where` make the sentence: "cannot <doing> <where>: <RocksDB's words>".
Status FromRocks(const rocksdb::Status& status, const char* doing, const std::string& where);

}  // namespace redthread
