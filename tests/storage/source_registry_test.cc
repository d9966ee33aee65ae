#include "storage/source_registry.h"

#include "storage/key.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

class SourceRegistryTest : public StorageTest {
 protected:
  void SetUp() override {
    Open();
    transaction_ = std::make_unique<StateTransaction>(database_.get());
  }
  void TearDown() override { transaction_.reset(); }
  void CommitAndReopen() {
    ASSERT_TRUE(IsOk(transaction_->Commit()));
    transaction_.reset();
    SetUp();
  }
  SourceState Add(std::string_view identity, std::string_view path = "/var/log/x") {
    Result<SourceState> state = FindOrAddSource(transaction_.get(), identity, path);
    EXPECT_TRUE(IsOk(state));
    return state.ok() ? *state : SourceState{};
  }
  std::unique_ptr<StateTransaction> transaction_;
};

TEST_F(SourceRegistryTest, NumbersAreGivenInOrderOfFirstSightAndStay) {
  const std::string identities[] = {"file 1:2", std::string("file\0 1", 7), "file", "", "\xff\xff"};
  SourceId expected = 0;
  for (const std::string& identity : identities) EXPECT_EQ(Add(identity).id, ++expected);
  CommitAndReopen();
  expected = 0;
  for (const std::string& identity : identities) EXPECT_EQ(Add(identity, "/renamed").id, ++expected);
  EXPECT_EQ(GetSource(*transaction_, 1)->path, "/var/log/x") << "a path changes with UpdateSource only";
  EXPECT_EQ(Add("another").id, 6u);
}

TEST_F(SourceRegistryTest, ANumberOfAnAbandonedStepIsFreeAgain) {
  EXPECT_EQ(Add("one").id, 1u);
  transaction_->Abandon();
  EXPECT_EQ(Add("two").id, 1u) << "nobody has seen the first one";
}

TEST_F(SourceRegistryTest, ProgressIsStoredWhole) {
  SourceState state = Add("file");
  state.path = "/var/log/x.1";
  state.epoch = 2;
  state.next_index = 1'000'000;
  state.cursor = uint64_t{1} << 40;
  state.watermark = Timestamp{-5};
  state.last_heard = Timestamp::Max();
  state.dead_letters = 3;
  ASSERT_TRUE(IsOk(UpdateSource(transaction_.get(), state)));
  CommitAndReopen();
  const Result<SourceState> read = GetSource(*transaction_, state.id);
  ASSERT_TRUE(IsOk(read));
  EXPECT_EQ(read->identity, "file");
  EXPECT_EQ(read->path, state.path);
  EXPECT_EQ(read->epoch, 2u);
  EXPECT_EQ(read->next_index, 1'000'000u);
  EXPECT_EQ(read->cursor, state.cursor);
  EXPECT_EQ(read->watermark, state.watermark);
  EXPECT_EQ(read->greatest_time, std::nullopt);
  EXPECT_EQ(read->last_heard, state.last_heard);
  EXPECT_EQ(read->dead_letters, 3u);
}

TEST_F(SourceRegistryTest, ReadingNeverGoesBack) {
  SourceState state = Add("file");
  state.epoch = 1;
  state.next_index = 10;
  ASSERT_TRUE(IsOk(UpdateSource(transaction_.get(), state)));
  ASSERT_TRUE(IsOk(UpdateSource(transaction_.get(), state))) << "standing still is fine";
  state.next_index = 9;
  EXPECT_TRUE(Fails(UpdateSource(transaction_.get(), state), StatusCode::kInvalid, "cannot go back"));
  state.epoch = 0;
  state.next_index = 99;
  EXPECT_TRUE(Fails(UpdateSource(transaction_.get(), state), StatusCode::kInvalid, "cannot go back"));
  state.epoch = 2;
  state.next_index = 0;
  EXPECT_TRUE(IsOk(UpdateSource(transaction_.get(), state))) << "a truncated file starts anew";
}

TEST_F(SourceRegistryTest, AnIdentityMayGrowButNotBecomeAnothersOwn) {
  SourceState state = Add("100 bytes hashed");
  Add("someone else");
  state.identity = "1024 bytes hashed";
  ASSERT_TRUE(IsOk(UpdateSource(transaction_.get(), state)));
  CommitAndReopen();
  EXPECT_EQ(Add("1024 bytes hashed").id, state.id);
  const Result<std::optional<SourceState>> old = FindSource(*transaction_, "100 bytes hashed");
  ASSERT_TRUE(IsOk(old));
  EXPECT_FALSE(*old);
  state.identity = "someone else";
  EXPECT_TRUE(Fails(UpdateSource(transaction_.get(), state), StatusCode::kInvalid, "identity of source 2"));
}

TEST_F(SourceRegistryTest, TheStagesWatermarkIsKept) {
  Result<std::optional<Timestamp>> stored = GetStageWatermark(*transaction_);
  ASSERT_TRUE(IsOk(stored));
  EXPECT_FALSE(*stored);
  Add("a source beside it");
  SetStageWatermark(transaction_.get(), Timestamp{123});
  CommitAndReopen();
  stored = GetStageWatermark(*transaction_);
  ASSERT_TRUE(IsOk(stored));
  EXPECT_EQ(*stored, Timestamp{123});
  transaction_->Put(ColumnFamily::kSource, "w", "spoilt");
  EXPECT_TRUE(Fails(GetStageWatermark(*transaction_).status(), StatusCode::kCorrupt, "source row"));
}

TEST_F(SourceRegistryTest, UnknownAndOversizedOnesAreRefused) {
  EXPECT_EQ(GetSource(*transaction_, 1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(UpdateSource(transaction_.get(), SourceState{}).code(), StatusCode::kNotFound);
  EXPECT_EQ(FindOrAddSource(transaction_.get(), std::string(5000, 'x'), "").status().code(),
            StatusCode::kLimit);
  EXPECT_TRUE(transaction_->empty());
}

TEST_F(SourceRegistryTest, ADamagedSourceIsNotedAndTheOthersAreVisited) {
  for (const char* identity : {"one", "two", "three"}) Add(identity);
  transaction_->Put(ColumnFamily::kSource, KeyWriter('s').U32(2), "spoilt");
  std::vector<SourceId> seen;
  Damage damage;
  const auto visit = [&](const SourceState& state) {
    seen.push_back(state.id);
    return true;
  };
  ASSERT_TRUE(IsOk(ForEachSource(*transaction_, visit, &damage)));
  EXPECT_EQ(seen, (std::vector<SourceId>{1, 3}));
  EXPECT_EQ(damage.rows, 1u);
  EXPECT_TRUE(
      Fails(FindOrAddSource(transaction_.get(), "two", "").status(), StatusCode::kCorrupt, "source row"))
      << "a damaged source is never taken for a new one";
}

}  // namespace
}  // namespace redthread
