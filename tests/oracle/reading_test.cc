// Fast against slow on the way from a record to what rules see: shapes, event time, log sources. The course
// is the seed's: REDTHREAD_SEED; more of it: REDTHREAD_DIFFERENTIAL_PAIRS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "ingest/classifier.h"
#include "ingest/event_time.h"
#include "ingest/json_decoder.h"
#include "rules/rule_set.h"
#include "tests/oracle/json_writer.h"
#include "tests/oracle/slow_logsource.h"
#include "tests/oracle/slow_shapes.h"

namespace redthread {
namespace {

size_t Records() {
  const char* value = std::getenv("REDTHREAD_DIFFERENTIAL_PAIRS");
  return value == nullptr ? 20000 : std::strtoull(value, nullptr, 10);
}

uint64_t Seed() {
  const char* value = std::getenv("REDTHREAD_SEED");
  return value == nullptr ? 20261122 : std::strtoull(value, nullptr, 10);
}

// Names that mean something in some shape, and some that do not.
const std::vector<std::string> kNames = {"EventID",
                                         "Channel",
                                         "Computer",
                                         "Provider_Name",
                                         "Provider",
                                         "TimeCreated",
                                         "Image",
                                         "Threat Name",
                                         "ThreatName",
                                         "SourceName",
                                         "ProviderName",
                                         "EventSourceName",
                                         "Source",
                                         "Hostname",
                                         "winlog",
                                         "event_id",
                                         "log_name",
                                         "event_data",
                                         "user_data",
                                         "Event",
                                         "System",
                                         "EventData",
                                         "UserData",
                                         "@timestamp",
                                         "ts",
                                         "EventTime",
                                         "UtcTime",
                                         "a.b",
                                         "#text",
                                         "#attributes",
                                         "Two  Spaces",
                                         "TwoSpaces",
                                         "channel",
                                         "record_id",
                                         "source_name",
                                         "DebugData",
                                         "provider_name",
                                         "computer_name",
                                         "ProcessingErrorData",
                                         "TimeCreated_SystemTime",
                                         "EventRecordID"};

class RecordGenerator {
 public:
  explicit RecordGenerator(Dice* dice) : dice_(dice) {}

  SlowJson Draw() {
    SlowJson record = Members(3);
    for (const char* name : {"event_data", "user_data", "winlog", "Event"}) record.erase(name);
    switch (dice_->Below(5)) {
      case 0:
        record["Event"] = {{"System", Members(3)}};
        // One section with one element, as Windows writes them: of two fields of one name from two of them
        // the decoder keeps both values, the twin the last.
        if (dice_->Chance(60)) {
          record["Event"]["EventData"] = dice_->Chance(85) ? Members(3) : Value(1);
        } else {
          record["Event"]["UserData"] = {{"Details", Members(2)}};
        }
        break;
      case 1:
        record["winlog"] = Section();
        for (const char* section : {"event_data", "user_data"}) {
          if (dice_->Chance(60)) record["winlog"][section] = Section();
        }
        break;
      case 2:
        record["event_id"] = 4688;
        record["log_name"] = "Security";
        if (dice_->Chance(60)) record["event_data"] = Section();
        break;
      case 3:
        record["EventID"] = 4688;
        record["Channel"] = "Security";
        break;
      default:
        break;
    }
    return record;
  }

 private:
  SlowJson Members(int depth) {
    SlowJson object = SlowJson::object();
    for (size_t left = dice_->Below(6); left > 0; --left) object[dice_->Pick(kNames)] = Value(depth);
    return object;
  }
  // Of sections within sections the decoder keeps both values, the twin the last.
  SlowJson Section() {
    SlowJson section = Members(2);
    for (const char* name : {"event_data", "user_data", "winlog"}) section.erase(name);
    return section;
  }
  SlowJson Value(int depth) {
    switch (dice_->Below(depth > 0 ? 9 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return static_cast<int64_t>(dice_->Below(5000));
      case 2:
        return dice_->Chance(50);
      case 3:
        return SlowJson::array({"x", nullptr, 1});
      case 4:
      case 5:
        return "text " + std::to_string(dice_->Below(50));
      case 6:
        return {{"#text", Value(0)}};
      case 7:
        return {{"#attributes", Members(0)}};
      default:
        return Members(depth - 1);
    }
  }
  Dice* dice_;
};

// A time as logs write it, or nearly.
SlowJson DrawTime(Dice* dice) {
  char text[80];
  std::snprintf(text, sizeof(text), "%04zu-%02zu-%02zu%c%02zu:%02zu:%02zu", 1670 + dice->Below(600),
                dice->Below(14), dice->Below(33), dice->Pick(std::string("T  t")), dice->Below(25),
                dice->Below(61), dice->Below(61));
  std::string iso = text;
  static const std::vector<std::string> kFractions = {"",  ".5",           ",123456", ".1234567899",
                                                      ".", ".000000000001"};
  static const std::vector<std::string> kZones = {"",   "Z",  "+01:00", "-0530", " +02:00",
                                                  "+2", " Z", "z",      "+14:99"};
  switch (dice->Below(4)) {
    case 0:
      return std::to_string(dice->Below(size_t{1} << dice->Below(48)));
    case 1:
      return static_cast<int64_t>(dice->Below(size_t{1} << dice->Below(60)));
    case 2:
      // Few enough digits for a double to keep them as they are written.
      return static_cast<double>(dice->Below(size_t{1} << 48)) / 1000;
    default:
      iso += dice->Pick(kFractions) + dice->Pick(kZones);
      if (dice->Chance(10)) iso.erase(dice->Below(iso.size()), 1);
      return dice->Chance(10) ? " " + iso + " " : iso;
  }
}

// Reads records into one event, with all names known to the table.
class Reader {
 public:
  explicit Reader(const LogSourceMap& map) {
    JsonDecoder::RegisterFields(&fields_);
    EventTime::RegisterFields(&fields_);
    Classifier::RegisterFields(map, &fields_);
    for (const std::string& name : kNames) fields_.Add(name);
    decoder_ = std::make_unique<JsonDecoder>(fields_);
    time_ = std::make_unique<EventTime>(fields_);
    classifier_ = std::make_unique<Classifier>(map, fields_, &facts_);
  }
  const Event& Read(const std::string& record) {
    record_ = record + std::string(Decoder::kPadding, '\0');
    event_.Clear(fields_);
    event_.raw = std::string_view(record_).substr(0, record.size());
    outcome_ = decoder_->Decode(event_.raw, &event_).outcome;
    time_->Set(&event_);
    return event_;
  }
  DecodeOutcome outcome() const { return outcome_; }
  LogSourceFacts Classify(const DeclaredLogSource& declared) {
    return facts_.Get(classifier_->Classify(event_, facts_.Declare(declared)));
  }

 private:
  FieldTable fields_;
  FactsTable facts_;
  std::unique_ptr<JsonDecoder> decoder_;
  std::unique_ptr<EventTime> time_;
  std::unique_ptr<Classifier> classifier_;
  std::string record_;
  Event event_;
  DecodeOutcome outcome_ = DecodeOutcome::kClean;
};

// Whether the field is but the spaceless name of another, which the decoder adds only where somebody asks for
// it.
bool NobodyAsksFor(const std::string& name, const SlowJson& object) {
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return false;
  for (const auto& [other, value] : object.items()) {
    std::string spaceless = other;
    spaceless.erase(std::remove(spaceless.begin(), spaceless.end(), ' '), spaceless.end());
    if (other != name && spaceless == name) return true;
  }
  return false;
}

// Members of one object, in no order: {name: value} as text.
std::multiset<std::string> Members(const SlowJson& object) {
  std::multiset<std::string> out;
  for (const auto& [key, value] : object.items()) {
    if (!NobodyAsksFor(key, object)) out.insert(key + ": " + nlohmann::json(value).dump());
  }
  return out;
}

// Of an Event, whose names may stand there twice.
std::multiset<std::string> Members(const Event& event) {
  std::multiset<std::string> out;
  SlowJson names = SlowJson::object();
  for (const Event::Field& field : event.fields()) names[std::string(field.name)] = nullptr;
  for (const Event::Field& field : event.fields()) {
    std::string json;
    AppendJson(event, field.node, &json);
    if (NobodyAsksFor(std::string(field.name), names)) continue;
    out.insert(std::string(field.name) + ": " + nlohmann::json::parse(json).dump());
  }
  return out;
}

TEST(ReadingTest, DecoderTakesShapesOffAsItsSlowTwinDoes) {
  Dice dice(Seed());
  RecordGenerator generator(&dice);
  Reader reader({});
  for (size_t i = 0, count = Records(); i < count && !testing::Test::HasFailure(); ++i) {
    const std::string record = WriteJson(generator.Draw(), &dice);
    const Event& event = reader.Read(record);
    EXPECT_EQ(reader.outcome(), DecodeOutcome::kClean);
    EXPECT_EQ(Members(event), Members(SlowFlatten(SlowJson::parse(record)))) << "seed " << Seed() << "\n"
                                                                             << record;
  }
}

TEST(ReadingTest, EventTimeIsWhatItsSlowTwinReads) {
  Dice dice(Seed());
  Reader reader({});
  size_t with_time = 0;
  const size_t count = Records();
  for (size_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    SlowJson record = {{"other", 1}};
    for (size_t left = dice.Below(3); left > 0; --left) {
      static const std::vector<std::string> kFields = {"@timestamp", "ts", "UtcTime", "time",
                                                       "TimeGenerated"};
      record[dice.Pick(kFields)] = DrawTime(&dice);
    }
    const std::optional<Timestamp> slow = SlowEventTime(SlowFlatten(record));
    EXPECT_EQ(reader.Read(WriteJson(record, &dice)).time, slow) << "seed " << Seed() << "\n" << record;
    with_time += slow.has_value() ? 1 : 0;
  }
  EXPECT_GE(with_time * 5, count) << "too few records have a time to prove much";
}

// ---- log sources ----

std::string Recased(std::string text, Dice* dice) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z' && dice->Chance(10)) c = static_cast<char>(c - 32);
  }
  return text;
}

void Satisfy(const FieldCondition& condition, Dice* dice, SlowJson* record) {
  if (dice->Chance(10)) return;
  const std::string value = dice->Pick(condition.values);
  const std::optional<SlowNumber> number = DecimalOf(value);
  if (number && dice->Chance(70)) {
    (*record)[condition.field] = static_cast<int64_t>(*number);
  } else {
    (*record)[condition.field] = value == "*" ? "any" : Recased(value, dice);
  }
}

SlowJson DrawSource(const LogSourceMap& map, Dice* dice) {
  SlowJson record = {{"message", "x"}};
  for (size_t parts = 1 + dice->Below(2); parts > 0; --parts) {
    if (dice->Chance(60)) {
      const LogSourceMap::Category& category = dice->Pick(map.categories);
      for (const LogSourceMap::Service& service : map.services) {
        if (service.name == category.service) Satisfy({"Channel", service.channels}, dice, &record);
      }
      for (const FieldCondition& condition : category.when) Satisfy(condition, dice, &record);
    } else {
      const LogSourceMap::Other& other = dice->Pick(map.others);
      for (const FieldCondition& condition : other.all_of) Satisfy(condition, dice, &record);
      for (const std::string& field : other.any_field_of) {
        if (dice->Chance(70)) record[field] = dice->Chance(50) ? "conn" : "dns";
      }
    }
  }
  return record;
}

std::multiset<std::string> Spelt(const LogSourceFacts& facts) {
  std::multiset<std::string> out;
  const auto spell = [](const FieldRenames& renames) {
    std::string text;
    for (const auto& [from, to] : renames) text += " " + from + "=" + to;
    return text;
  };
  for (const std::string& product : facts.products) out.insert("product " + product);
  for (const std::string& service : facts.services) out.insert("service " + service);
  for (const auto& fact : facts.categories) out.insert("category " + fact.category + spell(fact.renames));
  out.insert("renames" + spell(facts.renames));
  return out;
}

TEST(ReadingTest, ClassifierKnowsTheLogSourcesThatItsSlowTwinKnows) {
  const Result<LogSourceMap> map =
      LoadLogSourceMap(REDTHREAD_SOURCE_DIR "/rules/logsources.yml", {"core", "extended"});
  ASSERT_TRUE(map.ok()) << map.status().message();
  static const std::vector<DeclaredLogSource> kDeclared = {
      {},
      {},
      {},
      {.products = {"windows"}},
      {.products = {"zeek"}, .services = {"dns"}},
      {.products = {"azure"}, .services = {"auditlogs", "signinlogs"}},
      {.products = {"linux"}},
      {.products = {"okta"}},
      {.services = {"sysmon"}},
      {.categories = {"webserver"}}};
  Dice dice(Seed());
  Reader reader(*map);
  size_t recognised = 0;
  const size_t count = Records();
  for (size_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    const SlowJson record = DrawSource(*map, &dice);
    const DeclaredLogSource& declared = dice.Pick(kDeclared);
    reader.Read(WriteJson(record, &dice));
    const LogSourceFacts slow = SlowClassify(*map, SlowFlatten(record), declared);
    EXPECT_EQ(Spelt(reader.Classify(declared)), Spelt(slow)) << "seed " << Seed() << "\n" << record;
    recognised += slow.services.empty() ? 0 : 1;
  }
  EXPECT_GE(recognised * 5, count) << "too few records are of a known source to prove much";
}

}  // namespace
}  // namespace redthread
