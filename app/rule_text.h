// A rule, written out: for people and as a record.
#pragma once

#include <string>

#include "rules/correlation.h"
#include "rules/rule.h"

namespace redthread {

// "windows / process_creation / sysmon": product, category, service, as far as they are given.
std::string LogSourceText(const LogSource& log_source);

// {"kind":"rule","id":...,"title":...,"level":...,"status":...,"tags":[...],"logsource":{...},"path":...,
// "line":...,"description":...} without a line end.
std::string RuleRecord(const Rule& rule);

// {"kind":"rule","type":"event_count",...}: the same of a correlation, with "rules", "group_by",
// "timespan", "condition", "answers" ("at once" or "watermark") and "delay_seconds" in place of the log
// source.
std::string RuleRecord(const Correlation& correlation);

// "event_count over ssh_failed".
std::string CorrelationSourceText(const Correlation& correlation);

// Everything that the rule says about itself, then its own text from its file. Safe for terminals.
std::string RuleText(const Rule& rule, bool color);
// Of a correlation also when it answers, and why then.
std::string RuleText(const Correlation& correlation, bool color);

}  // namespace redthread
