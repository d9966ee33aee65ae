#include "runtime/engine.h"

#include <utility>

#include "rules/entity_map.h"
#include "rules/processing_pipeline.h"
#include "rules/read_file.h"

namespace redthread {

Result<std::shared_ptr<const Engine>> Engine::Load(const Options& options) {
  RuleLoadOptions load;
  load.variables = options.variables;
  Result<std::shared_ptr<const ProcessingPipelines>> pipelines = LoadPipelines(options.pipeline_paths);
  if (!pipelines.ok()) return pipelines.status();
  load.pipelines = std::move(*pipelines);
  return Load(std::make_shared<const RuleSet>(LoadRules(options.rule_paths, load)), options);
}

Result<std::shared_ptr<const Engine>> Engine::Load(std::shared_ptr<const RuleSet> rules,
                                                   const Options& options) {
  Result<LogSourceMap> log_sources = LoadLogSourceMap(options.log_sources_path, options.profiles);
  if (!log_sources.ok()) return log_sources.status();
  Result<EntityMap> entities = LoadEntityMap(options.entities_path);
  if (!entities.ok()) return entities.status();
  return Compile(std::move(rules), std::move(*log_sources), std::move(*entities), options.own_addresses,
                 options.times);
}

Result<RuleBundle> Engine::Bundle(const Options& options) {
  RuleBundle bundle;
  RT_RETURN_IF_ERROR(ReadRuleFiles(options.rule_paths, &bundle));
  Result<std::string> log_sources = ReadFile(options.log_sources_path);
  if (!log_sources.ok()) return log_sources.status();
  Result<std::string> entities = ReadFile(options.entities_path);
  if (!entities.ok()) return entities.status();
  Result<std::vector<PipelineFile>> pipelines = ReadPipelineFiles(options.pipeline_paths);
  if (!pipelines.ok()) return pipelines.status();
  bundle.variables = options.variables;
  bundle.pipelines = std::move(*pipelines);
  bundle.log_sources = std::move(*log_sources);
  bundle.entities = std::move(*entities);
  bundle.profiles = options.profiles;
  bundle.own_addresses = options.own_addresses;
  bundle.times = options.times;
  return bundle;
}

Result<std::shared_ptr<const Engine>> Engine::Load(const RuleBundle& bundle) {
  Result<LogSourceMap> log_sources =
      LoadLogSourceMapFromText(bundle.log_sources, "logsources.yml", bundle.profiles);
  if (!log_sources.ok()) return log_sources.status();
  Result<EntityMap> entities = LoadEntityMapFromText(bundle.entities, "entities.yml");
  if (!entities.ok()) return entities.status();
  return Compile(std::make_shared<const RuleSet>(LoadRules(bundle)), std::move(*log_sources),
                 std::move(*entities), bundle.own_addresses, bundle.times);
}

std::shared_ptr<const Engine> Engine::Compile(std::shared_ptr<const RuleSet> rules, LogSourceMap log_sources,
                                              EntityMap entities, std::vector<std::string> own_addresses,
                                              const RuleBundle::Times& times) {
  std::shared_ptr<Engine> engine(new Engine());
  engine->log_sources_ = std::move(log_sources);
  engine->entities_ = std::move(entities);
  engine->own_addresses_ = std::move(own_addresses);
  engine->times_ = times;
  FieldTable* fields = &engine->fields_;
  RecordDecoder::RegisterFields(fields);
  EventTime::RegisterFields(fields);
  Classifier::RegisterFields(engine->log_sources_, fields);
  EntityExtractor::RegisterFields(engine->entities_, fields);
  engine->correlations_ = std::make_shared<const CorrelationPlan>(rules, fields);
  engine->program_ =
      std::make_shared<const RuleProgram>(std::move(rules), engine->log_sources_, fields, &engine->facts_);
  return engine;
}

namespace {

bool IsFurtherThan(Nanoseconds limit, Timestamp a, Timestamp b) { return a - b > limit || b - a > limit; }

}  // namespace

Pipeline::Pipeline(std::shared_ptr<const Engine> engine)
    : engine_(std::move(engine)),
      decoder_(engine_->fields()),
      event_time_(engine_->fields()),
      classifier_(engine_->log_sources(), engine_->fields(), engine_->facts()),
      detector_(engine_->program()),
      entities_(engine_->entities(), engine_->fields(), *engine_->facts(), engine_->own_addresses()) {}

DecodeResult Pipeline::Process(std::string_view record, uint32_t declared, const Position& position,
                               Timestamp arrival, const RecordOrigin& origin, std::optional<Timestamp> told) {
  event_.Clear(engine_->fields());
  const DecodeResult decoded = decoder_.Decode(record, origin, &event_);
  event_.position = position;
  event_.arrival = arrival;
  event_.raw = record;
  event_.damaged = decoded.outcome == DecodeOutcome::kDamaged;
  if (!event_.time.has_value()) event_time_.Set(&event_);
  if (!event_.time.has_value()) event_.time = told;
  if (!event_.time.has_value() && origin.pushed) event_.time = arrival;
  event_.disbelieved.reset();
  if (origin.max_skew > Nanoseconds(0) && event_.time.has_value() &&
      IsFurtherThan(origin.max_skew, *event_.time, arrival))
    event_.disbelieved = std::exchange(event_.time, arrival);
  facts_ = classifier_.Classify(event_, declared);
  detector_.Match(event_, facts_, &matches_);
  return decoded;
}

}  // namespace redthread
