#include "ingest/request_records.h"

#include <algorithm>

#include "ingest/json_scan.h"
#include "ingest/record_decoder.h"

namespace redthread {

namespace {

// Names that an envelope's members are compared with: no real event has more, and an invented one with a
// million takes no longer for each of them.
constexpr size_t kMaxNamesCompared = 256;

}  // namespace

void RequestRecords::Add(std::string_view text, std::string_view host, std::optional<Timestamp> told) {
  overflowed_ |= messages_.bytes() + text.size() > options_.max_bytes;
  if (overflowed_) return;
  if (!text.empty()) ++count_;
  const uint64_t cut_from = text.size() > options_.max_record_bytes ? text.size() : 0;
  Sender sender = sender_;
  if (IsHostName(host)) sender.stream.append("/").append(host);
  messages_.Add(sender, arrival_, text.substr(0, options_.max_record_bytes), cut_from, told);
}

void RequestRecords::AddLines(std::string_view body, std::string_view host) {
  while (!body.empty()) {
    const size_t end = std::min(body.find('\n'), body.size());
    std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    Add(line, host);
  }
}

void RequestRecords::AddEnveloped(std::string_view event, const std::vector<Member>& envelope,
                                  std::string_view host, std::optional<Timestamp> told) {
  if (!event.empty() && event.front() == '{') return AddObject(event, envelope, host, told);
  if (const std::optional<std::string> text = JsonText(event); text.has_value())
    return AddText(*text, event, envelope, host, told);
  AddObject("{\"message\":" + std::string(event) + "}", envelope, host, told);
}

void RequestRecords::AddText(const std::string& text, std::string_view json,
                             const std::vector<Member>& envelope, std::string_view host,
                             std::optional<Timestamp> told) {
  const SourceFormat looks = RecordDecoder::Detect(text);
  if (looks == SourceFormat::kJson && IsJson(text)) {
    const std::string_view object = *JsonScan(text).Next();
    return AddObject(object, envelope, host, told);
  }
  const SourceFormat format = options_.format == SourceFormat::kAuto ? looks : options_.format;
  if (format != SourceFormat::kAuto && format != SourceFormat::kJson) return Add(text, host, told);
  AddObject("{\"message\":" + std::string(json) + "}", envelope, host, told);
}

void RequestRecords::AddObject(std::string_view object, const std::vector<Member>& envelope,
                               std::string_view host, std::optional<Timestamp> told) {
  names_.clear();
  ForEachMember(object, [this](std::string_view name, std::string_view) {
    if (names_.size() < kMaxNamesCompared) names_.push_back(name);
  });
  json_.assign(object.substr(0, object.size() - 1));
  bool first = names_.empty();
  for (const auto& [name, value] : envelope) {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
    if (names_.size() < kMaxNamesCompared) names_.push_back(name);
    json_.append(first ? "\"" : ",\"").append(name).append("\":").append(value);
    first = false;
    if (json_.size() > options_.max_bytes) break;  // Add refuses it
  }
  json_ += '}';
  Add(json_, host, told);
}

}  // namespace redthread
