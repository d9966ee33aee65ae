#include "rules/rule_parser.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "rules/content_hash.h"
#include "rules/detection_parser.h"
#include "rules/nearest_name.h"

namespace redthread {
namespace {

using Names = std::vector<std::string_view>;

// Source: Sigma specification 2.1.0, JSON schema of detection rules; and `redthread`, ours.
const Names& RuleKeys() {
  static const Names kKeys = {"title",          "id",          "name",      "related",   "taxonomy",
                              "status",         "description", "license",   "author",    "references",
                              "date",           "modified",    "logsource", "detection", "fields",
                              "falsepositives", "level",       "tags",      "scope",     "redthread",
                              "correlation",    "filter"};
  return kKeys;
}

const Names& Statuses() {
  static const Names kStatuses = {"stable", "test", "experimental", "deprecated", "unsupported"};
  return kStatuses;
}

const Names& Levels() {
  static const Names kLevels = {"informational", "low", "medium", "high", "critical"};
  return kLevels;
}

void WarnOfMisspeltKeys(const YamlNode& root, ProblemList* warnings) {
  for (size_t i = 0; i < root.entries(); ++i) {
    const std::string& key = root.key(i).text;
    if (std::find(RuleKeys().begin(), RuleKeys().end(), key) != RuleKeys().end()) continue;
    const std::string_view nearest = NearestName(key, RuleKeys());
    if (nearest.empty()) continue;
    warnings->Add(root.key(i), "`" + Visible(key) + "` is no key of Sigma and is ignored, did you mean `" +
                                   std::string(nearest) + "`?");
  }
}

std::string TextUnder(const YamlNode& root, std::string_view key, ProblemList* problems) {
  const YamlNode* node = root.Find(key);
  return node == nullptr ? std::string() : ReadText(*node, "`" + std::string(key) + "`", problems);
}

std::vector<std::string> ListUnder(const YamlNode& root, std::string_view key, ProblemList* problems) {
  const YamlNode* node = root.Find(key);
  if (node == nullptr) return {};
  return ReadTextList(*node, "`" + std::string(key) + "`", problems);
}

// The text under `key` if it is one of `allowed`.
std::string OneOfUnder(const YamlNode& root, std::string_view key, const Names& allowed,
                       ProblemList* problems) {
  std::string text = TextUnder(root, key, problems);
  if (text.empty() || std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return text;
  problems->Add(*root.Find(key), "`" + Visible(text) + "` is no " + std::string(key) +
                                     Suggestion(text, allowed, ", write one of " + JoinNames(allowed)));
  return {};
}

// YYYY-MM-DD, or YYYY/MM/DD as rules before Sigma 2 have it.
bool IsDate(std::string_view text) {
  if (text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool separator = i == 4 || i == 7;
    if (separator ? text[i] != '-' && text[i] != '/' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

std::string DateUnder(const YamlNode& root, std::string_view key, ProblemList* problems,
                      ProblemList* warnings) {
  std::string text = TextUnder(root, key, problems);
  if (!text.empty() && !IsDate(text)) {
    warnings->Add(*root.Find(key), "`" + Visible(text) + "` is no date, write YYYY-MM-DD");
  }
  return text;
}

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

// Our own map: the rule in plain words, for somebody who is no engineer.
void ParseOwnerText(const YamlNode& root, Rule* rule, ProblemList* problems) {
  const YamlNode* map = root.Find("redthread");
  if (map == nullptr || map->IsNull()) return;
  if (!map->IsMap()) {
    problems->Add(*map, "`redthread` must be a map with what, meaning, do and harmless");
    return;
  }
  problems->RequireKnownKeys(*map, "`redthread`", {"what", "meaning", "do", "harmless"});
  rule->owner_what = TextUnder(*map, "what", problems);
  rule->owner_meaning = TextUnder(*map, "meaning", problems);
  rule->owner_do = ListUnder(*map, "do", problems);
  rule->owner_harmless = ListUnder(*map, "harmless", problems);
}

void ParseDescription(const YamlNode& root, Rule* rule, ProblemList* problems, ProblemList* warnings) {
  rule->name = TextUnder(root, "name", problems);
  rule->title = TextUnder(root, "title", problems);
  rule->id = TextUnder(root, "id", problems);
  if (rule->id.empty()) rule->id = rule->name;
  if (rule->id.empty()) rule->id = rule->title;
  if (rule->id.empty()) rule->id = *problems->file();
  if (rule->title.empty()) warnings->Add(root, "the rule has no `title`, add one");
  rule->status = OneOfUnder(root, "status", Statuses(), problems);
  const std::string level = OneOfUnder(root, "level", Levels(), problems);
  if (!level.empty()) ParseLevel(level, &rule->level);
  rule->description = TextUnder(root, "description", problems);
  rule->author = TextUnder(root, "author", problems);
  rule->license = TextUnder(root, "license", problems);
  rule->date = DateUnder(root, "date", problems, warnings);
  rule->modified = DateUnder(root, "modified", problems, warnings);
  rule->tags = ListUnder(root, "tags", problems);
  rule->references = ListUnder(root, "references", problems);
  rule->false_positives = ListUnder(root, "falsepositives", problems);
  ParseOwnerText(root, rule, problems);
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

ParsedRule RuleParser::ParseRule(const YamlNode& root, ProblemList* problems, ProblemList* warnings) {
  lowering_.BeginRule();
  ParsedRule parsed;
  Rule& rule = parsed.rule;
  rule.where = problems->Place(root);
  WarnOfMisspeltKeys(root, warnings);
  ParseDescription(root, &rule, problems, warnings);
  rule.log_source = ParseLogSource(root, problems);
  if (rule.log_source.empty()) {
    warnings->Add(root,
                  "the rule names no log source and therefore never fires, add `logsource` with a "
                  "product, category or service");
  }
  std::vector<std::string> conditions;
  if (const YamlNode* detection = SectionUnder(root, "detection", problems)) {
    DetectionParser(&lowering_, problems, warnings)
        .Parse(*detection, {"timeframe"}, &rule.logic, &conditions);
    if (const YamlNode* timeframe = detection->Find("timeframe")) {
      warnings->Add(*timeframe,
                    "`timeframe` has no effect here, write a `correlation:` rule with a timespan");
    }
  }
  parsed.missing_placeholders = MissingPlaceholders();
  rule.content_hash =
      HashLogic(rule.log_source, rule.logic.searches, conditions, lowering_.used_placeholders(), variables_);
  return parsed;
}

ParsedFilter RuleParser::ParseFilter(const YamlNode& root, ProblemList* problems, ProblemList* warnings) {
  lowering_.BeginRule();
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
  auto logic = std::make_shared<RuleLogic>();
  std::vector<std::string> conditions;
  DetectionParser(&lowering_, problems, warnings).Parse(*section, {"rules"}, logic.get(), &conditions);
  if (conditions.size() > 1) {
    problems->Add(*section->Find("condition"), "a filter has one condition, join these with `or` or `and`");
  }
  parsed.missing_placeholders = MissingPlaceholders();
  parsed.content_hash =
      HashLogic(parsed.log_source, logic->searches, conditions, lowering_.used_placeholders(), variables_);
  parsed.filter.logic = std::move(logic);
  return parsed;
}

std::vector<std::string> RuleParser::MissingPlaceholders() const {
  const std::set<std::string>& missing = lowering_.missing_placeholders();
  return {missing.begin(), missing.end()};
}

}  // namespace redthread
