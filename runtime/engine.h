// Engine: rules, compiled, with everything needed to run records through them: one immutable snapshot, shared
// by all threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/entity_map.h"
#include "core/facts_table.h"
#include "core/field_table.h"
#include "core/log_source.h"
#include "core/status.h"
#include "correlate/correlation_plan.h"
#include "correlate/detector.h"
#include "correlate/entities.h"
#include "correlate/rule_program.h"
#include "ingest/classifier.h"
#include "ingest/event_time.h"
#include "ingest/record_decoder.h"
#include "rules/rule_bundle.h"
#include "rules/rule_set.h"

namespace redthread {

class Engine {
 public:
  struct Options {
    std::vector<std::string> rule_paths;
    SiteVariables variables;
    std::vector<std::string> pipeline_paths;  // processing pipelines
    std::string log_sources_path;             // rules/logsources.yml
    std::string entities_path;                // rules/entities.yml
    std::vector<std::string> profiles = {"core"};
    std::vector<std::string> own_addresses;
    RuleBundle::Times times;
  };
  // Bad rules are no failure: they stand in rules().problems, and the caller decides. Fails when one of the
  // two maps cannot be read.
  static Result<std::shared_ptr<const Engine>> Load(const Options& options);
  // The same over rules that are already loaded.
  static Result<std::shared_ptr<const Engine>> Load(std::shared_ptr<const RuleSet> rules,
                                                    const Options& options);
  // What Load reads, read: an engine of the same answers can be made of it anywhere. Fails when any file
  // cannot be read. RuleBundle::sources is the caller's.
  static Result<RuleBundle> Bundle(const Options& options);
  // The engine of a bundle. Bad rules are no failure here either.
  static Result<std::shared_ptr<const Engine>> Load(const RuleBundle& bundle);

  const RuleSet& rules() const { return program_->rules(); }
  const std::shared_ptr<const RuleProgram>& program() const { return program_; }
  const std::shared_ptr<const CorrelationPlan>& correlations() const { return correlations_; }
  const FieldTable& fields() const { return fields_; }
  // The one part that still grows, with what content turns out to be; it locks.
  FactsTable* facts() const { return &facts_; }
  const LogSourceMap& log_sources() const { return log_sources_; }
  const EntityMap& entities() const { return entities_; }
  const std::vector<std::string>& own_addresses() const { return own_addresses_; }
  const RuleBundle::Times& times() const { return times_; }

 private:
  Engine() = default;
  static std::shared_ptr<const Engine> Compile(std::shared_ptr<const RuleSet> rules, LogSourceMap log_sources,
                                               EntityMap entities, std::vector<std::string> own_addresses,
                                               const RuleBundle::Times& times);

  LogSourceMap log_sources_;
  EntityMap entities_;
  std::vector<std::string> own_addresses_;
  RuleBundle::Times times_;
  FieldTable fields_;
  mutable FactsTable facts_;
  std::shared_ptr<const CorrelationPlan> correlations_;
  std::shared_ptr<const RuleProgram> program_;
};

// Pipeline: one record after another through decoder, clock, classifier and detector. One per thread.
class Pipeline {
 public:
  explicit Pipeline(std::shared_ptr<const Engine> engine);

  // Runs one record. `record` is followed by Decoder::kPadding readable bytes and stays as it is until the
  // next call. `declared`: from FactsTable::Declare. `origin`: what the source knows. `told`: the time of a
  // record that says none itself. What the record became stands in event(), facts() and matches() until the
  // next call.
  DecodeResult Process(std::string_view record, uint32_t declared, const Position& position,
                       Timestamp arrival, const RecordOrigin& origin = {},
                       std::optional<Timestamp> told = {});

  Event& event() { return event_; }
  FactsId facts() const { return facts_; }
  const std::vector<RuleIndex>& matches() const { return matches_; }
  AlertGroup Entities() { return entities_.Extract(event_, facts_); }
  Detector& detector() { return detector_; }
  const Engine& engine() const { return *engine_; }

 private:
  std::shared_ptr<const Engine> engine_;
  RecordDecoder decoder_;
  EventTime event_time_;
  Classifier classifier_;
  Detector detector_;
  EntityExtractor entities_;
  Event event_;
  FactsId facts_ = FactsTable::kNoFacts;
  std::vector<RuleIndex> matches_;
};

}  // namespace redthread
