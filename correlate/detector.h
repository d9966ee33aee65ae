// Detector: Event -> the rules that match it.
//
// Holds the scratch memory of one thread over a shared RuleProgram; nothing is allocated per event once the
// scratch has grown. One per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/detection.h"
#include "core/event.h"
#include "core/log_source.h"
#include "correlate/rule_program.h"

namespace redthread {

class Detector {
 public:
  explicit Detector(std::shared_ptr<const RuleProgram> program);

  // Replaces *matches by the rules that match, ascending. `event` was cleared with the program's field table.
  void Match(const Event& event, FactsId facts, std::vector<RuleIndex>* matches);

  // Which search identifiers of a rule hold for the event, each with the fields that made it true. For
  // output; slow.
  std::vector<MatchedSelection> Explain(const Event& event, FactsId facts, RuleIndex rule);

  const RuleProgram& program() const { return *program_; }

  // How much work the events so far were: for benchmarks and for tests of the prefilter.
  struct Counters {
    uint64_t events = 0;
    uint64_t rules = 0;       // rules of the partitions that the events came to
    uint64_t candidates = 0;  // of those, evaluated
    uint64_t matches = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  enum class Answer : uint8_t { kNone, kNo, kYes, kMaybe };
  Answer AnswerOf(PredicateId id) const {
    return answers_[id] >> 2 == epoch_ ? static_cast<Answer>(answers_[id] & 3) : Answer::kNone;
  }
  void SetAnswer(PredicateId id, Answer answer) {
    answers_[id] = epoch_ << 2 | static_cast<uint32_t>(answer);
  }

  const Partition& FindPartition(const Event& event, FactsId facts);
  void MatchView(const PartitionView& view, const Event& event, std::vector<RuleIndex>* matches);
  void FindCandidates(const PartitionView& view, const Event& event);
  void ScanKeywords(const PartitionView& view, const LiteralIndex& values, const Event& event);
  bool AnswerLongText(PredicateId id, const Event& event, const FieldMap& renames);
  void Hear(uint32_t said);
  void AnswerAll(const PartitionView& view, size_t field, const Event& event);
  bool Evaluate(ExprIndex i, const Event& event, const FieldMap& renames);
  bool Test(PredicateId id, const Event& event, const FieldMap& renames);
  void NextEpoch();

  std::shared_ptr<const RuleProgram> program_;
  std::unordered_map<uint64_t, const Partition*>
      partitions_;                 // this thread's copy of what the program has made
  std::vector<uint32_t> answers_;  // by predicate: 4 * epoch + answer
  uint32_t epoch_ = 0;
  const PartitionView* answered_ = nullptr;  // the view of the event at hand that answers_ are of
  struct LongText {
    FieldId field = kNoField;
    size_t literals = 0;  // index in the view's literals
    int tests = 0;        // so far
  };
  std::vector<LongText> long_texts_;  // of the event at hand
  std::vector<uint64_t> candidates_;  // bitset over a view's owners
  KeywordIndex::Scratch scratch_;
  Counters counters_;
};

}  // namespace redthread
