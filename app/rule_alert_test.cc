#include "app/rule_alert_test.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "app/numbers.h"
#include "app/test_file.h"
#include "core/text.h"
#include "runtime/scan.h"

namespace redthread {
namespace {

using Json = nlohmann::json;

// A line of the file of alerts.
struct ExpectedAlert {
  PlacedProblem place;
  std::string rule_id;
  AlertGroup group;
  Timestamp time;
  std::optional<Timestamp> first, last, ended;
  std::optional<uint64_t> count;
};

std::string GroupWords(const AlertGroup& group) {
  std::string out;
  for (const auto& [name, value] : group) out += (out.empty() ? " for " : ", ") + name + " " + value;
  return out;
}

// As a line of the file of alerts would have it.
std::string LineOf(const Alert& alert, const Correlation& rule) {
  std::string line = "{\"rule\": ";
  AppendJsonString(rule.name.empty() ? rule.id : rule.name, &line);
  line += ", \"time\": \"" + FormatTimestamp(alert.time) + "\"";
  for (const auto& [name, value] : alert.group) {
    line += &name == &alert.group.front().first ? ", \"group\": {" : ", ";
    AppendJsonString(name, &line);
    line += ": ";
    AppendJsonString(value, &line);
  }
  if (!alert.group.empty()) line += "}";
  return line + ", \"count\": " + std::to_string(alert.count) + "}";
}

class AlertTest {
 public:
  AlertTest(const std::shared_ptr<const Engine>& engine, std::string stem, RuleTestResult* result)
      : engine_(engine),
        events_(stem + ".events.ndjson"),
        alerts_(stem + ".alerts.ndjson"),
        result_(result) {}

  void Run() {
    std::string problem;
    const std::optional<std::string> text = ReadTestFile(alerts_, &problem);
    if (!problem.empty()) return Complain({alerts_, 0, 0, ""}, problem);
    const bool has_events = std::ifstream(events_).is_open();
    if (!text.has_value() && !has_events) return;
    if (!text.has_value()) return Complain({events_, 0, 0, ""}, "no " + alerts_ + " says what comes of it");
    if (!has_events) return Complain({alerts_, 0, 0, ""}, "no " + events_ + " for these alerts to come of");
    if (result_->correlations.empty())
      return Complain({alerts_, 0, 0, ""}, "the rule file has no correlation to raise alerts");
    result_->has_alert_test = true;
    const std::vector<ExpectedAlert> expected = ReadLines(*text);
    result_->expected_alerts += expected.size();
    Compare(expected, Raised());
  }

 private:
  void Complain(PlacedProblem place, std::string message) {
    place.message = std::move(message);
    result_->problems.push_back(std::move(place));
  }

  const Correlation& At(CorrelationIndex i) const { return engine_->rules().correlations[i]; }

  // The correlation of the file that is called so; null when none is.
  const Correlation* Find(const std::string& word) const {
    for (const CorrelationIndex i : result_->correlations) {
      if (At(i).id == word || At(i).name == word || At(i).title == word) return &At(i);
    }
    return nullptr;
  }

  std::vector<ExpectedAlert> ReadLines(const std::string& text) {
    std::vector<ExpectedAlert> lines;
    int number = 1;
    for (size_t begin = 0; begin < text.size(); ++number) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const std::string line = text.substr(begin, end - begin);
      begin = end + 1;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      ExpectedAlert expected;
      expected.place = {alerts_, number, 1, ""};
      if (ReadLine(line, &expected)) lines.push_back(std::move(expected));
    }
    return lines;
  }

  // False after a complaint.
  bool ReadLine(const std::string& line, ExpectedAlert* out) {
    const Json json = Json::parse(line, nullptr, false);
    std::string wrong;
    if (!json.is_object()) {
      wrong = "this is no JSON object";
    } else if (const Correlation* rule = Find(TextOf(json, "rule")); rule == nullptr) {
      wrong = "`rule` must name a correlation of the rule file, by id, name or title";
    } else if (!json.contains("time")) {
      wrong = "no `time`, add when the alert fires like \"2026-03-01T06:17:00Z\"";
    } else {
      out->rule_id = rule->id;
      wrong = ReadGroup(json, *rule, out);
    }
    for (auto member = json.begin(); wrong.empty() && member != json.end(); ++member)
      wrong = ReadMember(member.key(), member.value(), out);
    if (!wrong.empty()) Complain(out->place, wrong);
    return wrong.empty();
  }

  static std::string TextOf(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  // Returns what is wrong.
  static std::string ReadGroup(const Json& json, const Correlation& rule, ExpectedAlert* out) {
    const Json group = json.value("group", Json::object());
    std::vector<std::string> names = rule.group_by;
    if (group.is_object()) {
      for (const auto& [name, value] : group.items()) {
        std::erase(names, name);
        if (value.is_string()) out->group.emplace_back(name, value.get<std::string>());
      }
    }
    std::sort(out->group.begin(), out->group.end());
    if (names.empty() && out->group.size() == rule.group_by.size()) return "";
    return rule.group_by.empty() ? "the rule has no `group-by`, so an alert has no group"
                                 : "`group` must give the text of every field of `group-by`";
  }

  static std::string ReadMember(const std::string& key, const Json& value, ExpectedAlert* out) {
    if (key == "rule" || key == "group") return "";
    if (key == "count") {
      if (!value.is_number_unsigned()) return "`count` must be a number of matches";
      out->count = value.get<uint64_t>();
      return "";
    }
    const std::optional<Timestamp> time =
        value.is_string() ? ParseTimestamp(value.get<std::string>()) : std::nullopt;
    if (key != "time" && key != "first" && key != "last" && key != "ended")
      return "`" + key + "` is unknown, it may be rule, time, group, first, last, count or ended";
    if (!time.has_value()) return "`" + key + "` must be a time like \"2026-03-01T06:17:00Z\"";
    if (key == "time") out->time = *time;
    if (key == "first") out->first = time;
    if (key == "last") out->last = time;
    if (key == "ended") out->ended = time;
    return "";
  }

  // What the correlations of the file raise.
  std::vector<Alert> Raised() {
    ScanOptions options;
    options.paths = {events_};
    Scan scan(engine_, options);
    std::vector<Alert> raised;
    const auto take = [&](const Alert& alert) {
      const Correlation* rule = alert.correlation ? Find(alert.rule_id) : nullptr;
      if (rule != nullptr) raised.push_back(alert);
      return Status::Ok();
    };
    const Status status = scan.Alerts(take, nullptr);
    if (!status.ok()) Complain({events_, 0, 0, ""}, status.message());
    for (const std::string& problem : scan.report().problems) {
      const bool placed = problem.rfind(events_ + ": ", 0) == 0;
      Complain({events_, 0, 0, ""}, placed ? problem.substr(events_.size() + 2) : problem);
    }
    if (scan.report().timeless > 0) {
      Complain({events_, 0, 0, ""}, Counted(scan.report().timeless, "match", "matches") +
                                        " on events without a time, which take no part");
    }
    return raised;
  }

  void Compare(const std::vector<ExpectedAlert>& expected, std::vector<Alert> raised) {
    for (const ExpectedAlert& e : expected) {
      const auto is_meant = [&e](const Alert& a) {
        return a.rule_id == e.rule_id && a.group == e.group && a.time == e.time;
      };
      const auto found = std::find_if(raised.begin(), raised.end(), is_meant);
      if (found == raised.end()) {
        Complain(e.place, "must be raised and is not, at " + FormatTimestamp(e.time) + GroupWords(e.group));
        continue;
      }
      const std::string difference = Difference(e, *found);
      if (difference.empty()) {
        ++result_->raised_alerts;
      } else {
        Complain(e.place, difference);
      }
      raised.erase(found);
    }
    for (const Alert& alert : raised) {
      Complain({alerts_, 0, 0, ""},
               "raises an alert that is not listed: " + LineOf(alert, *Find(alert.rule_id)));
    }
  }

  static std::string Difference(const ExpectedAlert& e, const Alert& a) {
    if (e.count.has_value() && *e.count != a.count)
      return "`count` is " + std::to_string(a.count) + ", not " + std::to_string(*e.count);
    const auto differs = [](const char* key, Timestamp is, Timestamp wanted) {
      return std::string("`") + key + "` is " + FormatTimestamp(is) + ", not " + FormatTimestamp(wanted);
    };
    if (e.first.has_value() && *e.first != a.first) return differs("first", a.first, *e.first);
    if (e.last.has_value() && *e.last != a.last) return differs("last", a.last, *e.last);
    if (!e.ended.has_value() || e.ended == a.ended) return "";
    return a.ended.has_value() ? differs("ended", *a.ended, *e.ended) : "the silence has not ended";
  }

  const std::shared_ptr<const Engine>& engine_;
  const std::string events_, alerts_;
  RuleTestResult* result_;
};

}  // namespace

void TestAlerts(const std::shared_ptr<const Engine>& engine, const std::string& stem,
                RuleTestResult* result) {
  AlertTest(engine, stem, result).Run();
}

}  // namespace redthread
