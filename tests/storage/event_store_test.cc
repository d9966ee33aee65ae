#include "storage/event_store.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "storage/key.h"
#include "storage/row.h"
#include "storage/source_registry.h"
#include "storage/verify.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

constexpr ColumnFamily kFamily = ColumnFamily::kEvent;
constexpr int64_t kDay = 86'400'000'000'000;
constexpr Timestamp kNow = {1'790'000'000'000'000'000};

// A record that owns its text, as a plain model keeps it.
struct Kept {
  SourceId source;
  uint32_t epoch;
  uint64_t index;
  std::optional<Timestamp> time;
  Timestamp arrival;
  std::string raw;
  Timestamp stored_time() const { return time.value_or(arrival); }
  auto Tie() const { return std::tie(source, epoch, index, time, arrival, raw); }
  bool operator==(const Kept& other) const { return Tie() == other.Tie(); }
  bool operator<(const Kept& other) const { return Tie() < other.Tie(); }
};
std::ostream& operator<<(std::ostream& out, const Kept& k) {
  return out << k.source << '/' << k.epoch << '/' << k.index << ' ' << k.raw.substr(0, 20);
}

class EventStoreTest : public StorageTest {
 protected:
  // Small blocks, so that a few lines make several.
  EventStoreTest() : store_(EventStore::Options{1000, 1, 3, std::chrono::minutes(10)}) {}

  void SetUp() override {
    Open();
    transaction_ = std::make_unique<StateTransaction>(database_.get());
  }
  void TearDown() override { transaction_.reset(); }

  void Reopen() {
    transaction_.reset();
    SetUp();
  }

  // Stores records, and that they were read, as a step does.
  void Append(const std::vector<Kept>& kept) {
    std::vector<EventRecord> records;
    for (const Kept& k : kept) records.push_back({k.index, k.time, k.arrival, k.raw});
    const Kept& last = kept.back();
    ASSERT_TRUE(IsOk(store_.Append(transaction_.get(), last.source, last.epoch, records)));
    Result<SourceState> state = GetSource(*transaction_, last.source);
    while (!state.ok()) {
      const std::string identity = "source " + std::to_string(++identities_);
      ASSERT_TRUE(IsOk(FindOrAddSource(transaction_.get(), identity, "/var/log/" + identity)));
      state = GetSource(*transaction_, last.source);
    }
    state->epoch = last.epoch;
    state->next_index = last.index + 1;
    ASSERT_TRUE(IsOk(UpdateSource(transaction_.get(), *state)));
  }

  std::vector<Kept> Lines(SourceId source, uint64_t from, size_t n, Timestamp time = kNow,
                          size_t size = 100) {
    std::vector<Kept> lines;
    for (uint64_t i = from; i < from + n; ++i) {
      const Timestamp t = time + Nanoseconds(static_cast<int64_t>(i));
      std::string raw = "line " + std::to_string(i) + ' ';
      while (raw.size() < size)
        raw.push_back(static_cast<char>('a' + (i * 7 + raw.size() * raw.size()) % 26));
      lines.push_back({source, 0, i, t, t, raw});
    }
    return lines;
  }

  std::vector<Kept> All(const EventStore::Range& range = {}, Damage* damage = nullptr) {
    std::vector<Kept> all;
    Damage own;
    const auto visit = [&](const StoredEvent& e) {
      all.push_back(
          {e.source, e.epoch, e.record.index, e.record.time, e.record.arrival, std::string(e.record.raw)});
      return true;
    };
    EXPECT_TRUE(IsOk(store_.ForEach(*transaction_, range, visit, damage ? damage : &own)));
    EXPECT_TRUE(IsOk(own.first));
    return all;
  }

  size_t Rows(char kind) {
    size_t rows = 0;
    const auto count = [&](std::string_view, std::string_view) { return ++rows > 0; };
    EXPECT_TRUE(IsOk(transaction_->Scan(kFamily, {&kind, 1}, PrefixEnd({&kind, 1}), count)));
    return rows;
  }

  // Damages the n-th row of a kind in the middle of its value.
  std::string Damaged(char kind, size_t n) {
    std::string found, value;
    const auto pick = [&](std::string_view key, std::string_view row) {
      found.assign(key);
      value.assign(row);
      return n-- > 0;
    };
    EXPECT_TRUE(IsOk(transaction_->Scan(kFamily, {&kind, 1}, PrefixEnd({&kind, 1}), pick)));
    value[value.size() - value.size() / 4] ^= 0x10;
    transaction_->Put(kFamily, found, value);
    return found;
  }

  void Verify() {
    VerifyReport report;
    const Status status = VerifyDatabase(*transaction_, &report);
    ASSERT_TRUE(IsOk(status));
  }

  EventStore store_;
  std::unique_ptr<StateTransaction> transaction_;
  int identities_ = 0;
};

TEST_F(EventStoreTest, AStepWritesOneRowAndItsLinesAreReadBackByPosition) {
  const std::vector<Kept> lines = Lines(1, 0, 5);
  Append(lines);
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  EXPECT_EQ(Rows('t'), 1u);
  EXPECT_EQ(Rows('b'), 0u);
  Reopen();
  for (const Kept& line : lines) {
    std::string text;
    StoredEvent event;
    ASSERT_TRUE(IsOk(store_.Read(*transaction_, {line.source, line.epoch, line.index, 0}, &text, &event)));
    EXPECT_EQ(text, line.raw);
    EXPECT_EQ(event.record.raw.data(), text.data());
    EXPECT_EQ(event.record.time, line.time);
    EXPECT_EQ(event.record.arrival, line.arrival);
  }
  Verify();
}

TEST_F(EventStoreTest, WhatWasNeverStoredIsNotFound) {
  std::string text;
  StoredEvent event;
  EXPECT_EQ(store_.Read(*transaction_, {1, 0, 0, 0}, &text, &event).code(), StatusCode::kNotFound);
  std::vector<Kept> lines = Lines(1, 10, 3);
  lines.erase(lines.begin() + 1);  // a blank line between
  Append(lines);
  for (const Position& p : {Position{1, 0, 9, 0}, Position{1, 0, 11, 0}, Position{1, 0, 13, 0},
                            Position{1, 1, 10, 0}, Position{2, 0, 10, 0}, Position{0, 0, 10, 0}}) {
    EXPECT_EQ(store_.Read(*transaction_, p, &text, &event).code(), StatusCode::kNotFound) << p.index;
  }
  EXPECT_TRUE(IsOk(store_.Read(*transaction_, {1, 0, 12, 0}, &text, &event)));
}

TEST_F(EventStoreTest, ALineIsNeverStoredTwiceNorOutOfOrder) {
  Append(Lines(1, 10, 5));
  const std::vector<std::vector<uint64_t>> bad = {{14}, {10}, {0}, {20, 20}, {22, 21}, {~uint64_t{0}}};
  for (const std::vector<uint64_t>& indices : bad) {
    std::vector<EventRecord> records;
    for (uint64_t i : indices) records.push_back({i, kNow, kNow, "again"});
    EXPECT_TRUE(Fails(store_.Append(transaction_.get(), 1, 0, records), StatusCode::kInvalid, "source 1"))
        << indices[0];
  }
  EXPECT_EQ(All().size(), 5u);
  const EventRecord one[] = {{0, kNow, kNow, "a new epoch starts at 0"}};
  EXPECT_TRUE(IsOk(store_.Append(transaction_.get(), 1, 1, one)));
  EXPECT_EQ(
      store_.Append(transaction_.get(), 1, 0, std::vector<EventRecord>{{99, kNow, kNow, "old epoch"}}).code(),
      StatusCode::kInvalid);
  Result<std::optional<Position>> end = store_.End(*transaction_, 1);
  ASSERT_TRUE(IsOk(end) && *end);
  EXPECT_EQ((*end)->epoch, 1u);
  EXPECT_EQ((*end)->index, 1u);
}

TEST_F(EventStoreTest, AStepOfManyLinesWritesBlocksRightAway) {
  const std::vector<Kept> lines = Lines(1, 0, 57);  // 5,700 bytes
  Append(lines);
  EXPECT_EQ(Rows('t'), 0u);
  EXPECT_EQ(Rows('b'), 5u);
  EXPECT_EQ(Rows('x'), 5u);
  EXPECT_EQ(All(), lines);
  Verify();
}

TEST_F(EventStoreTest, ALongLineHasABlockOfItsOwn) {
  std::vector<Kept> lines = Lines(1, 0, 3);
  lines[1].raw.assign(50'000, 'x');
  Append(lines);
  EXPECT_EQ(Rows('b'), 3u);
  EXPECT_EQ(All(), lines);
  Verify();
}

TEST_F(EventStoreTest, SealingKeepsEveryLineAndLeavesNoTail) {
  std::vector<Kept> all;
  for (uint64_t step = 0; step < 30; ++step) {
    const std::vector<Kept> lines = Lines(1, step * 2, 2);
    Append(lines);
    all.insert(all.end(), lines.begin(), lines.end());
  }
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  EXPECT_EQ(Rows('t'), 30u);
  const std::unique_ptr<StateReader> before = database_->Snapshot();
  Damage damage;
  ASSERT_TRUE(IsOk(store_.Seal(transaction_.get(), 1, &damage)));
  EXPECT_EQ(damage.rows, 0u);
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  EXPECT_EQ(Rows('t'), 0u);
  EXPECT_EQ(Rows('b'), 6u);
  EXPECT_EQ(All(), all);
  Verify();
  size_t seen = 0;
  const auto count = [&](const StoredEvent&) { return ++seen > 0; };
  ASSERT_TRUE(IsOk(store_.ForEach(*before, {}, count, &damage)));
  EXPECT_EQ(seen, all.size()) << "a reader from before the sealing sees each line once, too";
}

// Any order of appends, seals, commits, crashes and reopenings holds the same lines as a plain vector.
TEST_F(EventStoreTest, RandomStepsAgreeWithAPlainModel) {
  std::mt19937_64 random(11);
  std::vector<Kept> model;
  std::vector<Kept> committed;
  std::map<SourceId, std::pair<uint32_t, uint64_t>> next;
  const auto random_time = [&]() -> Timestamp {
    switch (random() % 8) {
      case 0:
        return {static_cast<int64_t>(random())};
      case 1:
        return Timestamp::Min();
      case 2:
        return Timestamp::Max();
      default:
        return kNow + Nanoseconds(static_cast<int64_t>(random() % (30 * kDay)));
    }
  };
  for (int step = 0; step < 400; ++step) {
    const SourceId source = 1 + random() % 4;
    auto& [epoch, index] = next[source];
    if (random() % 40 == 0) {
      ++epoch;
      index = 0;
    }
    std::vector<Kept> lines;
    for (size_t n = 1 + random() % 12 * (random() % 3); n > 0; --n) {
      index += random() % 3 == 0;
      Kept line{source, epoch, index++, std::nullopt, random_time(), std::string(random() % 300, 'x')};
      if (random() % 4) line.time = random_time();
      line.raw += std::to_string(random());
      lines.push_back(line);
    }
    Append(lines);
    model.insert(model.end(), lines.begin(), lines.end());
    Damage damage;
    if (random() % 10 == 0) {
      ASSERT_TRUE(IsOk(store_.Seal(transaction_.get(), 1 + random() % 4, &damage)));
    }
    if (random() % 3 == 0) {
      ASSERT_TRUE(IsOk(transaction_->Commit()));
      committed = model;
    }
    if (random() % 50 == 0) {
      Reopen();  // what was not committed is gone, from the model too
      model = committed;
      next.clear();
      for (const Kept& k : model) {
        next[k.source] = std::max(next[k.source], std::pair(k.epoch, k.index + 1));
      }
    }
    ASSERT_EQ(damage.rows, 0u);
    if (step % 20 != 0) continue;

    std::vector<Kept> all = All(), expected = model;
    std::sort(all.begin(), all.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(all, expected) << step;
    EventStore::Range range;
    range.begin = random_time();
    range.end = random_time();
    if (random() % 2) range.source = 1 + random() % 4;
    all = All(range);
    std::sort(all.begin(), all.end());
    std::erase_if(expected, [&](const Kept& k) {
      return k.stored_time() < range.begin || k.stored_time() > range.end ||
             (range.source && k.source != *range.source);
    });
    ASSERT_EQ(all, expected) << step;
    for (const Kept& k : model) {
      std::string text;
      StoredEvent event;
      ASSERT_TRUE(IsOk(store_.Read(*transaction_, {k.source, k.epoch, k.index, 0}, &text, &event))) << k;
      ASSERT_EQ(text, k.raw) << k;
    }
    Verify();
  }
}

TEST_F(EventStoreTest, BlocksComeByTheirLeastTimeAndRecordsInTimeOrderWithinThem) {
  for (uint64_t day : {5, 1, 4, 2, 3}) {
    std::vector<Kept> lines = Lines(1 + day, 0, 12, kNow + Nanoseconds(static_cast<int64_t>(day) * kDay));
    std::swap(lines[0].time, lines[11].time);
    Append(lines);
  }
  const std::vector<Kept> all = All();
  ASSERT_EQ(all.size(), 60u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const Kept& a, const Kept& b) { return a.stored_time() < b.stored_time(); }));
  EXPECT_EQ(all.front().index, 11u);
}

// Counts how many rows a reader hands out.
class CountingReader final : public StateReader {
 public:
  explicit CountingReader(const StateReader* reader) : reader_(reader) {}
  Status Get(ColumnFamily f, std::string_view key, std::string* value) const override {
    ++rows;
    return reader_->Get(f, key, value);
  }
  Status Scan(ColumnFamily f, std::string_view begin, std::string_view end,
              const RowVisitor& v) const override {
    return reader_->Scan(f, begin, end, [&](std::string_view key, std::string_view value) {
      ++rows;
      return v(key, value);
    });
  }
  Status ScanBackward(ColumnFamily f, std::string_view begin, std::string_view end,
                      const RowVisitor& v) const override {
    return reader_->ScanBackward(f, begin, end, v);
  }
  mutable size_t rows = 0;

 private:
  const StateReader* reader_;
};

TEST_F(EventStoreTest, AShortRangeReadsFewRowsOfALongHistory) {
  uint64_t index = 0;
  for (int hour = 0; hour < 24 * 60; ++hour, index += 10) {
    Append(Lines(1, index, 10, kNow + Nanoseconds(hour * kDay / 24)));
  }
  EXPECT_EQ(Rows('b'), 24u * 60u);
  CountingReader reader(transaction_.get());
  EventStore::Range range;
  range.begin = kNow + Nanoseconds(30 * kDay);
  range.end = range.begin + Nanoseconds(2 * kDay / 24);
  size_t seen = 0;
  Damage damage;
  const auto count = [&](const StoredEvent&) { return ++seen > 0; };
  ASSERT_TRUE(IsOk(store_.ForEach(reader, range, count, &damage)));
  EXPECT_EQ(seen, 20u) << "the third hour's lines carry their index in nanoseconds and lie behind";
  EXPECT_LT(reader.rows, 20u);
}

TEST_F(EventStoreTest, AForgedClockCostsOneIndexRow) {
  std::vector<Kept> lines = Lines(1, 0, 11);
  lines[3].time = Timestamp::Min();
  lines[7].time = Timestamp::Max();
  Append(lines);
  EXPECT_EQ(Rows('x'), 1u);
  EventStore::Range range{kNow, kNow + Nanoseconds(100), std::nullopt};
  EXPECT_EQ(All(range).size(), 9u);
  range = {Timestamp::Max(), Timestamp::Max(), std::nullopt};
  EXPECT_EQ(All(range).size(), 1u);
  range = {Timestamp::Max(), Timestamp::Min(), std::nullopt};
  EXPECT_TRUE(All(range).empty()) << "an inverted range is empty";
}

TEST_F(EventStoreTest, DamagedRowsAreNamedAndSkippedAndTheRestAnswers) {
  Append(Lines(1, 0, 50));  // 5 blocks
  Append(Lines(1, 50, 5));  // tail rows
  Append(Lines(1, 55, 5));
  const std::string block = Damaged('b', 2), tail = Damaged('t', 0), index = Damaged('x', 4);
  Damage damage;
  EXPECT_EQ(All({}, &damage).size(), 45u);
  EXPECT_EQ(damage.rows, 3u);
  EXPECT_TRUE(Fails(damage.first, StatusCode::kCorrupt, "is damaged"));

  std::string text;
  StoredEvent event;
  EXPECT_TRUE(
      Fails(store_.Read(*transaction_, {1, 0, 25, 0}, &text, &event), StatusCode::kCorrupt, "event row b"));
  EXPECT_TRUE(
      Fails(store_.Read(*transaction_, {1, 0, 52, 0}, &text, &event), StatusCode::kCorrupt, "event row t"));
  EXPECT_TRUE(IsOk(store_.Read(*transaction_, {1, 0, 57, 0}, &text, &event)));

  VerifyReport report;
  EXPECT_EQ(VerifyDatabase(*transaction_, &report).code(), StatusCode::kCorrupt);
  for (const std::string& key : {block, tail, index}) {
    EXPECT_TRUE(std::any_of(report.first_problems.begin(), report.first_problems.end(),
                            [&](const std::string& p) { return p.find(KeyText(key)) != std::string::npos; }))
        << KeyText(key);
  }
}

TEST_F(EventStoreTest, SealingLeavesADamagedRowWhereItIs) {
  Append(Lines(1, 0, 3));
  Append(Lines(1, 3, 3));
  Append(Lines(1, 6, 3));
  Damaged('t', 1);
  Damage damage;
  ASSERT_TRUE(IsOk(store_.Seal(transaction_.get(), 1, &damage)));
  EXPECT_EQ(damage.rows, 1u);
  EXPECT_EQ(Rows('t'), 1u);
  EXPECT_EQ(Rows('b'), 2u) << "not one block across the damaged row";
  std::string text;
  StoredEvent event;
  for (uint64_t i : {0, 1, 2, 6, 7, 8}) {
    EXPECT_TRUE(IsOk(store_.Read(*transaction_, {1, 0, i, 0}, &text, &event))) << i;
  }
  EXPECT_EQ(store_.Read(*transaction_, {1, 0, 4, 0}, &text, &event).code(), StatusCode::kCorrupt);
  Append(Lines(1, 9, 1));
  Result<size_t> sealed = store_.SealDue(transaction_.get(), kNow, ~size_t{0}, &damage);
  ASSERT_TRUE(IsOk(sealed));
  EXPECT_EQ(*sealed, 0u) << "what cannot be sealed is not tried over and over";
}

TEST_F(EventStoreTest, TailsAreDueWhenTheyAreFullOrOld) {
  Append(Lines(1, 0, 2));                                                // small and new
  for (uint64_t i = 0; i < 12; ++i) Append(Lines(2, i, 1));              // full
  Append(Lines(3, 0, 2, kNow - Nanoseconds(std::chrono::minutes(11))));  // old
  Append(Lines(4, 0, 30));                                               // blocks already
  Damage damage;
  Result<size_t> sealed = store_.SealDue(transaction_.get(), kNow, ~size_t{0}, &damage);
  ASSERT_TRUE(IsOk(sealed));
  EXPECT_EQ(*sealed, 2u);
  EXPECT_EQ(Rows('t'), 1u);
  sealed = store_.SealDue(transaction_.get(), kNow + std::chrono::minutes(11), ~size_t{0}, &damage);
  ASSERT_TRUE(IsOk(sealed));
  EXPECT_EQ(*sealed, 1u);
  EXPECT_EQ(Rows('t'), 0u);
  EXPECT_EQ(All().size(), 46u);
  Verify();
}

// A bit of a blob file flips on the disk: RocksDB notices, one block is lost, the others answer.
TEST_F(EventStoreTest, ADamagedBlobFileCostsTheBlockThatItHit) {
  std::mt19937_64 random(5);
  std::vector<Kept> lines = Lines(1, 0, 10);
  for (Kept& line : lines) {
    line.raw.resize(20'000);
    for (char& c : line.raw) c = static_cast<char>(random());
  }
  Append(lines);
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  ASSERT_TRUE(IsOk(database_->Flush()));
  transaction_.reset();
  database_.reset();
  size_t blobs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    if (entry.path().extension() != ".blob") continue;
    ++blobs;
    FILE* file = fopen(entry.path().c_str(), "r+b");
    ASSERT_NE(file, nullptr);
    fseek(file, 90'000, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, 90'000, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
  }
  ASSERT_EQ(blobs, 1u);
  SetUp();
  Damage damage;
  EXPECT_EQ(All({}, &damage).size(), 9u);
  EXPECT_EQ(damage.rows, 1u);
}

}  // namespace
}  // namespace redthread
