// KeywordIndex: which keywords may stand somewhere in a record, seen from the record's raw text in one pass.
//
// Keywords are searched for in every value of an event. Unescaping and folding every value only to find
// nothing would cost more than all other matching, so the raw line is scanned instead (vectorscan, case
// ignored) for a piece of each keyword that JSON writes as it is. Where the raw text could hide such a piece
// (a \u00XX escape; U+212A, whose lower case is k, as it is or escaped), Scan says so and the values
// themselves have to be searched.
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
  // What a thread needs to scan. It serves every index that was fitted to it.
  class Scratch {
   public:
    Scratch() = default;
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class KeywordIndex;
    hs_scratch* scratch_ = nullptr;
  };

  KeywordIndex();
  ~KeywordIndex();
  KeywordIndex(KeywordIndex&&) noexcept;
  KeywordIndex& operator=(KeywordIndex&&) noexcept;

  // `literal`: folded, not empty.
  void Add(std::string_view literal, uint32_t owner);
  void Build();
  bool empty() const { return owners_.empty(); }

  // Makes the scratch fit this index. Costs as much as scanning a line: once for each index, not for each
  // line.
  void Fit(Scratch* scratch) const;

  // Sets the bits of the owners whose literal may stand in the record. False when the raw text does not tell:
  // then nothing is said of the owners without a bit. `scratch` was fitted to this index; if memory was
  // lacking then, the answer is false.
  bool Scan(std::string_view raw, Scratch* scratch, std::vector<uint64_t>* owners) const;

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
