// LiteralIndex: which of many literals stand in a text, found in one pass.
//
// A literal that may stand anywhere is entered under some of its four-byte grams, the rarest ones, such that
// the text needs to be looked at only every `stride` bytes: wherever the literal stands, one of the places
// looked at lies on an entered gram. There, four bytes are hashed into a bitmap that nearly always says no;
// where it says yes, the literals with that gram are compared in place. Literals bound to the start or the
// end of the text are looked up by its first or last bytes. Compared with an automaton this needs no compile
// time worth mentioning and little memory, and its inner loop has neither a branch that is taken nor a
// dependent load.
//
// Built by Add and Build, immutable and thread-safe afterwards.
#pragma once

#include <algorithm>
#include <array>
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
  // The literals of another index, which is built, with their owners.
  void AddAll(const LiteralIndex& other);
  void Build();
  bool empty() const { return entries_.empty(); }

  // Calls found(owner) for every literal in `text`; an owner may be reported more than once.
  template <typename Found>
  void Scan(std::string_view text, Found&& found) const {
    ScanAlone(text, found);
    ScanAnchored(text, found);
    if (stride_ != 0) ScanAnywhere(text, found);
  }

 private:
  static constexpr size_t kGram = 4;
  static constexpr uint32_t kMultiplier = 0x9E3779B1;
  static constexpr uint32_t kMaxStride = 8;
  static constexpr uint32_t kTripleBits = 14;
  // Up to so many literals that stand alone are each searched for; more are looked for in one pass.
  static constexpr uint32_t kFewAlone = 4;
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr auto kAlone = static_cast<Anchor>(4);  // kind of the windows of entries that stand alone

  struct Entry {
    uint32_t literal = 0;  // offset in bytes_
    uint32_t size = 0;
    uint32_t owners = 0;  // offset in owners_
    uint32_t owner_count = 0;
    Anchor anchor = Anchor::kAnywhere;
  };
  // An entry under a window of four or eight of its bytes; of one that stands alone, up to four.
  struct Window {
    uint64_t key = 0;  // KeyOf
    uint32_t entry = 0;
    uint32_t offset = 0;  // of the window within the literal
  };
  struct Pending {
    std::string literal;
    Anchor anchor;
    uint32_t owner;
  };

  // 1 to 4 bytes, or 8.
  static uint64_t Load(const char* p, size_t size) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < size % kGram; ++i) bytes |= uint64_t{static_cast<unsigned char>(p[i])} << 8 * i;
    if (size == kGram) std::memcpy(&bytes, p, kGram);
    if (size == sizeof bytes) std::memcpy(&bytes, p, sizeof bytes);
    return bytes;
  }
  // Equal windows of literals that are looked up alike have equal keys; others hardly ever.
  static uint64_t KeyOf(uint64_t window, size_t window_size, Anchor anchor, size_t text_size) {
    const uint64_t kind = static_cast<uint64_t>(anchor) << 4 | window_size;
    const uint64_t size = anchor == Anchor::kWhole ? text_size : 0;
    return (window ^ (size << 8 | kind) * 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
  }
  // Up to three bytes at i, zeros for those behind the end.
  static uint32_t ThreeBytes(std::string_view text, size_t i) {
    if (i + kGram > text.size())
      return static_cast<uint32_t>(Load(text.data() + i, std::min<size_t>(3, text.size() - i)));
    uint32_t bytes;
    std::memcpy(&bytes, text.data() + i, kGram);
    return bytes & 0xFFFFFF;
  }
  static uint32_t HashOfTriple(uint32_t three) { return three * kMultiplier >> (32 - kTripleBits); }
  static bool HasBit(const std::vector<uint64_t>& bits, uint32_t i) {
    return (bits[i >> 6] >> (i & 63) & 1) != 0;
  }
  static void SetBit(std::vector<uint64_t>* bits, uint32_t i) { (*bits)[i >> 6] |= uint64_t{1} << (i & 63); }

  static size_t WindowSize(size_t literal_size) {
    return literal_size < sizeof(uint64_t) ? kGram : sizeof(uint64_t);
  }

  std::string_view Literal(const Entry& e) const { return {bytes_.data() + e.literal, e.size}; }
  void MergePending();
  uint32_t ChooseStride();
  void EnterAnchored(uint32_t entry);
  void EnterAnywhere(uint32_t first);
  void BuildAlone();
  void BuildWindows();

  bool StandsSomewhere(const Entry& e, std::string_view text) const;
  // Whether the entry's literal stands in `text` at `begin`, which may lie outside.
  bool StandsAt(const Entry& e, std::string_view text, size_t begin) const {
    if (begin > text.size() || e.size > text.size() - begin) return false;
    if ((e.anchor == Anchor::kStart || e.anchor == Anchor::kWhole) && begin != 0) return false;
    if ((e.anchor == Anchor::kEnd || e.anchor == Anchor::kWhole) && begin + e.size != text.size())
      return false;
    return std::memcmp(text.data() + begin, bytes_.data() + e.literal, e.size) == 0;
  }

  // Calls stands(index of entry) for those with that key that stand where their window is at `at`.
  template <typename Stands>
  void LookUp(uint64_t key, std::string_view text, size_t at, Stands&& stands) const {
    for (uint64_t slot = key >> slot_shift_;; slot = (slot + 1) & slot_mask_) {
      uint32_t w = slots_[slot];
      if (w == kNone) return;
      if (windows_[w].key != key) continue;
      for (; w < windows_.size() && windows_[w].key == key; ++w) {
        if (StandsAt(entries_[windows_[w].entry], text, at - windows_[w].offset)) stands(windows_[w].entry);
      }
      return;
    }
  }
  template <typename Found>
  void Report(const Entry& e, Found& found) const {
    for (uint32_t o = 0; o < e.owner_count; ++o) found(owners_[e.owners + o]);
  }

  template <typename Found>
  void ScanAnywhere(std::string_view text, Found& found) const {
    const char* const p = text.data();
    for (size_t i = 0; i + kGram <= text.size(); i += stride_) {
      uint32_t gram;
      std::memcpy(&gram, p + i, kGram);
      const uint32_t h = (gram * kMultiplier) >> bitmap_shift_;
      if (!HasBit(bitmap_, h)) continue;
      LookUp(KeyOf(gram, kGram, Anchor::kAnywhere, 0), text, i,
             [&](uint32_t entry) { Report(entries_[entry], found); });
    }
  }

  template <typename Found>
  void ScanAnchored(std::string_view text, Found& found) const {
    for (uint32_t n = 0; n < lookup_count_; ++n) {
      const auto [anchor, size] = lookups_[n];
      if (text.size() < size) continue;
      const size_t at = anchor == Anchor::kStart ? 0 : text.size() - size;
      LookUp(KeyOf(Load(text.data() + at, size), size, anchor, text.size()), text, at,
             [&](uint32_t entry) { Report(entries_[entry], found); });
    }
  }

  // The first entries stand alone. When they are many, one pass: pairs_ and triples_ say where one may begin.
  template <typename Found>
  void ScanAlone(std::string_view text, Found& found) const {
    if (alone_count_ <= kFewAlone) {
      for (uint32_t e = 0; e < alone_count_; ++e) {
        if (StandsSomewhere(entries_[e], text)) Report(entries_[e], found);
      }
      return;
    }
    // What a text repeats is reported once, for as many entries as this has bits.
    std::array<uint64_t, 16> reported{};
    const auto report_once = [&](uint32_t entry) {
      const uint64_t bit = entry / 64 < reported.size() ? uint64_t{1} << (entry & 63) : 0;
      if (bit != 0 && (reported[entry / 64] & bit) != 0) return;
      if (bit != 0) reported[entry / 64] |= bit;
      Report(entries_[entry], found);
    };
    const auto look_up = [&](size_t i, size_t size) {
      if (alone_sizes_[size] && size <= text.size() - i)
        LookUp(KeyOf(Load(text.data() + i, size), size, kAlone, 0), text, i, report_once);
    };
    for (size_t i = 0; i < text.size(); ++i) {
      const uint32_t three = ThreeBytes(text, i);
      if (HasBit(pairs_, three & 0xFFFF)) {
        look_up(i, 1);
        look_up(i, 2);
      }
      if (HasBit(triples_, HashOfTriple(three))) {
        look_up(i, 3);
        look_up(i, 4);
      }
    }
  }

  std::vector<Pending> pending_;  // between Add and Build
  std::string bytes_;
  std::vector<Entry> entries_;  // those alone, by literal; then those bound to an end; then the others
  std::vector<uint32_t> owners_;

  uint32_t alone_count_ = 0;
  std::vector<uint64_t> pairs_;    // bitset over two bytes that an entry of at most two begins with
  std::vector<uint64_t> triples_;  // bitset over HashOfTriple of the first three bytes of longer ones
  std::array<bool, kGram + 1> alone_sizes_{};  // sizes of the windows by which they are looked up

  std::vector<Window> windows_;  // by key
  std::vector<uint32_t> slots_;  // open addressing over keys: the first window of each
  uint32_t slot_shift_ = 63;
  uint64_t slot_mask_ = 0;

  std::array<std::pair<Anchor, uint32_t>, 6> lookups_{};  // by which windows to look a text up
  uint32_t lookup_count_ = 0;

  uint32_t stride_ = 0;  // 0: nothing may stand anywhere
  std::vector<uint64_t> bitmap_;
  uint32_t bitmap_shift_ = 31;
};

}  // namespace redthread
