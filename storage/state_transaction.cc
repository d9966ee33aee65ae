#include "storage/state_transaction.h"

#include <rocksdb/write_batch.h>

#include <iterator>
#include <utility>

#include "storage/crash_point.h"
#include "storage/rocks.h"

namespace redthread {

namespace {

// What a change costs beside its bytes: the map's node and two strings.
constexpr size_t kChangeOverhead = 112;

}  // namespace

StateTransaction::StateTransaction(Database* database) : database_(database) {}

void StateTransaction::Set(ColumnFamily family, std::string_view key, std::optional<std::string> value) {
  Changes& changes = changes_[static_cast<size_t>(family)];
  const size_t added = value ? value->size() : 0;
  const auto at = changes.lower_bound(key);
  if (at != changes.end() && at->first == key) {
    pending_bytes_ += added;
    pending_bytes_ -= at->second ? at->second->size() : 0;
    at->second = std::move(value);
    return;
  }
  pending_bytes_ += kChangeOverhead + key.size() + added;
  changes.emplace_hint(at, std::string(key), std::move(value));
}

void StateTransaction::Put(ColumnFamily family, std::string_view key, std::string_view value) {
  Set(family, key, std::string(value));
}

void StateTransaction::Delete(ColumnFamily family, std::string_view key) { Set(family, key, std::nullopt); }

Status StateTransaction::Get(ColumnFamily family, std::string_view key, std::string* value) const {
  const auto at = changes(family).find(key);
  if (at == changes(family).end()) return database_->rocks_->Get(nullptr, family, key, value);
  if (!at->second) return Status::NotFound("no such row");
  *value = *at->second;
  return Status::Ok();
}

Status StateTransaction::Scan(ColumnFamily family, std::string_view begin, std::string_view end,
                              const RowVisitor& visit) const {
  if (!end.empty() && begin >= end) return Status::Ok();
  const rocksdb::Slice from = ToSlice(begin), to = ToSlice(end);
  const auto rows = database_->rocks_->NewIterator(nullptr, family, &from, &to);
  rows->SeekToFirst();
  auto own = changes(family).lower_bound(begin);
  const auto own_end = end.empty() ? changes(family).end() : changes(family).lower_bound(end);
  while (rows->Valid() || (own != own_end && rows->status().ok())) {
    const int order = !rows->Valid() ? 1 : own == own_end ? -1 : ToView(rows->key()).compare(own->first);
    if (order < 0) {
      if (!visit(ToView(rows->key()), ToView(rows->value()))) return Status::Ok();
      rows->Next();
      continue;
    }
    if (order == 0) rows->Next();  // the own change hides it
    if (own->second && !visit(own->first, *own->second)) return Status::Ok();
    ++own;
  }
  return FromRocks(rows->status(), "read from", database_->path());
}

Status StateTransaction::ScanBackward(ColumnFamily family, std::string_view begin, std::string_view end,
                                      const RowVisitor& visit) const {
  if (!end.empty() && begin >= end) return Status::Ok();
  const rocksdb::Slice from = ToSlice(begin), to = ToSlice(end);
  const auto rows = database_->rocks_->NewIterator(nullptr, family, &from, &to);
  rows->SeekToLast();
  const auto own_begin = changes(family).lower_bound(begin);
  auto own = end.empty() ? changes(family).end() : changes(family).lower_bound(end);  // one past the next
  while (rows->Valid() || (own != own_begin && rows->status().ok())) {
    const auto next = own == own_begin ? own : std::prev(own);
    const int order = !rows->Valid() ? -1 : own == own_begin ? 1 : ToView(rows->key()).compare(next->first);
    if (order > 0) {
      if (!visit(ToView(rows->key()), ToView(rows->value()))) return Status::Ok();
      rows->Prev();
      continue;
    }
    if (order == 0) rows->Prev();  // the own change hides it
    if (next->second && !visit(next->first, *next->second)) return Status::Ok();
    own = next;
  }
  return FromRocks(rows->status(), "read from", database_->path());
}

Status StateTransaction::Commit() {
  if (database_->rocks_->read_only) {
    return Status::Invalid(database_->path() + " is open for reading only");
  }
  if (empty()) return Status::Ok();
  rocksdb::WriteBatch batch(pending_bytes_);
  for (size_t i = 0; i < kColumnFamilies; ++i) {
    rocksdb::ColumnFamilyHandle* family = database_->rocks_->families[i];
    for (const auto& [key, value] : changes_[i]) {
      const rocksdb::Status added =
          value ? batch.Put(family, ToSlice(key), ToSlice(*value)) : batch.Delete(family, ToSlice(key));
      if (!added.ok()) return FromRocks(added, "write to", database_->path());
    }
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  CrashPoint("before_commit");
  RT_RETURN_IF_ERROR(FromRocks(database_->rocks_->db->Write(synced, &batch), "commit to", database_->path()));
  CrashPoint("after_commit");
  Abandon();
  return Status::Ok();
}

void StateTransaction::Abandon() {
  for (Changes& changes : changes_) changes.clear();
  pending_bytes_ = 0;
}

}  // namespace redthread
