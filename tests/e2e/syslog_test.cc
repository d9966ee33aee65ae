// `run` as a syslog listener: what real senders send is there once, whatever becomes of the process.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "storage/alert_store.h"
#include "storage/database.h"
#include "storage/event_store.h"
#include "storage/source_registry.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/sockets.h"

namespace redthread {
namespace {

using Kind = TestSender::Kind;

class SyslogTest : public E2eTest {
 protected:
  SyslogTest() : port_(FreePort()) {
    config_ = Write("redthread.yml", "version: 1\ndata_dir: " + Path("data") +
                                         "\nsources: {net: {type: syslog, listen: \"127.0.0.1:" +
                                         std::to_string(port_) + "\"}}\nrules: {paths: [" + rules_ + "]}\n");
  }

  void Start() {
    run_ = std::make_unique<Process>(BinaryCommand({"run", "-c", config_}), BinaryEnvironment());
    ASSERT_TRUE(run_->Says("running with"));
  }
  BinaryRun Stop() {
    run_->Signal(SIGTERM);
    const BinaryRun run = run_->Wait();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    run_.reset();
    return run;
  }

  std::unique_ptr<Database> OpenState() const {
    Result<std::unique_ptr<Database>> opened =
        Database::Open({.path = Path("data/state"), .create = false, .read_only = true});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  // All messages that are stored, by position.
  Strings Stored() const {
    std::map<Position, std::string> messages;
    Damage damage;
    EventStore store;
    const Status status = store.ForEach(
        *OpenState()->Snapshot(), {},
        [&messages](const StoredEvent& event) {
          messages.emplace(Position{event.source, event.epoch, event.record.index}, event.record.raw);
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    Strings texts;
    for (const auto& [position, text] : messages) texts.push_back(text);
    return texts;
  }
  uint64_t StoredCount() const {
    uint64_t records = 0;
    Damage damage;
    const auto add = [&records](const SourceState& source) {
      records += source.next_index;
      return true;
    };
    EXPECT_TRUE(ForEachSource(*OpenState()->Snapshot(), add, &damage).ok());
    return records;
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
  // Each of the numbers from 0 on stands in one message, behind `mark`.
  void ExpectEachOnce(const std::string& mark, int count) const {
    std::map<int, int> times;
    for (const std::string& message : Stored()) {
      const size_t at = message.find(mark);
      if (at != std::string::npos) ++times[std::stoi(message.substr(at + mark.size()))];
    }
    EXPECT_EQ(times.size(), static_cast<size_t>(count)) << mark;
    for (const auto& [number, n] : times) EXPECT_EQ(n, 1) << mark << number;
  }
  std::string NumberedLines(const std::string& mark, int count) const {
    std::string text;
    for (int n = 0; n < count; ++n) text += mark + std::to_string(n) + "\n";
    return Write(mark + ".txt", text);
  }
  static bool Installed(const char* program) {
    for (const char* folder : {"/usr/sbin/", "/usr/bin/"}) {
      if (access((std::string(folder) + program).c_str(), X_OK) == 0) return true;
    }
    return false;
  }

  uint16_t port_;
  std::string config_;
  std::unique_ptr<Process> run_;
};

TEST_F(SyslogTest, AnAttackThatIsSentIsAnAlertAtOnce) {
  Start();
  TestSender(Kind::kUdp, port_).Send(ProcessCreation("2026-01-02 03:04:05", "ws1", "powershell -enc AAAA"));
  TestSender(Kind::kTcp, port_).SendLine(ProcessCreation("2026-01-02 03:04:05", "ws2", "x -enc BBBB"));
  EXPECT_TRUE(Until([this] {
    return CountLines(RunBinary({"alerts", "list", "-o", "jsonl", "-c", config_}).out, kEncodedCommand) == 2;
  }));
  const BinaryRun run = Stop();
  EXPECT_NE(run.err.find("listening on 127.0.0.1:"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("2 messages that happened when they came, as redthread takes it"), std::string::npos)
      << run.err;
  const std::string alerts = RunBinary({"alerts", "list", "-o", "jsonl", "-c", config_}).out;
  EXPECT_NE(alerts.find("net/udp/127.0.0.1"), std::string::npos) << alerts;
  EXPECT_NE(alerts.find("net/tcp/127.0.0.1"), std::string::npos) << alerts;
}

TEST_F(SyslogTest, APortThatIsTakenIsToldWithTheSourcesName) {
  Start();
  const std::string other = Write(
      "other.yml", "version: 1\ndata_dir: " + Path("other") +
                       "\nsources: {second: {type: syslog, listen: \"127.0.0.1:" + std::to_string(port_) +
                       "\"}}\nrules: {paths: [" + rules_ + "]}\n");
  const BinaryRun run = RunBinary({"run", "-c", other});
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_NE(run.err.find("source `second`: cannot listen on 127.0.0.1:"), std::string::npos) << run.err;
}

// What a client sends, reconnecting when it must, while the listener is killed under it.
TEST_F(SyslogTest, KilledUnderLoadItDoublesNothingAndLosesOnlyWhatWasInFlight) {
  constexpr int kKills = 8;
  std::atomic<bool> done{false};
  std::atomic<uint64_t> sent{0};
  std::vector<uint64_t> reconnected;  // the first number after each loss of the connection
  Start();
  std::thread client([&] {
    std::unique_ptr<TestSender> sender = std::make_unique<TestSender>(Kind::kTcp, port_);
    while (!done) {
      const std::string line =
          ProcessCreation("2026-01-02 03:04:05", "ws1", "x -enc n" + std::to_string(sent));
      const bool gone = !sender->SendLine(line);
      ++sent;
      if (!gone) continue;
      reconnected.push_back(sent);
      while (!done && !(sender = TestSender::TryConnect(port_)))
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  uint64_t stored = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    EXPECT_TRUE(Until([&] { return StoredCount() > stored + 500; })) << "it goes on after every kill";
    run_->Signal(SIGKILL);
    run_->Wait();
    stored = StoredCount();
    Start();
  }
  EXPECT_TRUE(Until([&] { return StoredCount() > stored + 500; }));
  done = true;
  client.join();
  Stop();  // what has been sent by then is stored first

  std::vector<uint64_t> numbers;
  for (const std::string& message : Stored()) {
    const size_t at = message.find("-enc n");
    ASSERT_NE(at, std::string::npos) << message;
    numbers.push_back(std::stoull(message.substr(at + 6)));
  }
  EXPECT_EQ(numbers.size(), StoredCount()) << "an index is given once";
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << "in the order of sending";
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end()) << "nothing twice";
  // Every gap ends where the client had to connect anew.
  size_t gaps = 0;
  for (size_t n = 1; n < numbers.size(); ++n) {
    if (numbers[n] == numbers[n - 1] + 1) continue;
    ++gaps;
    EXPECT_NE(std::find(reconnected.begin(), reconnected.end(), numbers[n]), reconnected.end()) << numbers[n];
  }
  EXPECT_LE(gaps, static_cast<size_t>(kKills));
  EXPECT_EQ(numbers.front(), 0u);
  uint64_t counted = 0;
  Damage damage;
  const auto add = [&counted](const Alert& alert) {
    counted += alert.count;
    return true;
  };
  ASSERT_TRUE(ForEachAlert(*OpenState()->Snapshot(), {}, add, &damage).ok());
  EXPECT_EQ(counted, numbers.size()) << "what was concluded is of what is stored";
}

TEST_F(SyslogTest, LoggerIsHeardOnceOverEveryTransport) {
  if (!Installed("logger")) GTEST_SKIP() << "logger is not installed";
  Start();
  constexpr int kCount = 50;
  const std::string to = "logger -n 127.0.0.1 -P " + std::to_string(port_) + " ";
  Shell(to + "-d --rfc3164 -f " + NumberedLines("udp_a_", kCount));
  Shell(to + "-d --rfc5424 -f " + NumberedLines("udp_b_", kCount));
  Shell(to + "-T --rfc3164 -f " + NumberedLines("lines_", kCount));
  Shell(to + "-T --rfc5424 --octet-count -f " + NumberedLines("counted_", kCount));
  EXPECT_TRUE(Until([&] { return StoredCount() >= 4 * kCount; })) << StoredCount();
  Stop();
  for (const char* mark : {"udp_a_", "udp_b_", "lines_", "counted_"}) ExpectEachOnce(mark, kCount);
}

// rsyslog reads files and forwards each in a way of its own.
class RsyslogTest : public SyslogTest {
 protected:
  static constexpr int kCount = 1000;

  // `forwards`: by what marks the messages, the parameters of the action that forwards them.
  void Forward(const std::string& globals, const std::map<std::string, std::string>& forwards) {
    const std::string to = " target=\"127.0.0.1\" port=\"" + std::to_string(port_) + "\" ";
    std::string config = "global(workDirectory=\"" + folder_.path() + "\" " + globals + ")\n" +
                         "module(load=\"imfile\" mode=\"polling\" pollingInterval=\"1\")\n";
    for (const auto& [mark, how] : forwards) {
      config += "input(type=\"imfile\" file=\"" + NumberedLines(mark, kCount) + "\" tag=\"t\" ruleset=\"" +
                mark + "\")\nruleset(name=\"" + mark + "\") {\n  action(type=\"omfwd\"" + to + how + ")\n}\n";
    }
    Start();
    Process rsyslog({"rsyslogd", "-n", "-f", Write("rsyslog.conf", config), "-i", Path("rsyslog.pid")},
                    {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"});
    const bool all = Until([&] { return StoredCount() >= forwards.size() * kCount; });
    rsyslog.Signal(SIGTERM);
    const BinaryRun sender = rsyslog.Wait();
    EXPECT_TRUE(all) << StoredCount() << "\n" << sender.err << sender.out;
    Stop();
    for (const auto& [mark, how] : forwards) ExpectEachOnce(mark, kCount);
  }
};

TEST_F(RsyslogTest, ForwardsEachMessageOnceOverUdpAndTcp) {
  if (!Installed("rsyslogd")) GTEST_SKIP() << "rsyslogd is not installed";
  Forward("", {{"udp_", "protocol=\"udp\" template=\"RSYSLOG_SyslogProtocol23Format\""},
               {"lines_", "protocol=\"tcp\" TCP_Framing=\"traditional\""},
               {"counted_", "protocol=\"tcp\" TCP_Framing=\"octet-counted\""}});
}

TEST_F(RsyslogTest, ForwardsEachMessageOnceOverTlsWithACertificate) {
  // Its driver for OpenSSL, a package of its own.
  if (RunProgram({"sh", "-c", "ls /usr/lib/*/rsyslog/lmnsd_ossl.so"}, BinaryEnvironment(), "").exit_code !=
          0 ||
      !MakeCertificates(folder_.path()))
    GTEST_SKIP() << "rsyslog-openssl or openssl is not installed";
  config_ = Write("tls.yml", "version: 1\ndata_dir: " + Path("data") +
                                 "\nsources: {net: {type: syslog, protocols: tls, listen: \"127.0.0.1:" +
                                 std::to_string(port_) +
                                 "\", tls: {certificate: server.pem, key: server.key, client_ca: ca.pem}}}\n"
                                 "rules: {paths: [" +
                                 rules_ + "]}\n");
  Forward("defaultNetstreamDriver=\"ossl\" defaultNetstreamDriverCAFile=\"" + Path("ca.pem") +
              "\" defaultNetstreamDriverCertFile=\"" + Path("client.pem") +
              "\" defaultNetstreamDriverKeyFile=\"" + Path("client.key") + "\"",
          {{"tls_",
            "protocol=\"tcp\" TCP_Framing=\"octet-counted\" streamDriver=\"ossl\" streamDriverMode=\"1\" "
            "streamDriverAuthMode=\"x509/certvalid\""}});
}

}  // namespace
}  // namespace redthread
