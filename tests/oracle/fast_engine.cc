#include "tests/oracle/fast_engine.h"

namespace redthread {

FastEngine::FastEngine(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map) {
  JsonDecoder::RegisterFields(&fields_);
  Classifier::RegisterFields(map, &fields_);
  auto program = std::make_shared<const RuleProgram>(std::move(rules), map, &fields_, &facts_);
  classifier_ = std::make_unique<Classifier>(map, fields_, &facts_);
  decoder_ = std::make_unique<JsonDecoder>(fields_);
  detector_ = std::make_unique<Detector>(std::move(program));
}

const Event& FastEngine::Decode(const std::string& record) {
  record_ = record + std::string(Decoder::kPadding, '\0');
  event_.Clear(fields_);
  event_.raw = std::string_view(record_).substr(0, record.size());
  decoder_->Decode(event_.raw, &event_);
  return event_;
}

LogSourceFacts FastEngine::Classify(const DeclaredLogSource& declared) {
  return facts_.Get(classifier_->Classify(event_, facts_.Declare(declared)));
}

std::vector<RuleIndex> FastEngine::Match(const LogSourceFacts& facts) {
  std::vector<RuleIndex> matches;
  detector_->Match(event_, facts_.Intern(facts), &matches);
  return matches;
}

}  // namespace redthread
