// CorrelationMatch: one match of a rule that a correlation refers to, with all that the correlation may ever
// ask of it, so that the event itself is not needed again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/alert.h"
#include "core/position.h"
#include "core/timestamp.h"
#include "rules/correlation.h"
#include "storage/row.h"

namespace redthread {

// The distinct texts of one field, in the event's order.
using Texts = std::vector<std::string>;

// The event that a match stands on; of a lower correlation's hit those that triggered it.
struct MatchEvidence {
  Timestamp time;
  RuleIndex rule = 0;
  Position position;
  Hash128 raw_hash{};
};

struct CorrelationMatch {
  Timestamp time;
  uint32_t reference = 0;               // index into Correlation::rules
  std::vector<Texts> values;            // by Correlation::fields
  std::vector<Texts> carried;           // by CorrelationPlan::Node::carried
  std::vector<MatchEvidence> evidence;  // one; of a hit up to Alert::kMaxEvidence, in the order of evidence
};

// A match, and the group of a correlation that it belongs to.
struct GroupMatch {
  CorrelationIndex correlation = 0;
  Texts group;
  CorrelationMatch match;
};

// Lists of texts within a row, and back: false when the bytes are none. Lengths are not believed: nothing is
// allocated ahead of the bytes.
void WriteTexts(const Texts& texts, RowWriter* row);
bool ReadTexts(RowReader* row, Texts* texts);
void WriteTextLists(const std::vector<Texts>& lists, RowWriter* row);
bool ReadTextLists(RowReader* row, std::vector<Texts>* lists);

// How much of a match is written or read back: time and reference, the values too, or all.
enum class MatchPart { kHead, kValues, kAll };
// The stored form; a part of it is its beginning. `rules`: the evidence's rules stand there as their places
// among these.
void EncodeMatch(const CorrelationMatch& match, std::string* out, MatchPart part = MatchPart::kAll,
                 const std::vector<RuleIndex>* rules = nullptr);
// The same, behind what the row holds.
void EncodeMatch(const CorrelationMatch& match, RowWriter* row, MatchPart part,
                 const std::vector<RuleIndex>* rules);
// Fills *match as far as `part` says; the rest is left as it is. False when the bytes are no match.
bool DecodeMatch(std::string_view bytes, MatchPart part, CorrelationMatch* match);
// As DecodeMatch, of a stored form without the time, which is its first kMatchTimeBytes.
inline constexpr size_t kMatchTimeBytes = 8;
bool DecodeMatchAt(Timestamp time, std::string_view bytes, MatchPart part, CorrelationMatch* match);
// The position of the first event of a stored form. False when it has none, or is no match.
bool FirstPosition(std::string_view bytes, Position* position);

// Calls visit(tuple) with every combination of one text of each list, spelled unambiguously, up to
// kMaxCombinations. False when there are more: an event whose lists multiply must not stall the rest.
inline constexpr size_t kMaxCombinations = 10'000;
template <typename Visit>
bool ForEachCombination(const std::vector<Texts>& lists, Visit&& visit) {
  for (const Texts& list : lists) {
    if (list.empty()) return true;
  }
  std::vector<size_t> at(lists.size());
  for (size_t n = 0; n < kMaxCombinations; ++n) {
    visit(at);
    size_t i = lists.size();
    while (i > 0 && ++at[i - 1] == lists[i - 1].size()) at[--i] = 0;
    if (i == 0) return true;
  }
  return false;
}

// The combination at `at` as one text: every part stands with its length.
void SpellCombination(const std::vector<Texts>& lists, const std::vector<size_t>& at, std::string* out);

}  // namespace redthread
