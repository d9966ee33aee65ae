// Correlations over live matches: whatever the order in which they arrive, what is final is what the whole
// would have given at once.
#include "correlate/correlation_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "core/hash.h"
#include "correlate/fold.h"
#include "correlate/match_extractor.h"
#include "storage/alert_codec.h"
#include "storage/alert_store.h"
#include "tests/oracle/correlation_generator.h"
#include "tests/oracle/correlation_vectors.h"
#include "tests/oracle/slow_correlation.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

// (rule id, group, time, first, last, count, end of a silence)
using AlertLine =
    std::tuple<std::string, std::string, int64_t, int64_t, int64_t, size_t, std::optional<int64_t>>;

std::optional<int64_t> EndOf(const Alert& alert) {
  return alert.ended.has_value() ? std::optional(alert.ended->ns) : std::nullopt;
}

constexpr Nanoseconds kSecond = std::chrono::seconds(1);
constexpr Nanoseconds kAnyHorizon = std::chrono::hours(24 * 365 * 200);

// An event as it arrives.
struct Arrival {
  SlowJson event;
  int64_t time = 0;
  int64_t order = 0;
};

class CorrelationStateTest : public RuntimeTest {
 protected:
  struct Way {
    Nanoseconds lateness{0};  // how far the watermark stays behind the greatest time
    Nanoseconds disorder{0};  // events are displaced by less
    bool restarts = false;    // the state is dropped now and then, and taken up from disk
    bool finishes = false;    // the input ends now and then, and goes on
    bool revises = false;     // some events are read twice, or at first as none
    CorrelationState::Options options;
  };

  // The alerts that stand in the end. `told`: what was told by every eighth arrival; `aside` then decides, in
  // place of `dice`, what must not show there: commits between, and restarts.
  std::multiset<AlertLine> Run(const std::shared_ptr<const Engine>& engine, std::vector<SlowJson> events,
                               const Way& way, Dice* dice, std::vector<std::string>* told = nullptr,
                               Dice* aside = nullptr) {
    if (aside == nullptr) aside = dice;
    const std::string folder = folder_ + "/db" + std::to_string(runs_++);
    Result<std::unique_ptr<Database>> database = Database::Open({folder});
    EXPECT_TRUE(database.ok()) << database.status().message();
    StateTransaction t(database->get());
    auto state = std::make_unique<CorrelationState>(engine->correlations(), way.options);
    Pipeline pipeline(engine);
    MatchExtractor extractor(engine->correlations());
    const uint32_t declared = engine->facts()->Declare(DeclaredLogSource{{"test"}, {}, {}});
    std::vector<Arrival> arrivals;
    for (SlowJson& event : events) {
      const std::string line = Padded(event.dump());
      pipeline.Process(std::string_view(line).substr(0, line.size() - Decoder::kPadding), declared, {}, {});
      if (!pipeline.event().time.has_value()) continue;
      const int64_t time = pipeline.event().time->ns;
      const auto shift =
          static_cast<int64_t>(dice->Below(static_cast<size_t>(std::max<int64_t>(way.disorder.count(), 1))));
      arrivals.push_back({event, time, time + shift});
    }
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const Arrival& a, const Arrival& b) { return a.order < b.order; });
    Timestamp watermark = Timestamp::Min(), latest = Timestamp::Min();
    uint64_t index = 0;
    const auto check = [](const Status& status) { EXPECT_TRUE(status.ok()) << status.message(); };
    const auto note = [&] {
      const CorrelationState::Counts& c = state->counts();
      counts_.late += c.late, counts_.rejudged += c.rejudged, counts_.withdrawn += c.withdrawn;
      counts_.evicted += c.evicted, counts_.reloaded += c.reloaded,
          counts_.beyond_horizon += c.beyond_horizon;
    };
    const auto commit = [&] {
      check(state->Flush(&t));
      check(t.Commit());
    };
    const auto matches_of = [&](const SlowJson& event, const Position& position) {
      const std::string line = Padded(event.dump());
      pipeline.Process(std::string_view(line).substr(0, line.size() - Decoder::kPadding), declared, position,
                       {});
      std::vector<GroupMatch> matches;
      for (const RuleIndex rule : pipeline.matches()) {
        extractor.Extract(pipeline.event(), HashBytes(pipeline.event().raw), rule,
                          [&](CorrelationIndex i, const Texts& group, const CorrelationMatch& match) {
                            matches.push_back({i, group, match});
                          });
      }
      return matches;
    };
    std::map<Position, const SlowJson*> to_revise;
    const auto revise = [&] {
      std::vector<Position> records;
      for (const auto& [position, event] : to_revise) records.push_back(position);
      std::map<Position, std::vector<CorrelationState::Kept>> kept;
      check(state->FindMatches(&t, records, &kept));
      for (const auto& [position, event] : to_revise) {
        check(state->Revise(&t, kept[position], matches_of(*event, position)));
        if (dice->Chance(20)) commit();
      }
      to_revise.clear();
    };
    for (const Arrival& arrival : arrivals) {
      Position position;
      position.index = index++;
      if (way.revises && dice->Chance(20)) {
        to_revise.emplace(position, &arrival.event);
        if (dice->Chance(50)) {
          const Arrival& other = dice->Chance(50) ? arrival : dice->Pick(arrivals);
          check(state->Add(&t, matches_of(other.event, position)));
          latest = std::max(latest, Timestamp{other.time});
        }
      } else {
        check(state->Add(&t, matches_of(arrival.event, position)));
      }
      if (dice->Chance(5)) revise();
      latest = std::max(latest, Timestamp{arrival.time});
      if (dice->Chance(50)) {
        watermark = std::max(watermark, latest - way.lateness);
        check(state->Advance(&t, watermark, latest));
      }
      if (way.finishes && dice->Chance(4)) {
        watermark = std::max(watermark, latest);
        check(state->Finish(&t, watermark, latest));
        commit();
      }
      if (aside->Chance(30)) commit();
      if (told != nullptr && index % 8 == 0) {
        commit();
        told->push_back(AllAlerts(t));
      }
      if (way.restarts && aside->Chance(10)) {
        commit();
        note();
        state = std::make_unique<CorrelationState>(engine->correlations(), way.options);
        check(state->Resume(&t, watermark, latest));
      }
    }
    if (way.revises) {
      if (way.finishes) check(state->Finish(&t, std::max(watermark, latest), latest));
      revise();
    }
    check(state->Finish(&t, std::max(watermark, latest), latest));
    commit();
    note();
    std::multiset<AlertLine> alerts;
    Damage damage;
    check(ForEachAlert(
        t, {},
        [&](const Alert& a) {
          if (a.state == AlertState::kWithdrawn) return true;
          EXPECT_EQ(a.state, AlertState::kFinal) << a.explain;
          std::vector<std::string> names, values;
          for (const auto& [name, value] : a.group) {
            names.push_back(name);
            values.push_back(value);
          }
          alerts.emplace(a.rule_id, CorrelationGroupText(names, values), a.time.ns, a.first.ns, a.last.ns,
                         a.count, EndOf(a));
          return true;
        },
        &damage));
    EXPECT_EQ(damage.rows, 0U);
    database->reset();
    std::filesystem::remove_all(folder);
    return alerts;
  }

  // All there are, to the last byte.
  static std::string AllAlerts(const StateReader& reader) {
    std::string text;
    Damage damage;
    const Status status = ForEachAlert(
        reader, {},
        [&](const Alert& alert) {
          RowWriter row;
          WriteAlert(alert, &row);
          text += alert.id + " revision " + std::to_string(alert.revision) + " state " +
                  std::to_string(static_cast<int>(alert.state)) + ": " + alert.explain + " " +
                  HexOf(HashBytes(row.payload())) + "\n";
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    return text;
  }

  static std::string Padded(std::string text) { return text.append(Decoder::kPadding, '\0'); }

  // REDTHREAD_CORRELATION_STREAMS: how many of each way.
  static size_t StreamsOr(size_t usual) {
    const char* asked = std::getenv("REDTHREAD_CORRELATION_STREAMS");
    return asked == nullptr ? usual : std::strtoul(asked, nullptr, 10);
  }

  // Random streams under random correlations against the slow twin.
  void CompareRandomStreams(const std::function<Way(Dice*)>& way_of, size_t streams) {
    streams = StreamsOr(streams);
    size_t alerts_found = 0;
    for (size_t n = 0, seed = 0; n < streams; ++seed) {
      Dice dice(seed);
      const std::string yaml = RandomCorrelationRules(&dice);
      const auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "r.yml", {}));
      if (!rules->problems.empty()) continue;  // every name is negated
      const std::shared_ptr<const Engine> engine = EngineOf(rules);
      for (size_t i = 0; i < 4; ++i, ++n) {
        const bool of_hours = AreOfHours(yaml) && dice.Chance(50);
        const std::vector<SlowJson> events = of_hours
                                                 ? RandomRegularEvents(&dice)
                                                 : RandomCorrelationEvents(&dice, dice.Chance(10) ? 120 : 40);
        const std::vector<SlowRecord> records = SlowRecords(*rules, events);
        const std::vector<SlowAnswer> answers = SlowCorrelate(*rules, records);
        std::multiset<AlertLine> expected;
        for (size_t c = 0; c < answers.size(); ++c) {
          const Correlation& correlation = rules->correlations[c];
          for (const SlowAlert& a : answers[c].alerts) {
            expected.emplace(correlation.id, CorrelationGroupText(correlation.group_by, a.group), a.time,
                             a.first, a.last, a.count, a.ended);
          }
        }
        Way way = way_of(&dice);
        if (of_hours) {
          way.lateness *= 3'600, way.disorder *= 3'600;
          if (way.options.late_horizon < kAnyHorizon) way.options.late_horizon *= 3'600;
        }
        const std::multiset<AlertLine> alerts = Run(engine, events, way, &dice);
        alerts_found += alerts.size();
        EXPECT_EQ(OnlyIn(alerts, expected), "");
        EXPECT_EQ(OnlyIn(expected, alerts), "");
        if (HasFailure()) {
          ADD_FAILURE() << "seed " << seed << " stream " << i << "\n" << yaml;
          return;
        }
      }
    }
    EXPECT_GT(alerts_found, streams);
  }

  static std::string OnlyIn(const std::multiset<AlertLine>& some, const std::multiset<AlertLine>& others) {
    std::string out;
    for (const AlertLine& line : some) {
      const auto& [rule, group, time, first, last, count, ended] = line;
      if (some.count(line) == others.count(line)) continue;
      out += rule + " " + group + " " + FormatTimestamp({time}) + " " + FormatTimestamp({first}) + " " +
             FormatTimestamp({last}) + " " + std::to_string(count) +
             (ended ? " " + FormatTimestamp({*ended}) : "") + "\n";
    }
    return out;
  }

  static CorrelationState::Options RandomOptions(Dice* dice) {
    CorrelationState::Options options;
    if (dice->Chance(50)) options.max_memory_bytes = dice->Chance(50) ? 0 : 5'000;
    if (dice->Chance(50)) options.rejudge_at_once = dice->Below(10);
    return options;
  }

  size_t runs_ = 0;
  CorrelationState::Counts counts_;
};

// Workers that take over from one another tell the same only if nothing of what is told on the way hangs on
// what is in memory: on restarts, commits, or how much memory there is.
TEST_F(CorrelationStateTest, WhatIsToldOnTheWayIsTheSameThroughRestartsAndWithoutMemory) {
  size_t changes = 0;
  const size_t streams = StreamsOr(60);
  for (uint64_t seed = 0; seed < streams; ++seed) {
    Dice dice(seed);
    const std::string yaml = RandomCorrelationRules(&dice);
    const auto rules = std::make_shared<const RuleSet>(LoadRulesFromText(yaml, "r.yml", {}));
    if (!rules->problems.empty()) continue;
    const std::shared_ptr<const Engine> engine = EngineOf(rules);
    const std::vector<SlowJson> events =
        AreOfHours(yaml) ? RandomRegularEvents(&dice) : RandomCorrelationEvents(&dice, 120);
    Way way;
    way.lateness = kSecond * dice.Below(30);
    way.disorder = way.lateness + kSecond * dice.Below(30);
    way.finishes = dice.Chance(30);
    way.options.late_horizon = kAnyHorizon;
    way.options.rejudge_at_once = dice.Below(6);
    std::vector<std::string> first;
    for (uint64_t world = 0; world < 4; ++world) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " world " + std::to_string(world) + "\n" + yaml);
      Dice same(seed), aside(world);
      way.restarts = world > 0;
      way.options.max_memory_bytes = world == 2 ? 0 : CorrelationState::Options{}.max_memory_bytes;
      std::vector<std::string> told;
      Run(engine, events, way, &same, &told, &aside);
      if (world == 0) first = told;
      ASSERT_EQ(told.size(), first.size());
      for (size_t n = 0; n < told.size(); ++n) {
        ASSERT_EQ(told[n], first[n]) << "by arrival " << 8 * (n + 1);
        changes += n > 0 && told[n] != told[n - 1] ? 1 : 0;
      }
    }
  }
  EXPECT_GT(changes, streams);
}

TEST_F(CorrelationStateTest, InOrderItAnswersAsAScan) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.options = RandomOptions(dice);
        return way;
      },
      60);
}

TEST_F(CorrelationStateTest, OutOfOrderWithinLatenessItAnswersAsAScan) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.disorder = way.lateness = kSecond * (1 + dice->Below(30));
        way.restarts = dice->Chance(50);
        way.options = RandomOptions(dice);
        return way;
      },
      100);
  EXPECT_EQ(counts_.late, 0U);
  EXPECT_GT(counts_.withdrawn, 0U);
  EXPECT_GT(counts_.evicted, 0U);
  EXPECT_GT(counts_.reloaded, 0U);
}

TEST_F(CorrelationStateTest, LateMatchesWithinTheHorizonLeadToTheSameAnswer) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.disorder = kSecond * 300;
        way.lateness = kSecond * dice->Below(5);
        way.restarts = dice->Chance(50);
        way.options = RandomOptions(dice);
        way.options.late_horizon = kAnyHorizon;
        return way;
      },
      100);
  EXPECT_GT(counts_.late, 0U);
  EXPECT_GT(counts_.withdrawn, 0U);
  EXPECT_EQ(counts_.beyond_horizon, 0U);
}

TEST_F(CorrelationStateTest, EventsThatAreReadOnceMoreCountOnce) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.revises = true;
        way.disorder = kSecond * dice->Below(300);
        way.lateness = kSecond * dice->Below(5);
        way.restarts = dice->Chance(50);
        way.finishes = dice->Chance(30);
        way.options = RandomOptions(dice);
        way.options.late_horizon = kAnyHorizon;
        return way;
      },
      100);
  EXPECT_GT(counts_.withdrawn, 0U);
  EXPECT_EQ(counts_.beyond_horizon, 0U);
}

// What is forgotten is what no match within the horizon asks for.
TEST_F(CorrelationStateTest, LateMatchesUpToTheVeryHorizonFindWhatTheyNeed) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.options = RandomOptions(dice);
        way.lateness = kSecond * dice->Below(5);
        way.options.late_horizon = kSecond * (1 + dice->Below(20));
        way.disorder = way.lateness + way.options.late_horizon;
        way.restarts = dice->Chance(50);
        return way;
      },
      100);
  EXPECT_GT(counts_.late, 0U);
  EXPECT_EQ(counts_.beyond_horizon, 0U);
}

TEST_F(CorrelationStateTest, AnInputThatEndsAndGoesOnLeadsToTheSameAnswer) {
  CompareRandomStreams(
      [](Dice* dice) {
        Way way;
        way.disorder = kSecond * dice->Below(20);
        way.lateness = way.disorder;
        way.restarts = dice->Chance(50);
        way.finishes = true;
        way.options = RandomOptions(dice);
        way.options.late_horizon = kAnyHorizon;
        return way;
      },
      320);
}

// ---- what is told on the way

// Matches of rule a, one line each, into a state of its own.
class LiveCorrelationTest : public RuntimeTest {
 protected:
  void Open(const std::string& correlation, CorrelationState::Options options = {}) {
    options_ = options;
    engine_ = LoadEngine(
        "{title: a, name: a, logsource: {product: test}, detection: {s: {e: a}, condition: s}}\n---\n"
        "{title: b, name: b, logsource: {product: test}, detection: {s: {e: b}, condition: s}}\n---\n" +
        correlation);
    if (database_ == nullptr) {
      Result<std::unique_ptr<Database>> database = Database::Open({folder_ + "/db"});
      ASSERT_TRUE(database.ok()) << database.status().message();
      database_ = std::move(*database);
      transaction_ = std::make_unique<StateTransaction>(database_.get());
    }
    state_ = std::make_unique<CorrelationState>(engine_->correlations(), options_);
    pipeline_ = std::make_unique<Pipeline>(engine_);
    extractor_ = std::make_unique<MatchExtractor>(engine_->correlations());
  }

  static Timestamp At(int seconds) {
    return *ParseTimestamp("2026-11-22T10:00:00Z") + std::chrono::seconds(seconds);
  }

  void Add(const std::string& rule, int seconds, const std::string& host = "h") {
    std::string line = R"({"@timestamp":")" + FormatTimestamp(At(seconds)) + R"(","e":")" + rule +
                       R"(","host":")" + host + "\"}";
    const size_t size = line.size();
    line.append(Decoder::kPadding, '\0');
    Position position;
    position.index = lines_++;
    pipeline_->Process(std::string_view(line).substr(0, size),
                       engine_->facts()->Declare(DeclaredLogSource{{"test"}, {}, {}}), position, {});
    for (const RuleIndex matched : pipeline_->matches()) {
      extractor_->Extract(pipeline_->event(), HashBytes(pipeline_->event().raw), matched,
                          [&](CorrelationIndex i, const Texts& group, const CorrelationMatch& match) {
                            const GroupMatch added{i, group, match};
                            EXPECT_TRUE(state_->Add(transaction_.get(), {&added, 1}).ok());
                          });
    }
    latest_ = std::max(latest_, At(seconds));
  }
  void Advance(int seconds) { EXPECT_TRUE(state_->Advance(transaction_.get(), At(seconds), latest_).ok()); }
  void Commit() {
    EXPECT_TRUE(state_->Flush(transaction_.get()).ok());
    EXPECT_TRUE(transaction_->Commit().ok());
  }

  // "state time count", in order of time.
  std::vector<std::string> Alerts() {
    EXPECT_TRUE(state_->Flush(transaction_.get()).ok());
    std::vector<std::string> lines;
    Damage damage;
    const Status status = ForEachAlert(
        *transaction_, {.newest_first = false},
        [&](const Alert& a) {
          last_ = a;
          lines.push_back(std::string(AlertStateName(a.state)) + (a.late ? " late " : " ") +
                          std::to_string((a.time - At(0)) / kSecond) + " " + std::to_string(a.count));
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    return lines;
  }

  // That are kept of correlations.
  size_t Rows() {
    size_t rows = 0;
    for (const ColumnFamily family : {ColumnFamily::kMatch, ColumnFamily::kGroup, ColumnFamily::kTimer}) {
      const auto count = [&](auto, auto) { return ++rows > 0; };
      EXPECT_TRUE(transaction_->Scan(family, "", "", count).ok());
    }
    return rows;
  }

  CorrelationState::Options options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StateTransaction> transaction_;
  std::unique_ptr<CorrelationState> state_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<MatchExtractor> extractor_;
  uint64_t lines_ = 0;
  Timestamp latest_ = Timestamp::Min();
  Alert last_;
};

using testing::ElementsAre;

constexpr char kThreeInAMinute[] =
    "{title: r, id: r, correlation: {type: event_count, rules: a, group-by: [host], timespan: 1m, condition: "
    "{gte: 3}}}";

TEST_F(LiveCorrelationTest, AnAlertIsEarlyUntilTheWatermarkHasPassedItsTime) {
  Open(kThreeInAMinute);
  for (const int second : {0, 10, 20}) Add("a", second);
  EXPECT_THAT(Alerts(), ElementsAre("early 20 3"));
  Advance(20);
  EXPECT_THAT(Alerts(), ElementsAre("early 20 3")) << "an event of that very second may still come";
  Advance(21);
  EXPECT_THAT(Alerts(), ElementsAre("final 20 3"));
  Add("a", 50);
  Advance(200);
  EXPECT_THAT(Alerts(), ElementsAre("final 20 4"));
  EXPECT_EQ(last_.revision, 3U) << "early, final, and closed with one more";
}

TEST_F(LiveCorrelationTest, AnEarlyAlertThatBeganTooLateIsWithdrawnForTheOneInItsPlace) {
  Open(kThreeInAMinute);
  for (const int second : {10, 30, 50}) Add("a", second);
  EXPECT_THAT(Alerts(), ElementsAre("early 50 3"));
  Add("a", 5);
  EXPECT_THAT(Alerts(), ElementsAre("early 30 4", "withdrawn 50 4"));
  const std::string replaced_by = last_.replaced_by;
  Advance(1000);
  EXPECT_THAT(Alerts(), ElementsAre("final 30 4", "withdrawn 50 4"));
  EXPECT_EQ(GetAlert(*transaction_, replaced_by)->time, At(30));
}

TEST_F(LiveCorrelationTest, ALateMatchIsJudgedWithinTheHorizonAndCountedBeyondIt) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::minutes(10);
  Open(kThreeInAMinute, options);
  for (const int second : {0, 10, 2000}) Add("a", second);
  Advance(600);
  Add("a", 20);
  EXPECT_THAT(Alerts(), ElementsAre("final late 20 3"));
  Advance(2000);
  Add("a", 30);
  EXPECT_THAT(Alerts(), ElementsAre("final late 20 3"));
  EXPECT_EQ(state_->counts().late, 1U);
  EXPECT_EQ(state_->counts().beyond_horizon, 1U);
}

TEST_F(LiveCorrelationTest, ANegationIsDecidedByTheWatermarkThoughNoEventComes) {
  Open(
      "{title: r, id: r, correlation: {type: temporal, rules: [a, b], group-by: [host], timespan: 1m, "
      "condition: a and not b}}");
  Add("a", 0);
  Add("a", 300);
  Add("b", 330);
  Advance(60);
  EXPECT_THAT(Alerts(), ElementsAre());
  Advance(61);
  EXPECT_THAT(Alerts(), ElementsAre("final 0 1"));
  Advance(1000);
  EXPECT_THAT(Alerts(), ElementsAre("final 0 1"));
}

constexpr char kNotWithinAMinute[] =
    "{title: r, id: r, correlation: {type: temporal, rules: [a, b], group-by: [host], timespan: 1m, "
    "condition: a and not b}}";

TEST_F(LiveCorrelationTest, WhatTheEndOfTheInputForcesIsNotLate) {
  Open(kNotWithinAMinute);
  Add("a", 0);
  Advance(30);  // the clock went on
  EXPECT_TRUE(state_->Finish(transaction_.get(), At(30), latest_).ok());
  EXPECT_THAT(Alerts(), ElementsAre("final 0 1"));
  // Nor is what is said in its place when the input goes on.
  Add("b", 40);
  Add("a", 95);
  Advance(200);
  EXPECT_THAT(Alerts(), ElementsAre("withdrawn 0 1"));
  Add("a", 300);
  Advance(310);
  EXPECT_TRUE(state_->Finish(transaction_.get(), At(310), latest_).ok());
  Advance(1'000);
  EXPECT_THAT(Alerts(), ElementsAre("withdrawn 0 1", "final 300 1"));
}

TEST_F(LiveCorrelationTest, WhatComesOutOfOrderIsLateOnlyBelowTheWatermark) {
  CorrelationState::Options options;
  options.rejudge_at_once = 0;
  Open(kThreeInAMinute, options);
  for (int second = 0; second < 40; second += 2) Add("a", 1'000 + second, "busy");
  Advance(900);
  for (const int second : {950, 930, 940}) Add("a", second, "busy");  // judged when the watermark gets there
  Advance(980);
  for (const std::string& line : Alerts()) EXPECT_THAT(line, testing::Not(testing::HasSubstr("late")));
}

TEST_F(LiveCorrelationTest, ALateMatchIsLateAlsoWhereItIsTheFirstOfItsGroup) {
  Open(kNotWithinAMinute);
  Add("a", 1'000, "other");
  Advance(1'000);
  Add("a", 100);
  EXPECT_THAT(Alerts(), ElementsAre("final late 100 1"));
}

TEST_F(LiveCorrelationTest, SilenceOfAllInputIsToldByTheClockAndFinalWhenAnEventConfirmsIt) {
  Open("{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 1m}}");
  Add("a", 0, "h1");
  Add("a", 30, "h2");
  Advance(200);  // the clock alone
  EXPECT_THAT(Alerts(), ElementsAre("early 60 1", "early 90 1"));
  EXPECT_TRUE(last_.by_clock);
  Commit();
  Open("{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 1m}}");
  EXPECT_TRUE(state_->Resume(transaction_.get(), At(200), latest_).ok());
  Add("a", 70, "h2");  // h2 was heard after all; and that it is later than 60 says that h1 was silent
  Advance(201);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1", "withdrawn 90 1", "early late 130 1"));
  EXPECT_TRUE(last_.by_clock);
  Add("a", 400, "h1");
  Advance(400);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1", "withdrawn 90 1", "final late 130 1"));
  Damage damage;
  const Status status = ForEachAlert(
      *transaction_, {},
      [](const Alert& a) {
        EXPECT_FALSE(a.by_clock) << a.explain;
        return true;
      },
      &damage);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(LiveCorrelationTest, ASilenceOfTheClockWaitsForItsEventAlsoWhenItsRuleIsGone) {
  Open("{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 1m}}");
  Add("a", 0);
  Advance(200);
  EXPECT_THAT(Alerts(), ElementsAre("early 60 1"));
  FieldTable fields;
  const auto none = std::make_shared<const RuleSet>();
  EXPECT_TRUE(
      state_->SetPlan(transaction_.get(), std::make_shared<const CorrelationPlan>(none, &fields)).ok());
  Advance(300);
  EXPECT_THAT(Alerts(), ElementsAre("early 60 1"));
  latest_ = At(60);
  Advance(301);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1"));
}

constexpr char kSilentForAMinute[] =
    "{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 1m}}";

TEST_F(LiveCorrelationTest, ASilenceThatEndsSaysInOneRevisionHowLongItLasted) {
  Open(kSilentForAMinute);
  Add("a", 0);
  Add("b", 100);
  Advance(100);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1"));
  EXPECT_EQ(last_.revision, 1U);
  EXPECT_EQ(last_.ended, std::nullopt);
  Add("a", 11'520);
  Add("a", 11'525);
  Advance(11'521);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1"));
  EXPECT_EQ(last_.revision, 2U);
  EXPECT_EQ(last_.ended, At(11'520));
  EXPECT_THAT(last_.explain,
              testing::HasSubstr("silent for 3 h 12 min, heard again at 2026-11-22T13:12:00.000000000Z"));
  Advance(11'540);
  Alerts();
  EXPECT_EQ(last_.revision, 2U);
}

TEST_F(LiveCorrelationTest, ALateMatchWithinASilenceCorrectsItsEnd) {
  Open(kSilentForAMinute);
  Add("a", 0);
  Add("a", 1000);
  Advance(1001);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1"));
  EXPECT_EQ(last_.ended, At(1000));
  EXPECT_EQ(last_.revision, 1U) << "what is known when it is told needs no revision";
  Add("a", 500);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1", "final late 560 1"));
  EXPECT_EQ(last_.ended, At(1000));
  const Result<Alert> first =
      GetAlert(*transaction_, AlertId(engine_->rules().correlations[0], {{"host", "h"}}, At(60)));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->ended, At(500));
  EXPECT_EQ(first->revision, 2U);
}

TEST_F(LiveCorrelationTest, ASilenceLongerThanMatchesAreKeptStillEnds) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::minutes(10);
  Open(kSilentForAMinute, options);
  Add("a", 0);
  for (int second = 100; second <= 100'000; second += 1'000) {
    Add("b", second);
    Advance(second);
    Commit();
  }
  Open(kSilentForAMinute, options);
  EXPECT_TRUE(state_->Resume(transaction_.get(), At(99'100), latest_).ok());
  Add("a", 100'000);
  Advance(100'001);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1"));
  EXPECT_EQ(last_.ended, At(100'000));
  Add("a", 99'900);  // late, and within the horizon
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1", "final late 99960 1"));
  const Result<Alert> first =
      GetAlert(*transaction_, AlertId(engine_->rules().correlations[0], {{"host", "h"}}, At(60)));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->ended, At(99'900));
  // What ended it is forgotten in time, and it stays ended there.
  for (int second = 101'000; second <= 110'000; second += 1'000) {
    Add("a", second);
    Advance(second);
    Commit();
  }
  EXPECT_EQ(GetAlert(*transaction_, first->id)->ended, At(99'900));
}

TEST_F(LiveCorrelationTest, ALowerHitThatIsTakenBackBeforeItIsJudgedChangesNothingBeforeIt) {
  Open(
      "{title: c, name: c, logsource: {product: test}, detection: {s: {e: c}, condition: s}}\n---\n"
      "{title: low, name: low, correlation: {type: first_seen, rules: c, timespan: 1m, condition: {field: "
      "host}}}\n---\n"
      "{title: r, id: r, correlation: {type: temporal, rules: [low, a, b], timespan: 1m, condition: (a or "
      "low) "
      "and not b}}");
  Add("b", 0);
  Advance(20);
  Add("a", 30);  // not without b
  Add("c", 500);
  Add("c", 490);  // hence not at 500
  Advance(1000);
  EXPECT_THAT(Alerts(), ElementsAre("final 490 1", "final 490 1", "withdrawn 500 1")) << "low, r, low";
}

TEST_F(LiveCorrelationTest, AFloodOfOtherGroupsPushesNoAttackOutOfMemory) {
  CorrelationState::Options options;
  options.max_memory_bytes = 1 << 20;
  Open(kThreeInAMinute, options);
  Add("a", 0, "victim");
  Add("a", 10, "victim");
  for (int n = 0; n < 20'000; ++n) {
    Add("a", 11, "other" + std::to_string(n));
    if (n % 1'000 == 0) Commit();
  }
  Add("a", 20, "victim");
  EXPECT_THAT(Alerts(), ElementsAre("early 20 3"));
  EXPECT_GT(state_->counts().evicted, 15'000U);
}

TEST_F(LiveCorrelationTest, AReloadGoesOnWithTheSameCorrelationAndFinishesOneThatIsGone) {
  Open(kThreeInAMinute);
  Add("a", 0);
  Add("a", 10);
  const auto other = std::make_shared<const RuleSet>(LoadRulesFromText(
      "{title: a, name: a, logsource: {product: test}, detection: {s: {e: a}, condition: s}}\n---\n"
      "{title: another, id: another, correlation: {type: event_count, rules: a, timespan: 1m, condition: "
      "{gte: 2}}}\n---\n" +
          std::string(kThreeInAMinute),
      "t.yml", {}));
  ASSERT_TRUE(other->problems.empty());
  FieldTable fields;
  EXPECT_TRUE(
      state_->SetPlan(transaction_.get(), std::make_shared<const CorrelationPlan>(other, &fields)).ok());
  EXPECT_TRUE(state_->SetPlan(transaction_.get(), engine_->correlations()).ok());
  Add("a", 20);
  EXPECT_THAT(Alerts(), ElementsAre("early 20 3"));
  const auto none = std::make_shared<const RuleSet>();
  EXPECT_TRUE(
      state_->SetPlan(transaction_.get(), std::make_shared<const CorrelationPlan>(none, &fields)).ok());
  Advance(1000);
  EXPECT_THAT(Alerts(), ElementsAre("final 20 3"));
}

TEST_F(LiveCorrelationTest, AForgottenGroupIsNewWhenItIsHeardAgain) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::minutes(10);
  Open(
      "{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 1m, "
      "forget_after: 1h}}",
      options);
  Add("a", 0, "back in time");
  Add("a", 0, "forgotten");
  Add("a", 3'600, "back in time");
  Advance(3'601);
  Commit();
  latest_ = At(100'000);
  Advance(100'000);
  Commit();
  Advance(101'000);  // what ended the silence of the other is forgotten too, an hour later
  Commit();
  Advance(110'000);
  Commit();
  EXPECT_EQ(Rows(), 1U);
  Add("a", 110'000, "forgotten");
  Add("a", 110'100, "forgotten");
  Advance(110'150);
  EXPECT_THAT(Alerts(), ElementsAre("final 60 1", "final 60 1", "final 3660 1", "final 110060 1"));
  EXPECT_EQ(last_.ended, At(110'100));
  size_t ended = 0;
  Damage damage;
  const Status status = ForEachAlert(
      *transaction_, {},
      [&](const Alert& a) {
        ended += a.ended.has_value() ? 1 : 0;
        return true;
      },
      &damage);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(ended, 2U);
}

TEST_F(LiveCorrelationTest, SilenceIsToldOfWhatWasHeardRegularlyAndTheHoursAreForgotten) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::hours(30);
  options.max_memory_bytes = 0;
  Open(
      "{title: r, id: r, correlation: {type: silence, rules: a, group-by: [host], timespan: 2h, expected: "
      "true}}",
      options);
  constexpr int kHour = 3'600;
  for (int hour = 0; hour < 5 * 24; ++hour) {
    Add("a", hour * kHour, "server");
    if (hour % 24 < 19) Add("a", hour * kHour, "laptop");
    if (hour % 24 != 7) Add("a", hour * kHour, "lacks few");
    if (hour % 24 < 20 && hour != 100) Add("a", hour * kHour, "lacks one");
    Advance(hour * kHour);
    Commit();
  }
  const int last = (5 * 24 - 1) * kHour;
  Add("b", last + 6 * kHour);
  Advance(last + 6 * kHour);
  EXPECT_THAT(Alerts(), ElementsAre("final 435600 1", "final 435600 1"));
  // It lacks one hour no more: so of all of its nights' silences the last one was not expected to be.
  Add("a", 100 * kHour + 1, "lacks one");
  Alerts();
  std::set<std::string> hosts;
  Damage damage;
  const auto visit = [&](const Alert& a) {
    hosts.insert(a.group[0].second);
    return true;
  };
  EXPECT_TRUE(ForEachAlert(*transaction_, {}, visit, &damage).ok());
  EXPECT_THAT(hosts, ElementsAre("lacks few", "lacks one", "server"));
  Commit();
  EXPECT_GT(Rows(), 0U);
  // Once heard again, what was before is needed for no more than a week, and the horizon.
  for (const char* host : {"server", "lacks few", "lacks one"}) Add("a", 10 * 24 * kHour, host);
  for (int day = 10; day < 30; ++day) {
    latest_ = At(day * 24 * kHour);
    Advance(day * 24 * kHour);
    Commit();
  }
  EXPECT_EQ(Rows(), 1U);
}

TEST_F(LiveCorrelationTest, AnHourFilledInLateTellsOfEarlierSilencesOfItsWeek) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::hours(200);
  Open("{title: r, id: r, correlation: {type: silence, rules: a, timespan: 2h, expected: true}}", options);
  constexpr int kHour = 3'600;
  for (int hour = 0; hour < 6 * 24; ++hour) {
    if (hour % 24 < 20 && hour != 5) Add("a", hour * kHour);
    if (hour % 24 == 22) Add("b", hour * kHour);
    Advance(hour * kHour);
  }
  const std::string sixth_night = "final " + std::to_string(141 * kHour) + " 1";
  EXPECT_THAT(Alerts(), ElementsAre(sixth_night)) << "the fifth follows on four days of 20 hours";
  Add("a", 5 * kHour + 1);
  EXPECT_THAT(Alerts(), ElementsAre("final late " + std::to_string(117 * kHour) + " 1", sixth_night));
}

TEST_F(LiveCorrelationTest, WhatIsTooOldToMatterIsForgotten) {
  CorrelationState::Options options;
  options.late_horizon = std::chrono::minutes(10);
  Open(kThreeInAMinute, options);
  for (int n = 0; n < 50; ++n) Add("a", n, "h" + std::to_string(n % 10));
  Advance(100);
  Commit();
  latest_ = At(100'000);
  Advance(100'000);
  Commit();
  EXPECT_EQ(Rows(), 1U);
  EXPECT_EQ(Alerts().size(), 10U) << "alerts stay";
}

}  // namespace
}  // namespace redthread
