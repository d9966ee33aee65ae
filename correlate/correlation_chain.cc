// Hits that are matches of higher correlations: the part of CorrelationState that feeds them upwards, and
// takes them back.
#include <map>

#include "correlate/correlation_state.h"
#include "correlate/sorted_correlator.h"
#include "storage/row.h"

namespace redthread {
namespace {

// A match that a hit became: its group above, its row, and a hash of what the row holds.
struct Fed {
  std::string group, row;
  uint64_t hash = 0;
};

Result<std::vector<Fed>> ReadFed(const StateTransaction& t, std::string_view hit_row) {
  std::vector<Fed> fed;
  std::string value;
  const Status found = t.Get(ColumnFamily::kGroup, hit_row, &value);
  if (found.code() == StatusCode::kNotFound) return fed;
  RT_RETURN_IF_ERROR(found);
  const Result<std::string_view> payload = OpenRow("hit", hit_row, value);
  if (!payload.ok()) return payload.status();
  RowReader in(*payload);
  uint64_t n = 0;
  bool whole = in.Varint(&n);
  for (; whole && n > 0; --n) {
    Fed& f = fed.emplace_back();
    whole = in.Bytes(&f.group) && in.Bytes(&f.row) && in.Fixed64(&f.hash);
  }
  if (!whole) return DamagedRow("hit", hit_row, "it ends too early");
  return fed;
}

}  // namespace

// A hit is a match of the correlations over it. What it was before at that time goes away.
Status CorrelationState::FeedUpwards(T* t, Group* g, const CorrelationHit& hit) {
  if (node(*g).upper.empty()) return Status::Ok();
  struct Match {
    CorrelationIndex upper;
    Texts group;
    CorrelationMatch match;
  };
  std::vector<Match> matches;
  if (!FeedUpper(*plan_, g->correlation, TextsOf(*g), hit,
                 [&](CorrelationIndex upper, const Texts& group, const CorrelationMatch& match) {
                   matches.push_back({upper, group, match});
                 })) {
    ++counts_.cut;
  }
  const std::string hit_row = HitRowKey(g->key, hit.end);
  const Result<std::vector<Fed>> before = ReadFed(*t, hit_row);
  if (!before.ok()) return before.status();
  const MatchOrigin origin = OriginOf(g->key);
  std::map<std::string, Fed> gone;
  for (const Fed& fed : *before) gone.emplace(fed.row, fed);
  RowWriter row;
  row.Varint(matches.size());
  std::vector<const Match*> added;
  for (const Match& m : matches) {
    const std::string key = GroupKey(identities_[m.upper], m.group);
    const std::string match_row = MatchKey(key, m.match.time, m.match.reference, origin);
    std::string bytes;
    EncodeMatch(m.match, &bytes);
    const uint64_t hash = Checksum(bytes);
    row.Bytes(key).Bytes(match_row).Fixed64(hash);
    const auto same = gone.find(match_row);
    if (same != gone.end() && same->second.hash == hash) {
      gone.erase(same);
    } else {
      added.push_back(&m);
    }
  }
  if (added.empty() && gone.empty()) return Status::Ok();
  t->Put(ColumnFamily::kGroup, hit_row, row.Finish(hit_row));
  for (const auto& [match_row, fed] : gone) RT_RETURN_IF_ERROR(Remove(t, fed.group, match_row));
  for (const Match* m : added) {
    const std::string key = GroupKey(identities_[m->upper], m->group);
    const Result<Group*> upper = Find(t, m->upper, m->group, key, groups_.Hash(key));
    if (!upper.ok()) return upper.status();
    RT_RETURN_IF_ERROR(AddMatch(t, *upper, m->match, origin));
  }
  return Status::Ok();
}

Status CorrelationState::RemoveUpwards(T* t, std::string_view hit_row) {
  const Result<std::vector<Fed>> before = ReadFed(*t, hit_row);
  if (!before.ok()) return before.status();
  t->Delete(ColumnFamily::kGroup, hit_row);
  for (const Fed& fed : *before) RT_RETURN_IF_ERROR(Remove(t, fed.group, fed.row));
  return Status::Ok();
}

}  // namespace redthread
