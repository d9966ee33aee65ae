#include "app/tour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "app/tour_text.h"

namespace redthread {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// One rule: its id (the text is its title too), level and tags.
std::string RuleText(const std::string& id, const std::string& level, const std::string& tags) {
  return "title: " + id + "\nid: " + id + "\nlevel: " + level + "\ntags: [" + tags +
         "]\nlogsource: {product: windows}\ndetection: {s: {EventID: 1}, condition: s}\n" +
         "redthread: {what: What of " + id + "., meaning: Meaning of " + id + "., do: [First of " + id +
         "., Second of " + id + ".], harmless: [Harmless of " + id + ".]}\n---\n";
}

class TourTest : public testing::Test {
 protected:
  TourTest() {
    rules_ = LoadRulesFromText(RuleText("signin", "medium", "attack.initial-access, attack.t1078") +
                                   RuleText("spread", "medium", "attack.lateral-movement") +
                                   RuleText("erase", "critical", "attack.impact") +
                                   RuleText("knock", "low", "attack.reconnaissance, attack.initial-access") +
                                   RuleText("newuser", "low", "attack.persistence") +
                                   RuleText("disk", "high", "") + RuleText("errors", "medium", "") +
                                   RuleText("sysmon", "informational", "redthread.expected") +
                                   RuleText("nocommand", "informational", "redthread.gap"),
                               "rules.yml", {});
    EXPECT_THAT(rules_.problems, IsEmpty());
  }

  void Add(const std::string& rule, Nanoseconds first, const AlertGroup& group, Nanoseconds lasts = {},
           uint64_t count = 1) {
    Alert alert;
    alert.rule_id = rule;
    for (const Rule& r : rules_.rules) {
      if (r.id == rule) alert.level = r.level;
    }
    alert.first = kStart + first;
    alert.last = alert.first + lasts;
    alert.time = alert.first;
    alert.count = count;
    alert.group = group;
    alerts_.push_back(alert);
  }
  Tour Make() { return MakeTour(rules_, alerts_); }
  std::string Text(int width = 80) { return RenderTour(Make(), TourFacts(), width, false); }

  static std::vector<std::string> RulesOf(const std::vector<TourStep>& steps) {
    std::vector<std::string> ids;
    for (const TourStep& step : steps) ids.push_back(step.rule->id);
    return ids;
  }

  // 2026-10-16T19:00:00Z, a Friday.
  static constexpr Timestamp kStart{1'792'177'200'000'000'000};
  RuleSet rules_;
  std::vector<Alert> alerts_;
};

TEST_F(TourTest, AlertsThatShareAUserOrHostWithinADayAreOneIncidentInTheOrderOfTime) {
  Add("erase", hours(30), {{"host", "fs01"}});
  Add("signin", hours(0), {{"user", "j.keller"}, {"address", "203.0.113.9"}});
  Add("spread", hours(10), {{"host", "fs01"}, {"target_user", "j.keller"}});
  const Tour tour = Make();
  ASSERT_THAT(tour.incidents, SizeIs(1));
  const TourIncident& incident = tour.incidents.front();
  EXPECT_TRUE(incident.attack);
  EXPECT_EQ(incident.level, Level::kCritical);
  EXPECT_THAT(RulesOf(incident.steps), ElementsAre("signin", "spread", "erase"));
  EXPECT_THAT(incident.entities.hosts, ElementsAre("fs01"));
  EXPECT_THAT(incident.entities.users, ElementsAre("j.keller"));
  EXPECT_THAT(tour.worth_a_look, IsEmpty());
}

TEST_F(TourTest, OneAlertCanTieTwoStoriesTogether) {
  Add("signin", hours(0), {{"user", "a"}});
  Add("erase", hours(1), {{"host", "fs01"}});
  Add("spread", hours(2), {{"user", "a"}, {"host", "fs01"}});
  EXPECT_THAT(Make().incidents, SizeIs(1));
}

TEST_F(TourTest, WhatLiesFartherApartIsNotTiedTogether) {
  Add("erase", hours(0), {{"host", "fs01"}, {"address", "203.0.113.9"}});
  Add("erase", hours(25), {{"host", "fs01"}});
  Add("erase", hours(5), {{"host", "pc-01"}, {"address", "203.0.113.9"}});
  EXPECT_THAT(Make().incidents, SizeIs(3));
}

TEST_F(TourTest, MediumAlertsAreAnIncidentOnlyWithTwoTactics) {
  const struct {
    std::vector<std::string> rules;
    size_t incidents;
  } cases[] = {
      {{"signin"}, 0}, {{"signin", "signin"}, 0}, {{"signin", "spread"}, 1}, {{"errors"}, 0}, {{"disk"}, 1}};
  for (const auto& c : cases) {
    alerts_.clear();
    for (const std::string& rule : c.rules) Add(rule, minutes(alerts_.size()), {{"host", "fs01"}});
    const Tour tour = Make();
    EXPECT_EQ(tour.incidents.size(), c.incidents) << testing::PrintToString(c.rules);
    EXPECT_EQ(tour.worth_a_look.empty(), c.incidents == 1) << testing::PrintToString(c.rules);
  }
}

TEST_F(TourTest, FaultIsNoAttackAndStandsAfterIt) {
  Add("disk", hours(0), {{"host", "web01"}});
  Add("errors", minutes(2), {{"host", "web01"}, {"address", "192.0.2.1"}}, minutes(30), 90);
  Add("errors", minutes(3), {{"host", "web01"}, {"address", "192.0.2.2"}}, minutes(41), 20);
  Add("erase", hours(50), {{"host", "fs01"}});
  const Tour tour = Make();
  ASSERT_THAT(tour.incidents, SizeIs(2));
  EXPECT_TRUE(tour.incidents[0].attack);
  EXPECT_FALSE(tour.incidents[1].attack);
  ASSERT_THAT(RulesOf(tour.incidents[1].steps), ElementsAre("disk", "errors"));
  EXPECT_EQ(tour.incidents[1].steps[1].matches, 110u);
  EXPECT_EQ(tour.incidents[1].steps[1].alerts, 2u);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("What of errors. For 42 minutes."));
  EXPECT_THAT(text, HasSubstr("They come down to 1 attack and 1 fault."));
}

TEST_F(TourTest, LowAlertsJoinTheAttackTheyShareSomethingWithElseTheyAreAttempts) {
  Add("erase", hours(0), {{"host", "fs01"}, {"address", "203.0.113.9"}});
  Add("knock", hours(-2), {{"address", "203.0.113.9"}}, {}, 4);
  Add("knock", hours(100), {{"address", "203.0.113.77"}}, {}, 30);
  Add("knock", hours(130), {{"address", "203.0.113.78"}}, {}, 12);
  Add("newuser", hours(200), {{"host", "dc01"}});
  const Tour tour = Make();
  ASSERT_THAT(tour.incidents, SizeIs(1));
  EXPECT_THAT(RulesOf(tour.incidents[0].steps), ElementsAre("knock", "erase"));
  ASSERT_THAT(RulesOf(tour.attempts), ElementsAre("knock"));
  EXPECT_EQ(tour.attempts[0].matches, 42u);
  EXPECT_EQ(tour.attempts[0].entities.addresses.size(), 2u);
  EXPECT_EQ(tour.attempt_days.size(), 2u);
  EXPECT_THAT(RulesOf(tour.worth_a_look), ElementsAre("newuser"));
  EXPECT_THAT(Text(), HasSubstr("None of these addresses appears"));
}

TEST_F(TourTest, AddressThatKnockedAndLaterGotInIsSaid) {
  Add("knock", hours(0), {{"address", "203.0.113.9"}});
  Add("erase", hours(40), {{"host", "fs01"}, {"address", "203.0.113.9"}});
  EXPECT_THAT(Text(), HasSubstr("Some of these addresses also appear"));
}

TEST_F(TourTest, ProbesTellWhatIsMissingAndAreNoAlerts) {
  EXPECT_THAT(Make().gaps, SizeIs(1));
  EXPECT_EQ(Make().gaps[0].rule->id, "sysmon");
  Add("sysmon", hours(0), {{"host", "pc-01"}});
  EXPECT_THAT(Make().gaps, IsEmpty());
  Add("nocommand", hours(0), {{"host", "pc-01"}});
  Add("nocommand", hours(0), {{"host", "pc-02"}});
  const Tour tour = Make();
  ASSERT_THAT(tour.gaps, SizeIs(1));
  EXPECT_THAT(tour.gaps[0].hosts, ElementsAre("pc-01", "pc-02"));
  EXPECT_EQ(tour.alerts_by_level[static_cast<size_t>(Level::kInformational)], 0u);
  EXPECT_THAT(Text(), HasSubstr("This holds for 2 computers."));
}

TEST_F(TourTest, SeveralValuesOfOneEntityAreEachAnEntity) {
  Add("erase", hours(0), {{"user", R"(["a","b"])"}});
  Add("erase", hours(1), {{"user", "b"}});
  Add("erase", hours(2), {{"user", "[not json"}});
  EXPECT_THAT(Make().incidents, SizeIs(2));
}

TEST_F(TourTest, AlertsOfUnknownRulesOrWithoutATimeAreLeftOut) {
  Add("gone", hours(0), {{"host", "fs01"}});
  Add("erase", hours(0), {{"host", "fs01"}});
  alerts_.back().first = alerts_.back().last = kNoTime;
  EXPECT_THAT(Make().incidents, IsEmpty());
  EXPECT_THAT(Text(), HasSubstr("Nothing happened that needs you."));
}

TEST_F(TourTest, TextFitsTheWidthAndShowsHostileNamesHarmlessly) {
  Add("erase", hours(0), {{"host", "fs01\x1b[31m"}, {"user", "j.keller"}}, minutes(90), 3);
  Add("knock", hours(90), {{"address", "203.0.113.77"}});
  for (const int width : {60, 80, 100}) {
    const std::string text = Text(width);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, HasSubstr("fs01\\x1b[31m"));
    size_t begin = 0;
    while (begin < text.size()) {
      const size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      size_t columns = 0;  // code points: the text has no wide characters
      for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      EXPECT_LE(columns, static_cast<size_t>(width)) << line;
      EXPECT_FALSE(line.ends_with(' ')) << "\"" << line << "\"";
      begin = end + 1;
    }
  }
}

TEST_F(TourTest, StepsSayWhenAndWhoAndWhatToDoBeginsWithTheWorst) {
  Add("signin", hours(2), {{"user", "j.keller"}, {"address", "203.0.113.9"}});
  Add("erase", hours(3), {{"host", "fs01"}, {"user", "j.keller"}});
  Add("disk", hours(4), {{"host", "fs01"}});
  const std::string text = Text();
  EXPECT_THAT(text,
              HasSubstr("  Fri 16 21:00  What of signin.\n                j.keller, from 203.0.113.9\n"));
  EXPECT_THAT(text, HasSubstr("Fri 16 Oct 21:00 to 23:00, 2 hours"));
  EXPECT_THAT(text, HasSubstr("  1  First of erase.\n  2  Second of erase.\n  3  First of disk.\n"));
}

}  // namespace
}  // namespace redthread
