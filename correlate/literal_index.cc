#include "correlate/literal_index.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>
#include <unordered_map>

namespace redthread {

namespace {

// What it costs to search a text for one more literal alone, where looking at every byte of it costs 1.
constexpr double kAloneCost = 0.25;
// A larger stride enters each literal more often: up to so many windows that is well spent.
constexpr size_t kMaxStridedWindows = 1 << 14;

}  // namespace

void LiteralIndex::Add(std::string_view literal, Anchor anchor, uint32_t owner) {
  pending_.push_back({std::string(literal), anchor, owner});
}

void LiteralIndex::AddAll(const LiteralIndex& other) {
  for (const Entry& e : other.entries_) {
    for (uint32_t o = 0; o < e.owner_count; ++o) Add(other.Literal(e), e.anchor, other.owners_[e.owners + o]);
  }
}

// Equal literals share one entry; entries_ is in the order of literals.
void LiteralIndex::MergePending() {
  std::sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) {
    return std::tie(a.literal, a.anchor, a.owner) < std::tie(b.literal, b.anchor, b.owner);
  });
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
    entries_.push_back(e);
  }
  pending_ = {};
}

// A stride wants literals of at least stride + 3 bytes; shorter ones then stand alone. Returns the least size
// of those that do not.
uint32_t LiteralIndex::ChooseStride() {
  std::vector<uint32_t> sizes;
  for (const Entry& e : entries_) {
    if (e.anchor == Anchor::kAnywhere) sizes.push_back(e.size);
  }
  std::sort(sizes.begin(), sizes.end());
  const auto shorter = [&sizes](uint32_t size) {
    return static_cast<size_t>(std::lower_bound(sizes.begin(), sizes.end(), size) - sizes.begin());
  };
  uint32_t shortest = kGram;
  double least = std::numeric_limits<double>::infinity();
  for (uint32_t stride = 1; stride <= kMaxStride; stride *= 2) {
    const size_t alone = shorter(stride + kGram - 1);
    const size_t entered = sizes.size() - alone;
    if (stride > 1 && (alone - shorter(kGram) > kFewAlone || entered * stride > kMaxStridedWindows)) break;
    const double cost =
        (alone > kFewAlone ? 1 : kAloneCost * static_cast<double>(alone)) + (entered == 0 ? 0 : 1.0 / stride);
    if (cost >= least) continue;
    least = cost;
    stride_ = entered == 0 ? 0 : stride;
    shortest = stride + kGram - 1;
  }
  return shortest;
}

void LiteralIndex::EnterAnchored(uint32_t entry) {
  const Entry& e = entries_[entry];
  const auto size = static_cast<uint32_t>(WindowSize(e.size));
  const uint32_t offset = e.anchor == Anchor::kStart ? 0 : e.size - size;
  const uint64_t bytes = Load(bytes_.data() + e.literal + offset, size);
  windows_.push_back({KeyOf(bytes, size, e.anchor, e.size), entry, offset});
  const std::pair<Anchor, uint32_t> lookup(e.anchor, size);
  if (std::find(lookups_.begin(), lookups_.begin() + lookup_count_, lookup) ==
      lookups_.begin() + lookup_count_)
    lookups_[lookup_count_++] = lookup;
}

// Enters the literals from `first` on, each under its rarest gram for every place modulo the stride.
void LiteralIndex::EnterAnywhere(uint32_t first) {
  const auto gram_at = [this](const Entry& e, uint32_t at) {
    return static_cast<uint32_t>(Load(bytes_.data() + e.literal + at, kGram));
  };
  std::unordered_map<uint32_t, uint32_t> frequency;
  for (uint32_t entry = first; entry < entries_.size(); ++entry) {
    const Entry& e = entries_[entry];
    for (uint32_t at = 0; at + kGram <= e.size; ++at) ++frequency[gram_at(e, at)];
  }
  const size_t grams = (entries_.size() - first) * stride_;
  // One bit in 32 set at most, so that the bitmap's "yes" is rare; never under 2^9 bits nor over 2^18.
  const int bits = std::clamp(static_cast<int>(std::bit_width(grams * 32)), 9, 18);
  bitmap_shift_ = static_cast<uint32_t>(32 - bits);
  bitmap_.assign(size_t{1} << (bits - 6), 0);
  for (uint32_t entry = first; entry < entries_.size(); ++entry) {
    const Entry& e = entries_[entry];
    for (uint32_t phase = 0; phase < stride_; ++phase) {
      uint32_t best = phase;
      for (uint32_t at = phase; at + kGram <= e.size; at += stride_) {
        if (frequency[gram_at(e, at)] < frequency[gram_at(e, best)]) best = at;
      }
      const uint32_t gram = gram_at(e, best);
      const uint32_t h = (gram * kMultiplier) >> bitmap_shift_;
      SetBit(&bitmap_, h);
      windows_.push_back({KeyOf(gram, kGram, Anchor::kAnywhere, 0), entry, best});
    }
  }
}

void LiteralIndex::Build() {
  MergePending();
  const uint32_t shortest = ChooseStride();
  const auto alone_end = std::stable_partition(entries_.begin(), entries_.end(), [&](const Entry& e) {
    return e.size < (e.anchor == Anchor::kAnywhere ? shortest : kGram);
  });
  const auto anchored_end = std::stable_partition(
      alone_end, entries_.end(), [](const Entry& e) { return e.anchor != Anchor::kAnywhere; });
  alone_count_ = static_cast<uint32_t>(alone_end - entries_.begin());
  const auto first_anywhere = static_cast<uint32_t>(anchored_end - entries_.begin());
  BuildAlone();
  for (uint32_t entry = alone_count_; entry < first_anywhere; ++entry) EnterAnchored(entry);
  if (stride_ != 0) EnterAnywhere(first_anywhere);
  BuildWindows();
}

void LiteralIndex::BuildWindows() {
  std::stable_sort(windows_.begin(), windows_.end(),
                   [](const Window& a, const Window& b) { return a.key < b.key; });
  slots_.assign(std::bit_ceil(windows_.size() * 2 + 2), kNone);
  slot_mask_ = slots_.size() - 1;
  slot_shift_ = static_cast<uint32_t>(64 - std::countr_zero(slots_.size()));
  for (uint32_t w = 0; w < windows_.size(); ++w) {
    if (w > 0 && windows_[w].key == windows_[w - 1].key) continue;
    uint64_t slot = windows_[w].key >> slot_shift_;
    while (slots_[slot] != kNone) slot = (slot + 1) & slot_mask_;
    slots_[slot] = w;
  }
}

void LiteralIndex::BuildAlone() {
  if (alone_count_ <= kFewAlone) return;
  pairs_.assign((1 << 16) / 64, 0);
  triples_.assign((1 << kTripleBits) / 64, 0);
  for (uint32_t entry = 0; entry < alone_count_; ++entry) {
    const std::string_view literal = Literal(entries_[entry]);
    const size_t size = std::min(literal.size(), kGram);
    windows_.push_back({KeyOf(Load(literal.data(), size), size, kAlone, 0), entry, 0});
    alone_sizes_[size] = true;
    const uint32_t three = ThreeBytes(literal, 0);
    if (size > 2) SetBit(&triples_, HashOfTriple(three));
    if (size == 2) SetBit(&pairs_, three);
    for (uint32_t second = 0; size == 1 && second < 256; ++second) SetBit(&pairs_, three | second << 8);
  }
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
