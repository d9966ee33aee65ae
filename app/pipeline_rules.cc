#include "app/pipeline_rules.h"

#include <string>
#include <utility>
#include <vector>

#include "app/resources.h"
#include "app/rule_options.h"
#include "runtime/control_topic.h"
#include "runtime/declared_inputs.h"
#include "runtime/engine.h"

namespace redthread {
namespace {

std::string SourcesOf(const Config& config) {
  std::vector<DeclaredInput> inputs;
  for (const KafkaSourceConfig& source : config.kafka_sources)
    inputs.push_back({source.name, source.topics, source.format, source.time_zone, source.max_record_bytes,
                      source.log_source, source.trusted_proxies});
  return EncodeInputs(inputs);
}

}  // namespace

Result<RuleBundle> BundleFor(const Config& config) {
  const Result<Resources> resources = FindResources();
  if (!resources.ok()) return resources.status();
  Engine::Options options;
  options.rule_paths = RulePathsOf({config.rule_paths, {}, {}});
  options.pipeline_paths = config.rule_pipelines;
  options.log_sources_path = resources->logsources;
  options.entities_path = resources->entities;
  options.own_addresses = config.own_addresses;
  options.times = config.times;
  if (!config.rule_variables.empty()) {
    Result<SiteVariables> variables = LoadSiteVariables(config.rule_variables);
    if (!variables.ok()) return variables.status();
    options.variables = std::move(*variables);
  }
  Result<RuleBundle> bundle = Engine::Bundle(options);
  if (bundle.ok()) bundle->sources = SourcesOf(config);
  return bundle;
}

Result<std::shared_ptr<const RuleSet>> RulesInForce(const Config& config, Clock* clock) {
  ControlTopic control({config.pipeline->settings, config.pipeline->control}, clock);
  RT_RETURN_IF_ERROR(control.Refresh());
  const std::optional<RuleEpoch> epoch = control.log().current();
  if (!epoch.has_value())
    return Status::NotFound("no rules are in force yet: topic " + config.pipeline->control + " names none");
  const Result<RuleBundle> bundle = control.log().BundleOf(epoch->bundle);
  if (!bundle.ok()) return bundle.status();
  return std::make_shared<const RuleSet>(LoadRules(*bundle));
}

}  // namespace redthread
