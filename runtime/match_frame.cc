#include "runtime/match_frame.h"

#include <algorithm>
#include <cstring>

namespace redthread {
namespace {

constexpr uint8_t kFrameMark = 'F';
constexpr uint8_t kAnnounceMark = 'A';
constexpr uint8_t kFold = 0;
constexpr uint8_t kMatch = 1;
constexpr uint8_t kAtEnd = 1;
constexpr uint8_t kEnded = 2;
// Rows of a topic have no key that they could stand under wrongly.
constexpr std::string_view kNoKey;

std::string_view BytesOf(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

bool ReadHash(RowReader* in, Hash128* hash) {
  std::string_view bytes;
  if (!in->Bytes(&bytes) || bytes.size() != hash->size()) return false;
  std::memcpy(hash->data(), bytes.data(), bytes.size());
  return true;
}

void WritePoint(const FramePoint& point, RowWriter* out) { out->Varint(point.offset).Varint(point.index); }
bool ReadPoint(RowReader* in, FramePoint* point) {
  return in->Varint(&point->offset) && in->Varint32(&point->index);
}

Status Damaged(const char* why) { return DamagedRow("frame of matches", kNoKey, why); }

// Reads the matches of a frame.
class MatchReader {
 public:
  MatchReader(std::string_view bytes, MatchFrame* frame)
      : in_(bytes), frame_(frame), at_(frame->head.begin) {}

  // False when the bytes are no matches.
  bool ReadAll() {
    for (bool first = true; !in_.AtEnd(); first = false) {
      uint8_t kind = 0;
      uint64_t behind = 0;
      if (!in_.U8(&kind) || !in_.Varint(&behind)) return false;
      if (behind > 0) {
        at_ = {at_.offset + behind, 0};
      } else if (!first) {
        ++at_.index;
      }
      if (at_ >= frame_->head.end) return false;
      if (!(kind == kFold ? ReadFold() : kind == kMatch && ReadMatch())) return false;
    }
    return true;
  }

 private:
  bool ReadRule(uint32_t* rule) {
    if (!in_.Varint32(rule) || *rule > frame_->rules.size()) return false;
    return *rule < frame_->rules.size() || in_.Bytes(&frame_->rules.emplace_back());
  }

  bool ReadFold() {
    FrameFold& fold = frame_->folds.emplace_back();
    fold.at = at_;
    uint64_t n = 0;
    if (!ReadRule(&fold.rule) || !in_.Time(&fold.time) || !ReadHash(&in_, &fold.raw_hash) || !in_.Varint(&n))
      return false;
    for (; n > 0; --n) {
      auto& [name, value] = fold.group.emplace_back();
      if (!in_.Bytes(&name) || !in_.Bytes(&value)) return false;
    }
    return true;
  }

  bool ReadMatch() {
    FrameMatch& m = frame_->matches.emplace_back();
    m.at = at_;
    MatchEvidence& evidence = m.match.evidence.emplace_back();
    if (!ReadRule(&m.correlation) || !ReadTexts(&in_, &m.group) || !in_.Time(&m.match.time) ||
        !in_.Varint32(&m.match.reference) || !ReadTextLists(&in_, &m.match.values) ||
        !ReadTextLists(&in_, &m.match.carried) || !ReadRule(&evidence.rule) ||
        !ReadHash(&in_, &evidence.raw_hash))
      return false;
    evidence.time = m.match.time;
    evidence.position.index = at_.offset;
    return true;
  }

  RowReader in_;
  MatchFrame* frame_;
  FramePoint at_;
};

}  // namespace

// ---- writing

void FrameWriter::Begin(const FrameHead& head) {
  begin_ = next_ = head.begin;
  last_offset_ = head.begin.offset;
  rules_.clear();
  matches_.Clear();
}

void FrameWriter::Point(uint8_t kind, uint64_t offset) {
  if (offset != next_.offset) next_ = {offset, 0};
  matches_.U8(kind).Varint(offset - last_offset_);
  last_offset_ = offset;
  ++next_.index;
}

void FrameWriter::Rule(const std::string& identity) {
  const auto [place, is_new] = rules_.try_emplace(identity, static_cast<uint32_t>(rules_.size()));
  matches_.Varint(place->second);
  if (is_new) matches_.Bytes(identity);
}

void FrameWriter::AddFold(uint64_t offset, const std::string& rule, Timestamp time, const Hash128& raw_hash,
                          const AlertGroup& group) {
  Point(kFold, offset);
  Rule(rule);
  matches_.Time(time).Bytes(BytesOf(raw_hash)).Varint(group.size());
  for (const auto& [name, value] : group) matches_.Bytes(name).Bytes(value);
}

void FrameWriter::AddMatch(uint64_t offset, const std::string& correlation, const Texts& group,
                           const CorrelationMatch& match, const std::string& rule) {
  Point(kMatch, offset);
  Rule(correlation);
  WriteTexts(group, &matches_);
  matches_.Time(match.time).Varint(match.reference);
  WriteTextLists(match.values, &matches_);
  WriteTextLists(match.carried, &matches_);
  Rule(rule);
  matches_.Bytes(BytesOf(match.evidence.front().raw_hash));
}

std::string_view FrameWriter::Finish(const FrameHead& head) {
  frame_.Clear();
  frame_.U8(kFrameMark).Bytes(head.source).Varint(head.epoch).Varint(head.rules);
  WritePoint(head.begin, &frame_);
  WritePoint(head.end, &frame_);
  frame_.OptionalTime(head.seen).OptionalTime(head.greatest);
  frame_.U8(static_cast<uint8_t>((head.at_end ? kAtEnd : 0) | (head.ended ? kEnded : 0)));
  frame_.Append(matches_.payload());
  return frame_.Finish(kNoKey);
}

std::string EncodeAnnounce(const std::vector<std::string>& sources) {
  RowWriter out;
  out.U8(kAnnounceMark).Varint(sources.size());
  for (const std::string& source : sources) out.Bytes(source);
  return out.Finish(kNoKey);
}

// ---- reading

Result<FrameKind> KindOfFrame(std::string_view record) {
  const Result<std::string_view> payload = OpenRow("frame of matches", kNoKey, record);
  if (!payload.ok()) return payload.status();
  uint8_t mark = 0;
  if (!RowReader(*payload).U8(&mark)) return Damaged("it is empty");
  if (mark == kFrameMark) return FrameKind::kFrame;
  if (mark == kAnnounceMark) return FrameKind::kAnnounce;
  return Damaged("it is of no kind that this version knows");
}

Status DecodeFrame(std::string_view record, MatchFrame* frame) {
  frame->head = {};
  frame->rules.clear();
  frame->folds.clear();
  frame->matches.clear();
  const Result<std::string_view> payload = OpenRow("frame of matches", kNoKey, record);
  if (!payload.ok()) return payload.status();
  RowReader in(*payload);
  FrameHead& head = frame->head;
  uint8_t mark = 0;
  uint8_t flags = 0;
  const bool whole = in.U8(&mark) && mark == kFrameMark && in.Bytes(&head.source) &&
                     in.Varint32(&head.epoch) && in.Varint(&head.rules) && ReadPoint(&in, &head.begin) &&
                     ReadPoint(&in, &head.end) && in.OptionalTime(&head.seen) &&
                     in.OptionalTime(&head.greatest) && in.U8(&flags);
  if (!whole || head.end < head.begin) return Damaged("its head makes no sense");
  head.at_end = (flags & kAtEnd) != 0;
  head.ended = (flags & kEnded) != 0;
  return MatchReader(in.rest(), frame).ReadAll() ? Status::Ok() : Damaged("its matches make no sense");
}

Result<std::vector<std::string>> DecodeAnnounce(std::string_view record) {
  const Result<std::string_view> payload = OpenRow("frame of matches", kNoKey, record);
  if (!payload.ok()) return payload.status();
  RowReader in(*payload);
  uint8_t mark = 0;
  uint64_t n = 0;
  if (!in.U8(&mark) || mark != kAnnounceMark || !in.Varint(&n)) return Damaged("it announces nothing");
  std::vector<std::string> sources;
  for (; n > 0; --n) {
    if (!in.Bytes(&sources.emplace_back())) return Damaged("it ends too early");
  }
  return sources;
}

}  // namespace redthread
