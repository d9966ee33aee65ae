// Messages that are pushed: who is waited for and for how long, and that the answer is the scan's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "core/record.h"
#include "runtime/embedded.h"
#include "runtime/scan.h"
#include "storage/alert_store.h"
#include "storage/dead_letter_store.h"
#include "storage/event_store.h"
#include "storage/source_census.h"
#include "tests/runtime/state_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/shared_clock.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = TestSender::Kind;
using Senders = std::vector<std::unique_ptr<TestSender>>;

constexpr Nanoseconds kMinute = std::chrono::minutes(1);

// a and b are told apart by what the command holds.
constexpr char kEvents[] =
    "title: A\nid: 00000000-0000-4000-8000-00000000000a\nname: a\nlogsource: {product: windows}\n"
    "detection:\n  s: {Command|contains: alpha}\n  condition: s\n---\n"
    "title: B\nid: 00000000-0000-4000-8000-00000000000b\nname: b\nlogsource: {product: windows}\n"
    "detection:\n  s: {Command|contains: bravo}\n  condition: s\n---\n";

std::string Correlation(int n, const std::string& body) {
  const std::string id = "00000000-0000-4000-8000-0000000001" + std::to_string(10 + n);
  return "title: C" + std::to_string(n) + "\nid: " + id +
         "\nlevel: high\ncorrelation: {group-by: [Computer], " + body + "}\n";
}
const std::string kSilence = Correlation(0, "type: silence, rules: [a], timespan: 10m");
const std::string kBruteForce =
    Correlation(1, "type: event_count, rules: [a], timespan: 10m, condition: {gte: 5}");
const std::string kNotFollowed =
    Correlation(2, "type: temporal, rules: [a, b], timespan: 10m, condition: a and not b");

class ListenerTest : public StateTest {
 protected:
  void SetUp() override { Rules(kSilence); }
  void TearDown() override { Stop(); }

  void Rules(const std::string& correlations, const RuleBundle::Times& times = {}) {
    engine_ = LoadEngine(kEvents + correlations, times);
  }

  // Begins to listen, over what an earlier run has left.
  void Start(std::function<void(Embedded::Options*)> change = {}) {
    Embedded::Options options;
    options.data_dir = Path("data");
    ListenerInput input;
    input.name = "net";
    std::get<SyslogListener::Options>(input.listener).address = "127.0.0.1:0";
    options.listeners = {input};
    if (change) change(&options);
    Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine_, std::move(options), &clock_);
    ASSERT_TRUE(embedded.ok()) << embedded.status().message();
    embedded_ = std::move(*embedded);
    stop_ = false;
    thread_ = std::thread([this] {
      const Status status = embedded_->Run(stop_);
      EXPECT_TRUE(status.ok()) << status.message();
    });
  }

  // What was read is committed then.
  Embedded::Report Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    const Embedded::Report report = embedded_ != nullptr ? embedded_->report() : Embedded::Report();
    embedded_.reset();
    return report;
  }

  // A sender at 127.0.0.N.
  std::unique_ptr<TestSender> SenderOf(Kind kind, int n) const {
    const uint16_t port = kind == Kind::kUdp ? embedded_->udp_port(0) : embedded_->tcp_port(0);
    return std::make_unique<TestSender>(kind, port, "127.0.0." + std::to_string(n));
  }

  void Send(TestSender* sender, const std::string& command, const std::string& host, Nanoseconds ahead = {}) {
    SendAt(sender, clock_.Now() + ahead, command, host);
  }
  void SendAt(TestSender* sender, Timestamp time, const std::string& command, const std::string& host) {
    const std::string line = LineAt(time, command, host);
    sent_.push_back(line);
    EXPECT_TRUE(sender->SendLine(line));
  }
  static std::string LineAt(Timestamp time, const std::string& command, const std::string& host) {
    return R"({"@timestamp":")" + FormatTimestamp(time) +
           R"(","Channel":"Security","EventID":1234,"Computer":")" + host + R"(","Command":")" + command +
           "\"}";
  }

  template <typename Condition>
  static bool Until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  // Waits until all that was sent is stored.
  void Settle() {
    EXPECT_TRUE(Until([this] { return Records() == sent_.size(); })) << Records() << " of " << sent_.size();
  }
  // Lets time pass, and everybody notice, until the condition holds. Returns how long that took; at most a
  // day.
  template <typename Condition>
  Nanoseconds PassTimeUntil(Condition condition) {
    Nanoseconds passed{0};
    while (passed < std::chrono::hours(24) && !condition()) {
      clock_.Advance(kMinute);
      passed += kMinute;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return passed;
  }
  void PassTime(Nanoseconds time) {
    const Nanoseconds end = clock_.Elapsed() + time;
    PassTimeUntil([&] { return clock_.Elapsed() >= end; });
  }

  std::vector<SourceState> Sources() const {
    std::vector<SourceState> sources;
    Damage damage;
    const auto add = [&sources](const SourceState& s) {
      sources.push_back(s);
      return true;
    };
    EXPECT_TRUE(ForEachSource(*OpenState()->Snapshot(), add, &damage).ok());
    return sources;
  }
  uint64_t Records() const {
    uint64_t records = 0;
    for (const SourceState& source : Sources()) records += source.next_index;
    return records;
  }
  std::vector<Alert> Alerts() const {
    std::vector<Alert> alerts;
    Damage damage;
    const auto add = [&alerts](const Alert& alert) {
      alerts.push_back(alert);
      return true;
    };
    EXPECT_TRUE(ForEachAlert(*OpenState()->Snapshot(), {}, add, &damage).ok());
    return alerts;
  }
  // "ws1 10:15 final", sorted.
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const Alert& alert : Alerts()) {
      const char* const states[] = {"early", "final", "withdrawn"};
      told.push_back(alert.group.at(0).second + " " + FormatTimestamp(alert.time).substr(11, 5) + " " +
                     states[static_cast<int>(alert.state)] + (alert.late ? " late" : ""));
    }
    std::sort(told.begin(), told.end());
    return told;
  }
  std::vector<std::string> Final() const {
    std::vector<std::string> lines;
    for (const Alert& alert : Alerts()) {
      if (alert.state == AlertState::kFinal) AppendCanonicalAlert(alert, &lines.emplace_back());
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  // The answer of a scan of the same lines.
  std::vector<std::string> Scanned(std::vector<std::string> lines) const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    Scan scan(engine_, {.paths = {Write("scanned.ndjson", text)}});
    std::vector<std::string> alerts;
    const Status status = scan.Alerts(
        [&alerts](const Alert& alert) {
          AppendCanonicalAlert(alert, &alerts.emplace_back());
          return Status::Ok();
        },
        nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    std::sort(alerts.begin(), alerts.end());
    return alerts;
  }
  // Ends every wait, as the end of a scan does.
  void Finish() {
    Start([](Embedded::Options* options) {
      options->listeners.clear();
      options->until_idle = true;
    });
    thread_.join();
    Stop();
  }

  SharedClock clock_{*ParseTimestamp("2026-11-22T10:00:00Z")};
  std::vector<std::string> sent_;
  std::unique_ptr<Embedded> embedded_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// ---- what becomes of a message

TEST_F(ListenerTest, EachSenderIsASourceWhoseIndexGoesOnAcrossRestarts) {
  for (int run = 0; run < 2; ++run) {
    Start();
    const auto udp = SenderOf(Kind::kUdp, 2), tcp = SenderOf(Kind::kTcp, 2), other = SenderOf(Kind::kUdp, 3);
    for (int n = 0; n < 5; ++n) Send(udp.get(), "charlie", "ws1");
    for (int n = 0; n < 3; ++n) Send(tcp.get(), "charlie", "ws1");
    Send(other.get(), "charlie", "ws2");
    Settle();
    Stop();
  }
  std::map<std::string, uint64_t> next;
  for (const SourceState& source : Sources()) next[source.path] = source.next_index;
  EXPECT_EQ(next, (std::map<std::string, uint64_t>{
                      {"net/udp/127.0.0.2", 10}, {"net/tcp/127.0.0.2", 6}, {"net/udp/127.0.0.3", 2}}));
}

TEST_F(ListenerTest, HostsBehindARelayAreSendersOfTheirOwnWhereTheInputTellsThemApart) {
  Start([](Embedded::Options* options) { options->listeners[0].by_host = true; });
  const auto relay = SenderOf(Kind::kTcp, 2), other = SenderOf(Kind::kUdp, 3);
  const auto send = [this](auto& sender, const std::string& header) {
    sent_.push_back("<86>" + header + " su[7]: alpha");
    EXPECT_TRUE(sender->SendLine(sent_.back()));
  };
  for (int n = 0; n < 3; ++n) send(relay, "Nov 22 10:00:0" + std::to_string(n) + " web01");
  send(relay, "1 2026-11-22T10:00:00Z db01");
  send(relay, "Nov 22 10:00:04 web01");
  send(other, "Nov 22 10:00:05 web01");
  send(other, "Nov 22 10:00:05 we|b01");
  Settle();
  Stop();
  std::map<std::string, uint64_t> next;
  for (const SourceState& source : Sources()) next[source.path] = source.next_index;
  EXPECT_EQ(next, (std::map<std::string, uint64_t>{{"net/tcp/127.0.0.2/web01", 4},
                                                   {"net/tcp/127.0.0.2/db01", 1},
                                                   {"net/udp/127.0.0.3/web01", 1},
                                                   {"net/udp/127.0.0.3", 1}}));
}

TEST_F(ListenerTest, TheMessageItsArrivalAndItsTimeAreStored) {
  Start();
  const auto sender = SenderOf(Kind::kUdp, 2);
  const Timestamp first = clock_.Now();
  Send(sender.get(), "charlie", "ws1", -kMinute);
  Settle();
  clock_.Advance(kMinute);
  sent_.push_back(R"({"Channel":"Security","EventID":1234,"Computer":"ws1"})");
  sender->Send(sent_.back());
  Settle();
  Stop();
  const std::unique_ptr<Database> database = OpenState();
  std::vector<StoredEvent> events;
  std::vector<std::string> texts;
  Damage damage;
  EventStore store;
  const Status status = store.ForEach(
      *database->Snapshot(), {},
      [&](const StoredEvent& event) {
        events.push_back(event);
        texts.emplace_back(event.record.raw);
        return true;
      },
      &damage);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(texts, sent_);
  EXPECT_EQ(events[0].record.time, first - kMinute);
  EXPECT_EQ(events[0].record.arrival, first);
  EXPECT_EQ(events[1].record.time, first + kMinute) << "one that has no time happened when it arrived";
  EXPECT_EQ(events[1].record.arrival, first + kMinute);
}

TEST_F(ListenerTest, WhatCannotBeReadIsADeadLetterOfItsSender) {
  Start([](Embedded::Options* options) {
    std::get<SyslogListener::Options>(options->listeners[0].listener).max_message_bytes = 1000;
  });
  const auto sender = SenderOf(Kind::kTcp, 2);
  Send(sender.get(), "charlie", "ws1");
  Settle();
  for (const char* text : {"{", "no format that is known"}) {
    sent_.emplace_back(text);
    sender->SendLine(text);
  }
  Send(sender.get(), std::string(2000, 'x'), "ws1");
  Settle();
  const Embedded::Report report = Stop();
  EXPECT_TRUE(report.input_lost);
  EXPECT_EQ(report.counts.oversized, 1u);
  std::vector<std::string> letters;
  Damage damage;
  const auto add = [&letters](const StoredDeadLetter& letter) {
    letters.push_back(std::to_string(letter.position.index) + " " + letter.reason);
    return true;
  };
  ASSERT_TRUE(ForEachDeadLetter(*OpenState()->Snapshot(), {}, add, &damage).ok());
  ASSERT_EQ(letters.size(), 3u);
  EXPECT_EQ(letters[2], "3 message too long, or never ended");
  EXPECT_EQ(Sources().at(0).dead_letters, 3u);
}

TEST_F(ListenerTest, SendersBeyondTheLimitShareTheirInputsSourceUntilOthersFallSilent) {
  Start([](Embedded::Options* options) { options->max_senders = 2; });
  for (int n = 2; n < 6; ++n) {
    Send(SenderOf(Kind::kUdp, n).get(), "charlie", "ws1");
    Settle();
  }
  PassTimeUntil([&] {
    const std::vector<SourceState> sources = Sources();
    return std::all_of(sources.begin(), sources.end(), [](const SourceState& s) { return s.idle; });
  });
  Send(SenderOf(Kind::kUdp, 5).get(), "charlie", "ws1");
  Settle();
  Stop();
  std::map<std::string, uint64_t> next;
  for (const SourceState& source : Sources()) next[source.path] = source.next_index;
  EXPECT_EQ(next, (std::map<std::string, uint64_t>{{"net/udp/127.0.0.2", 1},
                                                   {"net/udp/127.0.0.3", 1},
                                                   {"net/udp/127.0.0.5", 1},
                                                   {"net/udp/others", 2}}));
}

TEST_F(ListenerTest, WhoWasNeverHeardIsNotRememberedBeyondALimitAndOthersAreRecognisedStill) {
  const auto limit = [](Embedded::Options* options) { options->max_stored_senders = 2; };
  for (int run = 0; run < 2; ++run) {
    Start(limit);
    for (int n = 2; n < 6; ++n) {
      Send(SenderOf(Kind::kUdp, n).get(), "charlie", "ws1");
      Settle();
    }
    Stop();
  }
  std::map<std::string, uint64_t> next;
  for (const SourceState& source : Sources()) next[source.path] = source.next_index;
  EXPECT_EQ(next, (std::map<std::string, uint64_t>{
                      {"net/udp/127.0.0.2", 2}, {"net/udp/127.0.0.3", 2}, {"net/udp/others", 4}}));
}

// ---- who is waited for

TEST_F(ListenerTest, ASenderHoldsTheWatermarkUntilItHasBeenSilentForItsTransportsTime) {
  Rules(kNotFollowed);
  Start();
  const auto udp = SenderOf(Kind::kUdp, 2), tcp = SenderOf(Kind::kTcp, 3), live = SenderOf(Kind::kUdp, 4);
  Send(udp.get(), "charlie", "ws1");
  Send(tcp.get(), "charlie", "ws2");
  Settle();
  for (int minute = 1; minute <= 13; ++minute) {
    PassTime(kMinute);
    Send(live.get(), "charlie", "ws3");
    Settle();
    std::map<std::string, bool> idle;
    for (const SourceState& source : Sources()) idle[source.path] = source.idle;
    EXPECT_FALSE(idle["net/udp/127.0.0.4"]);
    if (minute < 2) {
      EXPECT_FALSE(idle["net/udp/127.0.0.2"]);
    }
    if (minute > 3) {
      EXPECT_TRUE(idle["net/udp/127.0.0.2"]);
    }
    if (minute < 10) {
      EXPECT_FALSE(idle["net/tcp/127.0.0.3"]);
    }
    if (minute > 11) {
      EXPECT_TRUE(idle["net/tcp/127.0.0.3"]);
    }
    const Timestamp watermark = GetStageWatermark(*OpenState()->Snapshot())->value_or(Timestamp::Min());
    if (minute < 10) {
      EXPECT_EQ(watermark, *ParseTimestamp("2026-11-22T09:55:00Z")) << minute;
    }
    if (minute > 12) {
      EXPECT_EQ(watermark, clock_.Now() - 5 * kMinute);
    }
  }
}

TEST_F(ListenerTest, AMessageWhoseTimeIsTooFarFromItsArrivalHappenedWhenItArrived) {
  Rules(kBruteForce);
  Start([](Embedded::Options* options) { options->listeners[0].max_skew = 5 * kMinute; });
  const auto wrong = SenderOf(Kind::kUdp, 2), right = SenderOf(Kind::kUdp, 3);
  // Two hours ahead, as a clock set to another zone is: an attack all the same, and at its time.
  for (int attempt = 0; attempt < 30; ++attempt)
    Send(wrong.get(), attempt < 5 ? "alpha" : "charlie", "fw", std::chrono::hours(2));
  SendAt(wrong.get(), Timestamp{0}, "charlie", "fw");
  Send(right.get(), "charlie", "ws1", -5 * kMinute);
  Send(right.get(), "charlie", "ws1", -5 * kMinute - Nanoseconds(1));
  Settle();
  EXPECT_TRUE(Until([&] { return Told() == std::vector<std::string>{"fw 10:00 early"}; }));
  const Embedded::Report report = Stop();
  EXPECT_EQ(report.disbelieved, 32u);
  EXPECT_EQ(report.off_time, 0u);

  const auto database = OpenState();
  const auto reader = database->Snapshot();
  std::map<Timestamp, int> times;
  Damage damage;
  const auto count = [&times](const StoredEvent& event) {
    ++times[event.record.stored_time()];
    EXPECT_NE(event.record.raw.find("@timestamp"), std::string_view::npos) << "the record is kept as it came";
    return true;
  };
  ASSERT_TRUE(EventStore().ForEach(*reader, {}, count, &damage).ok());
  EXPECT_EQ(times, (std::map<Timestamp, int>{{clock_.Now(), 32}, {clock_.Now() - 5 * kMinute, 1}}));
  for (const SourceState& source : Sources()) {
    if (source.path == "net/udp/127.0.0.2") {
      EXPECT_EQ(GetCensus(*reader, source.id)->timed, 31u) << "by what it says, its clock is judged";
    }
  }
}

TEST_F(ListenerTest, AClockThatIsTwoHoursAheadIsFoundOutThoughNobodyBelievesIt) {
  Start([](Embedded::Options* options) { options->listeners[0].max_skew = 5 * kMinute; });
  const auto wrong = SenderOf(Kind::kTcp, 2);
  for (int n = 0; n < 30; ++n) Send(wrong.get(), "charlie", "fw", std::chrono::hours(2));
  Settle();
  Stop();
  EXPECT_EQ(GetCensus(*OpenState()->Snapshot(), Sources().at(0).id)->ZoneSkew(), std::chrono::hours(2));
}

TEST_F(ListenerTest, AClockThatIsFarBehindStopsNobody) {
  Rules(kBruteForce);
  Start();
  const auto wrong = SenderOf(Kind::kUdp, 9), honest = SenderOf(Kind::kUdp, 2);
  for (int minute = 0; minute < 20; ++minute) {
    SendAt(wrong.get(), Timestamp{0}, "charlie", "old");
    if (minute < 5) Send(honest.get(), "alpha", "ws1");
    Settle();
    PassTime(kMinute);
  }
  EXPECT_THAT(Told(), ElementsAre("ws1 10:04 final"));
  EXPECT_EQ(Stop().off_time, 20u);
}

TEST_F(ListenerTest, ADatagramAMinuteFromAnHourAheadMakesNoHonestEventLateAndHidesNoAttack) {
  Rules(kBruteForce);
  Start();
  const auto fast = SenderOf(Kind::kUdp, 9);
  for (int minute = 0; minute < 20; ++minute) {
    Send(fast.get(), "charlie", "fast", std::chrono::hours(1));
    Settle();
    PassTime(kMinute);
  }
  const auto attacked = SenderOf(Kind::kUdp, 2);
  for (int attempt = 0; attempt < 5; ++attempt) Send(attacked.get(), "alpha", "ws1");
  Settle();
  EXPECT_TRUE(Until([&] { return Told() == std::vector<std::string>{"ws1 10:20 early"}; }));
  for (int minute = 0; minute < 8; ++minute) {
    Send(fast.get(), "charlie", "fast", std::chrono::hours(1));
    PassTime(kMinute);
  }
  Settle();
  EXPECT_THAT(Told(), ElementsAre("ws1 10:20 final"));
  const Embedded::Report report = Stop();
  EXPECT_EQ(report.correlation.beyond_horizon, 0u);
  EXPECT_EQ(report.off_time, 28u);
  Finish();
  EXPECT_EQ(Final(), Scanned(sent_));
}

TEST_F(ListenerTest, OnAQuietNightTheClockDecidesWhatWasWaitedFor) {
  Rules(kNotFollowed);
  Start();
  Send(SenderOf(Kind::kUdp, 2).get(), "alpha", "ws1");
  Settle();
  EXPECT_THAT(Told(), IsEmpty());
  const Nanoseconds passed = PassTimeUntil([this] { return !Told().empty(); });
  EXPECT_THAT(Told(), ElementsAre("ws1 10:00 final"));
  EXPECT_GE(passed, 2 * kMinute + 5 * kMinute + 10 * kMinute) << "idle, lateness, timespan";
  EXPECT_LE(passed, 22 * kMinute);
  EXPECT_TRUE(Sources().at(0).idle);
}

TEST_F(ListenerTest, WhatTheClockWaitedForIsNotBegunAnewAtARestart) {
  Rules(kNotFollowed);
  Start();
  Send(SenderOf(Kind::kUdp, 2).get(), "alpha", "ws1");
  Settle();
  Nanoseconds passed{0};
  while (Told().empty() && passed < std::chrono::hours(2)) {
    PassTime(5 * kMinute);
    passed += 5 * kMinute;
    Stop();
    Start();
  }
  EXPECT_THAT(Told(), ElementsAre("ws1 10:00 final"));
  EXPECT_LE(passed, 30 * kMinute);
}

// ---- silence

TEST_F(ListenerTest, OfSevenSendersOneStopsAndThenAllEachIsToldOnceAcrossRestarts) {
  Senders senders;
  const auto connect = [&] {
    senders.clear();
    for (int n = 1; n <= 7; ++n) senders.push_back(SenderOf(n % 2 == 0 ? Kind::kTcp : Kind::kUdp, n + 1));
  };
  Start();
  connect();
  for (int minute = 0; minute < 40; ++minute) {
    for (int n = 1; n <= 7; ++n) {
      if (n < 7 || minute < 5)
        Send(senders[static_cast<size_t>(n - 1)].get(), "alpha", "ws" + std::to_string(n));
    }
    Settle();
    if (minute == 10 || minute == 30) {
      senders.clear();
      Stop();
      Start();
      connect();
    }
    PassTime(kMinute);
  }
  EXPECT_THAT(Told(), ElementsAre("ws7 10:14 final"));
  const auto silent = [this] { return Told().size() == 7u; };
  PassTime(8 * kMinute);
  senders.clear();
  Stop();
  Start();
  PassTimeUntil(silent);
  const std::vector<std::string> all = {"ws1 10:49 early", "ws2 10:49 early", "ws3 10:49 early",
                                        "ws4 10:49 early", "ws5 10:49 early", "ws6 10:49 early",
                                        "ws7 10:14 final"};
  EXPECT_EQ(Told(), all);
  Stop();
  Start();
  PassTime(30 * kMinute);
  EXPECT_EQ(Told(), all) << "once each";
  connect();
  Send(senders[0].get(), "alpha", "ws1");
  Settle();
  EXPECT_TRUE(Until([&] { return Told()[0] == "ws1 10:49 final" && Told()[5] == "ws6 10:49 final"; }))
      << "an event confirms how late it is";
  Stop();
  Finish();
  EXPECT_EQ(Final(), Scanned(sent_));
}

// ---- what comes late

TEST_F(ListenerTest, ABacklogAndAnHourlyBatchBesideLiveSendersConvergeToTheScansAnswer) {
  Rules(kBruteForce + "---\n" + kNotFollowed + "---\n" + kSilence, {.late_horizon = std::chrono::hours(72)});
  Start();
  const auto live = SenderOf(Kind::kUdp, 2), also = SenderOf(Kind::kTcp, 3),
             backlog = SenderOf(Kind::kTcp, 4), hourly = SenderOf(Kind::kTcp, 5);
  const Timestamp start = clock_.Now();
  // Every seven minutes; a burst now and then.
  std::vector<std::pair<Timestamp, std::string>> old;
  for (Timestamp at = start - std::chrono::hours(48); at < start; at = at + 7 * kMinute) {
    const auto n = static_cast<int>((at - Timestamp{0}) / (7 * kMinute));
    for (int burst = n % 31 == 0 ? 6 : 1; burst > 0; --burst)
      old.emplace_back(at + Nanoseconds(burst), n % 3 == 0 ? "bravo" : "alpha");
  }
  size_t next = 0;
  for (int minute = 0; minute < 75; ++minute) {
    Send(live.get(), minute % 8 < 5 ? "alpha" : "charlie", "ws1");
    Send(also.get(), minute % 20 == 0 ? "alpha" : "charlie", "ws2");
    for (size_t n = 0; minute > 5 && n < 20 && next < old.size(); ++n, ++next)
      SendAt(backlog.get(), old[next].first, old[next].second, "archive");
    if (minute == 60) {
      for (int m = 0; m < 60; ++m)
        SendAt(hourly.get(), start + m * kMinute, m % 9 == 0 ? "alpha" : "bravo",
               "mail" + std::to_string(m % 2));
    }
    Settle();
    PassTime(kMinute);
  }
  ASSERT_EQ(next, old.size());
  const Embedded::Report report = Stop();
  EXPECT_EQ(report.correlation.beyond_horizon, 0u);
  EXPECT_GT(report.off_time, 300u);
  Finish();
  const std::vector<std::string> expected = Scanned(sent_);
  EXPECT_EQ(Final(), expected);
  EXPECT_GT(expected.size(), 30u);
}

// ---- HTTP

class HttpInputTest : public ListenerTest {
 protected:
  // Begins to listen for HTTP; an answer means that its records are stored.
  void StartHttp(std::function<void(Embedded::Options*)> change = {}) {
    Start([&change](Embedded::Options* options) {
      HttpListener::Options http;
      http.address = "127.0.0.1:0";
      http.service.tokens = {{"office", "0123456789abcdef"}};
      options->listeners[0].name = "push";
      options->listeners[0].listener = http;
      if (change) change(options);
    });
  }
  HttpResponse Post(const std::string& path, const std::string& body) {
    if (client_ == nullptr) client_ = std::make_unique<HttpClient>(embedded_->tcp_port(0));
    return client_->Post(path, body, {{"Authorization", "Bearer 0123456789abcdef"}});
  }
  // An event as HEC sends it for a host.
  static std::string Event(const std::string& host, const std::string& event, const std::string& more = "") {
    return R"({"host":")" + host + R"(","event":)" + event + more + "}";
  }
  std::map<std::string, uint64_t> Paths() const {
    std::map<std::string, uint64_t> next;
    for (const SourceState& source : Sources()) next[source.path] = source.next_index;
    return next;
  }

  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpInputTest, EachHostThatATokenSendsForIsASourceWhoseIndexGoesOnAcrossRestarts) {
  for (int run = 0; run < 2; ++run) {
    StartHttp();
    EXPECT_EQ(Post("/", "{\"a\":1}\n{\"a\":2}\n").status, 200);
    EXPECT_EQ(
        Post("/services/collector", Event("ws1", "{}") + Event("ws2", "{}") + Event("ws1", "{}")).status,
        200);
    EXPECT_EQ(Post("/services/collector", Event("no name\\u001b", "{}")).status, 200);
    EXPECT_EQ(Records(), (run + 1) * 6u) << "what was answered is stored";
    Stop();
    client_.reset();
  }
  EXPECT_EQ(Paths(), (std::map<std::string, uint64_t>{
                         {"push/http/office", 6}, {"push/http/office/ws1", 4}, {"push/http/office/ws2", 2}}));
}

TEST_F(HttpInputTest, TheTimeOfAnEnvelopeIsThatOfAnEventThatSaysNone) {
  StartHttp();
  const std::string time = ",\"time\":1795341600.5";  // 2026-11-22T10:00:00.5Z
  EXPECT_EQ(Post("/services/collector", Event("h", "{\"a\":1}", time) +
                                            Event("h", "{\"@timestamp\":\"2026-11-22T09:59:00Z\"}", time) +
                                            Event("h", "\"<34>su: hello\"", time) + Event("h", "{}"))
                .status,
            200);
  Stop();
  std::vector<std::string> times;
  Damage damage;
  EventStore store;
  const std::unique_ptr<Database> database = OpenState();
  const Status status = store.ForEach(
      *database->Snapshot(), {},
      [&times](const StoredEvent& event) {
        times.push_back(event.record.time.has_value() ? FormatTimestamp(*event.record.time).substr(11, 12)
                                                      : "");
        return true;
      },
      &damage);
  ASSERT_TRUE(status.ok()) << status.message();
  // In the order of their times.
  EXPECT_THAT(times, ElementsAre("09:59:00.000", "10:00:00.000", "10:00:00.500", "10:00:00.500"));
}

TEST_F(HttpInputTest, AHostHoldsTheWatermarkUntilItHasBeenSilentForLongEnough) {
  Rules(kNotFollowed);
  StartHttp([](Embedded::Options* options) { options->idle_after.http = 3 * kMinute; });
  const auto post = [this](const std::string& command, const std::string& host) {
    EXPECT_EQ(Post("/services/collector", Event(host, LineAt(clock_.Now(), command, host))).status, 200);
  };
  post("alpha", "ws1");
  post("charlie", "ws2");
  const auto told = [this] { return Told() == std::vector<std::string>{"ws1 10:00 final"}; };
  PassTime(2 * kMinute);
  EXPECT_FALSE(told());
  EXPECT_GT(PassTimeUntil(told), 5 * kMinute) << "its window, and the lateness";
}

TEST_F(HttpInputTest, BeyondTheGreatestNumberSendersShareOneSource) {
  StartHttp([](Embedded::Options* options) { options->max_senders = 2; });
  for (const char* host : {"ws1", "ws2", "ws3", "ws4", "ws1"})
    EXPECT_EQ(Post("/services/collector", Event(host, "{}")).status, 200);
  EXPECT_EQ(Paths(), (std::map<std::string, uint64_t>{
                         {"push/http/office/ws1", 2}, {"push/http/office/ws2", 1}, {"push/http/others", 2}}));
}

// ---- ending

TEST_F(ListenerTest, UntilIdleWaitsUntilNobodyHasSentForLongEnough) {
  Rules(kNotFollowed);
  std::atomic<bool> ended{false};
  Start([](Embedded::Options* options) { options->until_idle = true; });
  std::thread watcher([&] {
    thread_.join();
    ended = true;
  });
  const auto udp = SenderOf(Kind::kUdp, 2);
  PassTime(9 * kMinute);
  Send(udp.get(), "alpha", "ws1");
  Settle();
  PassTime(9 * kMinute);
  EXPECT_FALSE(ended);
  EXPECT_LE(PassTimeUntil([&] { return ended.load(); }), 4 * kMinute);
  watcher.join();
  EXPECT_THAT(Told(), ElementsAre(StartsWith("ws1 10:09 final"))) << "the end of the input ends every wait";
  thread_ = std::thread([] {});
}

}  // namespace
}  // namespace redthread
