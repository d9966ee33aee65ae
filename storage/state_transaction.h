// StateTransaction: all changes of one step, made durable together or not at all.
//
// Changes are kept in memory, in the order of their keys, and laid over the database for the transaction's
// own reads. Commit is one WriteBatch, synced. Nothing uncommitted ever reaches the database, so nothing
// ever needs undoing.
//
// A map over the database instead of RocksDB's WriteBatchWithIndex: that one is slower and cannot delete
// ranges, and this one is the whole class. Keys, values and the map itself lie in one arena that goes as a
// whole with the step, so a change costs no allocation and leaves no holes behind.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "storage/database.h"
#include "storage/state_reader.h"

namespace redthread {

// One per thread, and one writer per database: a second transaction over the same database does not see the
// first one's changes, and the later commit wins.
class StateTransaction final : public StateReader {
 public:
  // `database` outlives the transaction.
  explicit StateTransaction(Database* database);

  Status Get(ColumnFamily family, std::string_view key, std::string* value) const override;
  Status Scan(ColumnFamily family, std::string_view begin, std::string_view end,
              const RowVisitor& visit) const override;
  Status ScanBackward(ColumnFamily family, std::string_view begin, std::string_view end,
                      const RowVisitor& visit) const override;

  void Put(ColumnFamily family, std::string_view key, std::string_view value);
  void Delete(ColumnFamily family, std::string_view key);

  // What the changes so far hold of memory, in bytes, values that were replaced meanwhile not counted: what a
  // step watches to stay small.
  size_t pending_bytes() const { return pending_bytes_; }
  bool empty() const { return pending_bytes_ == 0; }

  // Writes all changes in one batch and syncs it, then starts anew, empty. On an error (kIo: disk full or
  // failing; kInvalid: the database is open for reading only) nothing of it is visible and the changes are
  // still here. After kIo the database accepts no more commits until it is opened again: be crash-only.
  Status Commit();

  // Forgets all changes.
  void Abandon();

 private:
  // A row as it will be. Its bytes are in the arena, with room to be written over by a longer value.
  struct Change {
    char* bytes = nullptr;
    size_t size = 0, room = 0;
    bool deleted = false;
    std::string_view value() const { return {bytes, size}; }
  };
  using Changes = std::pmr::map<std::string_view, Change>;
  const Changes& changes(ColumnFamily family) const { return changes_[static_cast<size_t>(family)]; }
  Change* Find(ColumnFamily family, std::string_view key);
  char* Allocate(size_t bytes);

  Database* database_;
  std::pmr::monotonic_buffer_resource arena_;  // of changes_
  std::array<Changes, kColumnFamilies> changes_;
  size_t pending_bytes_ = 0;
};

}  // namespace redthread
