// A partition of matches: what it has come to after a record is the same for one who has read on, for one who
// went on from the folder, and for one who has read all again.
#include "runtime/correlate_partition.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "core/hash.h"
#include "core/record.h"
#include "correlate/group_rows.h"
#include "ingest/kafka_partition.h"
#include "runtime/match_frame.h"
#include "runtime/rule_epochs.h"
#include "tests/oracle/dice.h"
#include "tests/runtime/runtime_fixture.h"

namespace redthread {
namespace {

constexpr char kRules[] = R"(title: Any
id: 00000000-0000-4000-8000-000000000001
level: high
logsource: {product: windows}
detection: {s: {Command: any}, condition: s}
---
title: A
name: a
id: 00000000-0000-4000-8000-000000000002
logsource: {product: windows}
detection: {s: {Command: a}, condition: s}
---
title: B
name: b
id: 00000000-0000-4000-8000-000000000003
logsource: {product: windows}
detection: {s: {Command: b}, condition: s}
---
title: Many
id: 00000000-0000-4000-8000-000000000004
correlation: {type: event_count, rules: [a], group-by: [Computer], timespan: 10s, condition: {gte: 4}}
---
title: Without
id: 00000000-0000-4000-8000-000000000005
correlation: {type: temporal, rules: [a, b], group-by: [Computer], timespan: 3s, condition: a and not b}
---
title: Nothing
id: 00000000-0000-4000-8000-000000000006
correlation: {type: silence, rules: [a], group-by: [Computer], timespan: 6s}
)";

struct Record {
  Timestamp written;
  std::string bytes;
};

class CorrelatePartitionTest : public RuntimeTest, public RuleEpochs {
 protected:
  CorrelatePartitionTest() { engine_ = LoadEngine(kRules, {.lateness = std::chrono::seconds(5)}); }

  Rules Newest() override { return {1, engine_}; }
  Result<std::shared_ptr<const Engine>> Find(uint64_t) override { return engine_; }

  // What two workers might write about two partitions, of which each is read to its end now and then, and one
  // is not heard of for a while.
  std::vector<Record> RandomRecords(Dice* dice) const {
    const RuleSet& rules = engine_->rules();
    const std::vector<std::string> sources = {KafkaIdentity{"c", {"raw", 0}}.Encode(),
                                              KafkaIdentity{"c", {"raw", 1}}.Encode()};
    const Timestamp begin = *ParseTimestamp("2026-11-22T10:00:00Z");
    Timestamp clock = begin;
    std::vector<Record> records = {{clock, EncodeAnnounce(sources)}};
    std::vector<uint64_t> next(sources.size(), 0);
    std::vector<std::optional<Timestamp>> greatest(sources.size());
    FrameWriter writer;
    size_t source = 0;
    bool at_end = false;
    const size_t turns = dice->Chance(50) ? 4 : 50;  // with 4, one is not heard of for long
    while (records.size() < 150) {
      const std::vector<size_t> steps = {1, 600, 900, 900, 2500, 6000};
      clock = clock + std::chrono::milliseconds(dice->Below(dice->Pick(steps)));
      if (dice->Chance(turns)) source = dice->Below(sources.size());
      if (dice->Chance(10)) at_end = dice->Chance(80);
      if (dice->Chance(3)) {
        records.push_back({clock, EncodeAnnounce(dice->Chance(30) ? std::vector{sources[0]} : sources)});
        continue;
      }
      FrameHead head;
      head.source = sources[source];
      head.rules = 1;
      head.begin = {next[source], 0};
      writer.Begin(head);
      for (size_t n = dice->Chance(50) ? dice->Below(4) : 0; n > 0; --n) {
        const Timestamp time =
            clock - std::chrono::milliseconds(dice->Below(dice->Chance(30) ? 60'000 : 5'000));
        const std::string host = "pc-" + std::to_string(dice->Below(2));
        const uint64_t offset = next[source]++;
        const Hash128 raw_hash = HashBytes(std::to_string(records.size()) + "/" + std::to_string(n));
        if (dice->Chance(25)) {
          writer.AddFold(offset, IdentityOf(rules.rules[0]), time, raw_hash, {{"host", host}});
        } else {
          AddMatches(offset, 1 + static_cast<RuleIndex>(dice->Below(2)), time, raw_hash, host, &writer);
        }
        greatest[source] = std::max(greatest[source].value_or(time), time);
      }
      head.end = {next[source], 0};
      head.seen = head.greatest = greatest[source];
      head.at_end = at_end;
      records.push_back({clock, std::string(writer.Finish(head))});
    }
    return records;
  }

  // The matches of an event of a rule, one for each correlation of it.
  void AddMatches(uint64_t offset, RuleIndex rule, Timestamp time, const Hash128& raw_hash,
                  const std::string& host, FrameWriter* writer) const {
    const RuleSet& rules = engine_->rules();
    for (const Correlation& correlation : rules.correlations) {
      for (uint32_t reference = 0; reference < correlation.rules.size(); ++reference) {
        if (correlation.rules[reference].index != rule) continue;
        CorrelationMatch match;
        match.time = time;
        match.reference = reference;
        MatchEvidence& evidence = match.evidence.emplace_back();
        evidence.time = time;
        evidence.raw_hash = raw_hash;
        writer->AddMatch(offset, IdentityOf(correlation), {host}, match, IdentityOf(rules.rules[rule]));
      }
    }
  }

  std::unique_ptr<CorrelatePartition> Open(const std::string& name) {
    CorrelatePartition::Options options;
    options.path = Path(name);
    options.identity = "matches/0";
    Result<std::unique_ptr<CorrelatePartition>> opened = CorrelatePartition::Open(options, this);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(*opened) : nullptr;
  }

  // Where the partition has come to, and what was told since the last look, from behind *told on.
  static std::string StateOf(const CorrelatePartition& partition, uint64_t* told) {
    std::string text = FormatTimestamp(partition.watermark());
    for (const CorrelatePartition::SourceProgress& source : partition.sources()) {
      text += " " + source.path + (source.awaited ? " awaited" : "") + " at " + std::to_string(source.next) +
              " " + FormatTimestamp(source.watermark.value_or(Timestamp::Min()));
    }
    const Status status = partition.ForEachUntold(*told, [&](uint64_t sequence, const Alert& alert) {
      *told = sequence;
      text += "\n";
      AppendAlertRecord(alert, &text);
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return text + "\n";
  }
};

TEST_F(CorrelatePartitionTest, WhatItComesToIsTheSameForWhoGoesOnFromTheFolderAsForWhoReadOn) {
  const char* const seed_text = std::getenv("REDTHREAD_SEED");
  const char* const count_text = std::getenv("REDTHREAD_CORRELATION_STREAMS");
  const uint64_t first = seed_text == nullptr ? 1 : std::strtoull(seed_text, nullptr, 10);
  const uint64_t count = count_text == nullptr ? 20 : std::strtoull(count_text, nullptr, 10);
  size_t alerts = 0, reopened = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("REDTHREAD_SEED=" + std::to_string(seed));
    Dice dice(seed);
    const std::vector<Record> records = RandomRecords(&dice);
    std::unique_ptr<CorrelatePartition> reads_on = Open("reads-on"), goes_on = Open("goes-on");
    ASSERT_TRUE(reads_on != nullptr && goes_on != nullptr);
    uint64_t told = 0, told_too = 0;
    for (uint64_t offset = 0; offset < records.size(); ++offset) {
      if (dice.Chance(30)) {
        goes_on.reset();
        goes_on = Open("goes-on");
        ASSERT_NE(goes_on, nullptr);
        ++reopened;
      }
      for (CorrelatePartition* const partition : {reads_on.get(), goes_on.get()}) {
        const Status status = partition->Apply(offset, records[offset].written, records[offset].bytes);
        ASSERT_TRUE(status.ok()) << status.message();
        ASSERT_TRUE(partition->Commit().ok());
      }
      const uint64_t before = told;
      ASSERT_EQ(StateOf(*goes_on, &told_too), StateOf(*reads_on, &told)) << "after record " << offset;
      alerts += told - before;
    }
    reads_on.reset(), goes_on.reset();
    for (const char* const name : {"reads-on", "goes-on"}) std::filesystem::remove_all(Path(name));
  }
  EXPECT_GT(alerts, count) << "nothing was told";
  EXPECT_GT(reopened, count);
}

}  // namespace
}  // namespace redthread
