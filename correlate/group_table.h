// GroupTable: groups in memory by their keys, for lookups that come in bunches.
//
// There are hundreds of thousands of groups and the next match is of any of them, so a lookup is mostly
// waiting for memory, several times, one wait behind the other. Whoever has many keys at hand hashes them
// all, calls Prefetch for each, then Candidate, whose parts it may prefetch in turn, and lastly Find: then
// the waits lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "core/hash.h"

namespace redthread {

// Open addressing with linear probing. Group has `std::string key` and `uint64_t hash`; the table owns it and
// never moves it.
template <typename Group>
class GroupTable {
 public:
  uint64_t Hash(std::string_view key) const { return SeededHash(key, seed_); }

  void Prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
  }
  // The group that Find will look at first; null: none, and Find finds none.
  Group* Candidate(uint64_t hash) const {
    for (size_t i = hash; !slots_.empty(); ++i) {
      const Slot& slot = slots_[i & mask()];
      if (slot.group == nullptr || slot.hash == hash) return slot.group.get();
    }
    return nullptr;
  }
  // Null when there is none.
  Group* Find(uint64_t hash, std::string_view key) const {
    for (size_t i = hash; !slots_.empty(); ++i) {
      const Slot& slot = slots_[i & mask()];
      if (slot.group == nullptr || (slot.hash == hash && slot.group->key == key)) return slot.group.get();
    }
    return nullptr;
  }

  // `group` has key and hash, and is not there yet.
  Group* Insert(std::unique_ptr<Group> group) {
    if (2 * (size_ + 1) > slots_.size()) Grow();
    ++size_;
    const uint64_t hash = group->hash;
    Group* const inserted = group.get();
    Place({hash, std::move(group)});
    return inserted;
  }

  void Erase(Group* group) {
    size_t hole = group->hash & mask();
    while (slots_[hole].group.get() != group) hole = (hole + 1) & mask();
    slots_[hole].group.reset();
    --size_;
    // What would no longer be found behind the hole moves into it.
    for (size_t i = (hole + 1) & mask(); slots_[i].group != nullptr; i = (i + 1) & mask()) {
      const size_t home = slots_[i].hash & mask();
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;
      slots_[hole] = std::move(slots_[i]);
      hole = i;
    }
  }

  void Clear() {
    slots_.clear();
    size_ = 0;
  }
  size_t size() const { return size_; }
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.group != nullptr) visit(slot.group.get());
    }
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    std::unique_ptr<Group> group;  // null: free
  };
  size_t mask() const { return slots_.size() - 1; }
  void Place(Slot&& slot) {
    size_t i = slot.hash & mask();
    while (slots_[i].group != nullptr) i = (i + 1) & mask();
    slots_[i] = std::move(slot);
  }
  void Grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.group != nullptr) Place(std::move(slot));
    }
  }

  const uint64_t seed_ = std::random_device()();
  std::vector<Slot> slots_;  // a power of two of them, at most half in use
  size_t size_ = 0;
};

}  // namespace redthread
