// The committed state at one moment, as Database::Snapshot hands it out.
#include <memory>

#include "storage/database.h"
#include "storage/rocks.h"

namespace redthread {

class DatabaseSnapshot final : public StateReader {
 public:
  explicit DatabaseSnapshot(const Database::Rocks* rocks)
      : rocks_(rocks), snapshot_(rocks->db->GetSnapshot()) {}
  ~DatabaseSnapshot() override {
    if (snapshot_ != nullptr) rocks_->db->ReleaseSnapshot(snapshot_);
  }

  Status Get(ColumnFamily family, std::string_view key, std::string* value) const override {
    return rocks_->Get(snapshot_, family, key, value);
  }

  Status Scan(ColumnFamily family, std::string_view begin, std::string_view end,
              const RowVisitor& visit) const override {
    if (!end.empty() && begin >= end) return Status::Ok();
    const rocksdb::Slice from = ToSlice(begin), to = ToSlice(end);
    std::unique_ptr<rocksdb::Iterator> rows = rocks_->NewIterator(snapshot_, family, &from, &to);
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      if (!visit(ToView(rows->key()), ToView(rows->value()))) return Status::Ok();
    }
    return FromRocks(rows->status(), "read from", rocks_->db->GetName());
  }

  Status ScanBackward(ColumnFamily family, std::string_view begin, std::string_view end,
                      const RowVisitor& visit) const override {
    if (!end.empty() && begin >= end) return Status::Ok();
    const rocksdb::Slice from = ToSlice(begin), to = ToSlice(end);
    std::unique_ptr<rocksdb::Iterator> rows = rocks_->NewIterator(snapshot_, family, &from, &to);
    for (rows->SeekToLast(); rows->Valid(); rows->Prev()) {
      if (!visit(ToView(rows->key()), ToView(rows->value()))) return Status::Ok();
    }
    return FromRocks(rows->status(), "read from", rocks_->db->GetName());
  }

 private:
  const Database::Rocks* rocks_;
  const rocksdb::Snapshot* snapshot_;  // null where RocksDB needs none: the database is read-only
};

std::unique_ptr<StateReader> Database::Snapshot() const {
  return std::make_unique<DatabaseSnapshot>(rocks_.get());
}

}  // namespace redthread
