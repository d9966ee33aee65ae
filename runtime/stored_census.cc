#include "runtime/stored_census.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "core/decoder.h"

namespace redthread {
namespace {

struct Source {
  SourceState state;
  StoredInput input;
  uint32_t declared = FactsTable::kNotDeclared;
  bool seen = false;
};

}  // namespace

Result<StoredCensus> TakeStoredCensus(const StateReader& reader, std::shared_ptr<const Engine> engine,
                                      const EventStore::Range& range,
                                      const std::function<StoredInput(const SourceState&)>& input_of,
                                      FieldCensus* census) {
  StoredCensus result;
  result.by_rule.resize(engine->rules().rules.size());
  std::unordered_map<SourceId, Source> sources;
  RT_RETURN_IF_ERROR(ForEachSource(
      reader,
      [&](const SourceState& state) {
        Source& source = sources[state.id];
        source.state = state;
        source.input = input_of(state);
        source.declared = engine->facts()->Declare(source.input.log_source);
        return true;
      },
      &result.damage));
  Pipeline pipeline(engine);
  std::string record;
  const auto visit = [&](const StoredEvent& stored) {
    Source& source = sources[stored.source];
    if (!source.seen) ++result.sources;
    source.seen = true;
    record.assign(stored.record.raw);
    const size_t size = record.size();
    record.append(Decoder::kPadding, '\0');
    const RecordOrigin origin = OriginOf(source.input, source.state, stored.record.arrival);
    Position position;
    position.source = stored.source;
    position.epoch = stored.epoch;
    position.index = stored.record.index;
    pipeline.Process({record.data(), size}, source.declared, position, stored.record.arrival, origin);
    census->Add(pipeline.event(), pipeline.facts());
    for (const RuleIndex rule : pipeline.matches()) ++result.by_rule[rule];
    return true;
  };
  EventStore events;
  RT_RETURN_IF_ERROR(events.ForEach(reader, range, visit, &result.damage));
  return result;
}

}  // namespace redthread
