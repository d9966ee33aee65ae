// A frame: what the records of one partition of a raw topic lead to in one partition of the topic `matches`,
// from one point to another, all of it. One record of `matches` is one frame.
//
// A frame without matches says that there are none: so frames are the progress of their source too, and the
// points from which they reach are their sequence. Whoever reads frames takes what lies beyond the point that
// it knows and nothing else; whoever writes them begins at a point up to which everything is in the topic. So
// each match counts once however often it is written, by whom, and when. Why:
// docs/decisions/0005-pipeline.md.
//
//   frame    := row (storage/row.h) of: 'F' source epoch rules begin end seen greatest flags match*
//   announce := row of: 'A' n source*n
//   source   := bytes: KafkaIdentity          rules := varint: the epoch of the rules that were run
//   begin end := offset:varint index:varint   seen greatest := optional i64   flags := bit 0 at_end, 1 ended
//   match    := kind:u8 behind:varint rule ...            behind: offsets since the match before, or begin
//     kind 0, of a detection rule: time:i64 raw_hash n (name value)*n
//     kind 1, of a correlation: n group*n time:i64 reference:varint values carried rule raw_hash
//   rule     := varint: its place among the identities of the frame, in order of mention; a new one is
//   followed
//               by its 16 bytes
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/alert.h"
#include "core/status.h"
#include "correlate/correlation_match.h"
#include "ingest/kafka_partition.h"
#include "storage/row.h"

namespace redthread {

// A point in what a partition leads to: before the match `index` of the record at `offset`. Index 0 is before
// the record. Only where one record's matches are more than a frame holds does one end within them.
struct FramePoint {
  uint64_t offset = 0;
  uint32_t index = 0;
  auto operator<=>(const FramePoint&) const = default;
};

struct FrameHead {
  std::string source;  // KafkaIdentity::Encode of the raw partition
  uint32_t epoch = 0;  // of that source; 0: the one that it is in
  uint64_t rules = 0;  // the epoch of the rules that were run
  FramePoint begin, end;
  // The greatest of min(event time, when the broker wrote the record) of the source's records up to `end`:
  // what its watermark may rest on. And the greatest event time.
  std::optional<Timestamp> seen, greatest;
  bool at_end = false;  // the source was read to its end, which was `end`
  bool ended = false;   // and nothing more will come: --until-idle
};

// A match of a detection rule, to be folded.
struct FrameFold {
  FramePoint at;
  uint32_t rule = 0;  // place among MatchFrame::rules
  Timestamp time;     // kNoTime: its event has none
  Hash128 raw_hash{};
  AlertGroup group;
};

// A match of a correlation.
struct FrameMatch {
  FramePoint at;
  uint32_t correlation = 0;  // place among MatchFrame::rules
  Texts group;
  // Its one evidence has the offset in place of the index of its position, no source, and for a rule the
  // place among MatchFrame::rules.
  CorrelationMatch match;
};

struct MatchFrame {
  FrameHead head;
  std::vector<std::string> rules;  // identities (IdentityOf) that are mentioned
  std::vector<FrameFold> folds;
  std::vector<FrameMatch> matches;
};

// Writes frames one after another, in its own memory.
class FrameWriter {
 public:
  // Begins a frame; `head.end` is not looked at.
  void Begin(const FrameHead& head);
  // The next match of the record at `offset`, not below the one before.
  void AddFold(uint64_t offset, const std::string& rule, Timestamp time, const Hash128& raw_hash,
               const AlertGroup& group);
  // `rule`: of the match's one evidence.
  void AddMatch(uint64_t offset, const std::string& correlation, const Texts& group,
                const CorrelationMatch& match, const std::string& rule);
  // Of the matches so far.
  size_t bytes() const { return matches_.payload().size(); }
  bool empty() const { return bytes() == 0; }
  // The point behind the last match: of the next one of the same record.
  FramePoint next() const { return next_; }
  // The frame, which reaches to `head.end`; valid until the next Begin.
  std::string_view Finish(const FrameHead& head);

 private:
  void Point(uint8_t kind, uint64_t offset);
  void Rule(const std::string& identity);

  FramePoint begin_, next_;
  uint64_t last_offset_ = 0;
  std::unordered_map<std::string, uint32_t> rules_;
  RowWriter matches_, frame_;
};

// What a record of `matches` says.
enum class FrameKind : uint8_t { kFrame, kAnnounce };
Result<FrameKind> KindOfFrame(std::string_view record);

// Replaces *frame. kCorrupt when it is none.
Status DecodeFrame(std::string_view record, MatchFrame* frame);

// All partitions of all raw topics, KafkaIdentity::Encode each: whoever reads frames waits for these, and for
// no others.
std::string EncodeAnnounce(const std::vector<std::string>& sources);
Result<std::vector<std::string>> DecodeAnnounce(std::string_view record);

}  // namespace redthread
