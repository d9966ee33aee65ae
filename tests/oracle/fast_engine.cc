#include "tests/oracle/fast_engine.h"

namespace redthread {

std::shared_ptr<FastEngine::Compiled> FastEngine::Compile(std::shared_ptr<const RuleSet> rules,
                                                          const LogSourceMap& map, NeedFilter drop_need) {
  auto compiled = std::make_shared<Compiled>();
  compiled->map = map;
  JsonDecoder::RegisterFields(&compiled->fields);
  Classifier::RegisterFields(map, &compiled->fields);
  compiled->program = std::make_shared<const RuleProgram>(std::move(rules), map, &compiled->fields,
                                                          &compiled->facts, std::move(drop_need));
  return compiled;
}

FastEngine::FastEngine(std::shared_ptr<const RuleSet> rules, const LogSourceMap& map, NeedFilter drop_need)
    : FastEngine(Compile(std::move(rules), map, std::move(drop_need))) {}

FastEngine::FastEngine(std::shared_ptr<Compiled> compiled)
    : compiled_(std::move(compiled)),
      classifier_(std::make_unique<Classifier>(compiled_->map, compiled_->fields, &compiled_->facts)),
      decoder_(std::make_unique<JsonDecoder>(compiled_->fields)),
      detector_(std::make_unique<Detector>(compiled_->program)) {}

const Event& FastEngine::Decode(const std::string& record) {
  record_ = record + std::string(Decoder::kPadding, '\0');
  event_.Clear(compiled_->fields);
  event_.raw = std::string_view(record_).substr(0, record.size());
  decoder_->Decode(event_.raw, &event_);
  return event_;
}

LogSourceFacts FastEngine::Classify(const DeclaredLogSource& declared) {
  return compiled_->facts.Get(classifier_->Classify(event_, compiled_->facts.Declare(declared)));
}

std::vector<RuleIndex> FastEngine::Match(const LogSourceFacts& facts) {
  std::vector<RuleIndex> matches;
  detector_->Match(event_, compiled_->facts.Intern(facts), &matches);
  return matches;
}

}  // namespace redthread
