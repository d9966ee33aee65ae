// How matches are kept: the part of CorrelationState that moves them from the journal to tails and blocks,
// and reads them there.
#include <algorithm>

#include "correlate/correlation_state.h"

namespace redthread {
namespace {

// Of groups whose matches are the oldest in the journal, when it is full.
constexpr size_t kSavedAtOnce = 256;

}  // namespace

// Writes what was added, and the groups whose matches the journal would else have to keep.
void CorrelationState::FlushJournal(T* t) {
  journal_.Flush(t);
  while (journal_.bytes() > options_.max_journal_bytes) {
    for (size_t n = 0; n < kSavedAtOnce && !unsaved_.empty(); ++n) PutRow(t, unsaved_.front().group);
    ForgetJournal(t);
  }
}

void CorrelationState::ForgetJournal(T* t) {
  journal_.ForgetBefore(t, unsaved_.empty() ? journal_.next() : unsaved_.front().from);
}

void CorrelationState::AddToTail(Group* g, std::string_view entry, uint64_t number) {
  if (g->unsaved == unsaved_.end()) g->unsaved = unsaved_.insert(unsaved_.end(), {number, g});
  g->row.tail.append(entry);
  ++g->row.added_since;
}

// Makes the tail a block.
Status CorrelationState::StoreTail(T* t, Group* g) {
  if (g->row.tail.empty()) return Status::Ok();
  RT_RETURN_IF_ERROR(StoreMatches(t, g->key, g->row.tail, g->row.newest_in_block));
  g->row.newest_in_block = std::max(g->row.newest_in_block, g->newest_match);
  g->row.tail.clear();
  PutRow(t, g);  // while it is at hand
  return Status::Ok();
}

Status CorrelationState::ForgetMatches(T* t, Group* g, Timestamp before) {
  std::vector<StoredMatch> tail;
  RT_RETURN_IF_ERROR(ReadEntries(g->row.tail, &tail));
  std::string rest;
  for (const StoredMatch& match : tail) {
    if (match.time >= before) rest.append(match.entry);
  }
  g->row.tail = std::move(rest);
  NoteChange(g);
  return g->row.newest_in_block == Timestamp::Min() ? Status::Ok() : DeleteMatchesBefore(t, g->key, before);
}

// Visits the matches of [from, to) in order; as ScanMatches does, but for those in the tail too.
Status CorrelationState::EachMatch(T* t, Group* g, Timestamp from, Timestamp to, const MatchVisitor& visit) {
  if (g->row.newest_in_block >= from) {
    RT_RETURN_IF_ERROR(StoreTail(t, g));
    return ScanMatches(*t, g->key, from, to, visit);
  }
  std::vector<StoredMatch> tail;
  RT_RETURN_IF_ERROR(ReadEntries(g->row.tail, &tail));
  SortMatches(&tail);
  for (const StoredMatch& match : tail) {
    if (match.time < from) continue;
    if ((match.time >= to && to != Timestamp::Max()) || !visit(match)) break;
  }
  return Status::Ok();
}

// What stood in the journal only when an earlier run stopped is in tails again.
Status CorrelationState::ReplayJournal(T* t) {
  return journal_.Open(*t, [&](uint64_t number, std::string_view key, const StoredMatch& match) {
    const Result<Group*> g = FindByKey(t, key);
    if (!g.ok()) return g.status();
    if (*g == nullptr) return KeepForgotten(t, key, match, number);
    // A group may be forgotten before the journal is.
    if (number < (*g)->row.journal_to || match.time < watermark_ - Retention(**g)) return Status::Ok();
    AddToTail(*g, match.entry, number);
    (*g)->newest_match = std::max((*g)->newest_match, match.time);
    NoteSize(*g);
    Evict(t);
    return Status::Ok();
  });
}

// Of a correlation that is not in force: it may come back.
Status CorrelationState::KeepForgotten(T* t, std::string_view key, const StoredMatch& match,
                                       uint64_t number) {
  const std::string row_key = GroupRowKey(key);
  std::string value;
  GroupRow row;
  const Status found = t->Get(ColumnFamily::kGroup, row_key, &value);
  if (found.ok()) {
    Result<GroupRow> read = DecodeGroup(row_key, value);
    if (!read.ok()) return read.status();
    row = std::move(*read);
  } else if (found.code() != StatusCode::kNotFound) {
    return found;
  }
  if (number < row.journal_to) return Status::Ok();
  row.tail.append(match.entry);
  ++row.added_since;
  row.journal_to = number + 1;
  if (row.expires == Timestamp::Min()) {
    row.expires = std::max(match.time, watermark_) + options_.late_horizon;
    t->Put(ColumnFamily::kTimer, ExpiryTimerKey(row.expires, key), "");
  }
  scratch_.Clear();
  t->Put(ColumnFamily::kGroup, row_key, EncodeGroup(row, row_key, &scratch_));
  return Status::Ok();
}

}  // namespace redthread
