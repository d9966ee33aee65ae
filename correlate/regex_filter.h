// RegexFilter: whether a regular expression may match a long text, at a cost that no text can drive up.
//
// RE2 is exact and never exponential, but an expression with counted repetitions, [^"]{0,64}, has so many
// states that a hostile text makes it build new ones all the way: a hundred times its usual cost. vectorscan
// counts instead, so such expressions are put to it first, in its prefilter mode, whose "no" is sure.
//
// In its UTF-8 mode vectorscan is four times as slow. An expression that is all ASCII cannot tell code points
// beyond ASCII from one another, so it is shown a text in which each of them is one byte.
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
  // Null where the two libraries do not read the expression alike, so that a "no" would not be sure.
  static std::unique_ptr<const RegexFilter> Make(const MatchRegex& regex);

  // False: no match, surely. `text` is valid UTF-8.
  bool MayMatch(std::string_view text) const;

 private:
  struct FreeDatabase {
    void operator()(hs_database* database) const;
  };
  // What it is shown of a text.
  enum class View : uint8_t { kUtf8, kBytes, kBytesIgnoringCase };
  RegexFilter(hs_database* database, View view) : database_(database), view_(view) {}
  static View ViewFor(const MatchRegex& regex);

  std::unique_ptr<hs_database, FreeDatabase> database_;
  View view_;
};

}  // namespace redthread
