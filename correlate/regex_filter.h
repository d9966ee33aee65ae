// RegexFilter: whether a regular expression may match a long text, at a cost that no text can drive up.
//
// RE2 is exact and never exponential, but an expression with counted repetitions, [^"]{0,64}, has so many
// states that a hostile text makes it build new ones all the way: a hundred times its usual cost. vectorscan
// counts instead, so such expressions are put to it first, in its prefilter mode, whose "no" is sure.
//
// Immutable and thread-safe; scratch memory is the thread's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "rules/rule.h"

struct hs_database;

namespace redthread {

class RegexFilter {
 public:
  enum class Texts : uint8_t { kAscii, kUtf8 };
  static Texts KindOf(std::string_view text);

  // For texts of one kind: those of ASCII are four times as fast. Null where the two libraries do not read
  // the expression alike, so that a "no" would not be sure.
  static std::unique_ptr<const RegexFilter> Make(const MatchRegex& regex, Texts texts);

  // False: no match, surely. `text` is of that kind, and valid.
  bool MayMatch(std::string_view text) const;

 private:
  struct FreeDatabase {
    void operator()(hs_database* database) const;
  };
  explicit RegexFilter(hs_database* database) : database_(database) {}

  std::unique_ptr<hs_database, FreeDatabase> database_;
};

}  // namespace redthread
