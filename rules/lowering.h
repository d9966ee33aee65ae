// Lowering: from what a rule writes (values and modifiers) to what an event is compared with.
//
// Modifiers are applied in the order written, each to every value. A value that a modifier expands (windash,
// base64offset, expand) stays one value with alternatives, so that `all` asks for one alternative of each.
// Every construct and every refusal: docs/rules.md.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/rule.h"
#include "rules/rule_set.h"

namespace redthread {

// A complaint about one value of an item.
struct LoweringProblem {
  size_t value = 0;   // index into raw_values
  size_t offset = 0;  // in bytes, within the value's text
  std::string message;
};

// Lowers the items of many rules, one after another, and remembers which regexes it has tried. One per
// thread.
class Lowering {
 public:
  // What expanded values of one rule may take together: windash and expand multiply.
  static constexpr size_t kMaxAlternatives = 100'000;
  static constexpr size_t kMaxAlternativeBytes = size_t{16} << 20;
  // Flag dashes in one literal run that windash varies (five to the power of them).
  static constexpr size_t kMaxDashes = 6;
  // What RE2 may use for one regex, program and automata together, in bytes.
  static constexpr size_t kMaxRegexMemory = size_t{8} << 20;

  // `variables` outlives the lowering.
  explicit Lowering(const SiteVariables& variables) : variables_(variables) {}

  // Forgets what was seen of the rule before.
  void BeginRule();

  // Fills values, all, negated and cased from field, modifiers and raw_values. What is wrong is added to
  // *problems; the item must not be used then.
  void Lower(DetectionItem* item, std::vector<LoweringProblem>* problems);

  // Placeholders of this rule that have no values, in order of name: the rule cannot be used without them.
  const std::set<std::string>& missing_placeholders() const { return missing_; }
  // Placeholders of this rule that were replaced.
  const std::set<std::string>& used_placeholders() const { return used_; }

 private:
  class ValueLowering;

  struct RegexCheck {
    std::string error;  // empty when RE2 compiles it
    size_t offset = 0;  // of the offending part
  };
  const RegexCheck& CheckRegex(const MatchRegex& regex);

  const SiteVariables& variables_;
  std::unordered_map<std::string, RegexCheck> regex_checks_;
  std::set<std::string> missing_;
  std::set<std::string> used_;
  size_t alternatives_ = 0;
  size_t alternative_bytes_ = 0;
};

}  // namespace redthread
