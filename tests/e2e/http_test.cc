// `run` as an HTTP listener: what was acknowledged is there once, whatever becomes of the process.
#include <signal.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <set>

#include "storage/database.h"
#include "storage/event_store.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/support/http_client.h"

namespace redthread {
namespace {

class HttpTest : public E2eTest {
 protected:
  HttpTest() : port_(FreePort()) { Configure(""); }

  // `more`: further settings of the source.
  void Configure(const std::string& more) {
    config_ = Write("redthread.yml",
                    "version: 1\ndata_dir: " + Path("data") +
                        "\nsources: {push: {type: http, listen: \"127.0.0.1:" + std::to_string(port_) + "\"" +
                        more + "}}\nrules: {paths: [" + rules_ + "]}\ncorrelate: {idle_after: {http: 1s}}\n");
  }
  void Start(const Strings& environment = {}) {
    Strings all = BinaryEnvironment();
    all.insert(all.end(), environment.begin(), environment.end());
    run_ = std::make_unique<Process>(BinaryCommand({"run", "-c", config_}), all);
    ASSERT_TRUE(run_->Says("running with"));
  }
  BinaryRun Stop() {
    run_->Signal(SIGTERM);
    const BinaryRun run = run_->Wait();
    EXPECT_EQ(run.exit_code, 0) << run.err;
    run_.reset();
    return run;
  }
  // The numbers behind "n" of all records that are stored.
  std::map<int, int> StoredNumbers() const {
    std::map<int, int> times;
    const Result<std::unique_ptr<Database>> database =
        Database::Open({.path = Path("data/state"), .create = false, .read_only = true});
    EXPECT_TRUE(database.ok());
    Damage damage;
    EventStore store;
    const Status status = store.ForEach(
        *(*database)->Snapshot(), {},
        [&times](const StoredEvent& event) {
          const std::string text(event.record.raw);
          const size_t at = text.find("\"n\":");
          if (at != std::string::npos) ++times[std::stoi(text.substr(at + 4))];
          return true;
        },
        &damage);
    EXPECT_TRUE(status.ok()) << status.message();
    return times;
  }
  std::string Alerts() {
    const BinaryRun run = RunBinary({"alerts", "list", "--canonical", "-c", config_});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.out;
  }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

  uint16_t port_;
  std::string config_;
  std::unique_ptr<Process> run_;
};

// One event a line, of several hosts, some of them attacks.
std::string Events(int count) {
  std::string text;
  for (int n = 0; n < count; ++n) {
    const std::string host = "ws" + std::to_string(n % 5);
    char time[32];
    std::snprintf(time, sizeof time, "2026-01-02 %02d:%02d:%02d", n / 3600 % 24, n / 60 % 60, n % 60);
    text +=
        ProcessCreation(time, host, n % 7 == 0 ? "powershell -enc " + std::to_string(n) : "notepad") + "\n";
  }
  return text;
}

TEST_F(HttpTest, LinesThatArePostedLeadToWhatAScanOfTheirFileFinds) {
  const std::string lines = Events(20'000) + "not json\n\n{\"broken\":\n" + "plain mimikatz\n";
  const BinaryRun scan = Scan({Write("events.ndjson", lines), "--canonical"});
  Start();
  HttpClient client(port_);
  // In pieces that end where lines do, packed or not.
  for (size_t begin = 0, n = 0; begin < lines.size(); ++n) {
    const size_t end = lines.find('\n', std::min(begin + 100'000, lines.size() - 1)) + 1;
    const std::string part = lines.substr(begin, end - begin);
    const HttpResponse answer = n % 2 == 0 ? client.Post("/ndjson", part)
                                           : client.Post("/", Gzip(part), {{"Content-Encoding", "gzip"}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    begin = end;
  }
  Stop();
  // The end of the input ends every wait.
  const BinaryRun finish = RunBinary({"run", "-c", config_, "--until-idle"});
  EXPECT_EQ(finish.exit_code, 0) << finish.err;
  EXPECT_EQ(SplitLines(Alerts()).size(), SplitLines(scan.out).size());
  EXPECT_EQ(Alerts(), scan.out);
  EXPECT_EQ(SplitLines(scan.out).size(), 5u) << "one a host";
}

// Each request is sent again until it is answered, as shippers do.
TEST_F(HttpTest, WhatWasAnsweredIsThereWhenTheProcessIsKilledNextToItsWrites) {
  std::set<int> answered;
  int number = 0, kills = 0;
  for (int round = 0; round < 12; ++round) {
    Start({std::string("REDTHREAD_CRASH_AT=") + (round % 2 == 0 ? "before_commit:" : "after_commit:") +
           std::to_string(2 + round / 2)});
    HttpClient client(port_);
    for (;;) {
      std::string body;
      for (int n = number; n < number + 20; ++n) body += R"({"event":{"n":)" + std::to_string(n) + "}}";
      const int status = client.Post("/services/collector", body).status;
      if (status != 200) break;
      for (int n = number; n < number + 20; ++n) answered.insert(n);
      number += 20;
    }
    run_->Wait();
    ++kills;
    const std::map<int, int> stored = StoredNumbers();
    for (const int n : answered) ASSERT_TRUE(stored.count(n) > 0) << n << " was answered and is lost";
    // What was not answered is there whole or not at all.
    const size_t more = stored.size() - answered.size();
    ASSERT_TRUE(more == 0 || more == 20) << more;
    number += 20;
    for (int n = number - 20; n < number; ++n) answered.erase(n);
    if (more == 20) {
      for (int n = number - 20; n < number; ++n) answered.insert(n);
    }
    for (const auto& [n, times] : stored) ASSERT_EQ(times, 1) << n;
  }
  EXPECT_EQ(kills, 12);
  EXPECT_GT(answered.size(), 100u);
}

TEST_F(HttpTest, AtSigtermNothingIsAnsweredThatIsNotStored) {
  Start();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int n = 0; n < 20; ++n) clients.push_back(std::make_unique<HttpClient>(port_));
  for (auto& client : clients) EXPECT_EQ(client->Request("GET", "/").status, 200);
  for (size_t n = 0; n < clients.size(); ++n)
    clients[n]->Send(HttpRequestText("POST", "/", "{\"n\":" + std::to_string(n) + "}"));
  Stop();
  const std::map<int, int> stored = StoredNumbers();
  for (size_t n = 0; n < clients.size(); ++n) {
    if (clients[n]->Receive().status != 200) continue;
    EXPECT_EQ(stored.count(static_cast<int>(n)), 1u) << n << " was answered";
  }
}

TEST_F(HttpTest, CurlSpeaksEveryProtocolWithTheToken) {
  if (RunProgram({"curl", "--version"}, BinaryEnvironment(), "").exit_code != 0)
    GTEST_SKIP() << "curl is not installed";
  Configure(", tokens: {office: 0123456789abcdef}");
  Start();
  const std::string event = ProcessCreation("2026-01-02 03:04:05", "ws1", "x -enc A");
  Write("hec", "{\"event\":" + event + ",\"host\":\"gateway\"}");
  Write("bulk", "{\"create\":{\"_index\":\"logs\"}}\n" + event + "\n");
  Write("ndjson", event + "\n");
  Write(
      "otlp",
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[)"
      R"({"key":"Channel","value":{"stringValue":"Security"}},{"key":"EventID","value":{"intValue":"4688"}},)"
      R"({"key":"Computer","value":{"stringValue":"ws2"}},)"
      R"({"key":"CommandLine","value":{"stringValue":"x -enc B"}}]}}}]}]}]})");
  const std::string curl = "curl -sS -f -m 30 ";
  Shell("gzip -k bulk");
  Shell(curl + "-H 'Authorization: Splunk 0123456789abcdef' -d @hec " + Url("/services/collector/event"));
  Shell(curl + "-u elastic:0123456789abcdef --data-binary @bulk -H 'Content-Type: application/x-ndjson' " +
        Url("/_bulk"));
  Shell(curl + "-u elastic:0123456789abcdef --data-binary @bulk.gz -H 'Content-Encoding: gzip' " +
        Url("/logs/_bulk"));
  Shell(curl +
        "-H 'Authorization: Bearer 0123456789abcdef' -H 'Transfer-Encoding: chunked' --data-binary @ndjson " +
        Url("/"));
  Shell(curl + "-H 'Authorization: Bearer 0123456789abcdef' -H 'Content-Type: application/json' -d @otlp " +
        Url("/v1/logs"));
  EXPECT_NE(RunProgram({"curl", "-sS", "-f", "-d", "{}", Url("/")}, BinaryEnvironment(), "").exit_code, 0);
  const BinaryRun run = Stop();
  EXPECT_NE(run.err.find("listening on 127.0.0.1:"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("1 request refused: without a token"), std::string::npos) << run.err;
  const std::string alerts = RunBinary({"alerts", "list", "-o", "jsonl", "-c", config_}).out;
  EXPECT_EQ(CountLines(alerts, kEncodedCommand), 2u) << "one a host: " << alerts;
  EXPECT_NE(alerts.find("\"count\":4"), std::string::npos) << alerts;
  EXPECT_NE(alerts.find("push/http/office/gateway"), std::string::npos) << alerts;
}

TEST_F(HttpTest, RsyslogHandsOverEachLineOnceAsToElasticsearch) {
  // Its output for Elasticsearch, a package of its own.
  if (RunProgram({"sh", "-c", "test -x /usr/sbin/rsyslogd && ls /usr/lib/*/rsyslog/omelasticsearch.so"},
                 BinaryEnvironment(), "")
          .exit_code != 0)
    GTEST_SKIP() << "rsyslog-elasticsearch is not installed";
  Configure(", protocols: bulk, tokens: {office: 0123456789abcdef}");
  constexpr size_t kCount = 5000;
  std::string lines;
  for (size_t n = 0; n < kCount; ++n) lines += std::to_string(n) + "\n";
  const std::string to = "server=\"127.0.0.1\" serverport=\"" + std::to_string(port_) + "\" ";
  const std::string conf =
      Write("rsyslog.conf",
            "global(workDirectory=\"" + folder_.path() + "\")\n" +
                "module(load=\"imfile\" mode=\"polling\" "
                "pollingInterval=\"1\")\nmodule(load=\"omelasticsearch\")\n" +
                "template(name=\"document\" type=\"string\" string=\"{\\\"n\\\":%msg%}\")\n" +
                "input(type=\"imfile\" file=\"" + Write("numbers", lines) + "\" tag=\"t\")\n" +
                "action(type=\"omelasticsearch\" " + to +
                "template=\"document\" bulkmode=\"on\" searchIndex=\"logs\" searchType=\"\" uid=\"rsyslog\" "
                "pwd=\"0123456789abcdef\" errorfile=\"" +
                Path("errors") + "\" action.resumeRetryCount=\"-1\")\n");
  Start();
  Process rsyslog({"rsyslogd", "-n", "-f", conf, "-i", Path("rsyslog.pid")},
                  {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (StoredNumbers().size() < kCount && std::chrono::steady_clock::now() < deadline) usleep(100'000);
  rsyslog.Signal(SIGTERM);
  const BinaryRun sender = rsyslog.Wait();
  Stop();
  const std::map<int, int> stored = StoredNumbers();
  EXPECT_EQ(stored.size(), kCount) << sender.err << sender.out;
  for (const auto& [n, times] : stored) EXPECT_EQ(times, 1) << n;
  EXPECT_NE(access(Path("errors").c_str(), F_OK), 0) << "a document was refused";
}

}  // namespace
}  // namespace redthread
