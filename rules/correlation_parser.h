// One `correlation:` document -> Correlation, checked as far as it can be without the rules it refers to.
//
//   correlation:
//     type: event_count
//     rules: [failed_login]            # names or ids of rules and of other correlations
//     group-by: [src_ip]
//     timespan: 10m
//     aliases: {ip: {failed_login: src_ip}}
//     condition: {gte: 5}              # or, of temporal: a boolean condition over the names in `rules`
//     generate: false
// Source: Sigma specification 2.1.0, correlation rules; silence, first_seen and boolean conditions are ours
// or pySigma's: docs/rules.md.
#pragma once

#include <string>
#include <vector>

#include "rules/correlation.h"
#include "rules/problem_list.h"
#include "rules/yaml.h"

namespace redthread {

// `aliases:` as written: in `rule`, `alias` is called `field`.
struct WrittenAlias {
  std::string alias;
  std::string rule;
  std::string field;
  SourceLocation where;
};

// A correlation whose references are not resolved: of each only `written` and `where` are set.
struct ParsedCorrelation {
  Correlation correlation;
  std::vector<WrittenAlias> aliases;
};

// `root` is a map with the key `correlation`. Usable if no problem was added.
ParsedCorrelation ParseCorrelation(const YamlNode& root, ProblemList* problems, ProblemList* warnings);

}  // namespace redthread
