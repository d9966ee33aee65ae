#include "app/configured_engine.h"

#include <utility>

#include "app/numbers.h"
#include "app/rule_options.h"

namespace redthread {

RuleReload::Loaded LoadEngine(const Config& config) {
  Result<std::shared_ptr<const RuleSet>> rules =
      LoadRulesFor({config.rule_paths, config.rule_variables, config.rule_pipelines});
  if (!rules.ok()) return {{}, {}, rules.status()};
  RuleReload::Loaded loaded{*rules, {}, {}};
  if (!loaded.rules->problems.empty()) {
    loaded.status = Status::Invalid(Counted(loaded.rules->problems.size(), "problem") +
                                    "; `redthread rules check` shows them");
    return loaded;
  }
  Engine::Options options;
  options.own_addresses = config.own_addresses;
  options.times = config.times;
  Result<std::shared_ptr<const Engine>> engine = LoadEngineFor(loaded.rules, options);
  if (engine.ok()) {
    loaded.engine = std::move(*engine);
  } else {
    loaded.status = engine.status();
  }
  return loaded;
}

std::shared_ptr<const Engine> Told(RuleReload::Loaded loaded, const char* refused, Messages* messages) {
  if (loaded.rules != nullptr) {
    TellRuleProblems(*loaded.rules, messages);
  }
  if (loaded.engine == nullptr) messages->Error(refused + (": " + loaded.status.message()));
  return std::move(loaded.engine);
}

std::vector<std::string> RuleFiles(const Config& config) {
  std::vector<std::string> files =
      RulePathsOf({config.rule_paths, config.rule_variables, config.rule_pipelines});
  if (!config.rule_variables.empty()) files.push_back(config.rule_variables);
  files.insert(files.end(), config.rule_pipelines.begin(), config.rule_pipelines.end());
  return files;
}

}  // namespace redthread
