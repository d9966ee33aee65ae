// KeywordIndex: which keywords may stand somewhere in a record, seen from the record's raw text in one pass.
//
// Keywords are searched for in every value of an event. Unescaping and folding every value only to find
// nothing would cost more than all other matching, so the raw line is scanned instead (vectorscan, case
// ignored) for a piece of each keyword that JSON writes as it is. Where the raw text could hide such a piece
// (a \u00XX escape, or U+212A, whose lower case is k), Scan says so and the values themselves have to be
// searched.
//
// Built by Add and Build, immutable and thread-safe afterwards; scratch memory is the caller's, one per
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;
struct hs_scratch;

namespace redthread {

class KeywordIndex {
 public:
  // What a thread needs to scan. Grows to fit every index it is used with.
  class Scratch {
   public:
    Scratch() = default;
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class KeywordIndex;
    hs_scratch* scratch_ = nullptr;
    const KeywordIndex* fitted_ = nullptr;  // the last index it was made to fit
  };

  KeywordIndex();
  ~KeywordIndex();
  KeywordIndex(KeywordIndex&&) noexcept;
  KeywordIndex& operator=(KeywordIndex&&) noexcept;

  // `literal`: folded, not empty.
  void Add(std::string_view literal, uint32_t owner);
  void Build();
  bool empty() const { return owners_.empty(); }

  // Sets *owners to those whose literal may stand in the record, each at least once. False when the raw text
  // does not tell: then nothing is said of any owner.
  bool Scan(std::string_view raw, Scratch* scratch, std::vector<uint32_t>* owners) const;

 private:
  struct FreeDatabase {
    void operator()(hs_database* database) const;
  };
  std::vector<std::string> pieces_;            // what is looked for, without duplicates
  std::vector<std::vector<uint32_t>> owners_;  // by piece
  bool blind_ = false;                         // some literal has no piece that raw text is sure to show
  std::unique_ptr<hs_database, FreeDatabase> database_;
};

}  // namespace redthread
