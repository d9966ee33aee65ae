// The fold over the control topic: whoever reads it knows the same, however many propose at once.
#include "runtime/control_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "storage/row.h"
#include "tests/oracle/dice.h"

namespace redthread {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Records = std::vector<ControlRecord>;

const Timestamp kNow = *ParseTimestamp("2026-11-22T10:00:00Z");

// A bundle's bytes; of more than one piece when `size` says so.
std::string Bytes(const std::string& name, size_t size = 0) {
  RuleBundle bundle;
  bundle.rules = {{name, "title: " + name}};
  bundle.sources = std::string(size, name[0]);
  return *bundle.Encode();
}
std::string HashOf(const std::string& bytes) { return HexOf(RuleBundle::HashOf(bytes)); }

class ControlLogTest : public testing::Test {
 protected:
  void Append(const Records& records) {
    for (const ControlRecord& record : records) {
      const Status status = log_.Apply(record.key, record.value, offset_++);
      EXPECT_TRUE(status.ok()) << status.message();
    }
  }
  Records Proposal(const std::string& bytes, uint32_t version = 1, bool force = false) const {
    return log_.ProposalFor(bytes, version, kNow, force);
  }
  void Propose(const std::string& bytes, uint32_t version = 1, bool force = false) {
    Append(Proposal(bytes, version, force));
  }
  std::string Current() const { return log_.current().has_value() ? HexOf(log_.current()->bundle) : ""; }

  ControlLog log_;
  int64_t offset_ = 0;
};

TEST_F(ControlLogTest, TheFirstProposalIsTheFirstEpoch) {
  EXPECT_FALSE(log_.current().has_value());
  const std::string a = Bytes("a");
  const Records records = Proposal(a, 7);
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].key, "bundle/" + HashOf(a) + "/0");
  EXPECT_EQ(records[1].key, "epoch/1");
  Append(records);
  EXPECT_EQ(log_.current(), (RuleEpoch{1, RuleBundle::HashOf(a), 7, kNow, 1}));
  const Result<RuleBundle> bundle = log_.BundleOf(RuleBundle::HashOf(a));
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  EXPECT_EQ(*bundle->Encode(), a);
}

TEST_F(ControlLogTest, WhatIsInForceIsNotProposedAgain) {
  Propose(Bytes("a"));
  EXPECT_EQ(log_.StandingOf(Bytes("a"), 1), RuleStanding::kInForce);
  EXPECT_THAT(Proposal(Bytes("a")), IsEmpty());
  EXPECT_THAT(Proposal(Bytes("a"), 1, true), IsEmpty());
}

TEST_F(ControlLogTest, AWorkerThatIsBehindTurnsNothingBackUnlessForced) {
  Propose(Bytes("a"));
  Propose(Bytes("b"));
  EXPECT_EQ(log_.StandingOf(Bytes("a"), 1), RuleStanding::kReplaced);
  EXPECT_THAT(Proposal(Bytes("a")), IsEmpty());
  Propose(Bytes("a"), 1, true);
  EXPECT_EQ(log_.current()->number, 3U);
  EXPECT_EQ(Current(), HashOf(Bytes("a")));
}

TEST_F(ControlLogTest, OlderCodeTurnsNothingBackAndNewerCodeIsAnEpochOfItsOwn) {
  Propose(Bytes("a"), 2);
  EXPECT_EQ(log_.StandingOf(Bytes("b"), 1), RuleStanding::kOlderVersion);
  EXPECT_EQ(log_.StandingOf(Bytes("a"), 1), RuleStanding::kOlderVersion);
  EXPECT_THAT(Proposal(Bytes("b"), 1), IsEmpty());
  const Records newer = Proposal(Bytes("a"), 3);
  EXPECT_THAT(newer, SizeIs(1)) << "the bundle is there already";
  Append(newer);
  EXPECT_EQ(log_.current()->number, 2U);
  EXPECT_EQ(log_.current()->detect_version, 3U);
}

TEST_F(ControlLogTest, OfTwoProposalsTheFirstInTheLogWins) {
  const Records a = Proposal(Bytes("a")), b = Proposal(Bytes("b")), same = Proposal(Bytes("b"));
  Append({b[0], a[0], same[0], b[1], a[1], same[1]});
  EXPECT_EQ(Current(), HashOf(Bytes("b")));
  EXPECT_EQ(log_.counts(), (ControlLog::Counts{1, 2, 0, 0}));
  EXPECT_EQ(log_.StandingOf(Bytes("a"), 1), RuleStanding::kNew) << "it may propose for the next epoch";
}

TEST_F(ControlLogTest, AnEpochCountsOnlyBehindItsWholeBundle) {
  const std::string bytes = Bytes("a", 2 * ControlLog::kChunkBytes);
  const Records records = Proposal(bytes);
  ASSERT_THAT(records, SizeIs(4)) << "three pieces";
  for (const ControlRecord& record : records) EXPECT_LT(record.value.size(), 600U << 10);
  Append({records[2], records[0], records[3]});
  EXPECT_EQ(Current(), "");
  EXPECT_EQ(log_.counts().without_bundle, 1U);
  Append({records[1], records[1], records[3]});
  EXPECT_EQ(Current(), HashOf(bytes));
  EXPECT_EQ(*log_.BundleOf(RuleBundle::HashOf(bytes))->Encode(), bytes);
}

TEST_F(ControlLogTest, ABundleThatWasCutOtherwiseIsSentAgain) {
  const std::string bytes = Bytes("a", 2 * ControlLog::kChunkBytes);
  const Records records = Proposal(bytes);
  RowWriter row;
  const std::string key = "bundle/" + HashOf(bytes) + "/0";
  row.Varint(100).Bytes("another cut");
  Append({{key, row.Finish(key)}});
  Append(records);
  EXPECT_EQ(Current(), HashOf(bytes));
}

TEST_F(ControlLogTest, PiecesOfSomethingElseMakeNoBundle) {
  const std::string key = "bundle/" + HashOf(Bytes("a")) + "/0";
  RowWriter row;
  row.Varint(1).Bytes(Bytes("b"));
  Append({{key, row.Finish(key)}});
  EXPECT_EQ(log_.counts().unreadable, 1U);
  Propose(Bytes("a"));
  EXPECT_EQ(Current(), HashOf(Bytes("a")));
}

TEST_F(ControlLogTest, WhatIsNotOursIsIgnoredAndCounted) {
  const Records good = Proposal(Bytes("a"));
  ControlRecord damaged = good[1];
  damaged.value[5] ^= 1;
  Append({{"", ""},
          {"hello", "world"},
          {"bundle/", ""},
          {"epoch/1", ""},
          {"epoch/1", "\x02nonsense, and long"}});
  Append({{good[1].key, good[0].value}, {"epoch/01", good[1].value}, damaged});
  EXPECT_EQ(log_.counts(), (ControlLog::Counts{0, 0, 0, 8}));
  Append(good);
  EXPECT_EQ(log_.current()->number, 1U);
}

TEST_F(ControlLogTest, ARecordOfANewerVersionEndsWhatThisOneCanKnow) {
  RowWriter row(2);
  row.Bytes("something new");
  const Status status = log_.Apply("epoch/1", row.Finish("epoch/1"), 17);
  EXPECT_EQ(status.code(), StatusCode::kInvalid);
  EXPECT_THAT(status.message(), HasSubstr("record 17 of the control topic is of a newer version"));
}

TEST_F(ControlLogTest, OldBundlesAreForgottenAndTheirEpochsAreNot) {
  for (int i = 0; i < 40; ++i) Propose(Bytes("rules " + std::to_string(i)));
  EXPECT_EQ(log_.current()->number, 40U);
  for (uint64_t n = 1; n <= 40; ++n) ASSERT_EQ(log_.Find(n)->number, n);
  EXPECT_FALSE(log_.Find(0).has_value());
  EXPECT_FALSE(log_.Find(41).has_value());
  for (uint64_t n = 33; n <= 40; ++n) EXPECT_TRUE(log_.BundleOf(log_.Find(n)->bundle).ok()) << n;
  EXPECT_EQ(log_.BundleOf(log_.Find(1)->bundle).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(log_.StandingOf(Bytes("rules 0"), 1), RuleStanding::kReplaced);
  Propose(Bytes("rules 0"), 1, true);
  EXPECT_EQ(Current(), HashOf(Bytes("rules 0"))) << "its bundle is sent again";
}

TEST_F(ControlLogTest, UnfinishedBundlesPushOutEachOtherAndNotWhatIsInForce) {
  Propose(Bytes("in force"));
  const Records first = Proposal(Bytes("first"));
  Append({first[0]});
  for (size_t i = 0; i < ControlLog::kPendingKept; ++i) Append({Proposal(Bytes("p" + std::to_string(i)))[0]});
  EXPECT_TRUE(log_.BundleOf(log_.current()->bundle).ok());
  Append({first[1]});
  EXPECT_EQ(log_.counts().without_bundle, 1U);
  Propose(Bytes("first"));
  EXPECT_EQ(log_.current()->number, 2U);
}

// ---- many at once

// What counts, told by looking through the whole log for every epoch.
std::vector<std::string> SlowEpochs(const Records& log) {
  std::vector<std::string> epochs;  // hashes
  for (size_t i = 0; i < log.size(); ++i) {
    if (log[i].key != "epoch/" + std::to_string(epochs.size() + 1)) continue;
    RowReader row(*OpenRow("epoch", log[i].key, log[i].value));
    std::string_view raw;
    EXPECT_TRUE(row.Bytes(&raw));
    Hash128 hash;
    std::copy(raw.begin(), raw.end(), hash.begin());
    std::set<std::string> pieces;
    uint64_t count = 0;
    for (size_t j = 0; j < i; ++j) {
      if (log[j].key.find("bundle/" + HexOf(hash) + "/") != 0) continue;
      pieces.insert(log[j].key);
      EXPECT_TRUE(RowReader(*OpenRow("piece", log[j].key, log[j].value)).Varint(&count));
    }
    if (count > 0 && pieces.size() == count) epochs.push_back(HexOf(hash));
  }
  return epochs;
}

std::vector<std::string> EpochsOf(const ControlLog& log) {
  std::vector<std::string> epochs;
  for (const RuleEpoch& epoch : log.epochs()) epochs.push_back(HexOf(epoch.bundle));
  return epochs;
}

// A worker: reads the log now and then, and appends what it proposes record by record, between those of
// others.
struct Worker {
  ControlLog log;
  size_t read = 0;
  std::string rules;
  Records to_send;
};

TEST(ControlLogSimulationTest, WhoeverReadsTheLogKnowsTheSame) {
  std::map<std::string, std::string> bundles;
  const size_t sizes[] = {0, 10, ControlLog::kChunkBytes, 0, 2 * ControlLog::kChunkBytes, 100};
  for (size_t i = 0; i < 6; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    bundles[name] = Bytes(name, sizes[i]);
  }
  size_t lost = 0, most = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Dice dice(seed);
    std::vector<Worker> workers(2 + dice.Below(3));
    Records log;
    const auto refresh = [&log](Worker* worker, size_t until) {
      for (; worker->read < until; ++worker->read) {
        const ControlRecord& record = log[worker->read];
        ASSERT_TRUE(worker->log.Apply(record.key, record.value, static_cast<int64_t>(worker->read)).ok());
      }
    };
    for (int step = 0; step < 120; ++step) {
      Worker& worker = workers[dice.Below(workers.size())];
      if (!worker.to_send.empty() && dice.Chance(80)) {
        log.push_back(worker.to_send.front());
        worker.to_send.erase(worker.to_send.begin());
      } else if (worker.to_send.empty()) {
        refresh(&worker, worker.read + dice.Below(log.size() - worker.read + 1));
        if (worker.rules.empty() || dice.Chance(20))
          worker.rules = std::string(1, static_cast<char>('a' + dice.Below(6)));
        worker.to_send = worker.log.ProposalFor(bundles[worker.rules], 1, kNow, dice.Chance(10));
      } else {
        worker.to_send.clear();  // it was killed
        worker.log = {};
        worker.read = 0;
      }
    }
    const std::vector<std::string> expected = SlowEpochs(log);
    for (Worker& worker : workers) {
      refresh(&worker, log.size());
      ASSERT_EQ(EpochsOf(worker.log), expected) << "seed " << seed;
      ASSERT_EQ(worker.log.counts(), workers[0].log.counts());
    }
    for (const RuleEpoch& epoch : workers[0].log.epochs()) {
      const Result<RuleBundle> bundle = workers[0].log.BundleOf(epoch.bundle);
      ASSERT_TRUE(bundle.ok());
      ASSERT_EQ(RuleBundle::HashOf(*bundle->Encode()), epoch.bundle);
    }
    lost += workers[0].log.counts().lost;
    most = std::max(most, expected.size());
    // In the end each is content with what is in force, or gets its way.
    for (Worker& worker : workers) {
      refresh(&worker, log.size());
      const Records proposal =
          worker.log.ProposalFor(bundles[worker.rules.empty() ? "a" : worker.rules], 1, kNow, true);
      log.insert(log.end(), proposal.begin(), proposal.end());
      refresh(&worker, log.size());
      EXPECT_EQ(worker.log.StandingOf(bundles[worker.rules.empty() ? "a" : worker.rules], 1),
                RuleStanding::kInForce);
    }
  }
  EXPECT_GT(lost, 50U) << "they hardly ever met";
  EXPECT_GT(most, 3U);
}

}  // namespace
}  // namespace redthread
