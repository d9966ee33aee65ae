// A rule, written out: for people and as a record.
#pragma once

#include <string>

#include "rules/rule.h"

namespace redthread {

// "windows / process_creation / sysmon": product, category, service, as far as they are given.
std::string LogSourceText(const LogSource& log_source);

// {"kind":"rule","id":...,"title":...,"level":...,"status":...,"tags":[...],"logsource":{...},"path":...,
// "line":...,"description":...} without a line end.
std::string RuleRecord(const Rule& rule);

// Everything that the rule says about itself, then its own text from its file. Safe for terminals.
std::string RuleText(const Rule& rule, bool color);

}  // namespace redthread
