#include "correlate/detector.h"

#include <algorithm>
#include <bit>

#include "correlate/explain.h"
#include "correlate/field_census.h"

namespace redthread {

namespace {

// Tests that a long text is put to one by one, before all its tests are answered in one pass.
constexpr int kFewTests = 8;
// A text longer than any command line of Windows is looked at for all tests at once, in place of candidates
// first: whoever writes that much in one field will have his candidates.
constexpr size_t kHugeText = 32 << 10;

}  // namespace

Detector::Detector(std::shared_ptr<const RuleProgram> program)
    : program_(std::move(program)), answers_(program_->predicates().size()) {}

void Detector::NextEpoch() {
  // Epochs make clearing free; after 2^30 of them the marks start over.
  if (++epoch_ < (1u << 30)) return;
  std::fill(answers_.begin(), answers_.end(), 0);
  epoch_ = 1;
}

const Partition& Detector::FindPartition(const Event& event, FactsId facts) {
  const uint32_t event_id_class = program_->EventIdClass(OnlyEventId(event, program_->event_id_field()));
  const Partition*& partition = partitions_[uint64_t{facts} << 32 | event_id_class];
  if (partition == nullptr) {
    partition = &program_->PartitionFor(facts, event_id_class);
    for (const PartitionView& view : partition->views) view.keywords.Fit(&scratch_);
  }
  return *partition;
}

void Detector::Match(const Event& event, FactsId facts, std::vector<RuleIndex>* matches) {
  matches->clear();
  ++counters_.events;
  const Partition& partition = FindPartition(event, facts);
  for (const PartitionView& view : partition.views) MatchView(view, event, matches);
  if (partition.views.size() > 1) {
    std::sort(matches->begin(), matches->end());
    matches->erase(std::unique(matches->begin(), matches->end()), matches->end());
  }
  counters_.matches += matches->size();
}

void Detector::MatchView(const PartitionView& view, const Event& event, std::vector<RuleIndex>* matches) {
  NextEpoch();
  answered_ = &view;
  counters_.rules += view.rules.size();
  FindCandidates(view, event);
  for (size_t word = 0; word < candidates_.size(); ++word) {
    for (uint64_t bits = candidates_[word]; bits != 0; bits &= bits - 1) {
      const RuleIndex rule = view.rules[word * 64 + static_cast<size_t>(std::countr_zero(bits))];
      ++counters_.candidates;
      if (Evaluate(program_->root(rule), event, view.renames)) matches->push_back(rule);
    }
  }
}

void Detector::FindCandidates(const PartitionView& view, const Event& event) {
  candidates_.assign((view.rules.size() + 63) / 64, 0);
  long_texts_.clear();
  const auto found = [this](uint32_t said) { Hear(said); };
  for (const uint32_t owner : view.always) found(owner);
  for (size_t n = 0; n < view.literals.size(); ++n) {
    const PartitionView::FieldLiterals& f = view.literals[n];
    if (f.field == kAnyField) {
      ScanKeywords(view, f.index, event);
      continue;
    }
    size_t size = 0;
    const bool huge = event.AnyValue(f.field, [&](NodeIndex i) {
      const auto text = event.FoldedText(i);
      if (!text.has_value()) return false;
      if (text->size() > kHugeText) return true;
      f.index.Scan(*text, found);
      size += text->size();
      return false;
    });
    if (huge) {
      AnswerAll(view, n, event);
    } else if (size > kLongText) {
      long_texts_.push_back({f.field, n, 0});
    }
  }
}

void Detector::ScanKeywords(const PartitionView& view, const LiteralIndex& values, const Event& event) {
  const auto found = [this](uint32_t owner) { candidates_[owner >> 6] |= uint64_t{1} << (owner & 63); };
  if (view.keywords.Scan(event.raw, &scratch_, &candidates_)) return;
  event.AnyScalar([&](NodeIndex i) {
    if (const auto text = event.FoldedText(i); text.has_value()) values.Scan(*text, found);
    return false;
  });
}

// Takes what a literal says: of a test, or that a rule may match.
void Detector::Hear(uint32_t said) {
  if ((said & (kHolds | kMayHold)) == 0) {
    candidates_[said >> 6] |= uint64_t{1} << (said & 63);
    return;
  }
  const PredicateId id = said & ~(kHolds | kMayHold);
  SetAnswer(id, (said & kHolds) != 0 ? Answer::kYes : Answer::kMaybe);
}

// Whether the test is of a long text that has been put to a few tests already, and so is answered now.
bool Detector::AnswerLongText(PredicateId id, const Event& event, const FieldMap& renames) {
  const FieldId field = Renamed(renames, program_->predicates()[id].field);
  for (LongText& text : long_texts_) {
    if (text.field != field || ++text.tests != kFewTests) continue;
    AnswerAll(*answered_, text.literals, event);
    return true;
  }
  return false;
}

// Answers all tests of a field that need a literal, in one pass over its texts, which finds the candidates
// too.
void Detector::AnswerAll(const PartitionView& view, size_t field, const Event& event) {
  const FieldTests& tests = program_->TestsOf(view, field);
  for (const PredicateId id : tests.predicates) SetAnswer(id, Answer::kNo);
  event.AnyValue(view.literals[field].field, [&](NodeIndex i) {
    if (const auto text = event.FoldedText(i); text.has_value())
      tests.index.Scan(*text, [this](uint32_t said) { Hear(said); });
    return false;
  });
}

bool Detector::Evaluate(ExprIndex i, const Event& event, const FieldMap& renames) {
  const ExprNode& n = program_->node(i);
  switch (n.op) {
    case ExprNode::Op::kPredicate:
      return Test(n.first, event, renames);
    case ExprNode::Op::kNot:
      return !Evaluate(n.first, event, renames);
    case ExprNode::Op::kAnd:
      for (uint32_t c = 0; c < n.count; ++c) {
        if (!Evaluate(n.first + c, event, renames)) return false;
      }
      return true;
    case ExprNode::Op::kOr:
      for (uint32_t c = 0; c < n.count; ++c) {
        if (Evaluate(n.first + c, event, renames)) return true;
      }
      return false;
  }
  return false;
}

bool Detector::Test(PredicateId id, const Event& event, const FieldMap& renames) {
  Answer answer = AnswerOf(id);
  if (answer == Answer::kNone && answered_->answered[id]) return false;  // its literals would have spoken
  if (answer == Answer::kNone && !long_texts_.empty() && AnswerLongText(id, event, renames))
    answer = AnswerOf(id);
  if (answer == Answer::kNone || answer == Answer::kMaybe) {
    answer = program_->predicates().Test(id, event, renames) ? Answer::kYes : Answer::kNo;
    SetAnswer(id, answer);
  }
  return answer == Answer::kYes;
}

std::vector<MatchedSelection> Detector::Explain(const Event& event, FactsId facts, RuleIndex rule) {
  for (const PartitionView& view : FindPartition(event, facts).views) {
    if (!std::binary_search(view.rules.begin(), view.rules.end(), rule)) continue;
    if (answered_ != &view) {
      NextEpoch();
      answered_ = &view;
      FindCandidates(view, event);  // for the long texts
    }
    if (!Evaluate(program_->root(rule), event, view.renames)) continue;
    return ExplainMatch(program_->rules().rules[rule].logic,
                        [&](size_t n) { return Evaluate(program_->item(rule, n), event, view.renames); });
  }
  return {};
}

}  // namespace redthread
