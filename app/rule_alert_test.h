// Tests of correlations: events, and the alerts that must come of them, beside a rule file.
//
// Beside `name.yml`: `name.events.ndjson`, in any order, and `name.alerts.ndjson`, every alert that the
// correlations of the file raise on them and no other, one a line:
//
//   {"rule": "guessed_password", "time": "2026-03-01T06:17:00Z", "group": {"ip": "203.0.113.7"}, "count": 6}
//
// `rule` is an id, a name or a title. Those three say which alert is meant; what stands beside them (`first`,
// `last`, `count`, `ended`) has to be so. The events go through a scan, which all other scans are like.
#pragma once

#include <memory>
#include <string>

#include "app/rule_test.h"
#include "runtime/engine.h"

namespace redthread {

// Runs the test beside `stem`.yml, if there is one, of the correlations that `result` names, and notes there
// what it finds.
void TestAlerts(const std::shared_ptr<const Engine>& engine, const std::string& stem, RuleTestResult* result);

}  // namespace redthread
