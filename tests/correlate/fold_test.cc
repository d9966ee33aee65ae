// Folding: whatever the order of arrival, wherever the process was restarted, the alerts are those of the
// sorted matches.
#include "correlate/fold.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "core/hash.h"
#include "core/record.h"
#include "correlate/fold_state.h"
#include "correlate/sorted_fold.h"
#include "storage/alert_codec.h"
#include "storage/alert_store.h"
#include "storage/outbox.h"
#include "storage/source_registry.h"

namespace redthread {
namespace {

constexpr Nanoseconds kMinute = std::chrono::minutes(1);

class FoldTest : public ::testing::Test {
 protected:
  FoldTest() {
    Rule rule;
    rule.id = "r1";
    rule.title = "Something happened";
    rule.content_hash = "0123456789abcdef";
    rule.level = Level::kHigh;
    rules_.rules.push_back(rule);
    // In memory where there is such a folder: every commit is synced, and there are many.
    const bool in_memory = access("/dev/shm", W_OK) == 0;
    std::string path = (in_memory ? "/dev/shm" : std::filesystem::temp_directory_path().string()) +
                       std::string("/redthread-fold-XXXXXX");
    folder_ = mkdtemp(path.data());
  }
  ~FoldTest() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open({folder_ + "/db"});
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    database_ = std::move(*opened);
    StateTransaction t(database_.get());
    const Result<SourceState> source = FindOrAddSource(&t, "source", "a.ndjson");
    ASSERT_TRUE(source.ok());
    source_ = source->id;
    ASSERT_TRUE(t.Commit().ok());
  }

  FoldMatch Match(int64_t minute, uint64_t index, const std::string& host = "web01") const {
    FoldMatch m;
    m.time = minute < 0 ? kNoTime : Timestamp{} + kMinute * minute;
    m.position.source = source_;
    m.position.index = index;
    m.source = "a.ndjson";
    m.raw_hash = HashBytes(std::to_string(index));
    m.group = {{"host", host}};
    return m;
  }

  // The stored alerts of the rule that stand, in the canonical form.
  std::vector<std::string> Standing() {
    std::vector<std::string> lines;
    Damage damage;
    EXPECT_TRUE(ForEachAlert(
                    *database_->Snapshot(), {},
                    [&](const Alert& a) {
                      if (a.state == AlertState::kFinal && a.rule_id == rules_.rules[0].id)
                        AppendCanonicalAlert(a, &lines.emplace_back());
                      return true;
                    },
                    &damage)
                    .ok());
    EXPECT_EQ(damage.rows, 0u);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  std::vector<std::string> Expected(std::vector<FoldMatch> matches) {
    std::vector<std::string> lines;
    std::stable_sort(matches.begin(), matches.end(), [&](const FoldMatch& a, const FoldMatch& b) {
      return std::make_pair(FoldKey(rules_.rules[0], a.group), a.time) <
             std::make_pair(FoldKey(rules_.rules[0], b.group), b.time);
    });
    SortedFold fold(&rules_, kDefaultFoldWindow, [&](const Alert& a) {
      AppendCanonicalAlert(a, &lines.emplace_back());
      return Status::Ok();
    });
    for (const FoldMatch& m : matches) EXPECT_TRUE(fold.Add(FoldKey(rules_.rules[0], m.group), m).ok());
    EXPECT_TRUE(fold.Finish().ok());
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  // By definition alone: which matches begin an alert.
  static size_t BruteForceAlerts(const std::vector<FoldMatch>& matches) {
    std::map<std::pair<std::string, int64_t>, bool> begins;
    for (const FoldMatch& m : matches) {
      bool preceded = false;
      for (const FoldMatch& other : matches) {
        if (other.group != m.group || other.time == kNoTime || m.time == kNoTime) continue;
        preceded |= other.time < m.time && m.time - other.time <= kDefaultFoldWindow;
      }
      if (!preceded) begins[{m.group[0].second, m.time.ns}] = true;
    }
    return begins.size();
  }

  RuleSet rules_;
  SourceId source_ = 0;
  std::string folder_;
  std::unique_ptr<Database> database_;
};

TEST_F(FoldTest, AMatchExactlyAnHourLaterStillFoldsAndANanosecondMoreDoesNot) {
  FoldMatch at_the_hour = Match(60, 1);
  EXPECT_EQ(Expected({Match(0, 0), at_the_hour}).size(), 1u);
  at_the_hour.time = at_the_hour.time + Nanoseconds(1);
  EXPECT_EQ(Expected({Match(0, 0), at_the_hour}).size(), 2u);
}

TEST_F(FoldTest, MatchesWithoutATimeAreOneAlert) {
  const auto lines = Expected({Match(-1, 0), Match(-1, 1), Match(5, 2)});
  ASSERT_EQ(lines.size(), 2u);
}

// Some records are read once more in between, and match otherwise than at first.
TEST_F(FoldTest, AnyOrderOfArrivalAnyRestartAndAnyRevisionGiveTheSortedAnswer) {
  Open();
  for (uint32_t seed = 1; seed <= 90; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    rules_.rules[0].id = "r" + std::to_string(seed);  // one database serves all seeds
    std::mt19937 random(seed);
    std::vector<FoldMatch> matches;
    const int64_t span = 60 + static_cast<int64_t>(random() % 2000);
    const size_t n = 1 + random() % 60;
    for (uint64_t i = 0; i < n; ++i) {
      const int64_t minute =
          random() % 20 == 0
              ? -1
              : static_cast<int64_t>(random() % static_cast<uint32_t>(span)) * (random() % 3 == 0 ? 30 : 1);
      matches.push_back(Match(minute, i, random() % 2 == 0 ? "web01" : "db01"));
    }
    const std::vector<std::string> expected = Expected(matches);
    EXPECT_EQ(expected.size(), BruteForceAlerts(matches));
    std::shuffle(matches.begin(), matches.end(), random);
    // By record: what it matched at first, where that is not what it matches in the end.
    std::map<Position, std::vector<FoldMatch>> at_first;
    const bool revises = seed > 60;
    for (uint64_t i = 0; revises && i < n; ++i) {
      if (random() % 3 > 0) continue;
      const FoldMatch other = Match(random() % 3 == 0 ? -1 : static_cast<int64_t>(random() % 300),
                                    matches[i].position.index, random() % 2 == 0 ? "web01" : "db01");
      at_first[matches[i].position] = {other};
      if (random() % 3 == 0) at_first[matches[i].position].clear();
    }

    auto state = std::make_unique<FoldState>(&rules_, FoldState::Options{});
    auto transaction = std::make_unique<StateTransaction>(database_.get());
    const auto commit = [&] {
      ASSERT_TRUE(state->Flush(transaction.get()).ok());
      const Status committed = transaction->Commit();
      ASSERT_TRUE(committed.ok()) << committed.message();
    };
    Timestamp watermark = Timestamp::Min();
    std::map<Position, FoldMatch> to_revise;
    const auto revise = [&] {
      std::vector<Position> records;
      for (const auto& [position, match] : to_revise) records.push_back(position);
      std::map<Position, std::vector<FoldState::Kept>> kept;
      Damage damage;
      ASSERT_TRUE(state->FindMatches(*transaction, records, &kept, &damage).ok());
      ASSERT_EQ(damage.rows, 0U);
      for (const auto& [position, match] : to_revise) {
        ASSERT_EQ(kept[position].size(), at_first[position].size());
        const Status revised = state->Revise(transaction.get(), kept[position], {&match, 1}, watermark);
        ASSERT_TRUE(revised.ok()) << revised.message();
      }
      to_revise.clear();
    };
    for (const FoldMatch& last : matches) {
      const auto first = at_first.find(last.position);
      if (first != at_first.end()) to_revise.emplace(last.position, last);
      for (const FoldMatch& m : first == at_first.end() ? std::vector<FoldMatch>{last} : first->second) {
        const Status added = state->Add(transaction.get(), m, watermark);
        ASSERT_TRUE(added.ok()) << added.message();
      }
      if (random() % 15 == 0) revise();
      if (random() % 4 == 0) {
        watermark = std::max(
            watermark, Timestamp{} + kMinute * static_cast<int64_t>(random() % static_cast<uint32_t>(span)));
        const Status advanced = state->Advance(transaction.get(), watermark);
        ASSERT_TRUE(advanced.ok()) << advanced.message();
      }
      if (random() % 12 == 0) commit();
      if (random() % 9 == 0) {  // a restart: what was cached is gone, what was committed stays
        commit();
        transaction.reset();
        state = std::make_unique<FoldState>(&rules_, FoldState::Options{});
        transaction = std::make_unique<StateTransaction>(database_.get());
      }
    }
    if (random() % 2 == 0) {  // the input had ended before
      ASSERT_TRUE(state->Advance(transaction.get(), Timestamp::Max()).ok());
      commit();
    }
    revise();
    ASSERT_TRUE(state->Advance(transaction.get(), Timestamp::Max()).ok());
    commit();
    EXPECT_EQ(Standing(), expected);
    // Every revision was told once, in order.
    std::map<std::string, uint32_t> last;
    Damage damage;
    ASSERT_TRUE(ForEachOutboxItem(
                    *database_->Snapshot(), 0,
                    [&](const OutboxItem& item) {
                      EXPECT_EQ(item.revision, last[item.alert_id] + 1);
                      last[item.alert_id] = item.revision;
                      return true;
                    },
                    &damage)
                    .ok());
    transaction.reset();
  }
}

// Workers that take over from one another tell the same only if nothing of what is told on the way hangs on
// what is in memory: on restarts, commits, or how much memory there is.
TEST_F(FoldTest, WhatIsToldOnTheWayIsTheSameThroughRestartsAndWithoutMemory) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::string> first;
    for (uint32_t world = 0; world < 3; ++world) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " world " + std::to_string(world));
      std::filesystem::remove_all(folder_ + "/db");
      Open();
      std::mt19937 random(seed), aside(world);
      FoldState::Options options;
      if (world == 2) options.max_cached = 0;
      auto state = std::make_unique<FoldState>(&rules_, options);
      auto transaction = std::make_unique<StateTransaction>(database_.get());
      const auto commit = [&] {
        EXPECT_TRUE(state->Flush(transaction.get()).ok());
        EXPECT_TRUE(transaction->Commit().ok());
      };
      Timestamp watermark = Timestamp::Min();
      std::vector<std::string> told;
      const uint32_t span = 60 + random() % 2000;
      for (uint64_t i = 0; i < 120; ++i) {
        const int64_t minute = random() % 20 == 0 ? -1 : static_cast<int64_t>(random() % span);
        const FoldMatch match = Match(minute, i, random() % 2 == 0 ? "web01" : "db01");
        ASSERT_TRUE(state->Add(transaction.get(), match, watermark).ok());
        if (random() % 4 == 0) {
          watermark = std::max(watermark, Timestamp{} + kMinute * static_cast<int64_t>(random() % span));
          ASSERT_TRUE(state->Advance(transaction.get(), watermark).ok());
        }
        if (random() % 30 == 0) {
          ASSERT_TRUE(state->Advance(transaction.get(), Timestamp::Max()).ok());
        }
        if (aside() % 4 == 0) commit();
        if (i % 8 == 0) {
          commit();
          Damage damage;
          std::string& all = told.emplace_back();
          const auto add = [&all](const Alert& alert) {
            RowWriter row;
            WriteAlert(alert, &row);
            all += alert.id + " " + std::to_string(alert.revision) + " " + alert.explain + " " +
                   HexOf(HashBytes(row.payload())) + "\n";
            return true;
          };
          ASSERT_TRUE(ForEachAlert(*database_->Snapshot(), {}, add, &damage).ok());
        }
        if (world > 0 && aside() % 8 == 0) {
          commit();
          state = std::make_unique<FoldState>(&rules_, options);
        }
      }
      transaction.reset();
      if (world == 0) first = told;
      ASSERT_EQ(told, first);
    }
  }
}

TEST_F(FoldTest, ALateMatchBeforeAnAlertWithdrawsItAndNamesItsSuccessor) {
  Open();
  FoldState state(&rules_, {});
  StateTransaction t(database_.get());
  ASSERT_TRUE(state.Add(&t, Match(100, 0), Timestamp::Min()).ok());
  ASSERT_TRUE(state.Advance(&t, Timestamp{} + kMinute * 300).ok());
  ASSERT_TRUE(state.Add(&t, Match(70, 1), Timestamp{} + kMinute * 300).ok());
  ASSERT_TRUE(state.Flush(&t).ok());
  ASSERT_TRUE(t.Commit().ok());
  const Rule& rule = rules_.rules[0];
  const Result<Alert> old =
      GetAlert(*database_->Snapshot(), AlertId(rule, {{"host", "web01"}}, Timestamp{} + kMinute * 100));
  const Result<Alert> now =
      GetAlert(*database_->Snapshot(), AlertId(rule, {{"host", "web01"}}, Timestamp{} + kMinute * 70));
  ASSERT_TRUE(old.ok());
  ASSERT_TRUE(now.ok());
  EXPECT_EQ(old->state, AlertState::kWithdrawn);
  EXPECT_EQ(old->replaced_by, now->id);
  EXPECT_EQ(now->state, AlertState::kFinal);
  EXPECT_TRUE(now->late);
  EXPECT_EQ(now->count, 2u);
}

TEST_F(FoldTest, AMatchBetweenTwoAlertsJoinsThemIntoTheFirst) {
  Open();
  FoldState state(&rules_, {});
  StateTransaction t(database_.get());
  ASSERT_TRUE(state.Add(&t, Match(0, 0), Timestamp::Min()).ok());
  ASSERT_TRUE(state.Add(&t, Match(100, 1), Timestamp::Min()).ok());
  ASSERT_TRUE(state.Add(&t, Match(50, 2), Timestamp::Min()).ok());
  ASSERT_TRUE(state.Flush(&t).ok());
  ASSERT_TRUE(t.Commit().ok());
  const Rule& rule = rules_.rules[0];
  const Result<Alert> first =
      GetAlert(*database_->Snapshot(), AlertId(rule, {{"host", "web01"}}, Timestamp{}));
  const Result<Alert> second =
      GetAlert(*database_->Snapshot(), AlertId(rule, {{"host", "web01"}}, Timestamp{} + kMinute * 100));
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->count, 3u);
  EXPECT_FALSE(first->late);
  EXPECT_EQ(second->state, AlertState::kWithdrawn);
  EXPECT_EQ(second->replaced_by, first->id);
}

TEST_F(FoldTest, NewAlertsAreSaidSoUntilTheyAreFlushed) {
  Open();
  FoldState state(&rules_, {});
  StateTransaction t(database_.get());
  EXPECT_FALSE(state.has_new_alert());
  ASSERT_TRUE(state.Add(&t, Match(0, 0), Timestamp::Min()).ok());
  EXPECT_TRUE(state.has_new_alert());
  ASSERT_TRUE(state.Flush(&t).ok());
  EXPECT_FALSE(state.has_new_alert());
  ASSERT_TRUE(state.Add(&t, Match(1, 1), Timestamp::Min()).ok());
  EXPECT_FALSE(state.has_new_alert()) << "it folds into one that was told";
}

TEST_F(FoldTest, FoldsGoOnAndEndThroughAChangeOfRules) {
  RuleSet other;  // another rule stands where the first was, and the first elsewhere
  other.rules.resize(2);
  other.rules[0].id = "r2";
  other.rules[1] = rules_.rules[0];
  RuleSet gone;
  gone.rules.push_back(other.rules[0]);
  for (const bool cached : {true, false}) {
    for (const RuleSet* next : {&other, &gone}) {
      SCOPED_TRACE(cached ? "cached" : "read again");
      std::filesystem::remove_all(folder_ + "/db");
      Open();
      StateTransaction t(database_.get());
      auto state = std::make_unique<FoldState>(&rules_, FoldState::Options{});
      ASSERT_TRUE(state->Add(&t, Match(0, 0), Timestamp::Min()).ok());
      ASSERT_TRUE(state->Add(&t, Match(1, 1), Timestamp::Min()).ok());
      ASSERT_TRUE(state->Flush(&t).ok());
      if (!cached) state = std::make_unique<FoldState>(next, FoldState::Options{});
      state->SetRules(next, kDefaultFoldWindow);
      if (next == &other) {
        FoldMatch match = Match(50, 2);
        match.rule = 1;
        ASSERT_TRUE(state->Add(&t, match, Timestamp::Min()).ok());
      }
      ASSERT_TRUE(state->Advance(&t, Timestamp{} + kMinute * 1000).ok());
      ASSERT_TRUE(state->Flush(&t).ok());
      const Result<Alert> alert = GetAlert(t, AlertId(rules_.rules[0], {{"host", "web01"}}, Timestamp{}));
      ASSERT_TRUE(alert.ok()) << alert.status().message();
      EXPECT_EQ(alert->state, AlertState::kFinal);
      EXPECT_EQ(alert->count, next == &other ? 3u : 2u);
      size_t open = 0;
      ASSERT_TRUE(t.Scan(ColumnFamily::kGroup, {}, {}, [&open](auto, auto) { return ++open > 0; }).ok());
      EXPECT_EQ(open, 0u);
    }
  }
}

TEST_F(FoldTest, ToldSizesArePowersOfTen) {
  for (const uint64_t told : {10u, 100u, 1000u, 1'000'000u}) EXPECT_TRUE(IsToldSize(told)) << told;
  for (const uint64_t quiet : {0u, 1u, 9u, 11u, 20u, 99u, 110u, 1010u})
    EXPECT_FALSE(IsToldSize(quiet)) << quiet;
}

TEST_F(FoldTest, TheIdHangsOnRuleContentGroupAndTimeAlone) {
  Rule rule = rules_.rules[0];
  const AlertGroup group = {{"host", "web01"}};
  const std::string id = AlertId(rule, group, Timestamp{7});
  EXPECT_EQ(id.size(), 32u);
  rule.title = "another title";
  rule.tags = {"attack.t1059"};
  EXPECT_EQ(AlertId(rule, group, Timestamp{7}), id);
  EXPECT_NE(AlertId(rule, group, Timestamp{8}), id);
  EXPECT_NE(AlertId(rule, {{"hostw", "eb01"}}, Timestamp{7}), id);
  EXPECT_NE(AlertId(rule, {{"host", "web01"}, {"user", "x"}}, Timestamp{7}), id);
  rule.content_hash = "another content!";
  EXPECT_NE(AlertId(rule, group, Timestamp{7}), id);
}

TEST_F(FoldTest, AGrowingFoldIsToldAtPowersOfTenAndWhenItCloses) {
  Open();
  FoldState state(&rules_, {});
  StateTransaction t(database_.get());
  for (uint64_t i = 0; i < 150; ++i)
    ASSERT_TRUE(state.Add(&t, Match(static_cast<int64_t>(i / 10), i), Timestamp::Min()).ok());
  ASSERT_TRUE(state.Advance(&t, Timestamp{} + kMinute * 1000).ok());
  ASSERT_TRUE(state.Flush(&t).ok());
  ASSERT_TRUE(t.Commit().ok());
  const Result<Alert> alert =
      GetAlert(*database_->Snapshot(), AlertId(rules_.rules[0], {{"host", "web01"}}, Timestamp{}));
  ASSERT_TRUE(alert.ok());
  EXPECT_EQ(alert->count, 150u);
  EXPECT_EQ(alert->revision, 4u);  // begun, 10, 100, final and closed at once
  EXPECT_EQ(alert->evidence.size(), Alert::kMaxEvidence);
}

}  // namespace
}  // namespace redthread
