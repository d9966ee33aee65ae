// How `run` keeps the matches of correlations. Byte by byte: docs/state_format.md, "Correlations".
//
// A row a match would be simple, and would cost more than all the rest of correlation, while hardly one of
// the rows was ever read. So a match is written twice, but cheaply:
//   the journal  has the matches of all groups in the order of their coming, one behind the other
//   the tail     of a group are its latest matches. It is in memory while the group is, and part of the
//                group's row whenever that is written
//   blocks       are rows of matches in their order, which a tail becomes when it is long
// The journal is forgotten up to the oldest match that stands nowhere else.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/position.h"
#include "core/status.h"
#include "core/timestamp.h"
#include "correlate/correlation_match.h"
#include "storage/state_transaction.h"

namespace redthread {

// What tells matches of one time and reference apart: where the event is; the lower group of a hit.
using MatchOrigin = std::array<uint8_t, 16>;  // in the order of keys
MatchOrigin OriginOf(const Position& position);
MatchOrigin OriginOf(std::string_view lower_group_key);
// Of an event's; of others anything.
Position PositionOf(const MatchOrigin& origin);

// A match as it is stored; a view. Matches of a group are ordered by time, reference and origin, of which no
// two are the same.
struct StoredMatch {
  Timestamp time;
  uint32_t reference = 0;
  MatchOrigin origin{};
  // When it came behind its place: what GroupRow::deferral was then. Else 0.
  uint64_t deferral = 0;
  std::string_view bytes;  // EncodeMatch, with the rules by their places
  std::string_view entry;  // all of it
};
// Takes apart what lies one behind the other, in the order in which it lies there. kCorrupt when it is none.
Status ReadEntries(std::string_view entries, std::vector<StoredMatch>* matches);
// Orders them; of the same ones the last stays.
void SortMatches(std::vector<StoredMatch>* matches);
// Fills *match as far as `part` says. False when the bytes are no match of rules that stand on `rules`.
bool DecodeStored(const StoredMatch& stored, const std::vector<RuleIndex>& rules, MatchPart part,
                  CorrelationMatch* match);

// The name of a match, which is also the key of a block that begins with it; and its time, nothing when it is
// no such name.
std::string MatchKey(std::string_view group_key, Timestamp time, uint32_t reference,
                     const MatchOrigin& origin);
std::optional<Timestamp> MatchKeyTime(std::string_view match_key);

// ---- blocks, family `match`. They do not overlap.

// Sees a match; false ends the scan. What it sees is valid during the call, which must not write.
using MatchVisitor = std::function<bool(const StoredMatch&)>;
// Visits the matches in blocks with from <= time < to, in order; to = Max: to the end.
Status ScanMatches(const StateReader& reader, std::string_view group_key, Timestamp from, Timestamp to,
                   const MatchVisitor& visit);
// Visits the matches in blocks of all groups.
Status ScanAllMatches(const StateReader& reader,
                      const std::function<void(std::string_view group_key, const StoredMatch&)>& visit);
// Stores entries, in any order; one that is there is replaced. No match in blocks is later than `newest`.
Status StoreMatches(StateTransaction* transaction, std::string_view group_key, std::string_view entries,
                    Timestamp newest);
// The time of the last match in blocks; Timestamp::Min() when there is none.
Result<Timestamp> NewestInBlocks(const StateReader& reader, std::string_view group_key);
Status DeleteMatch(StateTransaction* transaction, std::string_view group_key, std::string_view match_key);
Status DeleteMatchesBefore(StateTransaction* transaction, std::string_view group_key, Timestamp before);

// ---- the journal, family `match`

// The entries of a step, numbered from the first that ever was. One per writer.
class MatchJournal {
 public:
  // Sees an entry as it was appended; views are valid during the call.
  using Visitor =
      std::function<Status(uint64_t number, std::string_view group_key, const StoredMatch& match)>;
  // Reads what an earlier run left; numbers go on behind it.
  Status Open(const StateReader& reader, const Visitor& visit);

  // `match`, `deferral`: as in StoredMatch. `origin`: nothing when it is that of the match's first event.
  // Returns the number of the entry; *entry is valid until the next call.
  uint64_t Append(StateTransaction* transaction, std::string_view group_key, std::string_view match,
                  const std::optional<MatchOrigin>& origin, uint64_t deferral, std::string_view* entry);
  // Writes what was appended into the transaction: call before every commit.
  void Flush(StateTransaction* transaction);
  // Deletes rows without entries of that number or above. Call behind Flush.
  void ForgetBefore(StateTransaction* transaction, uint64_t number);

  uint64_t next() const { return next_; }
  uint64_t bytes() const { return bytes_; }  // of what is not forgotten

 private:
  struct Row {
    uint64_t first, bytes;
  };
  RowWriter row_;
  std::deque<Row> rows_;
  uint64_t row_first_ = 0, next_ = 0, bytes_ = 0;
};

}  // namespace redthread
