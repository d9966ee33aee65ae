// Rule files: whatever their text, each complaint stands inside the file, and what loads is whole.
#include <algorithm>
#include <string>
#include <string_view>

#include "core/text.h"
#include "rules/rule_set.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {
namespace {

// Line breaks as YAML counts them: CR, LF, CR LF, NEL, LS and PS.
int CountLines(std::string_view text) {
  int lines = 1;
  for (size_t i = 0; i < text.size();) {
    const char32_t c = NextCodePoint(text, &i);
    if (c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029) ++lines;
  }
  return lines;
}

void CheckPlaced(const std::vector<RuleProblem>& problems, std::string_view text, int lines) {
  for (const RuleProblem& p : problems) {
    FUZZ_CHECK(p.where.file != nullptr && *p.where.file == "fuzz.yml");
    FUZZ_CHECK(p.where.line >= 1 && p.where.line <= lines);
    FUZZ_CHECK(p.where.column >= 1 && static_cast<size_t>(p.where.column) <= text.size() + 1);
    FUZZ_CHECK(!p.message.empty());
    FUZZ_CHECK(p.message.find('\n') == std::string::npos);
  }
}

void CheckValue(const MatchValue& value) {
  if (const auto* pattern = std::get_if<MatchPattern>(&value.v)) {
    FUZZ_CHECK(Pattern::Parse(pattern->pattern.ToSigma()) == pattern->pattern);
  } else if (const auto* alternatives = std::get_if<MatchAlternatives>(&value.v)) {
    for (const MatchValue& v : alternatives->values) CheckValue(v);
  }
}

void CheckNode(const SearchNode& node) {
  if (node.kind != SearchNode::Kind::kItem) {
    FUZZ_CHECK(!node.children.empty());
    for (const SearchNode& child : node.children) CheckNode(child);
    return;
  }
  FUZZ_CHECK(!node.item.raw_values.empty());
  FUZZ_CHECK(node.item.values.size() == node.item.raw_values.size());
  for (const MatchValue& value : node.item.values) CheckValue(value);
}

void CheckCondition(const ConditionNode& node, size_t searches) {
  if (node.kind == ConditionNode::Kind::kSearch) FUZZ_CHECK(node.search < searches);
  for (const ConditionNode& child : node.children) CheckCondition(child, searches);
}

void CheckLogic(const RuleLogic& logic) {
  for (const Search& search : logic.searches) CheckNode(search.root);
  CheckCondition(logic.condition, logic.searches.size());
}

void CheckCorrelation(const Correlation& c, const RuleSet& set) {
  FUZZ_CHECK(!c.id.empty());
  FUZZ_CHECK(c.content_hash.size() == 16);
  FUZZ_CHECK(c.timespan.count() > 0 && c.learning.count() >= 0);
  FUZZ_CHECK(!c.rules.empty());
  for (const CorrelationReference& reference : c.rules) {
    FUZZ_CHECK(reference.index < (reference.to_correlation ? set.correlations.size() : set.rules.size()));
    FUZZ_CHECK(!reference.to_correlation || set.correlations[reference.index].height < c.height);
    FUZZ_CHECK(reference.group_fields.size() == c.group_by.size());
  }
  if (c.expression.has_value()) {
    CheckCondition(*c.expression, c.rules.size());
    FUZZ_CHECK(NamesOf(*c.expression, c.rules.size()).any_plain());
  } else {
    FUZZ_CHECK(c.bounds.empty() == c.every_hit_alerts());
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RuleLoadOptions options;
  options.variables = {{"Servers", {"dc01", "dc*"}}, {"None", {}}};
  const RuleSet set = LoadRulesFromText(text, "fuzz.yml", options);
  const int lines = CountLines(text);
  CheckPlaced(set.problems, text, lines);
  CheckPlaced(set.need_site_variables, text, lines);
  CheckPlaced(set.warnings, text, lines);
  FUZZ_CHECK(set.failed_rules <= set.problems.size());
  for (const Rule& rule : set.rules) {
    FUZZ_CHECK(!rule.id.empty());
    FUZZ_CHECK(rule.content_hash.size() == 16);
    FUZZ_CHECK(!rule.logic.searches.empty());
    CheckLogic(rule.logic);
    for (const RuleFilter& filter : rule.filters) CheckLogic(*filter.logic);
  }
  for (const Correlation& correlation : set.correlations) CheckCorrelation(correlation, set);
  return 0;
}
