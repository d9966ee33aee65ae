#include "runtime/control_log.h"

#include <algorithm>
#include <charconv>

#include "storage/row.h"

namespace redthread {
namespace {

constexpr std::string_view kPiece = "bundle/";
constexpr std::string_view kEpoch = "epoch/";
constexpr size_t kMaxPieces = RuleBundle::kMaxBytes / ControlLog::kChunkBytes;
constexpr uint8_t kVersion = 1;

// A number as we write it: no sign, no zero before it.
std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(n) != text)
    return std::nullopt;
  return n;
}

bool TakePrefix(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Whether it is whole, and of a version that this one does not know.
bool IsNewer(std::string_view key, std::string_view value) {
  if (value.empty()) return false;
  const auto version = static_cast<uint8_t>(value.front());
  return version > kVersion && OpenRow("control record", key, value, version).ok();
}

}  // namespace

Status ControlLog::Apply(std::string_view key, std::string_view value, int64_t offset) {
  std::string_view place = key;
  const bool is_piece = TakePrefix(kPiece, &place);
  const bool is_epoch = !is_piece && TakePrefix(kEpoch, &place);
  if (!is_piece && !is_epoch) {
    ++counts_.unreadable;
    return Status::Ok();
  }
  if (IsNewer(key, value))
    return Status::Invalid("record " + std::to_string(offset) +
                           " of the control topic is of a newer version of redthread: use that one here too");
  const Result<std::string_view> payload = OpenRow("control record", key, value, kVersion);
  const bool good =
      payload.ok() && (is_piece ? ApplyPiece(place, *payload, offset) : ApplyEpoch(place, *payload, offset));
  if (!good) ++counts_.unreadable;
  return Status::Ok();
}

bool ControlLog::ApplyPiece(std::string_view place, std::string_view payload, int64_t offset) {
  const size_t slash = place.find('/');
  if (slash == std::string_view::npos) return false;
  const std::optional<Hash128> hash = ParseHash(place.substr(0, slash));
  const std::optional<uint64_t> n = ParseNumber(place.substr(slash + 1));
  RowReader row(payload);
  uint64_t count = 0;
  std::string_view bytes;
  if (!hash || !n || !row.Varint(&count) || !row.Bytes(&bytes)) return false;
  if (count == 0 || count > kMaxPieces || *n >= count || bytes.size() > kChunkBytes) return false;
  const auto [found, is_new] = bundles_.try_emplace(*hash);
  Bundle& bundle = found->second;
  bundle.touched = offset;
  if (!is_new && bundle.complete()) return true;
  if (bundle.pieces.size() != count) {  // it is new, or was cut otherwise by somebody who did not finish
    bundle.pieces.assign(count, std::nullopt);
    bundle.missing = count;
  }
  std::optional<std::string>& piece = bundle.pieces[*n];
  if (piece.has_value()) return true;  // two workers send the same rules
  piece = bytes;
  if (--bundle.missing == 0) Complete(found);
  Forget();
  return true;
}

void ControlLog::Complete(std::map<Hash128, Bundle>::iterator found) {
  Bundle& bundle = found->second;
  for (const std::optional<std::string>& piece : bundle.pieces) bundle.bytes += *piece;
  bundle.pieces.clear();
  bundle.pieces.shrink_to_fit();
  if (RuleBundle::HashOf(bundle.bytes) == found->first) return;
  ++counts_.unreadable;  // pieces of something else: whoever has the bundle may send it again
  bundles_.erase(found);
}

bool ControlLog::ApplyEpoch(std::string_view place, std::string_view payload, int64_t offset) {
  const std::optional<uint64_t> number = ParseNumber(place);
  RowReader row(payload);
  RuleEpoch epoch;
  std::string_view hash;
  if (!number || !row.Bytes(&hash) || hash.size() != epoch.bundle.size() ||
      !row.Varint32(&epoch.detect_version) || !row.Time(&epoch.proposed_at))
    return false;
  std::copy(hash.begin(), hash.end(), epoch.bundle.begin());
  epoch.number = *number;
  epoch.offset = offset;
  if (epoch.number != epochs_.size() + 1) {
    ++counts_.lost;
    return true;
  }
  const auto found = bundles_.find(epoch.bundle);
  if (found == bundles_.end() || !found->second.complete()) {
    ++counts_.without_bundle;
    return true;
  }
  epochs_.push_back(epoch);
  ++counts_.epochs;
  Forget();
  return true;
}

bool ControlLog::IsKept(const Hash128& hash) const {
  const size_t first = epochs_.size() - std::min(epochs_.size(), kEpochsKept);
  return std::any_of(epochs_.begin() + static_cast<std::ptrdiff_t>(first), epochs_.end(),
                     [&hash](const RuleEpoch& epoch) { return epoch.bundle == hash; });
}

// By the log alone: whoever reads it forgets the same at the same record, so the same epochs count for all.
void ControlLog::Forget() {
  if (bundles_.size() <= kPendingKept) return;
  std::vector<std::pair<int64_t, Hash128>> pending;
  for (const auto& [hash, bundle] : bundles_) {
    if (!IsKept(hash)) pending.emplace_back(bundle.touched, hash);
  }
  if (pending.size() <= kPendingKept) return;
  bundles_.erase(std::min_element(pending.begin(), pending.end())->second);
}

std::optional<RuleEpoch> ControlLog::current() const {
  return epochs_.empty() ? std::nullopt : std::optional(epochs_.back());
}

std::optional<RuleEpoch> ControlLog::Find(uint64_t number) const {
  if (number == 0 || number > epochs_.size()) return std::nullopt;
  return epochs_[number - 1];
}

bool ControlLog::IsForgotten(uint64_t number) const {
  const std::optional<RuleEpoch> epoch = Find(number);
  return epoch.has_value() && bundles_.count(epoch->bundle) == 0;
}

Result<RuleBundle> ControlLog::BundleOf(const Hash128& hash) const {
  const auto found = bundles_.find(hash);
  if (found == bundles_.end() || !found->second.complete())
    return Status::NotFound("the control topic's rules " + HexOf(hash) + " are not kept any more");
  return RuleBundle::Decode(found->second.bytes);
}

RuleStanding ControlLog::StandingOf(std::string_view bundle, uint32_t detect_version) const {
  if (epochs_.empty()) return RuleStanding::kNew;
  const Hash128 hash = RuleBundle::HashOf(bundle);
  const auto is_it = [&](const RuleEpoch& epoch) {
    return epoch.bundle == hash && epoch.detect_version == detect_version;
  };
  if (is_it(epochs_.back())) return RuleStanding::kInForce;
  if (std::any_of(epochs_.begin(), epochs_.end(), is_it)) return RuleStanding::kReplaced;
  if (detect_version < epochs_.back().detect_version) return RuleStanding::kOlderVersion;
  return RuleStanding::kNew;
}

std::vector<ControlRecord> ControlLog::ProposalFor(std::string_view bundle, uint32_t detect_version,
                                                   Timestamp now, bool force) const {
  const RuleStanding standing = StandingOf(bundle, detect_version);
  if (standing == RuleStanding::kInForce || (standing != RuleStanding::kNew && !force)) return {};
  const Hash128 hash = RuleBundle::HashOf(bundle);
  std::vector<ControlRecord> records;
  const auto add = [&records](std::string key, RowWriter* row) {
    std::string value = row->Finish(key);
    records.push_back({std::move(key), std::move(value)});
  };
  const auto held = bundles_.find(hash);
  if (held == bundles_.end() || !held->second.complete()) {
    const size_t count = std::max<size_t>(1, (bundle.size() + kChunkBytes - 1) / kChunkBytes);
    for (size_t n = 0; n < count; ++n) {
      RowWriter row(kVersion);
      row.Varint(count).Bytes(bundle.substr(n * kChunkBytes, kChunkBytes));
      add(std::string(kPiece) + HexOf(hash) + "/" + std::to_string(n), &row);
    }
  }
  RowWriter row(kVersion);
  row.Bytes({reinterpret_cast<const char*>(hash.data()), hash.size()}).Varint(detect_version).Time(now);
  add(std::string(kEpoch) + std::to_string(epochs_.size() + 1), &row);
  return records;
}

}  // namespace redthread
