#include "rules/description_parser.h"

#include <algorithm>

#include "core/text.h"
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

// The text under `key` if it is one of `allowed`.
std::string OneOfUnder(const YamlNode& root, std::string_view key, const Names& allowed,
                       ProblemList* problems) {
  std::string text = TextUnder(root, key, problems);
  if (text.empty() || std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return text;
  problems->Add(*root.Find(key), "`" + text + "` is no " + std::string(key) +
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
    warnings->Add(*root.Find(key), "`" + text + "` is no date, write YYYY-MM-DD");
  }
  return text;
}

// Our own map: the rule in plain words, for somebody who is no engineer.
void ParseOwnerText(const YamlNode& root, RuleDescription* rule, ProblemList* problems) {
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

}  // namespace

void WarnOfMisspeltKeys(const YamlNode& root, ProblemList* warnings) {
  for (size_t i = 0; i < root.entries(); ++i) {
    const std::string& key = root.key(i).text;
    if (std::find(RuleKeys().begin(), RuleKeys().end(), key) != RuleKeys().end()) continue;
    const std::string_view nearest = NearestName(key, RuleKeys());
    if (nearest.empty()) continue;
    warnings->Add(root.key(i), "`" + key + "` is no key of Sigma and is ignored, did you mean `" +
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

void ParseDescription(const YamlNode& root, RuleDescription* rule, ProblemList* problems,
                      ProblemList* warnings) {
  rule->where = problems->Place(root);
  WarnOfMisspeltKeys(root, warnings);
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

}  // namespace redthread
