#include "runtime/engine.h"

#include "rules/entity_map.h"

namespace redthread {

Result<std::shared_ptr<const Engine>> Engine::Load(const Options& options) {
  RuleLoadOptions load;
  load.variables = options.variables;
  return Load(std::make_shared<const RuleSet>(LoadRules(options.rule_paths, load)), options);
}

Result<std::shared_ptr<const Engine>> Engine::Load(std::shared_ptr<const RuleSet> rules,
                                                   const Options& options) {
  Result<LogSourceMap> log_sources = LoadLogSourceMap(options.log_sources_path, options.profiles);
  if (!log_sources.ok()) return log_sources.status();
  Result<EntityMap> entities = LoadEntityMap(options.entities_path);
  if (!entities.ok()) return entities.status();

  std::shared_ptr<Engine> engine(new Engine());
  engine->log_sources_ = std::move(*log_sources);
  engine->entities_ = std::move(*entities);
  engine->own_addresses_ = options.own_addresses;
  FieldTable* fields = &engine->fields_;
  RecordDecoder::RegisterFields(fields);
  EventTime::RegisterFields(fields);
  Classifier::RegisterFields(engine->log_sources_, fields);
  EntityExtractor::RegisterFields(engine->entities_, fields);
  engine->correlations_ = std::make_shared<const CorrelationPlan>(rules, fields);
  engine->program_ =
      std::make_shared<const RuleProgram>(std::move(rules), engine->log_sources_, fields, &engine->facts_);
  return std::shared_ptr<const Engine>(std::move(engine));
}

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
  facts_ = classifier_.Classify(event_, declared);
  detector_.Match(event_, facts_, &matches_);
  return decoded;
}

}  // namespace redthread
