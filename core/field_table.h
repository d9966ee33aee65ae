// FieldTable: the field names that somebody (a rule, the classifier, the clock) asks for, each with a small
// number.
//
// A decoder looks every key of a record up once; from then on fields are found by number. Built when a rule
// set is loaded, immutable and thread-safe afterwards; it outlives every Event that was cleared with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

using FieldId = uint32_t;
inline constexpr FieldId kNoField = ~FieldId{0};

class FieldTable {
 public:
  FieldTable();

  // The number of `name`, given to it if it has none yet. Of a name with dots the part before the first dot
  // gets one too, so that the object in which a path begins is found by number.
  FieldId Add(std::string_view name);

  // kNoField when nobody asked for `name`.
  FieldId Find(std::string_view name) const {
    const uint64_t hash = Hash(name);
    for (size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& s = slots_[i];
      if (s.id == kNoField) return kNoField;
      if (s.hash == static_cast<uint32_t>(hash >> 32) && names_[s.id] == name) return s.id;
    }
  }

  const std::string& Name(FieldId id) const { return names_[id]; }
  // Of a name with dots the number of the part before the first dot, else kNoField.
  FieldId Head(FieldId id) const { return heads_[id]; }
  size_t size() const { return names_.size(); }

 private:
  struct Slot {
    uint32_t hash = 0;
    FieldId id = kNoField;
  };
  static uint64_t Hash(std::string_view name);
  void Insert(FieldId id);

  std::vector<std::string> names_;
  std::vector<FieldId> heads_;
  std::vector<Slot> slots_;  // open addressing, at most half full
  size_t mask_ = 0;
};

}  // namespace redthread
