#include "correlate/group_correlator.h"

#include <gtest/gtest.h>

#include "tests/oracle/correlation_generator.h"

namespace redthread {
namespace {

// Everything that a correlator told, in its order.
struct Told {
  std::vector<std::string> lines;

  std::unique_ptr<GroupCorrelator> Judge(const RuleSet& rules, const Correlation& correlation,
                                         const MatchLog::Options& log) {
    return std::make_unique<GroupCorrelator>(
        &rules, &correlation, GroupCorrelator::Options{log, true},
        [this](const CorrelationHit& hit) {
          std::string line =
              "hit " + std::to_string(hit.end.ns) + " " + std::to_string(hit.value.value_or(-1));
          for (const Texts& texts : hit.carried) line += " " + testing::PrintToString(texts);
          lines.push_back(line + " " + std::to_string(hit.evidence.size()));
          return Status::Ok();
        },
        [this](const CorrelationAlert& a) {
          std::string line = "alert";
          for (const Timestamp t : {a.time, a.last_hit, a.first, a.last}) line += " " + std::to_string(t.ns);
          line += " " + std::to_string(a.count) + " " + std::to_string(a.hits);
          for (const MatchEvidence& e : a.evidence) line += " " + std::to_string(e.position.index);
          lines.push_back(line);
          return Status::Ok();
        });
  }
};

CorrelationMatch RandomMatch(Dice* dice, const Correlation& c, const RuleSet& rules, int64_t time,
                             uint64_t index) {
  static const std::vector<std::string> kTexts = {"p", "q", "5", "0.1", "-2.5", "1e16"};
  CorrelationMatch match;
  match.time = {time};
  match.reference = static_cast<uint32_t>(dice->Below(c.rules.size()));
  match.values.resize(c.fields.size());
  match.carried.resize(1);
  for (std::vector<Texts>* lists : {&match.values, &match.carried}) {
    for (Texts& texts : *lists) {
      for (size_t n = dice->Below(3); n > 0; --n) texts.push_back(dice->Pick(kTexts));
    }
  }
  MatchEvidence evidence;
  evidence.time = {time};
  evidence.rule = static_cast<RuleIndex>(dice->Below(rules.rules.size()));
  evidence.position.index = index;
  evidence.raw_hash[0] = static_cast<uint8_t>(dice->Below(256));
  match.evidence = {evidence};
  return match;
}

// So that a group can leave memory at any time and come back: the seam that live events need.
TEST(GroupCorrelatorTest, SavedAndTakenUpAgainAnywhereItAnswersTheSame) {
  static const std::vector<int64_t> kSteps = {0, 0, 1'000'000'000, 2'000'000'000, 700'000'000, 9'000'000'000};
  size_t lines = 0, saves = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Dice dice(seed);
    const RuleSet rules = LoadRulesFromText(RandomCorrelationRules(&dice), "r.yml", {});
    for (const Correlation& c : rules.correlations) {
      std::vector<CorrelationMatch> matches;
      int64_t time = 1'767'225'600'000'000'000;
      for (uint64_t i = 0; i < 40; ++i)
        matches.push_back(RandomMatch(&dice, c, rules, time += dice.Pick(kSteps), i));
      std::sort(matches.begin(), matches.end(), [](const CorrelationMatch& a, const CorrelationMatch& b) {
        return std::tie(a.time, a.reference) < std::tie(b.time, b.reference);
      });
      const MatchLog::Options log = {1 + dice.Below(300), 1 + dice.Below(600), testing::TempDir()};
      Told told, told_in_parts;
      const auto whole = told.Judge(rules, c, {});
      auto part = told_in_parts.Judge(rules, c, log);
      whole->Reset(matches[0].time, {time});
      part->Reset(matches[0].time, {time});
      std::string bytes;
      for (const CorrelationMatch& match : matches) {
        EncodeMatch(match, &bytes);
        ASSERT_TRUE(whole->Add(match, bytes).ok());
        ASSERT_TRUE(part->Add(match, bytes).ok());
        if (!dice.Chance(30)) continue;
        RowWriter state;
        part->Save(&state);
        auto again = told_in_parts.Judge(rules, c, log);
        again->Reset(matches[0].time, {time});
        ASSERT_TRUE(
            part->ForEachKept([&](Timestamp t, std::string_view b) { return again->Keep(t, b); }).ok());
        const std::string stored(state.payload());
        ASSERT_TRUE(again->Load(stored).ok()) << CorrelationTypeName(c.type);
        part = std::move(again);
        ++saves;
      }
      ASSERT_TRUE(whole->Finish().ok());
      ASSERT_TRUE(part->Finish().ok());
      ASSERT_EQ(told_in_parts.lines, told.lines) << "seed " << seed << " " << CorrelationTypeName(c.type);
      lines += told.lines.size();
    }
  }
  EXPECT_GT(lines, 5'000U);
  EXPECT_GT(saves, 5'000U);
}

TEST(GroupCorrelatorTest, StateThatIsCutShortIsRefused) {
  const RuleSet rules = LoadRulesFromText(
      "{title: a, name: a, logsource: {product: p}, detection: {s: {F: 1}, condition: s}}\n---\n"
      "{title: r, correlation: {type: value_count, rules: a, timespan: 1h, condition: {field: u, gte: 1}}}",
      "r.yml", {});
  ASSERT_EQ(rules.correlations.size(), 1U);
  Told told;
  Dice dice(1);
  const auto judge = told.Judge(rules, rules.correlations[0], {});
  judge->Reset({0}, {0});
  std::string bytes;
  for (uint64_t i = 0; i < 5; ++i) {
    const CorrelationMatch match =
        RandomMatch(&dice, rules.correlations[0], rules, static_cast<int64_t>(i), i);
    EncodeMatch(match, &bytes);
    ASSERT_TRUE(judge->Add(match, bytes).ok());
  }
  RowWriter state;
  judge->Save(&state);
  const std::string stored(state.payload());
  for (size_t size = 0; size < stored.size(); ++size) {
    const auto again = told.Judge(rules, rules.correlations[0], {});
    again->Reset({0}, {0});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(again->Keep({i}, bytes).ok());
    EXPECT_EQ(again->Load(stored.substr(0, size)).code(), StatusCode::kCorrupt) << size;
  }
}

}  // namespace
}  // namespace redthread
