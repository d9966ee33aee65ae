// What a released version wrote, every later one reads: tests/storage/golden/v1 is the sample state as
// version 0.1 stored it, partly in sorted files and blob files, partly in the log.
//
// A folder that is there is never written again. Another one is made, when the format number rises, with
//   REDTHREAD_WRITE_GOLDEN=FOLDER storage_test --gtest_also_run_disabled_tests --gtest_filter='*WriteGolden*'
#include <cstdlib>

#include "storage/verify.h"
#include "tests/storage/sample_state.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;

class GoldenTest : public StorageTest {
 protected:
  void OpenGolden() {
    fs::copy(fs::path(REDTHREAD_SOURCE_DIR) / "tests/storage/golden/v1", path_, fs::copy_options::recursive);
    database_ = OpenReadOnly(path_);
    ASSERT_NE(database_, nullptr);
  }
};

TEST_F(GoldenTest, TheStateOfVersionOneVerifies) {
  OpenGolden();
  VerifyReport report;
  ASSERT_TRUE(IsOk(VerifyDatabase(*database_->Snapshot(), &report)));
  EXPECT_EQ(report.events, 167u);
  EXPECT_EQ(report.alerts, 6u);
  EXPECT_EQ(report.outbox_items, 7u);
  EXPECT_EQ(report.dead_letters, 9u);
}

TEST_F(GoldenTest, EventsOfVersionOneAreReadByTimeAndByPosition) {
  OpenGolden();
  const std::unique_ptr<StateReader> reader = database_->Snapshot();
  EventStore store;
  size_t seen = 0;
  Damage damage;
  const auto visit = [&](const StoredEvent& event) {
    const uint64_t i = event.record.index;
    EXPECT_EQ(event.record.raw, SampleLine(event.source, i));
    EXPECT_EQ(event.record.time, SampleEventTime(i));
    EXPECT_EQ(event.record.arrival, SampleArrival(i));
    return ++seen > 0;
  };
  ASSERT_TRUE(IsOk(store.ForEach(*reader, {}, visit, &damage)));
  EXPECT_EQ(seen, 167u);
  EXPECT_TRUE(IsOk(damage.first));
  for (const Position& p : {Position{1, 0, 0, 0}, Position{1, 0, 59, 0}, Position{1, 0, 64, 0},
                            Position{1, 1, 3, 0}, Position{2, 0, 99, 0}}) {
    std::string text;
    StoredEvent event;
    ASSERT_TRUE(IsOk(store.Read(*reader, p, &text, &event)));
    EXPECT_EQ(text, SampleLine(p.source, p.index));
  }
}

TEST_F(GoldenTest, SourcesAlertsAndOutboxOfVersionOneAreRead) {
  OpenGolden();
  const std::unique_ptr<StateReader> reader = database_->Snapshot();
  const Result<std::optional<SourceState>> two = FindSource(*reader, std::string("tcp\0peer", 8));
  ASSERT_TRUE(IsOk(two) && *two);
  EXPECT_EQ((*two)->id, 2u);
  EXPECT_EQ((*two)->path, "tcp/peer");
  EXPECT_EQ((*two)->next_index, 100u);
  EXPECT_EQ((*two)->cursor, 20'000u);
  EXPECT_EQ((*two)->last_heard, SampleArrival(99));
  EXPECT_EQ(GetSource(*reader, 1)->epoch, 1u);

  for (int n = 0; n < kSampleAlerts; ++n) {
    const Alert expected = SampleAlert(n);
    const Result<Alert> alert = GetAlert(*reader, expected.id);
    ASSERT_TRUE(IsOk(alert));
    const bool withdrawn = n == kSampleAlerts - 1;
    EXPECT_EQ(alert->revision, withdrawn ? 2u : 1u);
    EXPECT_EQ(alert->state, withdrawn ? AlertState::kWithdrawn : expected.state);
    EXPECT_EQ(alert->replaced_by, withdrawn ? SampleAlert(0).id : "");
    EXPECT_EQ(alert->late, expected.late);
    EXPECT_EQ(alert->level, expected.level);
    EXPECT_EQ(alert->group, expected.group);
    EXPECT_EQ(alert->time, expected.time);
    ASSERT_EQ(alert->evidence.size(), 1u);
    EXPECT_EQ(alert->evidence[0].position, expected.evidence[0].position);
    EXPECT_EQ(alert->evidence[0].raw_hash, expected.evidence[0].raw_hash);
    EXPECT_EQ(alert->explain, expected.explain);
  }
  EXPECT_EQ(*GetSinkCursor(*reader, "siem"), 2u);
  std::string value;
  ASSERT_TRUE(IsOk(reader->Get(ColumnFamily::kMatch, "a row in the log", &value)));
  EXPECT_EQ(value, "its value");
}

TEST_F(GoldenTest, AWriterGoesOnWhereVersionOneStopped) {
  OpenGolden();
  Open();
  StateTransaction transaction(database_.get());
  EventStore store;
  Result<SourceState> one = FindOrAddSource(&transaction, "file 8:1:4711", "");
  ASSERT_TRUE(IsOk(one));
  AppendSampleLines(&transaction, &store, &*one, 4, 9);
  Damage damage;
  ASSERT_TRUE(IsOk(store.Seal(&transaction, one->id, &damage)));
  EXPECT_EQ(FindOrAddSource(&transaction, "new", "")->id, 3u);
  ASSERT_TRUE(IsOk(transaction.Commit()));
  VerifyReport report;
  ASSERT_TRUE(IsOk(VerifyDatabase(*database_->Snapshot(), &report)));
  EXPECT_EQ(report.events, 172u);
}

TEST_F(GoldenTest, DISABLED_WriteGolden) {
  const char* folder = getenv("REDTHREAD_WRITE_GOLDEN");
  if (folder == nullptr) GTEST_SKIP() << "REDTHREAD_WRITE_GOLDEN names no folder";
  Open();
  FillSampleState(database_.get());
  ASSERT_TRUE(IsOk(database_->Flush()));
  StateTransaction transaction(database_.get());
  transaction.Put(ColumnFamily::kMatch, "a row in the log", "its value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  database_.reset();
  fs::copy(path_, folder, fs::copy_options::recursive);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name == "LOCK" || name.rfind("OPTIONS", 0) == 0) fs::remove(entry.path());
  }
}

}  // namespace
}  // namespace redthread
