#include "storage/state_transaction.h"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

constexpr ColumnFamily kFamily = ColumnFamily::kMatch;

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows Collect(const StateReader& reader, bool backward, std::string_view begin = {}, std::string_view end = {},
             size_t most = ~size_t{0}) {
  Rows rows;
  const auto visit = [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return rows.size() < most;
  };
  EXPECT_TRUE(IsOk(backward ? reader.ScanBackward(kFamily, begin, end, visit)
                            : reader.Scan(kFamily, begin, end, visit)));
  return rows;
}

using StateTransactionTest = StorageTest;

TEST_F(StateTransactionTest, SeesItsOwnWritesOverTheDatabase) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(kFamily, "a", "1");
  transaction.Put(kFamily, "b", "1");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  transaction.Put(kFamily, "b", "2");
  transaction.Delete(kFamily, "a");
  std::string value;
  EXPECT_EQ(transaction.Get(kFamily, "a", &value).code(), StatusCode::kNotFound);
  ASSERT_TRUE(IsOk(transaction.Get(kFamily, "b", &value)));
  EXPECT_EQ(value, "2");
  ASSERT_TRUE(IsOk(database_->Snapshot()->Get(kFamily, "a", &value)));
  EXPECT_EQ(value, "1") << "the database has not changed yet";
}

TEST_F(StateTransactionTest, ScansMergeOwnWritesInOrderLikeAPlainMap) {
  Open();
  std::mt19937_64 random(7);
  std::map<std::string, std::string> model;
  StateTransaction transaction(database_.get());
  const auto key = [&] { return std::string(1 + random() % 2, static_cast<char>('a' + random() % 12)); };
  for (int step = 0; step < 300; ++step) {
    for (int i = 0; i < 6; ++i) {
      const std::string k = key();
      if (random() % 3 == 0) {
        transaction.Delete(kFamily, k);
        model.erase(k);
      } else {
        const std::string v = std::to_string(random() % 1000);
        transaction.Put(kFamily, k, v);
        model[k] = v;
      }
    }
    if (random() % 4 == 0) {
      ASSERT_TRUE(IsOk(transaction.Commit()));
    }
    if (random() % 16 == 0) {
      ASSERT_TRUE(IsOk(database_->Flush()));
    }
    const std::string begin = random() % 4 == 0 ? "" : key(), end = random() % 4 == 0 ? "" : key();
    Rows expected;
    for (const auto& [k, v] : model) {
      if (k >= begin && (end.empty() || k < end)) expected.emplace_back(k, v);
    }
    ASSERT_EQ(Collect(transaction, false, begin, end), expected) << step << ": " << begin << " - " << end;
    Rows backward = expected;
    std::reverse(backward.begin(), backward.end());
    ASSERT_EQ(Collect(transaction, true, begin, end), backward) << step << ": " << begin << " - " << end;
    if (expected.size() > 2) {
      expected.resize(2);
      ASSERT_EQ(Collect(transaction, false, begin, end, 2), expected) << "a visitor ends its scan";
    }
  }
}

TEST_F(StateTransactionTest, NothingReachesTheDatabaseBeforeCommitAndAllOfItAfter) {
  Open();
  StateTransaction transaction(database_.get());
  for (int i = 0; i < 5000; ++i) transaction.Put(kFamily, std::to_string(i), std::string(2000, 'v'));
  transaction.Put(ColumnFamily::kAlert, "alert", "told");
  EXPECT_TRUE(Collect(*OpenReadOnly(path_)->Snapshot(), false).empty());
  ASSERT_TRUE(IsOk(transaction.Commit()));
  const std::unique_ptr<Database> reader = OpenReadOnly(path_);
  EXPECT_EQ(Collect(*reader->Snapshot(), false).size(), 5000u);
  std::string value;
  EXPECT_TRUE(IsOk(reader->Snapshot()->Get(ColumnFamily::kAlert, "alert", &value)));
}

TEST_F(StateTransactionTest, AbandonForgetsEverything) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(kFamily, "a", "1");
  transaction.Abandon();
  EXPECT_TRUE(transaction.empty());
  ASSERT_TRUE(IsOk(transaction.Commit()));
  EXPECT_TRUE(Collect(*database_->Snapshot(), false).empty());
}

TEST_F(StateTransactionTest, PendingBytesFollowWhatIsHeld) {
  Open();
  StateTransaction transaction(database_.get());
  EXPECT_EQ(transaction.pending_bytes(), 0u);
  transaction.Put(kFamily, "a", std::string(1000, 'x'));
  const size_t one = transaction.pending_bytes();
  EXPECT_GT(one, 1000u);
  transaction.Put(kFamily, "a", std::string(3000, 'x'));
  EXPECT_EQ(transaction.pending_bytes(), one + 2000);
  transaction.Delete(kFamily, "a");
  EXPECT_EQ(transaction.pending_bytes(), one - 1000);
  EXPECT_FALSE(transaction.empty()) << "a deletion is a change too";
  ASSERT_TRUE(IsOk(transaction.Commit()));
  EXPECT_EQ(transaction.pending_bytes(), 0u);
}

// At any moment, a copy of the folder, taken without closing anything, holds a prefix of the committed steps,
// each whole: all of those that Commit has returned from, and nothing of what is pending.
TEST_F(StateTransactionTest, ACrashAtAnyStepLeavesWholeStepsOnly) {
  Open();
  StateTransaction transaction(database_.get());
  for (int step = 1; step <= 30; ++step) {
    for (int i = 0; i < 50; ++i) transaction.Put(kFamily, "row" + std::to_string(i), std::to_string(step));
    transaction.Put(ColumnFamily::kSource, "position", std::to_string(step));
    if (step % 10 == 0) {
      ASSERT_TRUE(IsOk(database_->Flush()));
    }
    const std::filesystem::path pending = CopyAsAfterCrash();
    ASSERT_TRUE(IsOk(transaction.Commit()));
    const std::filesystem::path committed = CopyAsAfterCrash();
    for (const auto& [copy, expected] : {std::pair{pending, step - 1}, std::pair{committed, step}}) {
      Result<std::unique_ptr<Database>> opened = Database::Open(OptionsFor(copy));
      ASSERT_TRUE(IsOk(opened));
      std::string position = "0";
      (void)(*opened)->Snapshot()->Get(ColumnFamily::kSource, "position", &position);
      EXPECT_EQ(position, std::to_string(expected));
      const Rows rows = Collect(*(*opened)->Snapshot(), false);
      EXPECT_EQ(rows.size(), expected == 0 ? 0u : 50u);
      for (const auto& [key, value] : rows) EXPECT_EQ(value, position) << key;
    }
  }
}

// The kernel refuses to let files grow, as it does on a full disk.
TEST_F(StateTransactionTest, ACommitThatFailsLeavesNothingAndKeepsItsChanges) {
  Open();
  StateTransaction transaction(database_.get());
  transaction.Put(kFamily, "before", "1");
  ASSERT_TRUE(IsOk(transaction.Commit()));

  for (int i = 0; i < 100; ++i) transaction.Put(kFamily, "new" + std::to_string(i), std::string(10'000, 'x'));
  const size_t pending = transaction.pending_bytes();
  struct rlimit old_limit, full;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  full = old_limit;
  full.rlim_cur = 100'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const Status failed = transaction.Commit();
  setrlimit(RLIMIT_FSIZE, &old_limit);
  signal(SIGXFSZ, old_handler);

  EXPECT_TRUE(Fails(failed, StatusCode::kIo, "cannot commit to"));
  EXPECT_EQ(transaction.pending_bytes(), pending);
  EXPECT_EQ(Collect(*database_->Snapshot(), false), (Rows{{"before", "1"}}));

  Open();  // crash-only: what was not acknowledged is not there, and the next try succeeds
  EXPECT_EQ(Collect(*database_->Snapshot(), false), (Rows{{"before", "1"}}));
  StateTransaction again(database_.get());
  again.Put(kFamily, "new", "2");
  ASSERT_TRUE(IsOk(again.Commit()));
  EXPECT_EQ(Collect(*database_->Snapshot(), false).size(), 2u);
}

}  // namespace
}  // namespace redthread
