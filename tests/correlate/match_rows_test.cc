#include "correlate/match_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

#include "correlate/group_rows.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

using Name = std::tuple<int64_t, uint32_t, MatchOrigin>;

class MatchRowsTest : public StorageTest {
 protected:
  MatchRowsTest() {
    Open();
    transaction_ = std::make_unique<StateTransaction>(database_.get());
  }
  ~MatchRowsTest() override { transaction_.reset(); }

  static CorrelationMatch Match(int64_t time, uint32_t reference, uint64_t index,
                                const std::string& value = "") {
    CorrelationMatch match;
    match.time = {time};
    match.reference = reference;
    match.values = {{value}};
    match.evidence.resize(1);
    match.evidence[0].time = {time - static_cast<int64_t>(index % 3)};
    match.evidence[0].position.source = static_cast<SourceId>(index % 2);
    match.evidence[0].position.index = index;
    return match;
  }
  static std::string Bytes(const CorrelationMatch& match) {
    const std::vector<RuleIndex> rules = {0};
    RowWriter row;
    EncodeMatch(match, &row, MatchPart::kAll, &rules);
    return std::string(row.payload());
  }
  // As the journal writes it.
  std::string Entry(const CorrelationMatch& match, const std::optional<MatchOrigin>& origin = {}) {
    std::string_view entry;
    scratch_.Append(transaction_.get(), "", Bytes(match), origin, 0, &entry);
    return std::string(entry);
  }
  std::vector<Name> Stored(Timestamp from = Timestamp::Min(), Timestamp to = Timestamp::Max()) {
    std::vector<Name> names;
    EXPECT_TRUE(IsOk(ScanMatches(*transaction_, group_, from, to, [&](const StoredMatch& m) {
      names.emplace_back(m.time.ns, m.reference, m.origin);
      return true;
    })));
    return names;
  }
  size_t Blocks() {
    size_t rows = 0;
    EXPECT_TRUE(transaction_
                    ->Scan(ColumnFamily::kMatch, "b", "c",
                           [&](auto, auto) {
                             ++rows;
                             return true;
                           })
                    .ok());
    return rows;
  }
  void Store(const std::string& entries, int64_t newest) {
    ASSERT_TRUE(IsOk(StoreMatches(transaction_.get(), group_, entries, {newest})));
  }

  std::unique_ptr<StateTransaction> transaction_;
  MatchJournal scratch_;
  const std::string group_ = GroupKey("identity of 16 b", {"a", std::string("\0b", 2)});
};

TEST_F(MatchRowsTest, AnEntryIsReadAsItWasWritten) {
  const CorrelationMatch match = Match(-5, 3, 77, "value");
  const MatchOrigin hit = OriginOf(std::string_view("a lower group"));
  const std::string entries = Entry(match) + Entry(match, hit);
  std::vector<StoredMatch> read;
  ASSERT_TRUE(IsOk(ReadEntries(entries, &read)));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].origin, OriginOf(match.evidence[0].position)) << "the event's, which is not stored twice";
  EXPECT_EQ(read[1].origin, hit);
  for (const StoredMatch& stored : read) {
    CorrelationMatch back;
    ASSERT_TRUE(DecodeStored(stored, {9}, MatchPart::kAll, &back));
    EXPECT_EQ(stored.time, match.time);
    EXPECT_EQ(back.time, match.time);
    EXPECT_EQ(back.reference, 3U);
    EXPECT_EQ(back.values, match.values);
    EXPECT_EQ(back.evidence[0].time, match.evidence[0].time);
    EXPECT_EQ(back.evidence[0].position, match.evidence[0].position);
    EXPECT_EQ(back.evidence[0].rule, 9U);
  }
}

TEST_F(MatchRowsTest, BytesThatAreNoEntryAreCorruptAndReadNothingBehindThem) {
  const std::string entry = Entry(Match(5, 3, 77, "value"));
  for (size_t size = 1; size < entry.size(); ++size) {
    std::vector<StoredMatch> read;
    EXPECT_TRUE(Fails(ReadEntries(std::string(entry, 0, size), &read), StatusCode::kCorrupt, "no match"))
        << size;
  }
  std::vector<StoredMatch> read;
  EXPECT_FALSE(ReadEntries("\x7f", &read).ok());
  EXPECT_FALSE(ReadEntries(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10), &read).ok());
}

TEST_F(MatchRowsTest, MatchesThatComeInOrderFillBlocks) {
  std::string entries;
  for (int n = 0; n < 1000; ++n) entries += Entry(Match(n, 0, static_cast<uint64_t>(n)));
  Store(entries, Timestamp::Min().ns);
  EXPECT_EQ(Stored().size(), 1000U);
  EXPECT_EQ(Stored({100}, {200}).size(), 100U);
  EXPECT_EQ(Stored({999}).size(), 1U);
  EXPECT_LT(Blocks(), 15U);
}

// Storing in any order, deleting and forgetting, against a map.
TEST_F(MatchRowsTest, BlocksHoldWhatAMapHolds) {
  std::mt19937_64 dice(3);
  for (int run = 0; run < 20; ++run) {
    std::map<Name, std::string> expected;
    int64_t newest = Timestamp::Min().ns;
    const int64_t spread = run % 2 == 0 ? 40 : 4000;
    for (int step = 0; step < 60; ++step) {
      std::string entries;
      int64_t latest = newest;
      for (uint64_t n = dice() % 40; n > 0; --n) {
        const auto time = static_cast<int64_t>(dice() % static_cast<uint64_t>(spread));
        const CorrelationMatch match =
            Match(time, static_cast<uint32_t>(dice() % 2), dice() % 500, std::to_string(dice()));
        std::optional<MatchOrigin> origin;
        if (dice() % 3 == 0) origin = OriginOf(std::to_string(dice() % 50));
        entries += Entry(match, origin);
        expected[{time, match.reference, origin.value_or(OriginOf(match.evidence[0].position))}] =
            Bytes(match);
        latest = std::max(latest, time);
      }
      Store(entries, newest);
      newest = latest;
      if (!expected.empty() && dice() % 2 == 0) {
        auto gone = std::next(expected.begin(), static_cast<std::ptrdiff_t>(dice() % expected.size()));
        const auto& [time, reference, origin] = gone->first;
        const std::string key = MatchKey(group_, {time}, reference, origin);
        EXPECT_EQ(MatchKeyTime(key), Timestamp{time});
        ASSERT_TRUE(IsOk(DeleteMatch(transaction_.get(), group_, key)));
        ASSERT_TRUE(IsOk(DeleteMatch(transaction_.get(), group_, key))) << "a second time it is not there";
        expected.erase(gone);
      }
      if (dice() % 10 == 0) {
        const auto before = static_cast<int64_t>(dice() % static_cast<uint64_t>(spread));
        ASSERT_TRUE(IsOk(DeleteMatchesBefore(transaction_.get(), group_, {before})));
        expected.erase(expected.begin(), expected.lower_bound({before, 0, {}}));
      }
      if (dice() % 5 == 0) {
        ASSERT_TRUE(IsOk(transaction_->Commit()));
      }
      const auto from = static_cast<int64_t>(dice() % static_cast<uint64_t>(spread));
      std::map<Name, std::string> seen;
      ASSERT_TRUE(
          IsOk(ScanMatches(*transaction_, group_, {from}, Timestamp::Max(), [&](const StoredMatch& m) {
            EXPECT_TRUE(seen.emplace(Name(m.time.ns, m.reference, m.origin), m.bytes).second);
            return true;
          })));
      ASSERT_EQ(seen, (std::map<Name, std::string>(expected.lower_bound({from, 0, {}}), expected.end())));
    }
    ASSERT_TRUE(IsOk(DeleteMatchesBefore(transaction_.get(), group_, Timestamp::Max())));
    EXPECT_EQ(Blocks(), 0U);
  }
}

TEST_F(MatchRowsTest, TheJournalIsThereAgainUpToWhatWasForgotten) {
  const std::string long_value(10'000, 'x');
  std::map<uint64_t, std::string> expected;
  uint64_t next = 0, kept_from = 0;
  std::mt19937 dice(5);
  for (int run = 0; run < 30; ++run) {
    MatchJournal journal;
    std::map<uint64_t, std::string> seen;
    ASSERT_TRUE(
        IsOk(journal.Open(*transaction_, [&](uint64_t number, std::string_view key, const StoredMatch& m) {
          seen[number] = std::string(key) + " " + std::to_string(m.time.ns);
          return Status::Ok();
        })));
    EXPECT_EQ(journal.next(), next);
    // Rows go as a whole: more may be left than was asked for, but nothing is missing.
    EXPECT_EQ((std::map<uint64_t, std::string>(seen.lower_bound(kept_from), seen.end())), expected);
    if (kept_from == next) {
      EXPECT_TRUE(seen.empty());
    }
    for (uint32_t n = dice() % 40; n > 0; --n) {
      std::string_view entry;
      const std::string group = "group" + std::to_string(dice() % 5);
      const uint64_t number =
          journal.Append(transaction_.get(), group, Bytes(Match(n, 0, 0, long_value)), {}, 0, &entry);
      EXPECT_EQ(number, next++);
      expected[number] = group + " " + std::to_string(n);
    }
    journal.Flush(transaction_.get());
    kept_from = run % 4 == 0 ? next : kept_from + dice() % (next - kept_from + 1);
    journal.ForgetBefore(transaction_.get(), kept_from);
    expected.erase(expected.begin(), expected.lower_bound(kept_from));
    if (kept_from == next) {
      EXPECT_EQ(journal.bytes(), 0U);
    }
    ASSERT_TRUE(IsOk(transaction_->Commit()));
  }
}

}  // namespace
}  // namespace redthread
