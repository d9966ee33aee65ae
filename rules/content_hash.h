// The hash of what decides: two rules with the same hash give the same answers.
//
// Hashed are the log source, every search as written (field, modifiers in their order, values in their order
// with their kind), the conditions as written (white space apart), the values put in for placeholders, and
// the filters that apply. Titles, tags, levels, dates and comments are not. Neither the order of keys within
// a map counts nor the order of searches or of filters; the order of a list does, because telling that it
// makes no difference would need more than reading it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/correlation.h"
#include "rules/rule.h"
#include "rules/rule_set.h"

namespace redthread {

// 16 bytes: XXH3-128 of a canonical serialisation, high half first. `placeholders` are those of `variables`
// that the rule uses.
std::string HashLogic(const LogSource& log_source, const std::vector<Search>& searches,
                      const std::vector<std::string>& conditions, const std::set<std::string>& placeholders,
                      const SiteVariables& variables);

// The hash of a rule together with those of its filters; without filters, the rule's own.
std::string HashWithFilters(const std::string& rule_hash, std::vector<std::string> filter_hashes);

// The hash of a correlation: its type, spans, fields and condition, and the hashes of the rules it refers to
// in the order of its `rules`, whatever they are called. `generate` decides nothing here.
std::string HashCorrelation(const Correlation& correlation, const std::vector<std::string>& rule_hashes);

}  // namespace redthread
