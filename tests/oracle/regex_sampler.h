// RegexSampler: draws texts that a regular expression is likely to match.
//
// It reads the part of RE2's syntax that rules use, and draws while it reads: an atom with a count is read as
// often as it is drawn. What it does not know it takes for literal text; callers check what they got.
#pragma once

#include <string>

#include "tests/oracle/dice.h"

namespace redthread {

class RegexSampler {
 public:
  // All three outlive the sampler's use.
  RegexSampler(const std::u32string& source, Dice* dice) : source_(source), dice_(dice) {}
  std::u32string Draw();

 private:
  std::u32string Alternation();
  std::u32string Sequence();
  std::u32string Repeated();
  std::u32string Atom();
  std::u32string Group();
  std::u32string Class();
  std::u32string Escape();
  char32_t EscapedCodePoint();
  void SkipGroupHead();
  // Reads a count after an atom; how often to draw it.
  size_t Count();
  size_t ReadNumber(size_t if_none);

  bool AtEnd() const { return at_ >= source_.size(); }
  char32_t Peek() const { return AtEnd() ? 0 : source_[at_]; }
  bool Take(char32_t c) {
    if (AtEnd() || source_[at_] != c) return false;
    ++at_;
    return true;
  }

  const std::u32string& source_;
  Dice* dice_;
  size_t at_ = 0;
};

}  // namespace redthread
