#include "tests/oracle/differential_rules.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/oracle/constructs.h"
#include "tests/oracle/reference_data.h"

namespace redthread {
namespace {

LogSourceMap LogSources() {
  Result<LogSourceMap> map =
      LoadLogSourceMap(REDTHREAD_SOURCE_DIR "/rules/logsources.yml", {"core", "extended"});
  EXPECT_TRUE(map.ok()) << map.status().message();
  return map.ok() ? *map : LogSourceMap{};
}

SiteVariables PlaceholderValues(const std::vector<std::string>& folders) {
  // The corpus says only what its placeholders are called; any values will do.
  SiteVariables variables;
  for (size_t known = 1; variables.size() != known;) {  // a complaint names the first that is missing
    known = variables.size();
    for (const RuleProblem& problem : LoadRules(folders, {variables}).need_site_variables) {
      const size_t begin = problem.message.find('%');
      const size_t end = problem.message.find('%', begin + 1);
      if (end == std::string::npos) continue;
      variables[problem.message.substr(begin + 1, end - begin - 1)] = {"value-one", "VALUE*two"};
    }
  }
  return variables;
}

}  // namespace

Differential OnConstructs() {
  const SiteVariables variables = {{"servers", {"dc-01", "FS*.corp"}}, {"one", {"x"}}};
  RuleSet rules = LoadRulesFromText(kConstructs, "constructs.yml", {variables});
  for (const RuleProblem& problem : rules.problems) ADD_FAILURE() << problem.Render();
  const LogSourceMap map = LogSources();
  return Differential(std::move(rules), variables, map, LoadRealEvents(map));
}

std::optional<Differential> OnSigmaCorpus() {
  const std::vector<std::string> folders = SigmaRuleFolders();
  if (folders.empty()) return std::nullopt;
  const SiteVariables variables = PlaceholderValues(folders);
  RuleSet rules = LoadRules(folders, {variables});
  for (const RuleProblem& problem : rules.problems) ADD_FAILURE() << problem.Render();
  // The 3,755 that need no placeholder, and the 25 that do.
  EXPECT_EQ(rules.rules.size(), 3780U);
  const LogSourceMap map = LogSources();
  return Differential(std::move(rules), variables, map, LoadRealEvents(map));
}

size_t FromEnvironment(const char* name, size_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

uint64_t DifferentialSeed() { return FromEnvironment("REDTHREAD_SEED", 20261122); }

}  // namespace redthread
