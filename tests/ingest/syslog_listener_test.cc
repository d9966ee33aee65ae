// SyslogListener: what is sent is what is taken, and nobody takes more than is theirs.
#include "ingest/syslog_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/shared_clock.h"
#include "tests/support/sockets.h"
#include "tests/support/temporary_folder.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using Kind = TestSender::Kind;

class SyslogListenerTest : public testing::Test {
 protected:
  void Start(SyslogListener::Options options = {}) {
    options.address = "127.0.0.1:0";
    Result<std::unique_ptr<SyslogListener>> started = SyslogListener::Start(options, &clock_);
    ASSERT_TRUE(started.ok()) << started.status().message();
    listener_ = std::move(*started);
  }

  // Takes until there are `count` messages, or ten seconds are over.
  std::vector<std::string> Take(size_t count) {
    std::vector<std::string> texts;
    const bool came = Until([&] {
      PushedMessages messages;
      listener_->Take(&messages);
      for (const PushedMessages::Message& m : messages.all()) {
        texts.emplace_back(messages.text(m));
        taken_.push_back(m);
      }
      return texts.size() >= count;
    });
    EXPECT_TRUE(came) << texts.size() << " of " << count;
    return texts;
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

  SharedClock clock_{*ParseTimestamp("2026-11-22T10:00:00Z")};
  std::unique_ptr<SyslogListener> listener_;
  std::vector<PushedMessages::Message> taken_;
};

TEST_F(SyslogListenerTest, GivesEachMessageWithItsSenderAndItsArrival) {
  Start();
  TestSender udp(Kind::kUdp, listener_->udp_port(), "127.0.0.2");
  TestSender lines(Kind::kTcp, listener_->tcp_port(), "127.0.0.3");
  TestSender counted(Kind::kTcp, listener_->tcp_port(), "127.0.0.4");
  udp.Send("<34>one\n");
  EXPECT_THAT(Take(1), ElementsAre("<34>one"));
  clock_.Advance(std::chrono::seconds(7));
  lines.Send("two\nthr");
  EXPECT_THAT(Take(1), ElementsAre("two"));
  lines.Send("ee\n");
  EXPECT_THAT(Take(1), ElementsAre("three"));
  counted.Send("4 four5 fi\nve");
  EXPECT_THAT(Take(2), ElementsAre("four", "fi\nve"));
  EXPECT_EQ(FormatIpAddress(*taken_[0].sender.address), "127.0.0.2");
  EXPECT_EQ(taken_[0].sender.transport, Transport::kUdp);
  EXPECT_EQ(taken_[0].arrival, *ParseTimestamp("2026-11-22T10:00:00Z"));
  EXPECT_EQ(FormatIpAddress(*taken_[1].sender.address), "127.0.0.3");
  EXPECT_EQ(taken_[1].sender.transport, Transport::kTcp);
  EXPECT_EQ(taken_[1].arrival, *ParseTimestamp("2026-11-22T10:00:07Z"));
  EXPECT_EQ(FormatIpAddress(*taken_[3].sender.address), "127.0.0.4");
  EXPECT_EQ(listener_->counts().messages, 5u);
}

TEST_F(SyslogListenerTest, OfATooLongMessageTheBeginningIsGiven) {
  Start({.max_message_bytes = 1000});
  TestSender udp(Kind::kUdp, listener_->udp_port());
  TestSender tcp(Kind::kTcp, listener_->tcp_port());
  udp.Send(std::string(5000, 'u'));
  EXPECT_THAT(Take(1), ElementsAre(std::string(1000, 'u')));
  tcp.SendLine(std::string(6000, 't'));
  EXPECT_THAT(Take(1), ElementsAre(std::string(1000, 't')));
  EXPECT_EQ(taken_[0].cut_from, 5000u);
  EXPECT_EQ(taken_[1].cut_from, 6000u);
}

TEST_F(SyslogListenerTest, WhoIsNotAllowedIsRefusedAndCounted) {
  Start({.allowed = {*ParseCidr("127.0.0.8/30")}});
  TestSender(Kind::kUdp, listener_->udp_port(), "127.0.0.2").Send("no");
  TestSender stranger(Kind::kTcp, listener_->tcp_port(), "127.0.0.3");
  EXPECT_TRUE(stranger.IsClosed());
  TestSender(Kind::kUdp, listener_->udp_port(), "127.0.0.9").Send("yes");
  EXPECT_THAT(Take(1), ElementsAre("yes"));
  TestSender(Kind::kTcp, listener_->tcp_port(), "127.0.0.10").SendLine("also");
  EXPECT_THAT(Take(1), ElementsAre("also"));
  EXPECT_EQ(listener_->counts().datagrams_not_allowed, 1u);
  EXPECT_EQ(listener_->counts().connections_not_allowed, 1u);
}

TEST_F(SyslogListenerTest, ConnectionsAreLimitedInAllAndForEachPeer) {
  Start({.max_connections = 3, .max_connections_of_peer = 2});
  TestSender first(Kind::kTcp, listener_->tcp_port(), "127.0.0.2");
  auto second = std::make_unique<TestSender>(Kind::kTcp, listener_->tcp_port(), "127.0.0.2");
  EXPECT_TRUE(TestSender(Kind::kTcp, listener_->tcp_port(), "127.0.0.2").IsClosed());
  TestSender other(Kind::kTcp, listener_->tcp_port(), "127.0.0.3");
  EXPECT_TRUE(TestSender(Kind::kTcp, listener_->tcp_port(), "127.0.0.4").IsClosed());
  EXPECT_EQ(listener_->counts().connections_over_limit, 2u);
  other.SendLine("still here");
  EXPECT_THAT(Take(1), ElementsAre("still here"));
  second.reset();
  EXPECT_TRUE(Until([&] { return listener_->counts().connections == 2; }));
  TestSender(Kind::kTcp, listener_->tcp_port(), "127.0.0.4").SendLine("now there is room");
  EXPECT_THAT(Take(1), ElementsAre("now there is room"));
}

TEST_F(SyslogListenerTest, AMessageThatTakesTooLongEndsItsConnectionAndNobodyElseWaits) {
  Start({.max_connections = 1000});
  std::vector<std::unique_ptr<TestSender>> slow;
  for (int n = 0; n < 10; ++n) {
    slow.push_back(std::make_unique<TestSender>(Kind::kTcp, listener_->tcp_port(), "127.0.0.2"));
    slow.back()->Send("a slow one");
  }
  TestSender quiet(Kind::kTcp, listener_->tcp_port(), "127.0.0.3");
  quiet.SendLine("whole");
  EXPECT_THAT(Take(1), ElementsAre("whole"));
  ASSERT_TRUE(Until([&] { return listener_->counts().connections == 11; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  clock_.Advance(std::chrono::minutes(2));
  for (const auto& sender : slow) EXPECT_TRUE(sender->IsClosed());
  EXPECT_EQ(Take(10), std::vector<std::string>(10, "a slow one"));
  EXPECT_EQ(listener_->counts().connections_out_of_time, 10u);
  quiet.SendLine("being silent is no crime");
  EXPECT_THAT(Take(1), ElementsAre("being silent is no crime"));
}

TEST_F(SyslogListenerTest, AFullQueueMakesTcpWaitAndLosesNothingOfIt) {
  Start({.udp = false, .max_tcp_queue_bytes = 100'000});
  constexpr int kMessages = 200'000;
  std::thread sender([&] {
    TestSender tcp(Kind::kTcp, listener_->tcp_port());
    for (int n = 0; n < kMessages; ++n) tcp.SendLine(std::to_string(n) + std::string(100, '.'));
  });
  ASSERT_TRUE(Until([&] { return listener_->counts().messages > 100; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(listener_->counts().messages, 5'000u) << "the queue holds that much, and a look at it";
  const std::vector<std::string> texts = Take(kMessages);
  sender.join();
  ASSERT_EQ(texts.size(), static_cast<size_t>(kMessages));
  for (int n = 0; n < kMessages; ++n) ASSERT_EQ(texts[static_cast<size_t>(n)].find(std::to_string(n)), 0u);
}

TEST_F(SyslogListenerTest, DatagramsBeyondTheBuffersAreLostAndCountedToTheLast) {
  Start({.tcp = false, .max_udp_queue_bytes = 100'000, .udp_buffer_bytes = 64 << 10});
  TestSender udp(Kind::kUdp, listener_->udp_port());
  constexpr uint64_t kMessages = 20'000;
  for (uint64_t n = 0; n < kMessages; ++n) udp.Send(std::string(200, 'x'));
  uint64_t taken = 0;
  EXPECT_TRUE(Until([&] {
    PushedMessages messages;
    listener_->Take(&messages);
    taken += messages.all().size();
    return taken + listener_->counts().datagrams_lost == kMessages;
  })) << taken
      << " taken, " << listener_->counts().datagrams_lost << " lost";
  EXPECT_GT(listener_->counts().datagrams_lost, 0u);
  EXPECT_GT(listener_->counts().pauses, 0u);
}

TEST_F(SyslogListenerTest, IsCaughtUpWithTheClockOnlyWhileItReads) {
  Start({.udp = false, .max_tcp_queue_bytes = 1000});
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_TRUE(Until([&] { return listener_->caught_up() == std::chrono::minutes(1); }));
  TestSender tcp(Kind::kTcp, listener_->tcp_port());
  tcp.SendLine(std::string(2000, 'x'));
  ASSERT_TRUE(Until([&] { return listener_->counts().messages == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  clock_.Advance(std::chrono::minutes(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(listener_->caught_up(), std::chrono::minutes(1)) << "what waits in the socket has not been read";
  Take(1);
  EXPECT_TRUE(Until([&] { return listener_->caught_up() == std::chrono::minutes(2); }));
}

TEST_F(SyslogListenerTest, AFloodDoesNotKeepItFromCatchingUp) {
  Start({.udp = false});
  std::atomic<bool> done{false};
  std::atomic<int> ended{0};
  std::vector<std::thread> flood;
  for (int n = 0; n < 3; ++n) {
    flood.emplace_back([&] {
      TestSender tcp(Kind::kTcp, listener_->tcp_port());
      const std::string block(1 << 20, '\n');
      while (!done) tcp.Send(block);
      ++ended;
    });
  }
  PushedMessages messages;
  const auto take = [&] { listener_->Take(&messages); };
  ASSERT_TRUE(Until([&] { return take(), listener_->counts().messages > 1'000'000; }));
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_TRUE(Until([&] { return take(), listener_->caught_up() == std::chrono::minutes(1); }));
  done = true;
  EXPECT_TRUE(Until([&] { return take(), ended == 3; }));
  for (std::thread& thread : flood) thread.join();
}

TEST_F(SyslogListenerTest, WhatConnectionsHoldAtTheEndIsGiven) {
  Start();
  TestSender tcp(Kind::kTcp, listener_->tcp_port());
  tcp.Send("whole\nbegun");
  EXPECT_THAT(Take(1), ElementsAre("whole"));
  listener_->Stop();
  EXPECT_THAT(Take(1), ElementsAre("begun"));
}

// ---- TLS. The other side is OpenSSL's own client.

class SyslogTlsTest : public SyslogListenerTest {
 protected:
  void SetUp() override {
    if (!MakeCertificates(folder_.path())) GTEST_SKIP() << "openssl is not installed";
  }
  TlsContext::Options Tls(const std::string& client_ca = "") const {
    const std::string folder = folder_.path() + "/";
    return {folder + "server.pem", folder + "server.key", client_ca.empty() ? "" : folder + client_ca};
  }
  // Whether openssl could send that, as that client.
  bool Send(const std::string& text, const std::string& client = "") const {
    folder_.Write("text", text);
    const std::string identity = client.empty() ? "" : " -cert " + client + ".pem -key " + client + ".key";
    const std::string command =
        "cd " + folder_.path() +
        " && openssl s_client -connect 127.0.0.1:" + std::to_string(listener_->tcp_port()) +
        " -CAfile ca.pem -verify_return_error -quiet -no_ign_eof" + identity + " <text >log 2>&1";
    return std::system(command.c_str()) == 0;
  }

  TemporaryFolder folder_;
};

TEST_F(SyslogTlsTest, EncryptedMessagesAreMessages) {
  Start({.udp = false, .tls = Tls()});
  EXPECT_TRUE(Send("5 hello3 abc"));
  EXPECT_THAT(Take(2), ElementsAre("hello", "abc"));
  std::string many;
  for (int n = 0; n < 20'000; ++n) many += std::to_string(n) + std::string(100, '.') + "\n";
  EXPECT_TRUE(Send("lines\n" + many));
  const std::vector<std::string> texts = Take(20'001);
  ASSERT_EQ(texts.size(), 20'001u);
  EXPECT_EQ(texts.back(), "19999" + std::string(100, '.'));
}

TEST_F(SyslogTlsTest, WhoMustShowACertificateAndCannotIsRefused) {
  Start({.udp = false, .tls = Tls("ca.pem")});
  EXPECT_TRUE(Send("<34>mine\n", "client"));
  EXPECT_THAT(Take(1), ElementsAre("<34>mine"));
  Send("<34>no certificate\n");
  Send("<34>signed by itself\n", "stranger");
  TestSender plain(Kind::kTcp, listener_->tcp_port());
  plain.SendLine("<34>not encrypted");
  EXPECT_TRUE(plain.IsClosed());
  EXPECT_TRUE(Until([&] { return listener_->counts().connections_no_session == 3; }));
  EXPECT_TRUE(Send("<34>mine again\n", "client"));
  EXPECT_THAT(Take(1), ElementsAre("<34>mine again"));
}

TEST_F(SyslogTlsTest, AHandshakeThatDoesNotEndIsEnded) {
  Start({.udp = false, .tls = Tls()});
  TestSender half_open(Kind::kTcp, listener_->tcp_port());
  ASSERT_TRUE(Until([&] { return listener_->counts().connections == 1; }));
  clock_.Advance(std::chrono::minutes(2));
  EXPECT_TRUE(half_open.IsClosed());
  EXPECT_EQ(listener_->counts().connections_out_of_time, 1u);
}

TEST_F(SyslogTlsTest, WhatIsNoCertificateOrNotItsKeyIsAnError) {
  const std::string folder = folder_.path() + "/";
  const TlsContext::Options bad[] = {{folder + "none.pem", folder + "server.key", ""},
                                     {folder + "server.pem", folder + "client.key", ""},
                                     {folder + "server.pem", folder + "server.pem", ""},
                                     {folder + "server.pem", folder + "server.key", folder + "server.key"}};
  for (const TlsContext::Options& options : bad)
    EXPECT_EQ(TlsContext::Create(options).status().code(), StatusCode::kInvalid);
}

TEST_F(SyslogListenerTest, AnAddressThatIsTakenOrNoneIsAnError) {
  Start();
  SyslogListener::Options options;
  options.address = "127.0.0.1:" + std::to_string(listener_->tcp_port());
  options.udp = false;
  EXPECT_EQ(SyslogListener::Start(options, &clock_).status().code(), StatusCode::kDenied);
  options.address = "no.such.host.invalid:514";
  EXPECT_EQ(SyslogListener::Start(options, &clock_).status().code(), StatusCode::kInvalid);
}

TEST(SenderIdentityTest, IsReadAsItIsWritten) {
  for (const char* text :
       {"syslog:net:udp:192.0.2.7", "syslog:net:udp:192.0.2.7/ws1", "syslog:net:tcp:2001:db8::1/ws1",
        "syslog:fire-wall_1:tcp:2001:db8::1", "syslog:net:tcp:*", "http:push:token:office",
        "http:push:token:office/ws1:8", "http:push:peer:192.0.2.7", "http:push:peer:2001:db8::1/ws1.example",
        "http:push:*"}) {
    const std::optional<SenderIdentity> identity = SenderIdentity::Decode(text);
    ASSERT_TRUE(identity.has_value()) << text;
    EXPECT_EQ(identity->Encode(), text);
  }
  EXPECT_EQ(SenderIdentity::Decode("syslog:net:udp:192.0.2.7")->Path(), "net/udp/192.0.2.7");
  EXPECT_EQ(SenderIdentity::Decode("syslog:net:udp:192.0.2.7/ws1")->Path(), "net/udp/192.0.2.7/ws1");
  EXPECT_EQ(SenderIdentity::Decode("syslog:net:tcp:*")->Path(), "net/tcp/others");
  EXPECT_EQ(SenderIdentity::Decode("http:push:token:office/ws1")->Path(), "push/http/office/ws1");
  EXPECT_EQ(SenderIdentity::Decode("http:push:peer:192.0.2.7/ws1")->Path(), "push/http/192.0.2.7/ws1");
  EXPECT_EQ(SenderIdentity::Decode("http:push:*")->Path(), "push/http/others");
  for (const char* text :
       {"http:push", "http:push:", "http:push:token:", "http:push:peer:", "http:push:peer:x/y",
        "http:push:192.0.2.7", "syslog:net:http:192.0.2.7", "", "syslog:", "syslog:net", "syslog:net:udp",
        "syslog:net:sctp:192.0.2.7", "syslog:net:udp:", "syslog:net:udp:x", "file:1:2:3:4"})
    EXPECT_FALSE(SenderIdentity::Decode(text).has_value()) << text;
}

}  // namespace
}  // namespace redthread
