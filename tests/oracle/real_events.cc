#include "tests/oracle/real_events.h"

#include <fstream>
#include <map>

#include "ingest/record_reader.h"
#include "rules/rule_set.h"
#include "tests/oracle/fast_engine.h"
#include "tests/oracle/reference_data.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

// Read of each file, kept of each kind of event, and the longest record kept: the slow twin takes its time.
constexpr uint64_t kLinesOfFile = 1000;
constexpr size_t kOfKind = 4;
constexpr size_t kMaxRecord = 12000;

std::vector<std::string> Texts(const SlowJson& source, const char* key) {
  if (!source.contains(key)) return {};
  if (source.at(key).is_string()) return {source.at(key).get<std::string>()};
  return source.at(key).get<std::vector<std::string>>();
}

class Sampler {
 public:
  explicit Sampler(const LogSourceMap& map) : map_(map), engine_(std::make_shared<const RuleSet>(), map) {}

  void Read(const std::string& path, const DeclaredLogSource& declared) {
    Result<std::unique_ptr<RecordReader>> reader = RecordReader::Open(path, path, {});
    if (!reader.ok()) return;
    RecordBatch batch;
    while ((*reader)->next_index() < kLinesOfFile) {
      const Result<bool> more = (*reader)->Next(&batch);
      if (!more.ok() || !*more) break;
      for (const RecordBatch::Record& record : batch.records) {
        if (record.index < kLinesOfFile && record.size <= kMaxRecord)
          Offer(std::string(record.text()), declared);
      }
    }
  }

  std::vector<RealEvent> Take() { return std::move(events_); }

 private:
  void Offer(const std::string& record, const DeclaredLogSource& declared) {
    const Event& event = engine_.Decode(record);
    const LogSourceFacts facts = engine_.Classify(declared);
    std::string kind;
    for (const auto& product : facts.products) kind += product + ",";
    for (const auto& service : facts.services) kind += service + ",";
    for (const auto& category : facts.categories) kind += category.category + ",";
    event.AnyValue(engine_.FieldNamed("EventID"), [&](NodeIndex i) {
      kind += event.Text(i).value_or("");
      return true;
    });
    if (++seen_[kind] > kOfKind) return;
    const SlowJson json = SlowJson::parse(record, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return;
    SlowJson flat = SlowFlatten(json);
    // What is left of Winlogbeat's nesting: fields stand there a second time.
    for (const char* member : {"winlog", "event_data", "user_data", "event_id", "log_name"})
      flat.erase(member);
    LogSourceFacts slow_facts = SlowClassify(map_, flat, declared);
    events_.push_back({std::move(flat), declared, std::move(slow_facts)});
  }

  const LogSourceMap& map_;
  FastEngine engine_;
  std::map<std::string, size_t> seen_;
  std::vector<RealEvent> events_;
};

}  // namespace

std::vector<RealEvent> LoadRealEvents(const LogSourceMap& map) {
  const std::optional<std::string> data = ReferencePath("data");
  if (!data) return {};
  std::ifstream file(*data + "/manifest.json");
  const SlowJson manifest = SlowJson::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) return {};
  Sampler sampler(map);
  for (const SlowJson& entry : manifest.at("files")) {
    const SlowJson& source = entry.at("logsource");
    if (source.empty()) continue;
    sampler.Read(*data + "/" + entry.at("path").get<std::string>(),
                 {Texts(source, "product"), Texts(source, "service"), Texts(source, "category")});
  }
  return sampler.Take();
}

}  // namespace redthread
