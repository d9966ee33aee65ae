// Records that are read once more: the part of CorrelationState that finds what it has of them, and puts what
// they are now in its place.
#include <algorithm>
#include <map>

#include "core/hash.h"
#include "correlate/correlation_state.h"
#include "storage/key.h"
#include "storage/row.h"

namespace redthread {

Status CorrelationState::FindMatches(T* t, std::span<const Position> records,
                                     std::map<Position, std::vector<Kept>>* found) {
  PutRows(t);
  const auto note = [&](std::string_view group_key, const StoredMatch& match) {
    const Position position = PositionOf(match.origin);
    if (!std::binary_search(records.begin(), records.end(), position)) return;
    const std::optional<ParsedGroupKey> parsed = ParseGroupKey(group_key);
    if (!parsed.has_value() || !by_identity_.contains(std::string(parsed->identity))) return;
    (*found)[position].push_back({std::string(group_key),
                                  MatchKey(group_key, match.time, match.reference, match.origin),
                                  Checksum(match.bytes)});
  };
  RT_RETURN_IF_ERROR(ScanAllMatches(*t, note));
  // And those in tails.
  const std::string begin = GroupRowKey({});
  std::vector<StoredMatch> tail;
  Status status;
  const auto group = [&](std::string_view row_key, std::string_view value) {
    const Result<GroupRow> row = DecodeGroup(row_key, value);
    status = row.status();
    if (!status.ok()) return false;
    tail.clear();
    status = ReadEntries(row->tail, &tail);
    for (const StoredMatch& match : tail) note(row_key.substr(begin.size()), match);
    return status.ok();
  };
  RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kGroup, begin, PrefixEnd(begin), group));
  return status;
}

Status CorrelationState::Revise(T* t, const std::vector<Kept>& before, std::span<const GroupMatch> now) {
  std::map<std::string_view, const Kept*> gone;
  for (const Kept& kept : before) gone.emplace(kept.match, &kept);
  std::vector<GroupMatch> added;
  std::string bytes;
  for (const GroupMatch& m : now) {
    const std::string key = GroupKey(identities_[m.correlation], m.group);
    EncodeMatch(m.match, &bytes, MatchPart::kAll, &plan_->node(m.correlation).leaf_rules);
    const auto same =
        gone.find(MatchKey(key, m.match.time, m.match.reference, OriginOf(m.match.evidence[0].position)));
    if (same != gone.end() && same->second->hash == Checksum(bytes)) {
      gone.erase(same);
    } else {
      added.push_back(m);
    }
  }
  for (const auto& [match, kept] : gone) {
    const Result<Group*> g = FindByKey(t, kept->group);
    if (!g.ok()) return g.status();
    // What it stood with then may be forgotten.
    if (MatchKeyTime(match).value_or(Timestamp::Min()) < WatermarkOf(**g) - options_.late_horizon) {
      ++counts_.beyond_horizon;
      continue;
    }
    RT_RETURN_IF_ERROR(Remove(t, kept->group, kept->match));
  }
  return Add(t, added);
}

}  // namespace redthread
