// LiteralIndex: which of many literals stand in a text, found in one pass.
//
// Every literal is entered under one of its four-byte grams, the one that is rarest among all. A text is
// walked byte by byte: four bytes are hashed into a bitmap that nearly always says no; where it says yes, the
// literals with that gram are compared in place. Compared with an automaton this needs no compile time worth
// mentioning and little memory, and its inner loop has neither a branch that is taken nor a dependent load.
//
// Built by Add and Build, immutable and thread-safe afterwards.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace redthread {

class LiteralIndex {
 public:
  // Where in the text a literal must stand.
  enum class Anchor : uint8_t { kAnywhere, kStart, kEnd, kWhole };

  // `owner` is reported whenever the literal, which is not empty, stands in a text.
  void Add(std::string_view literal, Anchor anchor, uint32_t owner);
  void Build();
  bool empty() const { return entries_.empty(); }

  // Calls found(owner) for every literal in `text`; an owner may be reported more than once.
  template <typename Found>
  void Scan(std::string_view text, Found&& found) const {
    if (short_count_ > kFewShort && text.size() > kShortText) {
      ScanShort(text, found);
    } else {
      for (uint32_t e = 0; e < short_count_; ++e) {
        if (StandsSomewhere(entries_[e], text)) Report(entries_[e], found);
      }
    }
    if (text.size() < kGram || short_count_ == entries_.size()) return;
    const char* const p = text.data();
    const size_t last = text.size() - kGram;
    for (size_t i = 0; i <= last; ++i) {
      uint32_t gram;
      std::memcpy(&gram, p + i, kGram);
      const uint32_t h = (gram * kMultiplier) >> shift_;
      if ((bitmap_[h >> 6] >> (h & 63) & 1) == 0) continue;
      for (uint32_t e = FirstWithGram(gram); e < entries_.size() && entries_[e].gram == gram; ++e) {
        if (StandsAt(entries_[e], text, i)) Report(entries_[e], found);
      }
    }
  }

 private:
  static constexpr size_t kGram = 4;
  static constexpr uint32_t kMultiplier = 0x9E3779B1;
  // Up to so many short literals, or in texts up to this size, each is looked for by itself.
  static constexpr uint32_t kFewShort = 4;
  static constexpr size_t kShortText = 512;

  struct Entry {
    uint32_t gram = 0;
    uint32_t literal = 0;  // offset in bytes_
    uint32_t size = 0;
    uint32_t gram_offset = 0;  // of the gram within the literal
    uint32_t owners = 0;       // offset in owners_
    uint32_t owner_count = 0;
    Anchor anchor = Anchor::kAnywhere;
  };
  struct Pending {
    std::string literal;
    Anchor anchor;
    uint32_t owner;
  };

  std::string_view Literal(const Entry& e) const { return {bytes_.data() + e.literal, e.size}; }
  void BuildShort();
  bool StandsSomewhere(const Entry& e, std::string_view text) const;
  // Whether the entry's literal stands in `text` such that its gram is at `at`.
  bool StandsAt(const Entry& e, std::string_view text, size_t at) const {
    if (at < e.gram_offset) return false;
    const size_t begin = at - e.gram_offset;
    if (e.size > text.size() - begin) return false;
    if ((e.anchor == Anchor::kStart || e.anchor == Anchor::kWhole) && begin != 0) return false;
    if ((e.anchor == Anchor::kEnd || e.anchor == Anchor::kWhole) && begin + e.size != text.size())
      return false;
    return std::memcmp(text.data() + begin, bytes_.data() + e.literal, e.size) == 0;
  }
  // The first entry with that gram, or entries_.size().
  uint32_t FirstWithGram(uint32_t gram) const {
    for (uint32_t i = (gram * kMultiplier) >> shift_ & slot_mask_;; i = (i + 1) & slot_mask_) {
      const uint32_t e = slots_[i];
      if (e == kNone || entries_[e].gram == gram)
        return e == kNone ? static_cast<uint32_t>(entries_.size()) : e;
    }
  }
  template <typename Found>
  void Report(const Entry& e, Found& found) const {
    for (uint32_t o = 0; o < e.owner_count; ++o) found(owners_[e.owners + o]);
  }

  // All short literals in one pass: pairs_ says at which two bytes one may begin. Each is reported once.
  template <typename Found>
  void ScanShort(std::string_view text, Found& found) const {
    std::vector<bool> reported(short_count_);
    uint32_t left = short_count_;
    for (size_t i = 0; i < text.size() && left > 0; ++i) {
      const auto first = static_cast<unsigned char>(text[i]);
      const unsigned pair = first | (i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) << 8 : 0u);
      if (!pairs_[pair]) continue;
      for (uint32_t e = short_first_[first]; e < short_first_[first + 1]; ++e) {
        if (reported[e] || !StandsAt(entries_[e], text, i)) continue;
        reported[e] = true;
        --left;
        Report(entries_[e], found);
      }
    }
  }

  static constexpr uint32_t kNone = ~uint32_t{0};

  std::vector<Pending> pending_;  // between Add and Build
  std::string bytes_;
  std::vector<Entry> entries_;  // first those shorter than a gram, then by gram
  std::vector<uint32_t> owners_;
  uint32_t short_count_ = 0;
  std::vector<bool> pairs_;  // of short literals, when there are more than a few: by first and second byte
  std::vector<uint32_t> short_first_;  // by first byte: the first short entry with it; one more at the end
  std::vector<uint64_t> bitmap_;
  uint32_t shift_ = 31;
  std::vector<uint32_t> slots_;  // open addressing over grams: first entry of each
  uint32_t slot_mask_ = 0;
};

}  // namespace redthread
