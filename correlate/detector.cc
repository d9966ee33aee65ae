#include "correlate/detector.h"

#include <algorithm>
#include <bit>

#include "correlate/explain.h"

namespace redthread {

namespace {

// Bytes of a field above which all its tests are answered in one pass. Below, testing the few candidates one
// by one is cheaper.
constexpr size_t kLongText = 4096;

}  // namespace

Detector::Detector(std::shared_ptr<const RuleProgram> program)
    : program_(std::move(program)), answers_(program_->predicates().size()) {}

void Detector::NextEpoch() {
  // Epochs make clearing free; after 2^31 of them the marks start over.
  if (++epoch_ < (1u << 31)) return;
  std::fill(answers_.begin(), answers_.end(), 0);
  epoch_ = 1;
}

const Partition& Detector::FindPartition(const Event& event, FactsId facts) {
  std::optional<std::string_view> event_id;
  int values = 0;
  event.AnyValue(program_->event_id_field(), [&](NodeIndex i) {
    event_id = event.Text(i);
    return ++values > 1;
  });
  if (values != 1) event_id.reset();
  const uint32_t event_id_class = program_->EventIdClass(event_id);
  const Partition*& partition = partitions_[uint64_t{facts} << 32 | event_id_class];
  if (partition == nullptr) partition = &program_->PartitionFor(facts, event_id_class);
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
  const auto found = [this](uint32_t owner) { candidates_[owner >> 6] |= uint64_t{1} << (owner & 63); };
  for (const uint32_t owner : view.always) found(owner);
  for (size_t n = 0; n < view.literals.size(); ++n) {
    const PartitionView::FieldLiterals& f = view.literals[n];
    if (f.field == kAnyField) {
      ScanKeywords(view, f.index, event);
      continue;
    }
    size_t size = 0;
    event.AnyValue(f.field, [&](NodeIndex i) {
      const auto text = event.FoldedText(i);
      if (!text.has_value()) return false;
      f.index.Scan(*text, found);
      size += text->size();
      return false;
    });
    if (size > kLongText) AnswerAll(view, n, event);
  }
}

void Detector::ScanKeywords(const PartitionView& view, const LiteralIndex& values, const Event& event) {
  const auto found = [this](uint32_t owner) { candidates_[owner >> 6] |= uint64_t{1} << (owner & 63); };
  if (view.keywords.Scan(event.raw, &scratch_, &owners_)) {
    for (const uint32_t owner : owners_) found(owner);
    return;
  }
  event.AnyScalar([&](NodeIndex i) {
    if (const auto text = event.FoldedText(i); text.has_value()) values.Scan(*text, found);
    return false;
  });
}

// Answers every literal test of a field in one pass over its texts.
void Detector::AnswerAll(const PartitionView& view, size_t field, const Event& event) {
  const FieldTests& tests = program_->TestsOf(view, field);
  for (const PredicateId id : tests.predicates) answers_[id] = epoch_ << 1;
  const auto holds = [this](PredicateId id) { answers_[id] = epoch_ << 1 | 1; };
  event.AnyValue(view.literals[field].field, [&](NodeIndex i) {
    if (const auto text = event.FoldedText(i); text.has_value()) tests.index.Scan(*text, holds);
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
  uint32_t& answer = answers_[id];
  if (answer >> 1 == epoch_) return (answer & 1) != 0;
  const bool holds = program_->predicates().Test(id, event, renames);
  answer = epoch_ << 1 | (holds ? 1 : 0);
  return holds;
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
