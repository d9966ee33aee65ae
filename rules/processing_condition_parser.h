// The conditions of a processing pipeline's item: YAML -> ProcessingTest.
//
//   rule_conditions:                      # or a map of name -> condition, for rule_cond_expr
//     - {type: logsource, product: windows}
//   rule_cond_op: or                      # else and
//   rule_cond_not: true
//   rule_cond_expr: windows and not old   # over the names
// The same with detection_item_ and field_name_ before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/problem_list.h"
#include "rules/processing_pipeline.h"
#include "rules/yaml.h"

namespace redthread {

// What a condition is asked about.
enum class ProcessingScope : uint8_t { kRule = 1, kDetectionItem = 2, kFieldName = 4 };

// The test that `item` has for this scope. Usable if no problem was added.
ProcessingTest ParseProcessingTest(const YamlNode& item, ProcessingScope scope, ProblemList* problems);

// Whether `key` belongs to one of the tests.
bool IsProcessingTestKey(std::string_view key);

// A regular expression at `node`, compiled. Null after a complaint.
SharedRegex CompileProcessingRegex(const YamlNode& node, ProblemList* problems);

// `true` or `false` under `key` of `map`, `otherwise` when it is not there.
bool FlagUnder(const YamlNode& map, std::string_view key, bool otherwise, ProblemList* problems);

// The scalar under `key`, or null after a complaint.
const YamlNode* RequireScalar(const YamlNode& map, std::string_view key, ProblemList* problems);

// A scalar with its place.
RawValue PlacedValue(const YamlNode& scalar, const ProblemList& problems);

}  // namespace redthread
