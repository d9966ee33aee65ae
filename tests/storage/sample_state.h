// A small state with rows of every kind, the same each time it is made: what verification is tried on, and
// what the golden folders hold.
#pragma once

#include <string>
#include <vector>

#include "storage/alert_store.h"
#include "storage/dead_letter_store.h"
#include "storage/event_store.h"
#include "storage/outbox.h"
#include "storage/source_registry.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {

inline constexpr Timestamp kSampleTime = {1'764'000'000'000'000'000};

// Line `i` of source `source`; 100 to 300 bytes, most of them like random letters, so that blocks stay large.
inline std::string SampleLine(SourceId source, uint64_t i) {
  std::string line = "{\"EventID\":" + std::to_string(4000 + i % 7) + ",\"record\":" + std::to_string(i) +
                     ",\"source\":" + std::to_string(source) + ",\"text\":\"";
  uint32_t letter = static_cast<uint32_t>(source * 1000 + i);
  for (uint64_t n = 0; n < 60 + i * 31 % 200; ++n) {
    letter = letter * 1664525 + 1013904223;
    line.push_back(static_cast<char>('a' + (letter >> 16) % 26));
  }
  return line + "\"}";
}

inline std::optional<Timestamp> SampleEventTime(uint64_t i) {
  if (i % 10 == 3) return std::nullopt;
  return kSampleTime + Nanoseconds(static_cast<int64_t>(i) * 1'000'000'007);
}
inline Timestamp SampleArrival(uint64_t i) {
  return kSampleTime + std::chrono::hours(1) + Nanoseconds(static_cast<int64_t>(i) * 1'000'000'000);
}

// Lines [from, to) of a source, its progress, and every 20th line as a dead letter: one step.
inline void AppendSampleLines(StateTransaction* transaction, EventStore* store, SourceState* source,
                              uint64_t from, uint64_t to) {
  std::vector<std::string> lines;
  for (uint64_t i = from; i < to; ++i) lines.push_back(SampleLine(source->id, i));
  std::vector<EventRecord> records;
  for (uint64_t i = from; i < to; ++i) {
    records.push_back({i, SampleEventTime(i), SampleArrival(i), lines[i - from]});
    if (i % 20 != 0) continue;
    PutDeadLetter(transaction, {{source->id, source->epoch, i, 0},
                                SampleArrival(i),
                                "string without an end",
                                9,
                                lines[i - from].size(),
                                lines[i - from]});
    ++source->dead_letters;
  }
  ASSERT_TRUE(IsOk(store->Append(transaction, source->id, source->epoch, records)));
  source->next_index = to;
  source->cursor = to * 200;
  source->greatest_time = SampleEventTime(to - 1);
  source->last_heard = SampleArrival(to - 1);
  ASSERT_TRUE(IsOk(UpdateSource(transaction, *source)));
}

inline Alert SampleAlert(int n) {
  Alert alert;
  alert.id = "0123456789abcdef0123456789abcd" + std::to_string(10 + n);
  alert.state = n % 2 == 0 ? AlertState::kEarly : AlertState::kFinal;
  alert.late = n == 3;
  alert.correlation = n % 2 == 0;
  alert.rule_id = "9b0a1b6e-0000-4000-8000-00000000000" + std::to_string(n);
  alert.rule_title = "Sample rule " + std::to_string(n);
  alert.level = static_cast<Level>(n % 5);
  alert.tags = {"attack.t1110"};
  alert.group = {{"Computer", "pc" + std::to_string(n)}, {"User", "alice"}};
  alert.time = kSampleTime + std::chrono::seconds(n);
  alert.first = alert.time - Nanoseconds(500);
  alert.last = alert.time;
  alert.count = static_cast<uint64_t>(n) + 1;
  Hash128 hash{};
  hash.fill(static_cast<uint8_t>(n));
  alert.evidence.push_back({alert.time, alert.rule_id, "/var/log/one.json", {1, 0, uint64_t(n), 0}, hash});
  alert.explain = "Sample alert " + std::to_string(n);
  return alert;
}

inline constexpr int kSampleAlerts = 6;

// Two sources: one with blocks, tail rows and a second epoch, one with blocks of a single step; six alerts,
// the last withdrawn and replaced by the first; a sink's cursor.
inline void FillSampleState(Database* database) {
  StateTransaction transaction(database);
  EventStore store(EventStore::Options{4096, 1, 3, std::chrono::minutes(10)});
  Result<SourceState> one = FindOrAddSource(&transaction, "file 8:1:4711", "/var/log/one.json");
  Result<SourceState> two = FindOrAddSource(&transaction, std::string("tcp\0peer", 8), "tcp/peer");
  ASSERT_TRUE(IsOk(one) && IsOk(two));
  for (uint64_t from = 0; from < 60; from += 5)
    AppendSampleLines(&transaction, &store, &*one, from, from + 5);
  Damage damage;
  ASSERT_TRUE(IsOk(store.Seal(&transaction, one->id, &damage)));
  AppendSampleLines(&transaction, &store, &*one, 62, 65);
  ASSERT_TRUE(IsOk(transaction.Commit()));
  one->epoch = 1;
  AppendSampleLines(&transaction, &store, &*one, 0, 4);
  EventStore large(EventStore::Options{16384, 1, 3, std::chrono::minutes(10)});
  AppendSampleLines(&transaction, &large, &*two, 0, 100);
  for (int n = 0; n < kSampleAlerts; ++n) ASSERT_TRUE(IsOk(PutAlert(&transaction, SampleAlert(n))));
  Alert withdrawn = SampleAlert(kSampleAlerts - 1);
  withdrawn.revision = 2;
  withdrawn.state = AlertState::kWithdrawn;
  withdrawn.replaced_by = SampleAlert(0).id;
  ASSERT_TRUE(IsOk(PutAlert(&transaction, withdrawn)));
  SetSinkCursor(&transaction, "siem", 2);
  transaction.Put(ColumnFamily::kMatch, "a row of correlate", "its value");
  ASSERT_TRUE(IsOk(transaction.Commit()));
  ASSERT_EQ(damage.rows, 0u);
}

}  // namespace redthread
