// Alerts through the topic: what is written is read, and the newest word on an alert is the one that counts.
#include "app/alert_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/topic_alerts.h"
#include "core/record.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;

const Timestamp kTen = *ParseTimestamp("2026-11-22T10:00:00.123456789Z");

std::string Json(const Alert& alert, int64_t at) {
  return TopicAlertRecord(alert, static_cast<uint64_t>(at));
}
std::string Record(const Alert& alert) {
  std::string json;
  AppendAlertRecord(alert, &json);
  return json;
}
std::string Canonical(const Alert& alert) {
  std::string json;
  AppendCanonicalAlert(alert, &json);
  return json;
}

Alert Correlation() {
  Alert alert;
  alert.id = "0a1b";
  alert.revision = 4;
  alert.state = AlertState::kFinal;
  alert.late = true;
  alert.correlation = true;
  alert.rule_id = "rule";
  alert.rule_title = "A \"title\"\n";
  alert.level = Level::kCritical;
  alert.tags = {"attack.t1110", "x"};
  alert.group = {{"Computer", "pc\x1b\\"}, {"user", "[\"a\",\"b\"]"}, {"zone", "\xe2\x80\xaeü"}};
  alert.time = kTen;
  alert.first = kTen - std::chrono::hours(24 * 365 * 80);
  alert.last = kTen + std::chrono::nanoseconds(1);
  alert.count = 1'000'000'000'000;
  for (uint64_t i = 0; i < 3; ++i)
    alert.evidence.push_back({kTen + std::chrono::nanoseconds(i),
                              "sub-rule",
                              "logs/7",
                              {0, 0, uint64_t{1} << (20 * i), 0},
                              HashBytes(std::to_string(i))});
  alert.explain = "because";
  return alert;
}

// What may be told of an alert: all forms of it.
std::vector<Alert> Samples() {
  Alert early = Correlation();
  early.state = AlertState::kEarly;
  early.by_clock = true;
  early.late = false;
  Alert withdrawn = Correlation();
  withdrawn.state = AlertState::kWithdrawn;
  withdrawn.replaced_by = "0c";
  Alert silence = Correlation();
  silence.ended = silence.last + std::chrono::hours(3);
  Alert timeless;
  timeless.id = "1";
  timeless.rule_id = "r";
  timeless.time = timeless.first = timeless.last = kNoTime;
  timeless.evidence = {{kNoTime, "r", "logs/0", {}, HashBytes("x")}};
  return {Correlation(), early, withdrawn, silence, timeless};
}

TEST(AlertJsonTest, WhatIsWrittenIsRead) {
  for (const Alert& alert : Samples()) {
    const std::string json = Json(alert, 1'234'567'890'123);
    const Result<TopicAlert> read = ParseTopicAlert(json);
    ASSERT_TRUE(read.ok()) << read.status().message() << "\n" << json;
    EXPECT_EQ(read->at, 1'234'567'890'123);
    EXPECT_EQ(Json(read->alert, read->at), json);
    EXPECT_EQ(Record(read->alert), Record(alert));
    EXPECT_EQ(Canonical(read->alert), Canonical(alert));
    EXPECT_EQ(read->alert.group, alert.group);
    EXPECT_EQ(read->alert.time, alert.time);
    EXPECT_EQ(read->alert.ended, alert.ended);
    EXPECT_EQ(read->alert.tags, alert.tags);
  }
}

TEST(AlertJsonTest, TheTopicsFormIsTheRecordAndTwoKeysMore) {
  nlohmann::json json = nlohmann::json::parse(Json(Correlation(), 17));
  EXPECT_EQ(json["at"], 17);
  EXPECT_EQ(json["evidence"][0]["hash"], HexOf(HashBytes("0")));
  json.erase("at");
  for (auto& evidence : json["evidence"]) evidence.erase("hash");
  EXPECT_EQ(json, nlohmann::json::parse(Record(Correlation())));
}

TEST(AlertJsonTest, KeysOfALaterVersionAreSkipped) {
  nlohmann::json json = nlohmann::json::parse(Json(Correlation(), 17));
  json["new"] = {1, 2};
  json["evidence"][0]["new"] = "x";
  const Result<TopicAlert> read = ParseTopicAlert(json.dump());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(Canonical(read->alert), Canonical(Correlation()));
}

TEST(AlertJsonTest, WhatIsNoAlertIsRefusedWithWhatIsWrong) {
  for (const char* text : {"", "x", "[]", "{}", "null", "{\"kind\":\"hit\"}"}) {
    EXPECT_EQ(ParseTopicAlert(text).status().code(), StatusCode::kInvalid) << text;
  }
  const std::string good = Json(Correlation(), 17);
  for (size_t n = 0; n < good.size(); ++n) ASSERT_FALSE(ParseTopicAlert(good.substr(0, n)).ok());
  const nlohmann::json whole = nlohmann::json::parse(good);
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json json = whole;
    json.erase(key);
    const Result<TopicAlert> read = ParseTopicAlert(json.dump());
    EXPECT_FALSE(read.ok()) << key;
    json[key] = {{"not", 1.5}};
    EXPECT_FALSE(ParseTopicAlert(json.dump()).ok()) << key;
  }
  const std::pair<const char*, const char*> cases[] = {
      {"\"state\":\"final\"", "\"state\":\"finished\""},
      {"\"revision\":4", "\"revision\":-4"},
      {"\"revision\":4", "\"revision\":4294967296"},
      {"\"at\":17", "\"at\":1.5"},
      {"\"at\":17", "\"at\":9223372036854775808"},
      {"\"level\":\"critical\"", "\"level\":\"worst\""},
      {"2026-11-22T10", "2026-11-31T10"},
      {"\"hash\":\"", "\"hash\":\"g"},
  };
  for (const auto& [from, to] : cases) {
    std::string json = good;
    json.replace(json.find(from), std::string(from).size(), to);
    const Result<TopicAlert> read = ParseTopicAlert(json);
    EXPECT_FALSE(read.ok()) << to;
    EXPECT_THAT(read.status().message(), HasSubstr("`")) << to;
  }
}

Alert Small(const std::string& id, int minutes, uint64_t count) {
  Alert alert;
  alert.id = id;
  alert.time = kTen + std::chrono::minutes(minutes);
  alert.count = count;
  return alert;
}

Strings Ids(const TopicAlerts& alerts, const AlertQuery& query, Damage* damage) {
  Strings ids;
  EXPECT_TRUE(alerts
                  .ForEach(
                      query,
                      [&ids](const Alert& alert) {
                        ids.push_back(alert.id + "=" + std::to_string(alert.count));
                        return true;
                      },
                      damage)
                  .ok());
  return ids;
}

TEST(TopicAlertsTest, OfAnAlertTheRecordThatStandsOnMoreCountsAndTheLastOfEqualOnes) {
  TopicAlerts alerts;
  alerts.Add(Json(Small("a", 0, 1), 5), "");
  alerts.Add(Json(Small("b", 0, 1), 5), "");
  alerts.Add(Json(Small("a", 0, 2), 7), "");
  alerts.Add(Json(Small("b", 0, 2), 5), "");
  alerts.Add(Json(Small("a", 0, 3), 6), "");  // of one that was behind: a zombie's
  alerts.Add("nonsense", "alerts/0, record 5");
  alerts.Finish();
  Damage damage;
  EXPECT_THAT(Ids(alerts, {}, &damage), ElementsAre("b=2", "a=2"));
  EXPECT_EQ(damage.rows, 1U);
  EXPECT_THAT(damage.first.message(), HasSubstr("alerts/0, record 5"));
}

TEST(TopicAlertsTest, AreVisitedByTimeAndFoundByTheBeginningOfTheirId) {
  TopicAlerts alerts;
  for (const auto& [id, minutes] : {std::pair("aa1", 3), {"aa2", 1}, {"b", 1}, {"aa", 2}, {"bc", 9}})
    alerts.Add(Json(Small(id, minutes, 1), 0), "");
  alerts.Finish();
  Damage damage;
  EXPECT_THAT(Ids(alerts, {Timestamp::Min(), Timestamp::Max(), false}, &damage),
              ElementsAre("aa2=1", "b=1", "aa=1", "aa1=1", "bc=1"));
  const AlertQuery query{kTen + std::chrono::minutes(1), kTen + std::chrono::minutes(3), true};
  EXPECT_THAT(Ids(alerts, query, &damage), ElementsAre("aa1=1", "aa=1", "b=1", "aa2=1"));
  EXPECT_EQ(alerts.Find("aa")->id, "aa");
  EXPECT_EQ(alerts.Find("bc")->id, "bc");
  EXPECT_EQ(alerts.Find("aa2")->id, "aa2");
  EXPECT_EQ(alerts.Find("c").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(alerts.Find("a").status().message(), "more than one alert begins with a: aa, aa1, aa2");
}

}  // namespace
}  // namespace redthread
