// RuleProgram: the rules of a RuleSet, compiled for matching.
//
// Compilation has two steps. Once for the whole set, each rule becomes a boolean expression over shared
// predicates. Then, for each kind of event that really comes (its log-source facts and its EventID), a
// Partition is made on first sight: the rules that can apply there, under the field renames in force, minus
// those that the EventID alone already refutes, with an index of the literals that those rules cannot match
// without. Most rules of a partition are never looked at: only those one of whose necessary literals stands
// in the event are evaluated. docs/decisions/0002-detection.md tells why and what was tried.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/facts_table.h"
#include "core/field_table.h"
#include "core/log_source.h"
#include "correlate/keyword_index.h"
#include "correlate/literal_index.h"
#include "correlate/predicate.h"
#include "rules/rule_set.h"

namespace redthread {

// A boolean expression over predicates; nodes live in one pool, children of a node side by side.
struct ExprNode {
  enum class Op : uint8_t { kPredicate, kNot, kAnd, kOr };
  Op op = Op::kPredicate;
  uint32_t first = 0;  // kPredicate: its number; else the first child
  uint32_t count = 0;  // number of children
};
using ExprIndex = uint32_t;

// What a literal that stands in a text says of a test: that it holds, or only that it may. The owner of a
// literal in an index is such an answer with the test's number, or, without any, a rule that may now match.
inline constexpr uint32_t kHolds = uint32_t{1} << 31;
inline constexpr uint32_t kMayHold = uint32_t{1} << 30;

// All tests that the rules of a view put to one field and that need a literal there, in one index. For long
// texts: one pass answers them all, where test by test a hostile text would be walked thousands of times.
struct FieldTests {
  LiteralIndex index;  // owners: kHolds or kMayHold, and a PredicateId; and what the field's literals own
  std::vector<PredicateId> predicates;  // all in the index: no literal, and the test does not hold
};

// Rules that run on an event under the same field renames, and how to find the few that may match.
struct PartitionView {
  FieldMap renames;              // empty: none
  std::vector<RuleIndex> rules;  // ascending; "owner" below is an index into this
  std::vector<uint32_t> always;  // owners without any necessary literal: evaluated for every event
  // The literals of a field, owned by rules and by the tests they are needed for.
  struct FieldLiterals {
    FieldId field = kNoField;  // the event's name, renames applied; kAnyField: every scalar
    LiteralIndex index;
  };
  std::vector<FieldLiterals> literals;
  std::vector<bool> answered;  // by PredicateId: a test that only holds if `literals` say it does or may
  KeywordIndex keywords;       // over the raw record: in place of walking every scalar, where it can tell
  // The same fields' tests, whole; made when the first long text comes.
  mutable std::mutex tests_mutex;
  mutable std::vector<std::unique_ptr<const FieldTests>> tests;  // by index in `literals`
};

struct Partition {
  std::deque<PartitionView> views;  // a deque: views do not move
  size_t rule_count() const {
    size_t n = 0;
    for (const PartitionView& v : views) n += v.rules.size();
    return n;
  }
};

// Whether a literal that a rule needs in a field (the event's name, or kAnyField) is left out of the
// prefilter.
using NeedFilter = std::function<bool(RuleIndex, FieldId, std::string_view literal, LiteralIndex::Anchor)>;

// Immutable but for the partitions it makes on demand; thread-safe.
class RuleProgram {
 public:
  // Compiles `rules`. `fields` gets every name that some rule asks for (others may have registered theirs
  // before) and is complete afterwards; `facts` and `fields` outlive the program. The rule set is kept.
  // `drop_need` is for tests only: it breaks the prefilter on purpose, to show that a comparison with the
  // slow evaluator would see it broken. Asked while a partition is made, never for an event.
  RuleProgram(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map, FieldTable* fields,
              const FactsTable* facts, NeedFilter drop_need = nullptr);

  // Events of equal facts whose EventIDs are of one class share a partition. `event_id`: text of the event's
  // EventID if it has exactly one, else nothing.
  uint32_t EventIdClass(std::optional<std::string_view> event_id) const;
  // The rules for such events. Valid as long as the program.
  const Partition& PartitionFor(FactsId facts, uint32_t event_id_class) const;

  const RuleSet& rules() const { return *rules_; }
  const FieldTable& fields() const { return *fields_; }
  FieldId event_id_field() const { return event_id_field_; }
  const PredicateTable& predicates() const { return predicates_; }
  const ExprNode& node(ExprIndex i) const { return nodes_[i]; }
  ExprIndex root(RuleIndex rule) const { return roots_[rule]; }
  // The expression of the n-th item of a rule's searches, in the order in which they are written.
  ExprIndex item(RuleIndex rule, size_t n) const { return items_[first_item_[rule] + n]; }
  // The tests of the field view.literals[field]. Valid as long as the view.
  const FieldTests& TestsOf(const PartitionView& view, size_t field) const;

 private:
  enum class Truth : uint8_t { kFalse, kTrue, kUnknown };
  // A literal that must stand in a field.
  struct Need {
    FieldId field = kNoField;  // the rule's name
    std::string literal;
    LiteralIndex::Anchor anchor = LiteralIndex::Anchor::kAnywhere;
    uint32_t answer = 0;  // kHolds or kMayHold, and the test that has the need
    PredicateId test() const { return answer & ~(kHolds | kMayHold); }
  };
  // "At least one of these must be there"; nothing when the expression can hold without any.
  struct NeedSet {
    std::vector<Need> needs;
    double cost = 0;  // the lower, the fewer events have one of them
  };

  ExprIndex CompileSearch(const SearchNode& node);
  ExprIndex CompileItem(const DetectionItem& item);
  ExprIndex CompileValue(FieldId field, const MatchValue& value, bool cased);
  ExprIndex CompileCondition(const ConditionNode& condition, const std::vector<ExprIndex>& searches);
  ExprIndex CompileLogic(const RuleLogic& logic);
  int Effort(ExprIndex i) const;
  ExprIndex Combine(ExprNode::Op op, std::vector<ExprIndex> children);
  ExprIndex Append(ExprNode node);

  std::unique_ptr<Partition> MakePartition(FactsId facts, uint32_t event_id_class) const;
  void CollectTests(ExprIndex i, FieldId field, const FieldMap& renames,
                    std::vector<PredicateId>* tests) const;
  void AddView(const FieldRenames& renames, std::vector<RuleIndex> rules, uint32_t event_id_class,
               Partition* partition) const;
  Truth Evaluate(ExprIndex i, uint32_t event_id_class) const;
  // What must be there for the node to be true (or, negated, false).
  std::optional<NeedSet> Needs(ExprIndex i, bool negated, uint32_t event_id_class) const;
  std::optional<NeedSet> NeedsOf(PredicateId id) const;

  std::shared_ptr<const RuleSet> rules_;
  FieldTable* fields_;
  const FactsTable* facts_;
  NeedFilter drop_need_;
  FieldId event_id_field_;
  PredicateTable predicates_;
  std::vector<ExprNode> nodes_;
  std::vector<ExprIndex> roots_;                          // by RuleIndex
  std::vector<ExprIndex> items_;                          // of all rules, filters left out
  std::vector<size_t> first_item_;                        // by RuleIndex: where a rule's items begin
  std::unordered_map<int64_t, uint32_t> event_id_class_;  // EventIDs that some rule names -> 2, 3, ...
  std::vector<std::string> event_id_text_;                // by class

  mutable std::mutex mutex_;
  mutable std::unordered_map<uint64_t, std::unique_ptr<Partition>> partitions_;  // by facts and EventID class
};

}  // namespace redthread
