#include "correlate/correlation_match.h"

#include <algorithm>

namespace redthread {
namespace {

// How far the event is from the match, near ones in one byte; and back.
uint64_t Zigzag(Timestamp match, Timestamp event) {
  const uint64_t apart = static_cast<uint64_t>(event.ns) - static_cast<uint64_t>(match.ns);
  return apart << 1 ^ (apart >> 63 != 0 ? ~uint64_t{0} : 0);
}
Timestamp UnZigzag(Timestamp match, uint64_t v) {
  const uint64_t apart = v >> 1 ^ ((v & 1) != 0 ? ~uint64_t{0} : 0);
  return {static_cast<int64_t>(static_cast<uint64_t>(match.ns) + apart)};
}

bool ReadEvidence(RowReader* row, Timestamp time, std::vector<MatchEvidence>* evidence) {
  uint64_t n = 0;
  if (!row->Varint(&n)) return false;
  evidence->clear();
  for (; n > 0; --n) {
    MatchEvidence& e = evidence->emplace_back();
    uint64_t apart = 0;
    std::string_view hash;
    if (!row->Varint(&apart) || !row->Varint32(&e.rule) || !row->Varint32(&e.position.source) ||
        !row->Varint32(&e.position.epoch) || !row->Varint(&e.position.index) || !row->Bytes(&hash) ||
        hash.size() != e.raw_hash.size()) {
      return false;
    }
    e.time = UnZigzag(time, apart);
    std::copy(hash.begin(), hash.end(), e.raw_hash.begin());
  }
  return true;
}

}  // namespace

void WriteTexts(const Texts& texts, RowWriter* row) {
  row->Varint(texts.size());
  for (const std::string& text : texts) row->Bytes(text);
}

bool ReadTexts(RowReader* row, Texts* texts) {
  uint64_t size = 0;
  if (!row->Varint(&size)) return false;
  texts->clear();
  for (; size > 0; --size) {
    if (!row->Bytes(&texts->emplace_back())) return false;
  }
  return true;
}

void WriteTextLists(const std::vector<Texts>& lists, RowWriter* row) {
  row->Varint(lists.size());
  for (const Texts& list : lists) WriteTexts(list, row);
}

bool ReadTextLists(RowReader* row, std::vector<Texts>* lists) {
  uint64_t n = 0;
  if (!row->Varint(&n)) return false;
  lists->clear();
  for (; n > 0; --n) {
    if (!ReadTexts(row, &lists->emplace_back())) return false;
  }
  return true;
}

void EncodeMatch(const CorrelationMatch& match, RowWriter* row, MatchPart part,
                 const std::vector<RuleIndex>* rules) {
  row->Time(match.time).Varint(match.reference);
  if (part != MatchPart::kHead) WriteTextLists(match.values, row);
  if (part != MatchPart::kAll) return;
  WriteTextLists(match.carried, row);
  row->Varint(match.evidence.size());
  for (const MatchEvidence& e : match.evidence) {
    RuleIndex rule = e.rule;
    if (rules != nullptr)
      rule = static_cast<RuleIndex>(std::find(rules->begin(), rules->end(), rule) - rules->begin());
    row->Varint(Zigzag(match.time, e.time)).Varint(rule).Varint(e.position.source).Varint(e.position.epoch);
    row->Varint(e.position.index);
    row->Bytes({reinterpret_cast<const char*>(e.raw_hash.data()), e.raw_hash.size()});
  }
}

void EncodeMatch(const CorrelationMatch& match, std::string* out, MatchPart part,
                 const std::vector<RuleIndex>* rules) {
  RowWriter row;
  EncodeMatch(match, &row, part, rules);
  *out = row.payload();
}

bool DecodeMatch(std::string_view bytes, MatchPart part, CorrelationMatch* match) {
  Timestamp time;
  if (!RowReader(bytes).Time(&time)) return false;
  return DecodeMatchAt(time, bytes.substr(kMatchTimeBytes), part, match);
}

bool DecodeMatchAt(Timestamp time, std::string_view bytes, MatchPart part, CorrelationMatch* match) {
  RowReader row(bytes);
  match->time = time;
  if (!row.Varint32(&match->reference)) return false;
  if (part == MatchPart::kHead) return true;
  if (!ReadTextLists(&row, &match->values)) return false;
  if (part == MatchPart::kValues) return true;
  return ReadTextLists(&row, &match->carried) && ReadEvidence(&row, time, &match->evidence);
}

bool FirstPosition(std::string_view bytes, Position* position) {
  RowReader row(bytes);
  Timestamp time;
  uint64_t number = 0, lists = 0, texts = 0;
  bool whole = row.Time(&time) && row.Varint(&number);
  for (int part = 0; whole && part < 2; ++part) {  // values and carried
    std::string_view text;
    for (whole = row.Varint(&lists); whole && lists > 0; --lists) {
      for (whole = row.Varint(&texts); whole && texts > 0; --texts) whole = row.Bytes(&text);
    }
  }
  return whole && row.Varint(&number) && number > 0 && row.Varint(&number) && row.Varint(&number) &&
         row.Varint32(&position->source) && row.Varint32(&position->epoch) && row.Varint(&position->index);
}

void SpellCombination(const std::vector<Texts>& lists, const std::vector<size_t>& at, std::string* out) {
  out->clear();
  for (size_t i = 0; i < lists.size(); ++i) {
    const std::string& text = lists[i][at[i]];
    *out += std::to_string(text.size());
    *out += ':';
    *out += text;
  }
}

}  // namespace redthread
