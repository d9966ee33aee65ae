// FastEngine: production's way from a line of JSON to the rules that match it, for comparing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "correlate/detector.h"
#include "ingest/classifier.h"
#include "ingest/json_decoder.h"

namespace redthread {

// One per thread.
class FastEngine {
 public:
  FastEngine(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map);

  // Reads one record. The event stays valid until the next call.
  const Event& Decode(const std::string& record);
  // What the record just decoded is.
  LogSourceFacts Classify(const DeclaredLogSource& declared);
  // The rules that match the record just decoded, ascending.
  std::vector<RuleIndex> Match(const LogSourceFacts& facts);

  const Detector::Counters& counters() const { return detector_->counters(); }

 private:
  FieldTable fields_;
  FactsTable facts_;
  std::unique_ptr<Classifier> classifier_;
  std::unique_ptr<JsonDecoder> decoder_;
  std::unique_ptr<Detector> detector_;
  std::string record_;
  Event event_;
};

}  // namespace redthread
