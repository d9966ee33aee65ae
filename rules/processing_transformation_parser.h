// One item of a processing pipeline: YAML -> ProcessingItem.
//
//   - id: windows_fields
//     type: field_name_mapping
//     mapping: {Image: process.executable}
//     rule_conditions: [{type: logsource, product: windows}]
#pragma once

#include <vector>

#include "rules/problem_list.h"
#include "rules/processing_pipeline.h"
#include "rules/yaml.h"

namespace redthread {

// Usable if no problem was added. `notices` receives what has no meaning here.
ProcessingItem ParseProcessingItem(const YamlNode& node, ProblemList* problems, ProblemList* notices);

}  // namespace redthread
