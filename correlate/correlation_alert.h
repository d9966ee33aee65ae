// What a correlation found, as an alert that people and sinks read.
#pragma once

#include <functional>
#include <string>

#include "core/alert.h"
#include "correlate/correlation_match.h"
#include "correlate/group_correlator.h"
#include "rules/rule_set.h"

namespace redthread {

// Names and values of a group, sorted by name.
AlertGroup GroupOf(const Correlation& correlation, const Texts& values);

// One sentence: what held, for whom, on how many matches.
std::string ExplainCorrelation(const Correlation& correlation, const AlertGroup& group,
                               const CorrelationAlert& found);

// The path of a source, as given.
using SourceName = std::function<std::string(SourceId)>;

// The alert, final, with id and explanation.
Alert MakeAlert(const RuleSet& rules, const Correlation& correlation, const Texts& group,
                const CorrelationAlert& found, const SourceName& source_name);

}  // namespace redthread
