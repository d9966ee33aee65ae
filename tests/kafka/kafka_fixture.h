// What the tests of `run` over topics share: a broker, rules that need order, and events that lack it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "app/resources.h"
#include "core/timestamp.h"
#include "runtime/embedded.h"
#include "storage/database.h"
#include "storage/dead_letter_store.h"
#include "storage/source_registry.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/oracle/dice.h"
#include "tests/support/kafka.h"
#include "tests/support/shared_clock.h"

namespace redthread {

inline constexpr char kSignInRules[] = R"(title: Failed sign-in of an administrator
id: 6f1f1c5e-0000-4000-8000-000000000001
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625, TargetUserName|startswith: adm}
  condition: selection
level: medium
---
title: Sign-in
name: sign_in
id: 6f1f1c5e-0000-4000-8000-000000000003
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4624}
  condition: selection
---
title: Failed sign-in
name: failed_sign_in
id: 6f1f1c5e-0000-4000-8000-000000000004
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625}
  condition: selection
---
title: Failed sign-ins on one computer
id: 6f1f1c5e-0000-4000-8000-000000000005
correlation:
  {type: event_count, rules: [failed_sign_in], group-by: [Computer], timespan: 5m, condition: {gte: 4}}
level: high
---
title: A failed sign-in that no sign-in of the user is near
id: 6f1f1c5e-0000-4000-8000-000000000006
correlation:
  type: temporal
  rules: [failed_sign_in, sign_in]
  group-by: [Computer, TargetUserName]
  timespan: 3s
  condition: failed_sign_in and not sign_in
level: low
---
title: Few sign-ins on one computer
id: 6f1f1c5e-0000-4000-8000-000000000007
correlation:
  {type: event_count, rules: [sign_in], group-by: [Computer], timespan: 20s, condition: {lt: 5}}
level: low
)";

class KafkaRunTest : public E2eTest {
 protected:
  void SetUp() override {
    kafka_ = TestKafka::Shared();
    if (kafka_ == nullptr) GTEST_SKIP() << "no broker can be run here: Java or Maven is missing";
    rules_ = Write("sign_in.yml", kSignInRules);
    brokers_ = kafka_->brokers();
  }
  void TearDown() override { Stop(); }

  // Sign-ins, 40 ms apart, one in ten up to `displaced` behind its place. Each is different.
  Strings Events(size_t count, Nanoseconds displaced, uint64_t seed) {
    Dice dice(seed);
    Strings events;
    for (size_t n = 0; n < count; ++n) {
      now_ = now_ + std::chrono::milliseconds(40);
      const auto behind = dice.Chance(10)
                              ? Nanoseconds(dice.Below(static_cast<size_t>(displaced.count()) + 1))
                              : Nanoseconds(0);
      const size_t kind = dice.Below(100);
      events.push_back(R"({"@timestamp":")" + FormatTimestamp(now_ - behind) +
                       R"(","Channel":"Security","EventID":)" + (kind < failed_percent_ ? "4625" : "4624") +
                       R"(,"Computer":"pc-)" + std::to_string(dice.Below(20)) + R"(","TargetUserName":")" +
                       (dice.Chance(30) ? "admin" : "user") + std::to_string(dice.Below(5)) +
                       R"(","RecordNumber":)" + std::to_string(made_++) + "}");
    }
    return events;
  }

  // Each to a partition by chance.
  void Produce(const std::string& topic, int partitions, const Strings& events, uint64_t seed = 1) {
    Dice dice(seed);
    TestProducer producer(kafka_->brokers());
    for (const std::string& event : events)
      producer.Send(topic, static_cast<int>(dice.Below(static_cast<size_t>(partitions))), event);
    producer.Flush();
  }

  // A configuration with that source; `rest` is added to it: ", settings: {...}".
  std::string Configure(const std::string& topics, const std::string& rest = "") {
    std::string brokers;
    for (const std::string& broker : {brokers_}) brokers += "\"" + broker + "\"";
    return Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") + "\nrules: {paths: [" + rules_ +
                                      "]}\nsources:\n  logs: {type: kafka, brokers: [" + brokers +
                                      "], topics: " + topics + rest + "}\n");
  }
  BinaryRun UntilIdle() const { return RunBinary({"run", "--until-idle", "-c", Path("redthread.yml")}); }
  std::string Live() const {
    return RunBinary({"alerts", "list", "--canonical", "-c", Path("redthread.yml")}).out;
  }
  std::string Scanned(const Strings& events) const {
    const BinaryRun run = Scan({"-q", "--canonical", Write("scanned.ndjson", JoinLines(events))});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }

  // ---- the pipeline in this process

  // Begins to read, over what an earlier run has left.
  void Start(const Strings& topics, std::function<void(Embedded::Options*)> change = {}) {
    Stop();
    Embedded::Options options;
    options.data_dir = Path("data");
    options.topic_refresh_interval = std::chrono::milliseconds(100);
    options.jobs = 2;
    KafkaInput input;
    input.name = "logs";
    input.settings = {{brokers_}, "redthread", {}};
    input.topics = topics;
    options.kafka = {input};
    options.on_problem = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      problems_ += text + "\n";
    };
    if (change) change(&options);
    Engine::Options engine;
    engine.rule_paths = {rules_};
    engine.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
    engine.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
    Result<std::shared_ptr<const Engine>> loaded = Engine::Load(engine);
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(*loaded, std::move(options), &clock_);
    ASSERT_TRUE(embedded.ok()) << embedded.status().message();
    embedded_ = std::move(*embedded);
    stop_ = false;
    thread_ = std::thread([this] { status_ = embedded_->Run(stop_); });
  }
  // A failed sign-in, which no sign-in is near: final once the watermark is 3 s behind it.
  std::string FailedSignIn() {
    now_ = now_ + std::chrono::hours(1);
    std::string event = Events(1, {}, 1)[0];
    return event.replace(event.find("4624"), 4, "4625");
  }
  static constexpr char kNotFollowed[] = "6f1f1c5e-0000-4000-8000-000000000006";
  // Ends it as SIGTERM does.
  Embedded::Report Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    const Embedded::Report report = embedded_ != nullptr ? embedded_->report() : Embedded::Report();
    embedded_.reset();
    return report;
  }
  // Waits for the end that --until-idle comes to.
  Embedded::Report Finish() {
    thread_.join();
    return Stop();
  }

  template <typename Condition>
  static bool Until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }
  bool Told(const std::string& text) {
    return Until([&] { return Problems().find(text) != std::string::npos; });
  }
  std::string Problems() {
    const std::lock_guard lock(mutex_);
    return problems_;
  }

  // ---- what is stored

  std::unique_ptr<Database> OpenState() const {
    Result<std::unique_ptr<Database>> opened =
        Database::Open({.path = Path("data/state"), .create = false, .read_only = true});
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  std::vector<SourceState> Sources() const {
    std::vector<SourceState> sources;
    const std::unique_ptr<Database> database = OpenState();
    if (database == nullptr) return sources;
    Damage damage;
    EXPECT_TRUE(ForEachSource(
                    *database->Snapshot(),
                    [&](const SourceState& s) {
                      sources.push_back(s);
                      return true;
                    },
                    &damage)
                    .ok());
    return sources;
  }
  uint64_t Records() const {
    uint64_t records = 0;
    for (const SourceState& source : Sources()) records += source.next_index;
    return records;
  }
  bool Settles(uint64_t records) const {
    return Until([&] { return Records() == records; });
  }

  TestKafka* kafka_ = nullptr;
  std::string brokers_;
  SharedClock clock_{SystemClock().Now()};  // of the pipeline in this process
  Timestamp now_ = *ParseTimestamp("2026-10-01T00:00:00Z");
  uint64_t made_ = 0;
  size_t failed_percent_ = 1;  // of the events: failed sign-ins
  std::unique_ptr<Embedded> embedded_;
  std::thread thread_;
  std::atomic<bool> stop_{true};
  Status status_;

 private:
  std::mutex mutex_;
  std::string problems_;
};

}  // namespace redthread
