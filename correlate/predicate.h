// Predicates: the tests that rules put to fields, each kept once however many rules ask it.
//
// A rule's values, after their modifiers, become predicates: one field, one test. Equal tests of different
// rules share one number, so the detector answers each at most once an event.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.h"
#include "core/field_table.h"
#include "correlate/regex_filter.h"
#include "rules/rule.h"

namespace re2 {
class RE2;
}

namespace redthread {

using PredicateId = uint32_t;

// Stands in for a field: every scalar of the event (keywords).
inline constexpr FieldId kAnyField = kNoField - 1;
// Bytes of a text above which there are ways to answer that would not pay for shorter ones.
inline constexpr size_t kLongText = 4096;

struct Predicate {
  enum class Kind : uint8_t {
    kEquals,
    kStartsWith,
    kEndsWith,
    kContains,  // literal text
    kPattern,   // wildcards elsewhere
    kRegex,
    kNumber,
    kBool,
    kNull,
    kExists,
    kCidr,
    kCompare,
    kTimePart,
    kFieldRef,
  };
  Kind kind = Kind::kEquals;
  bool cased = false;  // compares the text as it is, else folded
  FieldId field = kNoField;
  uint32_t index = 0;  // into the table's store for that kind
};

// Renames in force while a rule runs on a source; empty means none. By FieldId of the rule's name.
using FieldMap = std::vector<FieldId>;

inline FieldId Renamed(const FieldMap& map, FieldId field) { return field < map.size() ? map[field] : field; }

// Built once by Add, immutable and thread-safe afterwards.
class PredicateTable {
 public:
  PredicateTable();
  ~PredicateTable();
  PredicateTable(const PredicateTable&) = delete;
  PredicateTable& operator=(const PredicateTable&) = delete;

  // The number of the test that `value`, no MatchAlternatives, puts to `field` (kAnyField for keywords).
  // `other`: the number of the field that a fieldref names.
  PredicateId Add(FieldId field, const MatchValue& value, bool cased, FieldId other = kNoField);
  // Forgets what only Add needs.
  void Seal();

  const Predicate& operator[](PredicateId id) const { return predicates_[id]; }
  size_t size() const { return predicates_.size(); }

  // Whether the event passes, with the field (and the field a fieldref names) renamed by `map`.
  bool Test(PredicateId id, const Event& event, const FieldMap& map) const;

  // The same of a predicate on one text, as if an event's field had it as its only value, a string.
  bool TestText(PredicateId id, std::string_view text) const;

  // The literal of kEquals, kStartsWith, kEndsWith, kContains; folded unless cased.
  std::string_view Literal(const Predicate& p) const;
  const Pattern& PatternOf(const Predicate& p) const { return patterns_[p.index]; }
  const MatchRegex& RegexOf(const Predicate& p) const { return regexes_[p.index]->spec; }
  const Number& NumberOf(const Predicate& p) const { return numbers_[p.index]; }
  bool BoolOf(const Predicate& p) const { return p.index != 0; }

 private:
  struct LazyRegex {
    MatchRegex spec;
    size_t least_run = 0;  // of `.{N,}`: N; RE2 would build thousands of states to count so far
    mutable std::once_flag once;
    mutable std::unique_ptr<re2::RE2> compiled;
    mutable std::once_flag filter_once;
    mutable std::unique_ptr<const RegexFilter> filter;  // null: none can be made
    const re2::RE2& Get() const;
    bool Matches(std::string_view text) const;
  };
  struct FieldRef {
    FieldId other = kNoField;
    bool open_left = false, open_right = false;
  };
  struct LiteralSpan {
    uint32_t offset = 0, size = 0;
  };

  bool TestScalar(const Predicate& p, const Event& event, NodeIndex i) const;
  bool TestString(const Predicate& p, std::string_view text) const;
  bool TestNumber(const Predicate& p, const Number& number) const;
  bool TestFieldRef(const Predicate& p, const Event& event, const FieldMap& map) const;
  uint32_t AddLiteral(std::string_view text);

  std::vector<Predicate> predicates_;
  std::string literal_bytes_;
  std::vector<LiteralSpan> literals_;
  std::vector<Pattern> patterns_;
  std::deque<std::unique_ptr<LazyRegex>> regexes_;
  std::vector<Number> numbers_;
  std::vector<Cidr> cidrs_;
  std::vector<MatchCompare> compares_;
  std::vector<MatchTimePart> time_parts_;
  std::vector<FieldRef> field_refs_;
  std::unordered_map<std::string, PredicateId> known_;  // by a canonical spelling of (field, test)
};

}  // namespace redthread
