#include "correlate/group_correlator.h"

#include <gtest/gtest.h>

#include "tests/oracle/correlation_generator.h"

namespace redthread {
namespace {

// Everything that a correlator told, in its order.
struct Told {
  std::vector<std::string> lines;
  std::unique_ptr<GroupCorrelator::Shared> shared;

  std::unique_ptr<GroupCorrelator> Judge(const RuleSet& rules, const Correlation& correlation,
                                         const MatchLog::Options& log) {
    shared = std::make_unique<GroupCorrelator::Shared>(
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
          if (a.ended.has_value()) line += " ended " + std::to_string(a.ended->ns);
          line += " " + std::to_string(a.count) + " " + std::to_string(a.hits);
          for (const MatchEvidence& e : a.evidence) line += " " + std::to_string(e.position.index);
          lines.push_back(line);
          return Status::Ok();
        });
    return std::make_unique<GroupCorrelator>(shared.get());
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

// Live matches come with a watermark between them: it brings answers forward and changes none.
TEST(GroupCorrelatorTest, AdvancedAlongTheWayItAnswersTheSame) {
  static const std::vector<int64_t> kSteps = {0, 0, 1'000'000'000, 2'000'000'000, 700'000'000, 9'000'000'000};
  size_t lines = 0, forward = 0;
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
      Told told, told_live;
      const auto whole = told.Judge(rules, c, {});
      const auto live = told_live.Judge(rules, c, log);
      whole->Reset(matches[0].time, {time});
      live->Reset(matches[0].time, {time});
      std::string bytes;
      Timestamp before = matches[0].time;
      for (const CorrelationMatch& match : matches) {
        EncodeMatch(match, &bytes);
        ASSERT_TRUE(whole->Add(match, bytes).ok());
        if (dice.Chance(50)) {
          const Timestamp watermark =
              before + Nanoseconds(dice.Below(static_cast<size_t>((match.time - before).count() + 1)));
          const std::optional<Timestamp> next = live->NextJudgement();
          const size_t known = told_live.lines.size();
          ASSERT_TRUE(live->AdvanceTo(watermark).ok());
          if (told_live.lines.size() > known) {
            ASSERT_LE(next, watermark) << "seed " << seed << " " << CorrelationTypeName(c.type);
            ++forward;
          }
        }
        ASSERT_TRUE(live->Add(match, bytes).ok());
        before = match.time;
      }
      ASSERT_TRUE(whole->Finish().ok());
      ASSERT_TRUE(live->Finish().ok());
      ASSERT_EQ(told_live.lines, told.lines) << "seed " << seed << " " << CorrelationTypeName(c.type);
      lines += told.lines.size();
    }
  }
  EXPECT_GT(lines, 5'000U);
  EXPECT_GT(forward, 1'000U);
}

}  // namespace
}  // namespace redthread
