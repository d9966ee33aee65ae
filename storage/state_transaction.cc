#include "storage/state_transaction.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "storage/crash_point.h"
#include "storage/rocks.h"

namespace redthread {

namespace {

// What a change costs beside its bytes: the map's node.
constexpr size_t kChangeOverhead = 88;

template <typename Map, size_t... I>
auto MapsIn(std::pmr::memory_resource* arena, std::index_sequence<I...>) {
  return std::array<Map, sizeof...(I)>{((void)I, Map(arena))...};
}

}  // namespace

StateTransaction::StateTransaction(Database* database)
    : database_(database), changes_(MapsIn<Changes>(&arena_, std::make_index_sequence<kColumnFamilies>())) {}

char* StateTransaction::Allocate(size_t bytes) { return static_cast<char*>(arena_.allocate(bytes, 1)); }

// The change of that row, a new one if there is none.
StateTransaction::Change* StateTransaction::Find(ColumnFamily family, std::string_view key) {
  Changes& changes = changes_[static_cast<size_t>(family)];
  const auto at = changes.lower_bound(key);
  if (at != changes.end() && at->first == key) return &at->second;
  char* const kept = Allocate(key.size());
  std::copy(key.begin(), key.end(), kept);
  pending_bytes_ += kChangeOverhead + key.size();
  return &changes.emplace_hint(at, std::string_view(kept, key.size()), Change())->second;
}

void StateTransaction::Put(ColumnFamily family, std::string_view key, std::string_view value) {
  Change* const change = Find(family, key);
  if (change->room < value.size()) {
    // What is replaced stays where it is until the step ends, so that a row must not grow byte by byte.
    const bool again = change->bytes != nullptr;
    change->room = again ? 2 * value.size() : value.size();
    change->bytes = Allocate(change->room);
  }
  std::copy(value.begin(), value.end(), change->bytes);
  pending_bytes_ += value.size();
  pending_bytes_ -= change->size;
  change->size = value.size();
  change->deleted = false;
}

void StateTransaction::Delete(ColumnFamily family, std::string_view key) {
  Change* const change = Find(family, key);
  pending_bytes_ -= change->size;
  change->size = 0;
  change->deleted = true;
}

Status StateTransaction::Get(ColumnFamily family, std::string_view key, std::string* value) const {
  const auto at = changes(family).find(key);
  if (at == changes(family).end()) return database_->rocks_->Get(nullptr, family, key, value);
  if (at->second.deleted) return Status::NotFound("no such row");
  *value = at->second.value();
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
    if (!own->second.deleted && !visit(own->first, own->second.value())) return Status::Ok();
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
    if (!next->second.deleted && !visit(next->first, next->second.value())) return Status::Ok();
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
    for (const auto& [key, change] : changes_[i]) {
      const rocksdb::Status added = change.deleted ? batch.Delete(family, ToSlice(key))
                                                   : batch.Put(family, ToSlice(key), ToSlice(change.value()));
      if (!added.ok()) return FromRocks(added, "write to", database_->path());
    }
  }
  rocksdb::WriteOptions synced;
  synced.sync = database_->rocks_->sync;
  synced.memtable_insert_hint_per_batch = true;  // the keys of a family come in their order
  CrashPoint("before_commit");
  RT_RETURN_IF_ERROR(FromRocks(database_->rocks_->db->Write(synced, &batch), "commit to", database_->path()));
  CrashPoint("after_commit");
  Abandon();
  return Status::Ok();
}

void StateTransaction::Abandon() {
  for (Changes& changes : changes_) changes.clear();
  arena_.release();
  pending_bytes_ = 0;
}

}  // namespace redthread
