// The stored form of a group: what GroupCorrelator::Save writes and Load reads.
#include <algorithm>
#include <bit>

#include "correlate/group_correlator.h"

namespace redthread {
namespace {

constexpr uint8_t kStateVersion = 1;

void SaveTimes(const std::vector<std::optional<Timestamp>>& times, RowWriter* row) {
  for (const std::optional<Timestamp>& time : times) row->OptionalTime(time);
}

bool LoadTimes(RowReader* row, std::vector<std::optional<Timestamp>>* times) {
  return std::all_of(times->begin(), times->end(),
                     [row](std::optional<Timestamp>& time) { return row->OptionalTime(&time); });
}

// Evidence and carried texts go as a match of their own.
void SaveAsMatch(std::vector<Texts> carried, const EvidenceList& evidence, RowWriter* row) {
  CorrelationMatch match;
  match.carried = std::move(carried);
  match.evidence = evidence.items();
  std::string bytes;
  EncodeMatch(match, &bytes);
  row->Bytes(bytes);
}

bool LoadAsMatch(RowReader* row, size_t rules, std::vector<Texts>* carried, EvidenceList* evidence) {
  std::string_view bytes;
  CorrelationMatch match;
  if (!row->Bytes(&bytes) || !DecodeMatch(bytes, MatchPart::kAll, &match)) return false;
  *carried = std::move(match.carried);
  for (const MatchEvidence& e : match.evidence) {
    if (e.rule >= rules) return false;
    evidence->Add(e);
  }
  return true;
}

}  // namespace

Status GroupCorrelator::ForEachKept(const std::function<Status(Timestamp, std::string_view)>& visit) {
  MatchLog::Cursor cursor(&log_);
  while (!cursor.AtEnd()) {
    Timestamp time;
    std::string_view bytes;
    RT_RETURN_IF_ERROR(cursor.Read(&time, &bytes));
    cursor.Next();
    RT_RETURN_IF_ERROR(visit(time, bytes));
  }
  return Status::Ok();
}

// state := version | now | bucket | value | seen, seen lagging | place of the lagging reader | tuples |
// trigger
//          | episode. Places count from the first match that is kept.
void GroupCorrelator::Save(RowWriter* row) const {
  const auto place = [this](const MatchLog::Cursor& cursor) {
    return cursor.position() > log_.begin() ? cursor.position() - log_.begin() : 0;
  };
  row->U8(kStateVersion).OptionalTime(now_).Fixed64(static_cast<uint64_t>(bucket_));
  if (value_ != nullptr) value_->Save(row);
  SaveTimes(seen_, row);
  SaveTimes(seen_lagging_, row);
  row->Varint(place(lagging_)).Varint(new_tuples_).Varint(tuples_.size());
  for (const SeenTuple& seen : tuples_) row->Bytes(seen.tuple).Time(seen.last);
  std::vector<Texts> carried;
  for (const auto& texts : trigger_.carried) carried.emplace_back(texts.begin(), texts.end());
  SaveAsMatch(std::move(carried), trigger_.evidence, row);
  row->U8(episode_.has_value() ? 1 : 0);
  if (!episode_.has_value()) return;
  row->Time(episode_->time).Time(episode_->last_hit).U8(episode_->value.has_value() ? 1 : 0);
  row->Fixed64(std::bit_cast<uint64_t>(episode_->value.value_or(0)));
  row->Time(episode_->first).Time(episode_->last).Varint(episode_->count).Varint(episode_->hits);
  row->Varint(place(included_));
  SaveAsMatch({}, episode_evidence_, row);
}

Status GroupCorrelator::Load(std::string_view state) {
  RowReader row(state);
  uint8_t version = 0;
  uint64_t bucket = 0, place = 0;
  std::vector<Texts> carried;
  const bool whole = row.U8(&version) && version == kStateVersion && row.OptionalTime(&now_) &&
                     row.Fixed64(&bucket) && (value_ == nullptr || value_->Load(&row)) &&
                     LoadTimes(&row, &seen_) && LoadTimes(&row, &seen_lagging_) && row.Varint(&place) &&
                     place <= log_.end() - log_.begin() && LoadTuples(&row) &&
                     LoadAsMatch(&row, rules_->rules.size(), &carried, &trigger_.evidence) &&
                     LoadEpisode(&row);
  if (!whole) return Status::Corrupt("the stored state of a correlation's group cannot be read");
  bucket_ = static_cast<int64_t>(bucket);
  lagging_.Seek(log_.begin() + place);
  for (const Texts& texts : carried) trigger_.carried.emplace_back(texts.begin(), texts.end());
  return Status::Ok();
}

bool GroupCorrelator::LoadTuples(RowReader* row) {
  uint64_t n = 0;
  if (!row->Varint(&new_tuples_) || !row->Varint(&n)) return false;
  for (; n > 0; --n) {
    SeenTuple& seen = tuples_.emplace_back();
    if (!row->Bytes(&seen.tuple) || !row->Time(&seen.last)) return false;
    tuple_places_.emplace(seen.tuple, std::prev(tuples_.end()));
  }
  return true;
}

bool GroupCorrelator::LoadEpisode(RowReader* row) {
  bool open = false, has_value = false;
  if (!row->Flag(&open)) return false;
  if (!open) return true;
  CorrelationAlert& alert = episode_.emplace();
  uint64_t bits = 0, place = 0;
  std::vector<Texts> none;
  if (!row->Time(&alert.time) || !row->Time(&alert.last_hit) || !row->Flag(&has_value) ||
      !row->Fixed64(&bits) || !row->Time(&alert.first) || !row->Time(&alert.last) ||
      !row->Varint(&alert.count) || !row->Varint(&alert.hits) || !row->Varint(&place) ||
      place > log_.end() - log_.begin() ||
      !LoadAsMatch(row, rules_->rules.size(), &none, &episode_evidence_)) {
    return false;
  }
  if (has_value) alert.value = std::bit_cast<double>(bits);
  included_.Seek(log_.begin() + place);
  return true;
}

}  // namespace redthread
