// Classifier: what kind of log an event is from: product, services, categories, and under which names rules
// of these find their fields.
//
// The log-source map only looks at a few fields, and asks each for a few values. So an event is reduced to
// its signature: for each of these fields, which of the values it holds. Events of one kind share a
// signature, and what it means is worked out once. What an operator declared of the input wins: a declared
// product replaces what content says; declared services and categories stay, and content adds those of that
// product.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/event.h"
#include "core/facts_table.h"
#include "core/log_source.h"

namespace redthread {

// One per thread. FieldTable and FactsTable outlive it; the FactsTable is shared.
class Classifier {
 public:
  // Signatures remembered; beyond that all are forgotten and learned anew.
  static constexpr size_t kMaxSignatures = 8192;
  // Services that a log may name itself (Zeek's stream); further or longer names are no service.
  static constexpr size_t kMaxLearnedServices = 256;
  static constexpr size_t kMaxServiceSize = 64;  // bytes

  // Names the fields the map looks at. To be called before the table is used.
  static void RegisterFields(const LogSourceMap& map, FieldTable* fields);
  Classifier(LogSourceMap map, const FieldTable& fields, FactsTable* facts);

  // `declared`: a number from FactsTable::Declare, or FactsTable::kNotDeclared. Does not allocate for a
  // signature seen before.
  FactsId Classify(const Event& event, uint32_t declared);
  const LogSourceFacts& Facts(FactsId id) const { return facts_->Get(id); }

 private:
  // Which of the values that the map knows a field holds.
  using ValueNumber = uint16_t;
  static constexpr ValueNumber kAbsent = 0;
  static constexpr ValueNumber kUnknown = 1;  // there, with a value that nothing asks for
  // A field the map looks at.
  struct Probe {
    FieldId field = kNoField;
    std::unordered_map<std::string, ValueNumber> values;  // by folded text
    bool names_service = false;                           // its text is the service; new ones are learned
    std::vector<std::string> service_names;               // by value number less two
  };
  // A FieldCondition over probes.
  struct Test {
    size_t probe = 0;
    std::vector<ValueNumber> values;  // empty: the field is there
  };
  struct WindowsCategory {
    const LogSourceMap::Category* source;
    std::vector<Test> when;
  };
  struct OtherSource {
    const LogSourceMap::Other* source;
    std::vector<Test> all_of;
    std::vector<size_t> any_of;        // probes
    std::vector<size_t> service_from;  // probes
  };
  // For each probe the values the event holds: normally one number, more when a key stands there twice.
  using Signature = std::vector<std::vector<ValueNumber>>;

  size_t ProbeFor(const std::string& field, const FieldTable& fields);
  Test CompileTest(const FieldCondition& condition, const FieldTable& fields);
  ValueNumber Number(const Event& event, NodeIndex node, Probe* probe);
  ValueNumber LearnService(std::string_view text, std::string_view folded, Probe* probe);
  FactsId ClassifyDuplicates(const Event& event, uint32_t declared);

  static bool Holds(const Test& test, const Signature& signature);
  bool Recognises(const OtherSource& other, const Signature& signature) const;
  FactsId Intern(const Signature& signature, uint32_t declared, bool duplicates);
  // Sets *learned when a service comes from the log's own text and `with_learned` is set.
  LogSourceFacts Work(const Signature& signature, const DeclaredLogSource& declared, bool with_learned,
                      bool* learned) const;
  std::string ProductOf(const Signature& signature) const;
  void AddWindows(const Signature& signature, LogSourceFacts* facts) const;

  const LogSourceMap map_;
  FactsTable* const facts_;
  std::vector<Probe> probes_;
  size_t channel_ = 0;  // probes
  size_t event_id_ = 0;
  std::vector<std::pair<ValueNumber, const std::string*>> services_;  // channel -> service
  std::vector<WindowsCategory> categories_;
  std::vector<OtherSource> others_;
  std::unordered_map<std::string, FactsId> known_;  // by the signature's bytes
  std::string key_;                                 // the signature of the event at hand
  std::string last_key_;
  std::string text_;  // of a value that is looked up
  FactsId last_ = FactsTable::kNoFacts;
};

}  // namespace redthread
