// The `detection` section of a rule (and the body of a filter): named searches and the condition over them.
//
//   detection := { name: search ..., condition: condition | [condition ...] }
//   search    := item map (AND) | list of maps, lists and keywords (OR) | keyword
//   item      := "Field|modifier|...": value | [value ...]; without a field: keywords
// Source: Sigma specification 2.1.0, "Detection".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/problem_list.h"
#include "rules/rule.h"
#include "rules/yaml.h"

namespace redthread {

class DetectionParser {
 public:
  // A rule with more is refused: each selector of a condition looks at all of them.
  static constexpr size_t kMaxSearches = 1'000;

  // Both outlive the parser.
  DetectionParser(ProblemList* problems, ProblemList* warnings) : problems_(problems), warnings_(warnings) {}

  // Reads `map`, whose keys other than `condition` and those in `not_searches` are searches. Items are not
  // lowered yet; one that a problem was added for has no values. *conditions receives the conditions as
  // written.
  void Parse(const YamlNode& map, const std::vector<std::string_view>& not_searches, RuleLogic* logic,
             std::vector<std::string>* conditions);

  // Reads one item, `Field|modifier: value(s)`, on the same terms.
  void ParseItem(const YamlNode& key, const YamlNode& value, DetectionItem* item);

 private:
  void ParseSearch(const YamlNode& node, SearchNode* out);
  void ParseItemMap(const YamlNode& map, SearchNode* out);
  void ParseSearchList(const YamlNode& list, SearchNode* out);
  void ParseKey(const YamlNode& key, DetectionItem* item);
  void AddValue(const YamlNode& value, DetectionItem* item);
  void ParseConditions(const YamlNode& detection, RuleLogic* logic, std::vector<std::string>* conditions);
  bool ParseOneCondition(const YamlNode& node, const std::vector<std::string_view>& names,
                         ConditionNode* condition);
  void WarnOfUnused(const YamlNode& detection, const RuleLogic& logic);

  ProblemList* problems_;
  ProblemList* warnings_;
};

}  // namespace redthread
