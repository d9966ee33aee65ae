#include "core/field_table.h"

#include <cstring>

namespace redthread {

FieldTable::FieldTable() : slots_(64), mask_(63) {}

// Reads at most 16 bytes from each end of the name: field names differ there, and a key of a hostile megabyte
// costs no more.
uint64_t FieldTable::Hash(std::string_view name) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;
  uint64_t a = 0;
  uint64_t b = 0;
  const size_t n = name.size();
  if (n >= 8) {
    std::memcpy(&a, name.data(), 8);
    std::memcpy(&b, name.data() + n - 8, 8);
    if (n > 16) {
      uint64_t c = 0;
      std::memcpy(&c, name.data() + n / 2 - 4, 8);
      b ^= c * 0xC2B2AE3D27D4EB4F;
    }
  } else if (n >= 4) {
    std::memcpy(&a, name.data(), 4);
    std::memcpy(&b, name.data() + n - 4, 4);
  } else if (n > 0) {
    a = static_cast<unsigned char>(name[0]);
    b = static_cast<unsigned char>(name[n / 2]) << 8 | static_cast<unsigned char>(name[n - 1]);
  }
  uint64_t h = (a ^ (n * kMultiplier)) * kMultiplier;
  h = (h ^ (h >> 32) ^ b) * kMultiplier;
  return h ^ (h >> 29);
}

void FieldTable::Insert(FieldId id) {
  const uint64_t hash = Hash(names_[id]);
  size_t i = hash & mask_;
  while (slots_[i].id != kNoField) i = (i + 1) & mask_;
  slots_[i] = {static_cast<uint32_t>(hash >> 32), id};
}

FieldId FieldTable::Add(std::string_view name) {
  if (const FieldId known = Find(name); known != kNoField) return known;
  const auto id = static_cast<FieldId>(names_.size());
  names_.emplace_back(name);
  heads_.push_back(kNoField);
  if (names_.size() * 2 > slots_.size()) {
    slots_.assign(slots_.size() * 2, {});
    mask_ = slots_.size() - 1;
    for (FieldId i = 0; i <= id; ++i) Insert(i);
  } else {
    Insert(id);
  }
  if (const size_t dot = name.find('.'); dot != std::string_view::npos) {
    const std::string head(name.substr(0, dot));
    heads_[id] = Add(head);
  }
  return id;
}

}  // namespace redthread
