// FieldCensus: which kinds of events came, and which of the fields that rules ask for they had.
//
// A kind is what the detector tells apart before it looks at rules: log-source facts and EventID class. Of
// each, only the fields are watched that some rule asks for there and that were not seen yet; after a few
// events of a kind that are few or none, so that counting costs next to nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/facts_table.h"
#include "correlate/rule_program.h"

namespace redthread {

// The text of the event's EventID, when it has exactly one.
std::optional<std::string_view> OnlyEventId(const Event& event, FieldId event_id_field);

// One per thread.
class FieldCensus {
 public:
  enum class State : uint8_t {
    kNever,  // no event had it
    kEmpty,  // only as null, as empty text or as a list without values
    kSeen,
  };
  struct Kind {
    FactsId facts = FactsTable::kNoFacts;
    uint32_t event_id_class = 0;  // RuleProgram::EventIdClass
    uint64_t events = 0;
    std::vector<State> fields;  // by FieldId; those that no rule asks for here are never looked at
    std::vector<FieldId> open;  // those that are looked for
  };

  explicit FieldCensus(std::shared_ptr<const RuleProgram> program) : program_(std::move(program)) {}

  // `event` was cleared with the program's field table.
  void Add(const Event& event, FactsId facts);
  // What another thread counted, over the same program.
  void Add(const FieldCensus& other);

  // By facts and class. Empty ones are never there.
  const std::map<uint64_t, Kind>& kinds() const { return kinds_; }
  uint64_t events() const { return events_; }
  const RuleProgram& program() const { return *program_; }

 private:
  Kind* FindKind(FactsId facts, uint32_t event_id_class);
  void Watch(Kind* kind) const;

  std::shared_ptr<const RuleProgram> program_;
  std::map<uint64_t, Kind> kinds_;
  Kind* last_ = nullptr;
  uint64_t events_ = 0;
};

}  // namespace redthread
