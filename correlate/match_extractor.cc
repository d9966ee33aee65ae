#include "correlate/match_extractor.h"

#include <algorithm>
#include <unordered_set>

namespace redthread {
namespace {

// As Python's json.dumps without ensure_ascii writes it: what must be escaped is, nothing else, so that the
// group's identity does not depend on how results are made safe for a screen.
void AppendPlainJsonString(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        *out += '\\';
        *out += c;
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      case '\b':
        *out += "\\b";
        break;
      case '\f':
        *out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          *out += "\\u00";
          *out += kHex[c >> 4];
          *out += kHex[c & 0xF];
        } else {
          *out += c;
        }
    }
  }
  *out += '"';
}

}  // namespace

void ReadTexts(const Event& event, FieldId field, Texts* out) {
  constexpr size_t kFew = 16;  // up to so many a look at each is quicker than a set
  std::vector<std::string_view> texts;
  std::unordered_set<std::string_view> seen;
  event.AnyValue(field, [&](NodeIndex node) {
    const std::optional<std::string_view> text = event.Text(node);
    if (!text.has_value()) return false;
    if (texts.size() < kFew) {
      if (std::find(texts.begin(), texts.end(), *text) != texts.end()) return false;
    } else {
      if (seen.empty()) seen.insert(texts.begin(), texts.end());
      if (!seen.insert(*text).second) return false;
    }
    texts.push_back(*text);
    return false;
  });
  out->assign(texts.begin(), texts.end());
}

std::string CompositeText(const Texts& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    AppendPlainJsonString(text, &out);
  }
  return out + "]";
}

bool MatchExtractor::ReadGroup(const Event& event, const std::vector<FieldId>& fields) {
  group_.resize(fields.size());
  Texts texts;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i] == kNoField) return false;
    ReadTexts(event, fields[i], &texts);
    if (texts.empty()) return false;
    group_[i] = texts.size() == 1 ? std::move(texts[0]) : CompositeText(texts);
  }
  return true;
}

void MatchExtractor::Extract(const Event& event, const Hash128& raw_hash, RuleIndex rule, const Emit& emit) {
  const std::vector<CorrelationPlan::Feed>& feeds = plan_->feeds(rule);
  if (feeds.empty()) return;
  match_.time = *event.time;
  match_.evidence.assign(1, {*event.time, rule, event.position, raw_hash});
  for (const CorrelationPlan::Feed& feed : feeds) {
    const CorrelationPlan::Node& node = plan_->node(feed.correlation);
    if (!ReadGroup(event, node.group_ids[feed.reference])) {
      ++without_group_;
      continue;
    }
    match_.reference = feed.reference;
    match_.values.resize(node.value_ids.size());
    for (size_t i = 0; i < node.value_ids.size(); ++i) ReadTexts(event, node.value_ids[i], &match_.values[i]);
    match_.carried.resize(node.carried_ids.size());
    for (size_t i = 0; i < node.carried_ids.size(); ++i)
      ReadTexts(event, node.carried_ids[i], &match_.carried[i]);
    emit(feed.correlation, group_, match_);
  }
}

}  // namespace redthread
