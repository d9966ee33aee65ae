#include "rules/content_hash.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "rules/condition.h"
#include "rules/modifier.h"

namespace redthread {
namespace {

// Every text goes in with its length before it, so that no two structures serialise alike.
void AppendText(std::string_view text, std::string* out) {
  const auto size = static_cast<uint32_t>(text.size());
  for (int shift = 0; shift < 32; shift += 8) *out += static_cast<char>(size >> shift & 0xFF);
  *out += text;
}

void AppendCount(size_t count, std::string* out) { AppendText(std::to_string(count), out); }

void AppendTexts(const std::vector<std::string>& texts, std::string* out) {
  AppendCount(texts.size(), out);
  for (const std::string& text : texts) AppendText(text, out);
}

void AppendNumber(double number, std::string* out) {
  AppendText(std::to_string(std::bit_cast<uint64_t>(number == 0 ? 0.0 : number)), out);
}

// Appends the parts in an order that does not depend on how the file orders them.
void AppendSorted(std::vector<std::string> parts, std::string* out) {
  std::sort(parts.begin(), parts.end());
  AppendCount(parts.size(), out);
  for (const std::string& part : parts) AppendText(part, out);
}

char KindLetter(RawValue::Kind kind) {
  switch (kind) {
    case RawValue::Kind::kNull:
      return '0';
    case RawValue::Kind::kBool:
      return 'b';
    case RawValue::Kind::kNumber:
      return 'n';
    case RawValue::Kind::kString:
      break;
  }
  return 's';
}

void AppendItem(const DetectionItem& item, std::string* out) {
  *out += 'i';
  AppendText(item.field, out);
  AppendCount(item.modifiers.size(), out);
  for (const Modifier m : item.modifiers) AppendText(ModifierName(m), out);
  AppendCount(item.raw_values.size(), out);
  for (const RawValue& value : item.raw_values) {
    *out += KindLetter(value.kind);
    if (value.kind == RawValue::Kind::kBool) {
      *out += value.boolean ? '1' : '0';
    } else if (value.kind != RawValue::Kind::kNull) {
      AppendText(value.text, out);
    }
  }
}

void AppendSearch(const SearchNode& node, std::string* out) {
  if (node.kind == SearchNode::Kind::kItem) {
    AppendItem(node.item, out);
    return;
  }
  const bool map = node.kind == SearchNode::Kind::kAnd;
  std::vector<std::string> children(node.children.size());
  for (size_t i = 0; i < children.size(); ++i) AppendSearch(node.children[i], &children[i]);
  *out += map ? 'a' : 'o';
  if (map) {
    AppendSorted(std::move(children), out);
  } else {
    AppendCount(children.size(), out);
    for (const std::string& child : children) AppendText(child, out);
  }
}

// One space for any run of white space, none at the ends.
std::string CollapseSpace(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string Hash(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
}

}  // namespace

std::string HashLogic(const LogSource& log_source, const std::vector<Search>& searches,
                      const std::vector<std::string>& conditions, const std::set<std::string>& placeholders,
                      const SiteVariables& variables) {
  std::string bytes = "rule 1";  // the version of this serialisation
  AppendText(log_source.product, &bytes);
  AppendText(log_source.category, &bytes);
  AppendText(log_source.service, &bytes);
  std::vector<std::string> parts(searches.size());
  for (size_t i = 0; i < searches.size(); ++i) {
    AppendText(searches[i].name, &parts[i]);
    AppendSearch(searches[i].root, &parts[i]);
  }
  AppendSorted(std::move(parts), &bytes);
  AppendCount(conditions.size(), &bytes);
  for (const std::string& condition : conditions) AppendText(CollapseSpace(condition), &bytes);
  AppendCount(placeholders.size(), &bytes);
  for (const std::string& name : placeholders) {
    AppendText(name, &bytes);
    const auto found = variables.find(name);
    AppendCount(found == variables.end() ? 0 : found->second.size(), &bytes);
    if (found == variables.end()) continue;
    for (const std::string& value : found->second) AppendText(value, &bytes);
  }
  return Hash(bytes);
}

std::string HashWithFilters(const std::string& rule_hash, std::vector<std::string> filter_hashes) {
  if (filter_hashes.empty()) return rule_hash;
  std::string bytes = rule_hash;
  AppendSorted(std::move(filter_hashes), &bytes);
  return Hash(bytes);
}

std::string HashCorrelation(const Correlation& correlation, const std::vector<std::string>& rule_hashes) {
  std::string bytes = "correlation 1";  // the version of this serialisation
  AppendText(CorrelationTypeName(correlation.type), &bytes);
  AppendCount(static_cast<size_t>(correlation.timespan.count()), &bytes);
  AppendCount(static_cast<size_t>(correlation.learning.count()), &bytes);
  AppendTexts(correlation.group_by, &bytes);
  AppendTexts(correlation.fields, &bytes);
  AppendNumber(correlation.percentile, &bytes);
  AppendCount(correlation.bounds.size(), &bytes);
  for (const CorrelationBound& bound : correlation.bounds) {
    AppendText(BoundOpName(bound.op), &bytes);
    AppendNumber(bound.value, &bytes);
  }
  std::vector<std::string> names;  // of the rules by their place, so that a new name is no new correlation
  for (size_t i = 0; i < correlation.rules.size(); ++i) {
    AppendText(rule_hashes[i], &bytes);
    AppendTexts(correlation.rules[i].group_fields, &bytes);
    names.push_back("r" + std::to_string(i));
  }
  if (correlation.expression.has_value()) {
    AppendText(ConditionText(*correlation.expression, {names.begin(), names.end()}), &bytes);
  }
  // What was not there at first stands here only where it is used, so that no other hash has changed.
  if (correlation.expected) AppendText("expected", &bytes);
  if (correlation.forget_after.count() > 0) {
    AppendText("forget_after", &bytes);
    AppendCount(static_cast<size_t>(correlation.forget_after.count()), &bytes);
  }
  return Hash(bytes);
}

}  // namespace redthread
