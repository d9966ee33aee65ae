#include "correlate/match_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>
#include <vector>

#include "core/hash.h"
#include "storage/key.h"

namespace redthread {
namespace {

// What a row of the family is; folds have 'f'.
constexpr char kBlock = 'b', kJournal = 'j';
// Entries of a block, but for one that is larger by itself; of a row of the journal about.
constexpr size_t kBlockBytes = 4096, kJournalRowBytes = size_t{64} << 10;
// Flags of an entry.
constexpr uint8_t kHasOrigin = 1, kHasDeferral = 2;
constexpr size_t kKeyTail =
    sizeof(int64_t) + sizeof(uint32_t) + sizeof(MatchOrigin);  // time, reference, origin

std::string_view BytesOf(const MatchOrigin& origin) {
  return {reinterpret_cast<const char*>(origin.data()), origin.size()};
}

bool Before(const StoredMatch& a, const StoredMatch& b) {
  return std::tie(a.time, a.reference, a.origin) < std::tie(b.time, b.reference, b.origin);
}
bool Same(const StoredMatch& a, const StoredMatch& b) { return !Before(a, b) && !Before(b, a); }

std::string BlocksFrom(std::string_view group_key, Timestamp time) {
  return std::string(1, kBlock).append(group_key) + KeyWriter('\0').Time(time).str().substr(1);
}
std::string BlocksBegin(std::string_view group_key) { return std::string(1, kBlock).append(group_key); }
std::string BlocksEnd(std::string_view group_key) { return PrefixEnd(BlocksBegin(group_key)); }

std::string KeyOf(std::string_view group_key, const StoredMatch& match) {
  return MatchKey(group_key, match.time, match.reference, match.origin);
}

// The entries of a block; views into `value`.
Status ReadBlock(std::string_view key, std::string_view value, std::vector<StoredMatch>* matches) {
  const Result<std::string_view> payload = OpenRow("match", key, value);
  if (!payload.ok()) return payload.status();
  const Status read = ReadEntries(*payload, matches);
  return read.ok() ? read : DamagedRow("match", key, read.message().c_str());
}

void WriteBlocks(StateTransaction* t, std::string_view group_key, const std::vector<StoredMatch>& matches) {
  for (size_t i = 0; i < matches.size();) {
    const std::string key = KeyOf(group_key, matches[i]);
    RowWriter row;
    do {
      row.Append(matches[i++].entry);
    } while (i < matches.size() && row.payload().size() + matches[i].entry.size() <= kBlockBytes);
    t->Put(ColumnFamily::kMatch, key, row.Finish(key));
  }
}

struct Block {
  std::string key, value;
  std::vector<StoredMatch> matches;  // into `value`, which is too long to move along with the block
};

// The block that has the match of that key, if any has: the last that does not begin behind it.
Result<std::optional<Block>> BlockAt(const StateReader& reader, std::string_view group_key,
                                     std::string_view key) {
  std::optional<Block> block;
  const auto take = [&](std::string_view k, std::string_view v) {
    block.emplace(Block{std::string(k), std::string(v), {}});
    return false;
  };
  Status status = reader.ScanBackward(ColumnFamily::kMatch, BlocksBegin(group_key), KeyAfter(key), take);
  if (status.ok() && block.has_value()) status = ReadBlock(block->key, block->value, &block->matches);
  if (!status.ok()) return status;
  return block;
}

}  // namespace

// ---- entries

MatchOrigin OriginOf(const Position& position) {
  MatchOrigin origin;
  uint8_t* out = origin.data();
  const auto put = [&out](uint64_t v, int bytes) {
    for (int i = bytes; i-- > 0;) *out++ = static_cast<uint8_t>(v >> 8 * i);
  };
  put(position.source, 4);
  put(position.epoch, 4);
  put(position.index, 8);
  return origin;
}

Position PositionOf(const MatchOrigin& origin) {
  const uint8_t* in = origin.data();
  const auto take = [&in](int bytes) {
    uint64_t v = 0;
    for (; bytes > 0; --bytes) v = v << 8 | *in++;
    return v;
  };
  Position position;
  position.source = static_cast<SourceId>(take(4));
  position.epoch = static_cast<uint32_t>(take(4));
  position.index = take(8);
  return position;
}

MatchOrigin OriginOf(std::string_view lower_group_key) { return HashBytes(lower_group_key); }

// entry := size:varint flags:u8 [deferral:varint] [origin] match; `size` is of all behind it
bool TakeEntry(std::string_view* entries, StoredMatch* match) {
  RowReader in(*entries);
  std::string_view body;
  uint8_t flags = 0;
  if (!in.Bytes(&body)) return false;
  match->entry = entries->substr(0, entries->size() - in.rest().size());
  *entries = in.rest();
  RowReader fields(body);
  if (!fields.U8(&flags) || flags > (kHasOrigin | kHasDeferral)) return false;
  match->deferral = 0;
  if ((flags & kHasDeferral) != 0 && !fields.Varint(&match->deferral)) return false;
  match->bytes = fields.rest();
  if ((flags & kHasOrigin) != 0) {
    if (match->bytes.size() < sizeof(MatchOrigin)) return false;
    std::memcpy(match->origin.data(), match->bytes.data(), sizeof(MatchOrigin));
    match->bytes.remove_prefix(sizeof(MatchOrigin));
  } else {
    Position position;
    if (!FirstPosition(match->bytes, &position)) return false;
    match->origin = OriginOf(position);
  }
  RowReader head(match->bytes);
  return head.Time(&match->time) && head.Varint32(&match->reference);
}

Status ReadEntries(std::string_view entries, std::vector<StoredMatch>* matches) {
  while (!entries.empty()) {
    if (!TakeEntry(&entries, &matches->emplace_back())) return Status::Corrupt("it holds no match");
  }
  return Status::Ok();
}

void SortMatches(std::vector<StoredMatch>* matches) {
  const auto not_before = [](const StoredMatch& a, const StoredMatch& b) { return !Before(a, b); };
  if (std::adjacent_find(matches->begin(), matches->end(), not_before) == matches->end()) return;
  std::reverse(matches->begin(), matches->end());
  std::stable_sort(matches->begin(), matches->end(), Before);
  matches->erase(std::unique(matches->begin(), matches->end(), Same), matches->end());
}

bool DecodeStored(const StoredMatch& stored, const std::vector<RuleIndex>& rules, MatchPart part,
                  CorrelationMatch* match) {
  if (!DecodeMatch(stored.bytes, part, match)) return false;
  if (part != MatchPart::kAll) return true;
  for (MatchEvidence& e : match->evidence) {
    if (e.rule >= rules.size()) return false;
    e.rule = rules[e.rule];
  }
  return true;
}

std::string MatchKey(std::string_view group_key, Timestamp time, uint32_t reference,
                     const MatchOrigin& origin) {
  return BlocksFrom(group_key, time)
      .append(KeyWriter('\0').U32(reference).str().substr(1))
      .append(BytesOf(origin));
}

std::optional<Timestamp> MatchKeyTime(std::string_view key) {
  if (key.size() < 1 + kKeyTail || key[0] != kBlock) return std::nullopt;
  const std::string time = std::string(1, kBlock).append(key.substr(key.size() - kKeyTail));
  KeyReader reader(time);
  Timestamp t;
  if (!reader.Kind(kBlock) || !reader.Time(&t)) return std::nullopt;
  return t;
}

// ---- blocks

Status ScanMatches(const StateReader& reader, std::string_view group_key, Timestamp from, Timestamp to,
                   const MatchVisitor& visit) {
  Status status;
  std::vector<StoredMatch> matches;
  bool goes_on = true;
  const auto take = [&](std::string_view key, std::string_view value) {
    matches.clear();
    status = ReadBlock(key, value, &matches);
    for (size_t i = 0; status.ok() && goes_on && i < matches.size(); ++i) {
      const StoredMatch& match = matches[i];
      if (match.time < from) continue;
      goes_on = (match.time < to || to == Timestamp::Max()) && visit(match);
    }
    return status.ok() && goes_on;
  };
  // One that begins before may reach into it.
  const std::string begin = BlocksFrom(group_key, from);
  RT_RETURN_IF_ERROR(
      reader.ScanBackward(ColumnFamily::kMatch, BlocksBegin(group_key), begin, [&](auto key, auto value) {
        take(key, value);
        return false;
      }));
  if (!status.ok() || !goes_on) return status;
  const std::string end = to == Timestamp::Max() ? BlocksEnd(group_key) : BlocksFrom(group_key, to);
  RT_RETURN_IF_ERROR(reader.Scan(ColumnFamily::kMatch, begin, end, take));
  return status;
}

Status ScanAllMatches(const StateReader& reader,
                      const std::function<void(std::string_view group_key, const StoredMatch&)>& visit) {
  std::vector<StoredMatch> matches;
  Status status;
  const auto block = [&](std::string_view key, std::string_view value) {
    matches.clear();
    status = key.size() > kKeyTail ? ReadBlock(key, value, &matches)
                                   : DamagedRow("match", key, "its key cannot be read");
    if (!status.ok()) return false;
    const std::string_view group_key = key.substr(1, key.size() - 1 - kKeyTail);
    for (const StoredMatch& match : matches) visit(group_key, match);
    return true;
  };
  RT_RETURN_IF_ERROR(reader.Scan(ColumnFamily::kMatch, BlocksBegin({}), BlocksEnd({}), block));
  return status;
}

Status StoreMatches(StateTransaction* t, std::string_view group_key, std::string_view entries,
                    Timestamp newest) {
  std::vector<StoredMatch> matches;
  RT_RETURN_IF_ERROR(ReadEntries(entries, &matches));
  SortMatches(&matches);

  auto next = matches.begin();
  while (next != matches.end() && next->time <= newest) {
    Result<std::optional<Block>> found = BlockAt(*t, group_key, KeyOf(group_key, *next));
    if (!found.ok()) return found.status();
    Block block = std::move(*found).value_or(Block{});
    // Up to the next block.
    std::string end;
    const std::string after = block.key.empty() ? BlocksBegin(group_key) : KeyAfter(block.key);
    RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kMatch, after, BlocksEnd(group_key), [&](auto key, auto) {
      end = key;
      return false;
    }));
    const auto last = std::find_if(next, matches.end(), [&](const StoredMatch& m) {
      return !end.empty() && KeyOf(group_key, m) >= end;
    });
    std::vector<StoredMatch> merged(next, last);
    for (const StoredMatch& old : block.matches) {
      if (!std::binary_search(next, last, old, Before)) merged.push_back(old);
    }
    std::sort(merged.begin(), merged.end(), Before);
    WriteBlocks(t, group_key, merged);
    next = last;
  }
  WriteBlocks(t, group_key, {next, matches.end()});
  return Status::Ok();
}

Result<Timestamp> NewestInBlocks(const StateReader& reader, std::string_view group_key) {
  const Result<std::optional<Block>> last = BlockAt(reader, group_key, BlocksEnd(group_key));
  if (!last.ok()) return last.status();
  return last->has_value() && !(*last)->matches.empty() ? (*last)->matches.back().time : Timestamp::Min();
}

Status DeleteMatch(StateTransaction* t, std::string_view group_key, std::string_view match_key) {
  Result<std::optional<Block>> found = BlockAt(*t, group_key, match_key);
  if (!found.ok() || !found->has_value()) return found.status();
  Block& block = **found;
  const size_t erased =
      std::erase_if(block.matches, [&](const StoredMatch& m) { return KeyOf(group_key, m) == match_key; });
  if (erased == 0) return Status::Ok();
  if (match_key == block.key) t->Delete(ColumnFamily::kMatch, block.key);
  WriteBlocks(t, group_key, block.matches);
  return Status::Ok();
}

Status DeleteMatchesBefore(StateTransaction* t, std::string_view group_key, Timestamp before) {
  constexpr size_t kChunk = 10'000;
  const std::string end = BlocksFrom(group_key, before);
  for (;;) {
    std::vector<std::string> keys;
    RT_RETURN_IF_ERROR(t->Scan(ColumnFamily::kMatch, BlocksBegin(group_key), end, [&](auto key, auto) {
      keys.emplace_back(key);
      return keys.size() < kChunk;
    }));
    if (keys.empty()) return Status::Ok();
    // The last may reach over the time.
    const Result<std::optional<Block>> last = BlockAt(*t, group_key, keys.back());
    if (!last.ok()) return last.status();
    for (const std::string& key : keys) t->Delete(ColumnFamily::kMatch, key);
    std::vector<StoredMatch> rest = (*last)->matches;
    std::erase_if(rest, [&](const StoredMatch& m) { return m.time < before; });
    WriteBlocks(t, group_key, rest);
    if (keys.size() < kChunk) return Status::Ok();
  }
}

// ---- the journal: number u64 of the first entry -> (group_key:bytes entry)*

Status MatchJournal::Open(const StateReader& reader, const Visitor& visit) {
  const std::string begin(1, kJournal);
  for (std::string from = begin;;) {
    std::string key, value;
    RT_RETURN_IF_ERROR(reader.Scan(ColumnFamily::kMatch, from, PrefixEnd(begin), [&](auto k, auto v) {
      key = k;
      value = v;
      return false;
    }));
    if (key.empty()) return Status::Ok();
    KeyReader number(key);
    if (!number.Kind(kJournal) || !number.U64(&next_))
      return DamagedRow("match", key, "its key is no number");
    const Result<std::string_view> payload = OpenRow("match", key, value);
    if (!payload.ok()) return payload.status();
    rows_.push_back({next_, payload->size()});
    bytes_ += payload->size();
    for (std::string_view rest = *payload; !rest.empty();) {
      RowReader in(rest);
      std::string_view group_key;
      StoredMatch match;
      if (!in.Bytes(&group_key)) return DamagedRow("match", key, "it ends too early");
      rest = in.rest();
      if (!TakeEntry(&rest, &match)) return DamagedRow("match", key, "it holds no match");
      RT_RETURN_IF_ERROR(visit(next_++, group_key, match));
    }
    row_first_ = next_;
    from = KeyAfter(key);
  }
}

uint64_t MatchJournal::Append(StateTransaction* t, std::string_view group_key, std::string_view match,
                              const std::optional<MatchOrigin>& origin, uint64_t deferral,
                              std::string_view* entry) {
  if (row_.payload().size() >= kJournalRowBytes) Flush(t);
  row_.Bytes(group_key);
  const size_t begin = row_.payload().size();
  const size_t deferral_size = deferral == 0 ? 0 : VarintSize(deferral);
  row_.Varint(1 + deferral_size + (origin.has_value() ? sizeof(MatchOrigin) : 0) + match.size())
      .U8(static_cast<uint8_t>((origin.has_value() ? kHasOrigin : 0) | (deferral != 0 ? kHasDeferral : 0)));
  if (deferral != 0) row_.Varint(deferral);
  if (origin.has_value()) row_.Append(BytesOf(*origin));
  row_.Append(match);
  *entry = row_.payload().substr(begin);
  return next_++;
}

void MatchJournal::Flush(StateTransaction* t) {
  if (row_first_ == next_) return;
  if (!rows_.empty() && rows_.back().first == row_first_)
    rows_.pop_back();  // the empty row, now written over
  const std::string key = KeyWriter(kJournal).U64(row_first_).str();
  rows_.push_back({row_first_, row_.payload().size()});
  bytes_ += row_.payload().size();
  t->Put(ColumnFamily::kMatch, key, row_.Finish(key));
  row_.Clear();
  row_first_ = next_;
}

void MatchJournal::ForgetBefore(StateTransaction* t, uint64_t number) {
  const auto forget = [&] {
    bytes_ -= rows_.front().bytes;
    t->Delete(ColumnFamily::kMatch, KeyWriter(kJournal).U64(rows_.front().first));
    rows_.pop_front();
  };
  while (rows_.size() > 1 && rows_[1].first <= number) forget();
  // Numbers never come again: an empty row says where they go on.
  if (rows_.empty() || number < next_ || rows_.front().bytes == 0) return;
  forget();
  const std::string key = KeyWriter(kJournal).U64(next_).str();
  rows_.push_back({next_, 0});
  t->Put(ColumnFamily::kMatch, key, RowWriter().Finish(key));
}

}  // namespace redthread
