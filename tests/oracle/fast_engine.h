// FastEngine: production's way from a line of JSON to the rules that match it, for comparing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "correlate/detector.h"
#include "ingest/classifier.h"
#include "ingest/json_decoder.h"

namespace redthread {

// One per thread; engines over the same compiled rules share them.
class FastEngine {
 public:
  // `drop_need`: as RuleProgram's, for a prefilter that is broken on purpose.
  FastEngine(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map, NeedFilter drop_need = nullptr);

  // Another engine over the same compiled rules, for another thread.
  FastEngine Another() const { return FastEngine(compiled_); }

  // Reads one record. The event stays valid until the next call.
  const Event& Decode(const std::string& record);
  // What the record just decoded is.
  LogSourceFacts Classify(const DeclaredLogSource& declared);
  // The rules that match the record just decoded, ascending.
  std::vector<RuleIndex> Match(const LogSourceFacts& facts);

  // The number of a field's name; kNoField when nothing asks for it.
  FieldId FieldNamed(std::string_view name) const { return compiled_->fields.Find(name); }
  const Detector::Counters& counters() const { return detector_->counters(); }

 private:
  struct Compiled {
    LogSourceMap map;
    FieldTable fields;
    FactsTable facts;
    std::shared_ptr<const RuleProgram> program;
  };
  explicit FastEngine(std::shared_ptr<Compiled> compiled);
  static std::shared_ptr<Compiled> Compile(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map,
                                           NeedFilter drop_need);

  std::shared_ptr<Compiled> compiled_;
  std::unique_ptr<Classifier> classifier_;
  std::unique_ptr<JsonDecoder> decoder_;
  std::unique_ptr<Detector> detector_;
  std::string record_;
  Event event_;
};

}  // namespace redthread
