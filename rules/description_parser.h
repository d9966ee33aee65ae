// What every document says of itself: id, title, level, tags, words for the owner. Shown, never judged.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/problem_list.h"
#include "rules/rule.h"
#include "rules/yaml.h"

namespace redthread {

// Fills the description of a detection rule or a correlation but for its content hash; `where` is the
// document's beginning. The id is never empty.
void ParseDescription(const YamlNode& root, RuleDescription* rule, ProblemList* problems,
                      ProblemList* warnings);

// Warns of unknown keys at the top of a document that look like a misspelt known one.
void WarnOfMisspeltKeys(const YamlNode& root, ProblemList* warnings);

// The text, or the list of texts, under `key` of a map; empty when there is none.
std::string TextUnder(const YamlNode& root, std::string_view key, ProblemList* problems);
std::vector<std::string> ListUnder(const YamlNode& root, std::string_view key, ProblemList* problems);

}  // namespace redthread
