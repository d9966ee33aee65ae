// HttpListener: over real sockets, answers come when records are durable and not before, and nobody takes
// more than is theirs.
#include "ingest/http_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/http_client.h"
#include "tests/support/shared_clock.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class HttpListenerTest : public testing::Test {
 protected:
  void TearDown() override { StopStoring(); }

  void Start(HttpListener::Options options = {}) {
    options.address = "127.0.0.1:0";
    Result<std::unique_ptr<HttpListener>> started = HttpListener::Start(options, &clock_);
    ASSERT_TRUE(started.ok()) << started.status().message();
    listener_ = std::move(*started);
  }
  uint16_t port() const { return listener_->port(); }

  // Takes what there is. Returns its receipt.
  uint64_t Take() {
    PushedMessages messages;
    listener_->Take(&messages);
    for (const PushedMessages::Message& m : messages.all()) {
      texts_.emplace_back(messages.text(m));
      senders_.push_back(m.sender);
    }
    return messages.receipt();
  }
  // Takes until there are `count` messages, or ten seconds are over. Returns the last receipt.
  uint64_t TakeUntil(size_t count) {
    uint64_t receipt = 0;
    EXPECT_TRUE(Until([&] {
      receipt = std::max(receipt, Take());
      return texts_.size() >= count;
    })) << texts_.size()
        << " of " << count;
    return receipt;
  }
  // From now on all that comes is durable at once.
  void Store() {
    storing_ = true;
    storer_ = std::thread([this] {
      while (storing_) {
        const uint64_t receipt = Take();
        if (receipt > 0) listener_->Committed(receipt);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  void StopStoring() {
    storing_ = false;
    if (storer_.joinable()) storer_.join();
  }

  template <typename Condition>
  static bool Until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  static void Wait() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

  SharedClock clock_{*ParseTimestamp("2026-11-22T10:00:00Z")};
  std::unique_ptr<HttpListener> listener_;
  std::vector<std::string> texts_;
  std::vector<Sender> senders_;
  std::atomic<bool> storing_{false};
  std::thread storer_;
};

TEST_F(HttpListenerTest, ARequestIsAnsweredOnceItsRecordsAreDurableAndNotBefore) {
  Start();
  HttpClient first(port(), "127.0.0.2"), second(port(), "127.0.0.3");
  first.Send(HttpRequestText("POST", "/", "one\ntwo"));
  const uint64_t receipt = TakeUntil(2);
  second.Send(HttpRequestText("POST", "/", "three"));
  TakeUntil(3);
  Wait();
  EXPECT_FALSE(first.HasNews() || second.HasNews());
  listener_->Committed(receipt);
  EXPECT_EQ(first.Receive().body, "{\"accepted\":2}");
  Wait();
  EXPECT_FALSE(second.HasNews()) << "its record has not been committed";
  listener_->Committed(receipt + 1);
  EXPECT_EQ(second.Receive().body, "{\"accepted\":1}");
  EXPECT_THAT(texts_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(FormatIpAddress(*senders_[0].address), "127.0.0.2");
  EXPECT_EQ(senders_[0].transport, Transport::kHttp);
}

TEST_F(HttpListenerTest, AClientThatGoesAwayMeanwhileChangesNothing) {
  Start();
  auto gone = std::make_unique<HttpClient>(port());
  gone->Send(HttpRequestText("POST", "/", "kept"));
  const uint64_t receipt = TakeUntil(1);
  gone.reset();
  HttpClient next(port());
  next.Send(HttpRequestText("POST", "/", "next"));
  TakeUntil(2);
  listener_->Committed(receipt + 1);
  EXPECT_EQ(next.Receive().status, 200);
  EXPECT_THAT(texts_, ElementsAre("kept", "next"));
}

TEST_F(HttpListenerTest, RequestsThatAreSentAheadAreAnsweredInOrder) {
  Start();
  Store();
  HttpClient client(port());
  std::string ahead;
  for (int n = 0; n < 200; ++n) {
    ahead +=
        n % 3 == 0 ? HttpRequestText("GET", "/_license") : HttpRequestText("POST", "/", std::to_string(n));
    if (n % 3 == 1) ahead += HttpRequestText("HEAD", "/");
  }
  client.Send(ahead);
  for (int n = 0; n < 200; ++n) {
    EXPECT_THAT(client.Receive().body, n % 3 == 0 ? HasSubstr("license") : HasSubstr("accepted")) << n;
    if (n % 3 == 1) {
      EXPECT_EQ(client.Receive(false).status, 200);
    }
  }
  StopStoring();
  EXPECT_EQ(texts_.size(), 133u);
}

TEST_F(HttpListenerTest, ChunkedPackedAndBigBodiesAreRead) {
  Start();
  Store();
  std::string big;
  for (int n = 0; n < 300'000; ++n) big += "{\"n\":" + std::to_string(n) + "}\n";
  HttpClient client(port());
  EXPECT_EQ(client.Post("/", big).body, "{\"accepted\":300000}");
  EXPECT_EQ(client.Post("/", Gzip(big), {{"Content-Encoding", "gzip"}}).body, "{\"accepted\":300000}");
  client.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive(false).status, 100);
  for (size_t at = 0; at < big.size(); at += 1000) {
    const std::string part = big.substr(at, 1000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    client.Send(size + part + "\r\n");
  }
  client.Send("0\r\n\r\n");
  EXPECT_EQ(client.Receive().body, "{\"accepted\":300000}");
}

TEST_F(HttpListenerTest, BodiesBeyondTheLimitsAreRefused) {
  HttpListener::Options options;
  options.max_body_bytes = 10'000;
  options.max_unpacked_bytes = 100'000;
  Start(options);
  Store();
  EXPECT_EQ(HttpClient(port()).Post("/", std::string(10'001, 'x')).status, 413);
  HttpClient packed(port());
  EXPECT_EQ(packed.Post("/", Gzip(std::string(99'000, 'x')), {{"Content-Encoding", "gzip"}}).status, 200);
  const HttpResponse bomb =
      packed.Post("/", Gzip(std::string(9'000'000, 'x')), {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(bomb.status, 413);
  EXPECT_EQ(bomb.headers.at("connection"), "close");
  EXPECT_TRUE(packed.IsClosed());
  HttpClient head(port());
  head.Send("GET /" + std::string(100'000, 'x'));
  EXPECT_EQ(head.Receive().status, 431);
  HttpClient waits(port());
  waits.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(waits.Receive().status, 413) << "and the body need not be sent";
  EXPECT_EQ(listener_->counts().requests_invalid, 4u);
}

TEST_F(HttpListenerTest, AllBodiesTogetherHaveALimit) {
  HttpListener::Options options;
  options.max_held_bytes = 200'000;
  Start(options);
  Store();
  HttpClient slow(port()), other(port());
  const std::string request = HttpRequestText("POST", "/", std::string(300'000, 'x'));
  slow.Send(request.substr(0, 180'000));
  Wait();
  EXPECT_EQ(other.Post("/", std::string(100'000, 'y')).status, 429);
  EXPECT_EQ(other.Post("/", "small").status, 200) << "what is refused takes no more room";
  slow.Send(request.substr(180'000));
  EXPECT_EQ(slow.Receive().status, 429);
  EXPECT_EQ(listener_->counts().requests_busy, 2u);
}

TEST_F(HttpListenerTest, WhileTooMuchIsNotDurableClientsAreToldToComeBack) {
  HttpListener::Options options;
  options.max_unanswered_bytes = 50'000;
  Start(options);
  HttpClient first(port()), second(port());
  first.Send(HttpRequestText("POST", "/", std::string(50'000, 'x')));
  const uint64_t receipt = TakeUntil(1);
  const HttpResponse hec = second.Post("/services/collector", R"({"event":"x"})");
  EXPECT_EQ(hec.status, 503);
  EXPECT_EQ(hec.body, R"({"text":"Server is busy","code":9})");
  EXPECT_EQ(hec.headers.at("retry-after"), "1");
  const HttpResponse bulk = second.Post("/_bulk", "{\"create\":{}}\n{}\n");
  EXPECT_EQ(bulk.status, 429);
  EXPECT_EQ(bulk.headers.at("retry-after"), "1");
  EXPECT_EQ(bulk.headers.at("x-elastic-product"), "Elasticsearch");
  EXPECT_EQ(second.Request("GET", "/").status, 200) << "what brings no records goes on";
  EXPECT_EQ(Take(), 0u) << "what was refused is not kept";
  listener_->Committed(receipt);
  EXPECT_EQ(first.Receive().status, 200);
  second.Send(HttpRequestText("POST", "/", "now"));
  listener_->Committed(TakeUntil(2));
  EXPECT_EQ(second.Receive().status, 200);
}

TEST_F(HttpListenerTest, WithoutATokenTheBodyIsNotEvenKept) {
  HttpListener::Options options;
  options.service.tokens = {{"office", "0123456789abcdef"}};
  Start(options);
  Store();
  HttpClient client(port());
  const HttpResponse refused = client.Post("/", std::string(1 << 20, 'x'));
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.headers.at("www-authenticate"), StartsWith("Basic"));
  EXPECT_EQ(client.Post("/services/collector", R"({"event":"x"})", {{"Authorization", "Splunk wrong"}}).body,
            R"({"text":"Invalid token","code":4})");
  EXPECT_EQ(client
                .Post("/services/collector", R"({"event":"x","host":"ws1"})",
                      {{"Authorization", "Splunk 0123456789abcdef"}})
                .status,
            200);
  StopStoring();
  ASSERT_EQ(senders_.size(), 1u);
  EXPECT_EQ(senders_[0], (Sender{std::nullopt, Transport::kHttp, "office/ws1"}));
  EXPECT_EQ(listener_->counts().requests_unauthorized, 2u);
}

TEST_F(HttpListenerTest, WhoIsSlowIsToldSoAndNobodyElseWaits) {
  Start();
  Store();
  std::vector<std::unique_ptr<HttpClient>> slow;
  const std::string request = HttpRequestText("POST", "/", "a body");
  for (size_t n = 0; n < 10; ++n) {
    slow.push_back(std::make_unique<HttpClient>(port(), "127.0.0.2"));
    slow.back()->Send(request.substr(0, request.size() - 2 - 5 * n));
  }
  HttpClient silent(port(), "127.0.0.4");
  HttpClient quick(port(), "127.0.0.3");
  EXPECT_EQ(quick.Post("/", "x").status, 200);
  ASSERT_TRUE(Until([&] { return listener_->counts().connections == 12; }));
  clock_.Advance(std::chrono::seconds(50));
  for (const auto& client : slow) client->Send(" ");  // a byte now and then does not help
  Wait();
  clock_.Advance(std::chrono::seconds(20));
  for (const auto& client : slow) {
    const int status = client->Receive().status;
    EXPECT_TRUE(status == 408 || status == 400) << status;  // one of the bytes broke its request
  }
  EXPECT_TRUE(silent.IsClosed()) << "who connects is to send something";
  EXPECT_EQ(quick.Post("/", "x").status, 200) << "between two requests one may be silent for longer";
  clock_.Advance(std::chrono::minutes(6));
  EXPECT_TRUE(quick.IsClosed());
  EXPECT_GE(listener_->counts().connections_out_of_time, 2u);
}

TEST_F(HttpListenerTest, ConnectionsAreLimitedInAllAndForEachPeer) {
  HttpListener::Options options;
  options.max_connections = 3;
  options.max_connections_of_peer = 2;
  options.allowed = {*ParseCidr("127.0.0.0/29")};
  Start(options);
  Store();
  HttpClient first(port(), "127.0.0.2"), second(port(), "127.0.0.2");
  EXPECT_TRUE(HttpClient(port(), "127.0.0.2").IsClosed());
  HttpClient other(port(), "127.0.0.3");
  EXPECT_TRUE(HttpClient(port(), "127.0.0.4").IsClosed());
  EXPECT_TRUE(HttpClient(port(), "127.0.0.9").IsClosed());
  EXPECT_EQ(other.Post("/", "x").status, 200);
  EXPECT_EQ(listener_->counts().connections_over_limit, 2u);
  EXPECT_EQ(listener_->counts().connections_not_allowed, 1u);
}

TEST_F(HttpListenerTest, WhatIsAwaitedAtTheEndIsAnsweredAndNothingNewIsTaken) {
  Start();
  HttpClient awaits(port()), writes(port()), idle(port());
  awaits.Send(HttpRequestText("POST", "/", "kept"));
  TakeUntil(1);
  const std::string request = HttpRequestText("POST", "/", "not whole");
  writes.Send(request.substr(0, request.size() - 3));
  EXPECT_EQ(idle.Request("GET", "/").status, 200);
  listener_->Stop();
  EXPECT_TRUE(writes.IsClosed());
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_FALSE(awaits.HasNews());
  listener_->Committed(1);
  listener_.reset();
  const HttpResponse answer = awaits.Receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_THAT(texts_, ElementsAre("kept"));
}

TEST_F(HttpListenerTest, WhoEndsItsSideOfTheConnectionStillGetsItsAnswer) {
  Start();
  Store();
  HttpClient client(port());
  client.Send(HttpRequestText("POST", "/", "x", {{"Connection", "close"}}));
  client.EndSending();
  EXPECT_EQ(client.Receive().body, "{\"accepted\":1}");
  EXPECT_TRUE(client.IsClosed());
}

TEST_F(HttpListenerTest, IsCaughtUpWithTheClockOnlyAsFarAsRequestsHaveBeenStored) {
  Start();
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_TRUE(Until([&] { return listener_->caught_up() == std::chrono::seconds(10); }));
  HttpClient client(port());
  client.Send(HttpRequestText("POST", "/", "x"));
  const uint64_t receipt = TakeUntil(1);
  clock_.Advance(std::chrono::seconds(10));
  Wait();
  EXPECT_EQ(listener_->caught_up(), std::chrono::seconds(10)) << "what waits behind it has not been read";
  listener_->Committed(receipt);
  EXPECT_EQ(client.Receive().status, 200);
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_TRUE(Until([&] { return listener_->caught_up() == std::chrono::seconds(30); }));
}

TEST_F(HttpListenerTest, OverTlsItIsTheSame) {
  TemporaryFolder folder;
  if (!MakeCertificates(folder.path())) GTEST_SKIP() << "openssl is not installed";
  HttpListener::Options options;
  options.tls = {folder.path() + "/server.pem", folder.path() + "/server.key", folder.path() + "/ca.pem"};
  Start(options);
  Store();
  const auto curl = [&](const std::string& more) {
    const std::string command = "cd " + folder.path() + " && curl -sS -m 20 --cacert ca.pem " + more +
                                " --connect-to server:443:127.0.0.1:" + std::to_string(port()) +
                                " https://server/ >out 2>log";
    return std::system(command.c_str()) == 0;
  };
  if (std::system("curl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "curl is not installed";
  EXPECT_TRUE(curl("--cert client.pem --key client.key --data-binary one"));
  EXPECT_FALSE(curl("--data-binary two"));
  EXPECT_FALSE(curl("--cert stranger.pem --key stranger.key --data-binary three"));
  std::string big;
  for (int n = 0; n < 100'000; ++n) big += "{\"n\":" + std::to_string(n) + "}\n";
  folder.Write("big", big);
  EXPECT_TRUE(curl("--cert client.pem --key client.key --data-binary @big"));
  HttpClient half_open(port());
  half_open.Send("GET / HTTP/1.1\r\n");
  EXPECT_TRUE(half_open.IsClosed());
  StopStoring();
  EXPECT_EQ(texts_.size(), 100'001u);
  EXPECT_TRUE(Until([&] { return listener_->counts().connections_no_session >= 2; }));
}

}  // namespace
}  // namespace redthread
