#include "storage/verify.h"

#include <functional>

#include "storage/event_index.h"
#include "storage/key.h"
#include "storage/row.h"
#include "tests/storage/sample_state.h"

namespace redthread {
namespace {

class VerifyTest : public StorageTest {
 protected:
  void SetUp() override {
    Open();
    FillSampleState(database_.get());
  }

  // The n-th key of a kind of row.
  std::string KeyOf(ColumnFamily family, char kind, size_t n = 0) {
    std::string found;
    const auto pick = [&](std::string_view key, std::string_view) {
      found.assign(key);
      return n-- > 0;
    };
    EXPECT_TRUE(IsOk(database_->Snapshot()->Scan(family, {&kind, 1}, PrefixEnd({&kind, 1}), pick)));
    return found;
  }
};

TEST_F(VerifyTest, AWholeStateHasNoProblemsAndIsCounted) {
  VerifyReport report;
  ASSERT_TRUE(IsOk(VerifyDatabase(*database_->Snapshot(), &report)));
  EXPECT_EQ(report.problems, 0u);
  EXPECT_EQ(report.sources, 2u);
  EXPECT_EQ(report.events, 60u + 3u + 4u + 100u);
  EXPECT_GT(report.event_bytes, 15'000u);
  EXPECT_EQ(report.alerts, 6u);
  EXPECT_EQ(report.outbox_items, 7u);
  EXPECT_EQ(report.dead_letters, 3u + 1u + 5u);
  EXPECT_EQ(report.rows[static_cast<size_t>(ColumnFamily::kMatch)], 1u);
}

// Each case does one thing wrong, of the kind that a mistake of ours or a bad disk would do.
TEST_F(VerifyTest, EveryKindOfDamageIsNamed) {
  StateTransaction t(database_.get());
  const auto family = ColumnFamily::kEvent;
  const auto get = [&](ColumnFamily f, std::string_view key) {
    std::string value;
    EXPECT_TRUE(IsOk(t.Get(f, key, &value))) << KeyText(key);
    return value;
  };
  const auto flip = [&](ColumnFamily f, std::string_view key) {
    std::string value = get(f, key);
    value[value.size() / 2] ^= 1;
    t.Put(f, key, value);
  };
  const auto put_row = [&](ColumnFamily f, const std::string& key, RowWriter row) {
    t.Put(f, key, row.Finish(key));
  };
  const struct {
    const char* what;
    std::function<void()> damage;
    const char* named;
  } cases[] = {
      {"a block", [&] { flip(family, KeyOf(family, 'b')); }, "event row b"},
      {"a tail row", [&] { flip(family, KeyOf(family, 't')); }, "event row t"},
      {"an index row", [&] { flip(family, KeyOf(family, 'x')); }, "time index row x"},
      {"the end of a source", [&] { flip(family, KeyOf(family, 'e')); }, "event row e"},
      {"a lost block", [&] { t.Delete(family, KeyOf(family, 'b', 1)); }, "names a block"},
      {"a lost index row", [&] { t.Delete(family, KeyOf(family, 'x', 1)); }, "is not in the time index"},
      {"a lost tail row", [&] { t.Delete(family, KeyOf(family, 't')); }, "misstates its tail"},
      {"a lost end", [&] { t.Delete(family, KeyOf(family, 'e')); }, "no end of what is kept"},
      {"a line that was kept twice",
       [&] {
         EventBlockCodec codec;
         const std::string key = BlockAddress{1, 0, 64}.Key('t');
         const EventRecord record{64, std::nullopt, kSampleTime, "again"};
         t.Put(family, key, *codec.Encode(key, std::span(&record, 1), 1));
       },
       "two rows hold"},
      {"a line kept but not read",
       [&] {
         EventStore store;
         const EventRecord record{4, std::nullopt, kSampleTime, "from the future"};
         ASSERT_TRUE(IsOk(store.Append(&t, 1, 1, std::span(&record, 1))));
       },
       "behind the position up to which"},
      {"lines of nobody",
       [&] {
         EventStore store;
         const EventRecord record{0, std::nullopt, kSampleTime, "whose?"};
         ASSERT_TRUE(IsOk(store.Append(&t, 99, 0, std::span(&record, 1))));
       },
       "no known source"},
      {"a source", [&] { flip(ColumnFamily::kSource, KeyOf(ColumnFamily::kSource, 's')); }, "source row s"},
      {"a lost identity", [&] { t.Delete(ColumnFamily::kSource, KeyOf(ColumnFamily::kSource, 'i')); },
       "not found by its identity"},
      {"an identity too many",
       [&] { put_row(ColumnFamily::kSource, KeyWriter('i').String("stray").str(), RowWriter().Varint(1)); },
       "more identities"},
      {"a counter that went back",
       [&] { put_row(ColumnFamily::kMeta, KeyWriter('n').String("source").str(), RowWriter().Varint(1)); },
       "never given out"},
      {"an alert", [&] { flip(ColumnFamily::kAlert, KeyOf(ColumnFamily::kAlert, 'a')); }, "alert row a"},
      {"a lost alert", [&] { t.Delete(ColumnFamily::kAlert, KeyOf(ColumnFamily::kAlert, 'a')); },
       "there is no alert"},
      {"an alert without its time", [&] { t.Delete(ColumnFamily::kAlert, KeyOf(ColumnFamily::kAlert, 't')); },
       "not in the time index"},
      {"the time of an alert", [&] { t.Put(ColumnFamily::kAlert, KeyOf(ColumnFamily::kAlert, 't'), "x"); },
       "alert row t"},
      {"an outbox item", [&] { flip(ColumnFamily::kOutbox, KeyOf(ColumnFamily::kOutbox, 'i')); },
       "outbox row i"},
      {"an outbox item of a revision that never was",
       [&] { ASSERT_TRUE(IsOk(AppendOutboxItem(&t, {0, SampleAlert(1).id, 7, AlertState::kFinal}))); },
       "revision 7"},
      {"a dead letter", [&] { flip(ColumnFamily::kDead, KeyOf(ColumnFamily::kDead, 'd')); },
       "dead letter row d"},
      {"a dead letter from the future",
       [&] { PutDeadLetter(&t, {{2, 0, 100, 0}, kSampleTime, "reason", 0, 0, ""}); },
       "dead letter of source 2"},
  };
  for (const auto& c : cases) {
    c.damage();
    VerifyReport report;
    const Status status = VerifyDatabase(t, &report);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << c.what;
    bool named = false;
    for (const std::string& p : report.first_problems) named |= p.find(c.named) != std::string::npos;
    EXPECT_TRUE(named) << c.what << ": " << status.message();
    t.Abandon();
    ASSERT_TRUE(IsOk(VerifyDatabase(t, &report))) << "and without it all is well again";
  }
}

TEST_F(VerifyTest, ProblemsAreCountedBeyondThoseThatAreNamed) {
  StateTransaction t(database_.get());
  for (uint64_t i = 0; i < 500; ++i) {
    PutDeadLetter(&t, {{2, 0, 1000 + i, 0}, kSampleTime, "reason", 0, 0, ""});
  }
  VerifyReport report;
  EXPECT_TRUE(Fails(VerifyDatabase(t, &report), StatusCode::kCorrupt, "500 problems"));
  EXPECT_EQ(report.problems, 500u);
  EXPECT_EQ(report.first_problems.size(), VerifyReport::kMaxProblems);
}

}  // namespace
}  // namespace redthread
