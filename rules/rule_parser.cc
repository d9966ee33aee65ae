#include "rules/rule_parser.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "rules/content_hash.h"
#include "rules/description_parser.h"
#include "rules/detection_parser.h"

namespace redthread {
namespace {

LogSource ParseLogSource(const YamlNode& root, ProblemList* problems) {
  LogSource log_source;
  const YamlNode* map = root.Find("logsource");
  if (map == nullptr || map->IsNull()) return log_source;
  if (!map->IsMap()) {
    problems->Add(*map, "`logsource` must be a map with product, category or service");
    return log_source;
  }
  problems->RequireKnownKeys(*map, "`logsource`", {"product", "category", "service", "definition"});
  log_source.product = Fold(TextUnder(*map, "product", problems));
  log_source.category = Fold(TextUnder(*map, "category", problems));
  log_source.service = Fold(TextUnder(*map, "service", problems));
  TextUnder(*map, "definition", problems);
  return log_source;
}

// The map under `key`, or null after a complaint.
const YamlNode* SectionUnder(const YamlNode& root, std::string_view key, ProblemList* problems) {
  const YamlNode* section = root.Find(key);
  if (section->IsMap()) return section;
  problems->Add(*section, "`" + std::string(key) + "` must be a map of searches and a `condition`");
  return nullptr;
}

}  // namespace

DocumentKind ClassifyDocument(const YamlNode& root) {
  if (root.Find("correlation") != nullptr) return DocumentKind::kCorrelation;
  if (root.Find("detection") != nullptr) return DocumentKind::kRule;
  if (root.Find("filter") != nullptr) return DocumentKind::kFilter;
  return DocumentKind::kUnknown;
}

bool ParsedFilter::AppliesTo(const Rule& rule) const {
  if (!log_source.product.empty() && log_source.product != rule.log_source.product) return false;
  if (!log_source.category.empty() && log_source.category != rule.log_source.category) return false;
  if (!log_source.service.empty() && log_source.service != rule.log_source.service) return false;
  if (any_rule) return true;
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& r) {
    return r == rule.id || (!rule.name.empty() && r == rule.name);
  });
}

ParsedRule ParseRule(const YamlNode& root, ProblemList* problems, ProblemList* warnings) {
  ParsedRule parsed;
  Rule& rule = parsed.rule;
  ParseDescription(root, &rule, problems, warnings);
  rule.log_source = ParseLogSource(root, problems);
  if (rule.log_source.empty()) {
    warnings->Add(root,
                  "the rule names no log source and therefore never fires, add `logsource` with a "
                  "product, category or service");
  }
  if (const YamlNode* detection = SectionUnder(root, "detection", problems)) {
    DetectionParser(problems, warnings).Parse(*detection, {"timeframe"}, &rule.logic, &parsed.conditions);
    if (const YamlNode* timeframe = detection->Find("timeframe")) {
      warnings->Add(*timeframe,
                    "`timeframe` has no effect here, write a `correlation:` rule with a timespan");
    }
  }
  return parsed;
}

ParsedFilter ParseFilter(const YamlNode& root, ProblemList* problems, ProblemList* warnings) {
  ParsedFilter parsed;
  parsed.where = problems->Place(root);
  WarnOfMisspeltKeys(root, warnings);
  parsed.filter.title = TextUnder(root, "title", problems);
  parsed.filter.id = TextUnder(root, "id", problems);
  if (parsed.filter.id.empty()) parsed.filter.id = TextUnder(root, "name", problems);
  if (parsed.filter.id.empty()) parsed.filter.id = parsed.filter.title;
  parsed.log_source = ParseLogSource(root, problems);
  const YamlNode* section = SectionUnder(root, "filter", problems);
  if (section == nullptr) return parsed;
  if (section->Find("rules") != nullptr) parsed.rules = ListUnder(*section, "rules", problems);
  parsed.any_rule = section->Find("rules") == nullptr ||
                    std::find(parsed.rules.begin(), parsed.rules.end(), "any") != parsed.rules.end();
  DetectionParser(problems, warnings).Parse(*section, {"rules"}, &parsed.logic, &parsed.conditions);
  if (parsed.conditions.size() > 1) {
    problems->Add(*section->Find("condition"), "a filter has one condition, join these with `or` or `and`");
  }
  return parsed;
}

LogicLowering::Lowered LogicLowering::Lower(const LogSource& log_source,
                                            const std::vector<std::string>& conditions, RuleLogic* logic,
                                            ProblemList* problems) {
  lowering_.BeginRule();
  for (Search& search : logic->searches) LowerNode(&search.root, problems);
  const std::set<std::string>& missing = lowering_.missing_placeholders();
  return {HashLogic(log_source, logic->searches, conditions, lowering_.used_placeholders(), variables_),
          {missing.begin(), missing.end()}};
}

void LogicLowering::LowerNode(SearchNode* node, ProblemList* problems) {
  for (SearchNode& child : node->children) LowerNode(&child, problems);
  if (node->kind != SearchNode::Kind::kItem) return;
  std::vector<LoweringProblem> found;
  lowering_.Lower(&node->item, &found);
  for (LoweringProblem& p : found)
    problems->AddWithin(node->item.raw_values[p.value], p.offset, std::move(p.message));
}

}  // namespace redthread
