// Processing pipelines: whatever their text, complaints stand inside the file, and what rules become is
// whole.
#include <algorithm>
#include <string>
#include <string_view>

#include "rules/processing_pipeline.h"
#include "rules/rule_set.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: A
name: a
level: high
status: test
date: 2024-01-02
tags: [attack.t1059]
logsource: {product: windows, category: process_creation}
detection:
  s1: {Image|endswith: ['\a.exe', '\b.exe'], EventID: 4688, Hashes|contains: 'MD5=0a'}
  s2: [{CommandLine|contains|all: ['-x', '/y']}, {User|fieldref: Target, Empty: null}]
  f: {User|expand: '%admins%', Parent|neq: z}
  k: [word, other]
  condition: (s1 or all of s*) and not f or 1 of k
---
title: B
name: b
logsource: {product: linux, service: sshd}
detection: {s: {User|re: '^r', n: 5}, condition: s}
---
title: F
id: f
logsource: {}
filter: {rules: any, x: {User: root}, condition: not x}
---
title: C
id: c
correlation:
  type: value_count
  rules: [a, b]
  group-by: [User, ip]
  timespan: 1m
  aliases: {ip: {a: SourceIp, b: DestIp}}
  condition: {gte: 2, field: Image}
)";

void CheckNode(const SearchNode& node) {
  if (node.kind != SearchNode::Kind::kItem) {
    FUZZ_CHECK(!node.children.empty());
    for (const SearchNode& child : node.children) CheckNode(child);
    return;
  }
  FUZZ_CHECK(!node.item.raw_values.empty());
  FUZZ_CHECK(node.item.values.size() == node.item.raw_values.size());
  FUZZ_CHECK(node.item.processed_by.empty());
}

void CheckCondition(const ConditionNode& node, size_t searches) {
  if (node.kind == ConditionNode::Kind::kSearch) FUZZ_CHECK(node.search < searches);
  FUZZ_CHECK((node.kind == ConditionNode::Kind::kSearch) == node.children.empty());
  for (const ConditionNode& child : node.children) CheckCondition(child, searches);
}

void CheckLogic(const RuleLogic& logic) {
  FUZZ_CHECK(!logic.searches.empty());
  for (const Search& search : logic.searches) CheckNode(search.root);
  CheckCondition(logic.condition, logic.searches.size());
}

// Every line says where: "fuzz.yml:3:7: ...".
void CheckComplaints(std::string_view message) {
  FUZZ_CHECK(!message.empty());
  while (!message.empty()) {
    const size_t end = std::min(message.find('\n'), message.size());
    const std::string_view line = message.substr(0, end);
    FUZZ_CHECK(line.substr(0, 9) == "fuzz.yml:" && line[9] >= '1' && line[9] <= '9');
    message.remove_prefix(std::min(end + 1, message.size()));
  }
}

void CheckSet(const RuleSet& set) {
  FUZZ_CHECK(set.total() == 3 + (set.failed_rules > 3 ? set.failed_rules - 3 : 0));
  for (const Rule& rule : set.rules) {
    FUZZ_CHECK(rule.content_hash.size() == 16);
    CheckLogic(rule.logic);
    for (const RuleFilter& filter : rule.filters) CheckLogic(*filter.logic);
  }
  for (const Correlation& correlation : set.correlations) {
    for (const CorrelationReference& reference : correlation.rules)
      FUZZ_CHECK(reference.group_fields.size() == correlation.group_by.size());
  }
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto pipelines = ParsePipelines({{"fuzz.yml", text}});
  if (!pipelines.ok()) {
    CheckComplaints(pipelines.status().message());
    return 0;
  }
  const RuleLoadOptions options{{{"admins", {"root", "adm*"}}}, *pipelines};
  const RuleSet set = LoadRulesFromText(kRules, "r.yml", options);
  CheckSet(set);
  const RuleSet again = LoadRulesFromText(kRules, "r.yml", options);
  FUZZ_CHECK(again.rules.size() == set.rules.size());
  for (size_t i = 0; i < set.rules.size(); ++i)
    FUZZ_CHECK(again.rules[i].content_hash == set.rules[i].content_hash);
  return 0;
}
