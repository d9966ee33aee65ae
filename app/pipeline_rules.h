// The rules of workers that share the work: those that the configuration names, as a bundle to propose, and
// those that are in force.
#pragma once

#include <memory>

#include "app/config.h"
#include "core/clock.h"
#include "core/status.h"
#include "rules/rule_bundle.h"
#include "rules/rule_set.h"

namespace redthread {

// What the configuration names, whole: rule files or the shipped rules, site variables, the shipped maps, own
// addresses, and what its sources declare (EncodeInputs). Errors: of any file that cannot be read.
Result<RuleBundle> BundleFor(const Config& config);

// The rules of the current epoch. Requires config.pipeline. kNotFound: there is none yet; as
// ControlTopic::Refresh.
Result<std::shared_ptr<const RuleSet>> RulesInForce(const Config& config, Clock* clock);

}  // namespace redthread
