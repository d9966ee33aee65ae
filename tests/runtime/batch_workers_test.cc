// BatchWorkers: results come in the order of the numbers, whoever ran what and however long it took.
#include "runtime/batch_workers.h"

#include <gtest/gtest.h>

#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

class BatchWorkersTest : public RuntimeTest {
 protected:
  // Puts that many lines into the batch, every third of which one rule matches.
  void Fill(uint64_t tag, int lines, Batch* batch) {
    std::string text;
    for (int i = 0; i < lines; ++i) text += Line(i, i % 3 == 0 ? "alpha" : "quiet");
    const std::string path = Write("batch.ndjson", text + "no json\n");
    Result<std::unique_ptr<RecordReader>> reader =
        RecordReader::Open(path, path, {.batch_bytes = text.size() + 1000});
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    const Result<bool> more = (*reader)->Next(&batch->lines);
    ASSERT_TRUE(more.ok() && *more);
    batch->has_lines = true;
    batch->source_id = static_cast<SourceId>(tag);
    batch->arrival = Timestamp{1};
  }
  static void Expect(const Batch& batch, uint64_t tag, size_t lines) {
    EXPECT_EQ(batch.source_id, tag);
    ASSERT_TRUE(batch.failure.ok()) << batch.failure.message();
    EXPECT_EQ(batch.events.size(), lines + 1);
    EXPECT_EQ(batch.matched.size(), (lines + 2) / 3);
    ASSERT_EQ(batch.imperfect.size(), 1u);
    EXPECT_EQ(batch.imperfect[0].record, lines);
    ASSERT_EQ(batch.packed.blocks.size(), 1u);
    EXPECT_EQ(batch.packed.blocks[0].head.count, lines + 1);
    EXPECT_EQ(batch.packed.source, tag);
  }
};

TEST_F(BatchWorkersTest, ResultsComeInTheOrderOfReading) {
  for (const int jobs : {1, 2, 5}) {
    SCOPED_TRACE(jobs);
    BatchWorkers workers(engine_, jobs);
    EXPECT_EQ(workers.Front(true), nullptr) << "nothing to wait for";
    const auto lines = [](uint64_t n) { return n % 4 == 0 ? 300u : 1u; };
    uint64_t read = 0, taken = 0;
    while (taken < 60) {
      Batch* batch = read < 60 ? workers.Free() : nullptr;
      if (batch != nullptr) {
        Fill(read, static_cast<int>(lines(read)), batch);
        ++read;
        workers.Submit();
        continue;
      }
      const Batch* front = workers.Front(true);
      ASSERT_NE(front, nullptr);
      Expect(*front, taken, lines(taken));
      ++taken;
      workers.Pop();
    }
    EXPECT_EQ(workers.Front(false), nullptr);
  }
}

TEST_F(BatchWorkersTest, AFullRingHoldsTheReaderBack) {
  BatchWorkers workers(engine_, 2);
  uint64_t read = 0;
  for (Batch* batch = nullptr; (batch = workers.Free()) != nullptr; workers.Submit()) {
    ASSERT_LT(read, 100u) << "nothing holds it back";
    Fill(read++, 1, batch);
  }
  EXPECT_GE(read, 4u) << "less than two a worker";
  for (uint64_t n = 0; n < read; ++n) EXPECT_EQ(workers.Free(), nullptr) << "run, but not taken";
  ASSERT_NE(workers.Front(true), nullptr);
  workers.Pop();
  EXPECT_NE(workers.Free(), nullptr);
}

TEST_F(BatchWorkersTest, WhatIsUsedAgainHoldsNothingOfBefore) {
  BatchWorkers workers(engine_, 1);
  for (const bool has_lines : {true, false, true}) {
    for (int n = 0; n < 10; ++n) {
      Batch* batch = workers.Free();
      Fill(7, 2, batch);
      batch->has_lines = has_lines;
      workers.Submit();
      const Batch* front = workers.Front(true);
      ASSERT_NE(front, nullptr);
      EXPECT_EQ(front->events.size(), has_lines ? 3u : 0u);
      EXPECT_EQ(front->matched.size(), has_lines ? 1u : 0u);
      EXPECT_EQ(front->imperfect.size(), has_lines ? 1u : 0u);
      workers.Pop();
    }
  }
}

TEST_F(BatchWorkersTest, AnEngineIsGoneOnceAnotherIsInForce) {
  BatchWorkers workers(engine_, 3);
  const std::weak_ptr<const Engine> old = engine_;
  for (uint64_t n = 0; n < 6; ++n) {  // most of the workers run some
    Fill(n, 50, workers.Free());
    workers.Submit();
  }
  for (; workers.Front(true) != nullptr; workers.Pop()) {
  }
  engine_ = LoadEngine(
      "title: New\nid: new\nlogsource: {product: windows}\ndetection: {s: {Command: quiet}, condition: s}\n");
  workers.SetEngine(engine_);
  EXPECT_TRUE(old.expired());
  Fill(0, 5, workers.Free());
  workers.Submit();
  const Batch* front = workers.Front(true);
  ASSERT_NE(front, nullptr);
  EXPECT_EQ(front->matched.size(), 3u) << "the quiet ones";
}

TEST_F(BatchWorkersTest, EndsWithBatchesInFlight) {
  BatchWorkers workers(engine_, 2);
  for (uint64_t n = 0; n < 4; ++n) {
    Fill(n, 300, workers.Free());
    workers.Submit();
  }
}

}  // namespace
}  // namespace redthread
