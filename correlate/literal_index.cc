#include "correlate/literal_index.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <unordered_map>

namespace redthread {

void LiteralIndex::Add(std::string_view literal, Anchor anchor, uint32_t owner) {
  pending_.push_back({std::string(literal), anchor, owner});
}

void LiteralIndex::Build() {
  // Equal literals share one entry.
  std::sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
    return std::tie(a.literal, a.anchor, a.owner) < std::tie(b.literal, b.anchor, b.owner);
  });
  const auto gram_at = [](const std::string& s, size_t i) {
    uint32_t gram = 0;
    std::memcpy(&gram, s.data() + i, kGram);
    return gram;
  };
  std::unordered_map<uint32_t, uint32_t> frequency;
  for (const Pending& p : pending_) {
    for (size_t i = 0; i + kGram <= p.literal.size(); ++i) ++frequency[gram_at(p.literal, i)];
  }
  for (size_t i = 0; i < pending_.size();) {
    const Pending& p = pending_[i];
    Entry e;
    e.literal = static_cast<uint32_t>(bytes_.size());
    e.size = static_cast<uint32_t>(p.literal.size());
    e.anchor = p.anchor;
    e.owners = static_cast<uint32_t>(owners_.size());
    bytes_ += p.literal;
    for (; i < pending_.size() && pending_[i].literal == p.literal && pending_[i].anchor == p.anchor; ++i) {
      if (e.owner_count == 0 || owners_.back() != pending_[i].owner) {
        owners_.push_back(pending_[i].owner);
        ++e.owner_count;
      }
    }
    uint32_t rarest = ~uint32_t{0};
    for (size_t at = 0; at + kGram <= p.literal.size(); ++at) {
      const uint32_t gram = gram_at(p.literal, at);
      if (frequency[gram] < rarest) {
        rarest = frequency[gram];
        e.gram = gram;
        e.gram_offset = static_cast<uint32_t>(at);
      }
    }
    entries_.push_back(e);
  }
  pending_ = {};
  const auto tail =
      std::stable_partition(entries_.begin(), entries_.end(), [](const Entry& e) { return e.size < kGram; });
  short_count_ = static_cast<uint32_t>(tail - entries_.begin());
  BuildShort();
  std::stable_sort(tail, entries_.end(), [](const Entry& a, const Entry& b) { return a.gram < b.gram; });

  const auto grams = static_cast<uint32_t>(entries_.size() - short_count_);
  // One bit in 32 set at most, so that the bitmap's "yes" is rare; never under 2^9 bits nor over 2^18.
  const int bits = std::clamp(static_cast<int>(std::bit_width(grams * 32)), 9, 18);
  shift_ = static_cast<uint32_t>(32 - bits);
  bitmap_.assign(size_t{1} << (bits - 6), 0);
  slots_.assign(std::bit_ceil(grams * 2 + 2), kNone);
  slot_mask_ = static_cast<uint32_t>(slots_.size() - 1);
  for (uint32_t e = short_count_; e < entries_.size(); ++e) {
    if (e > short_count_ && entries_[e].gram == entries_[e - 1].gram) continue;
    const uint32_t h = (entries_[e].gram * kMultiplier) >> shift_;
    bitmap_[h >> 6] |= uint64_t{1} << (h & 63);
    uint32_t slot = h & slot_mask_;
    while (slots_[slot] != kNone) slot = (slot + 1) & slot_mask_;
    slots_[slot] = e;
  }
}

// Short entries are in the order of their literals, as Build has sorted them, so those with one first byte
// stand together.
void LiteralIndex::BuildShort() {
  if (short_count_ <= kFewShort) return;
  pairs_.assign(1 << 16, false);
  short_first_.assign(257, 0);
  for (uint32_t e = 0; e < short_count_; ++e) {
    const std::string_view literal = Literal(entries_[e]);
    const auto first = static_cast<unsigned char>(literal[0]);
    ++short_first_[first + 1];
    for (unsigned second = 0; second < 256; ++second) {
      if (literal.size() == 1 || second == static_cast<unsigned char>(literal[1]))
        pairs_[first | second << 8] = true;
    }
  }
  for (size_t b = 0; b < 256; ++b) short_first_[b + 1] += short_first_[b];
}

bool LiteralIndex::StandsSomewhere(const Entry& e, std::string_view text) const {
  const std::string_view literal = Literal(e);
  switch (e.anchor) {
    case Anchor::kAnywhere:
      return memmem(text.data(), text.size(), literal.data(), literal.size()) != nullptr;
    case Anchor::kStart:
      return text.starts_with(literal);
    case Anchor::kEnd:
      return text.ends_with(literal);
    case Anchor::kWhole:
      return text == literal;
  }
  return false;
}

}  // namespace redthread
