#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class ForwardedClientTest : public TextFormatTest {
 protected:
  ForwardedClientTest() {
    for (const char* network : {"10.0.0.0/8", "2001:db8::/32"}) trusted_.push_back(*ParseCidr(network));
    origin_.trusted_proxies = &trusted_;
  }

  // "CLIENT PROXY" of a request from `peer`, with that header.
  std::string Client(const std::string& peer, const std::string& header) {
    Decode(peer + R"( - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" ")" + header +
           "\"");
    const json fields = Fields();
    return fields.value("c-ip", "") + " " + fields.value("proxy-ip", "-");
  }

  std::vector<Cidr> trusted_;
};

TEST_F(ForwardedClientTest, TheClientIsTheAddressFurthestRightThatIsNotOurs) {
  struct Case {
    const char* peer;
    const char* header;
    const char* expected;
  };
  const Case cases[] = {
      {"10.0.0.1", "192.0.2.7", "192.0.2.7 10.0.0.1"},
      {"10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7 10.0.0.1"},
      {"10.0.0.1", "192.0.2.7, 10.0.0.2, 10.0.0.3", "192.0.2.7 10.0.0.1"},
      {"2001:db8::1", "2001:db9::7", "2001:db9::7 2001:db8::1"},
      {"10.0.0.1", "[2001:db9::7]:443", "2001:db9::7 10.0.0.1"},
      {"10.0.0.1", "192.0.2.7:5000", "192.0.2.7 10.0.0.1"},
      // All ours: the first of them.
      {"10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9 10.0.0.1"},
      // What the client made up does not count, nor does it hide who it is.
      {"10.0.0.1", "127.0.0.1, x' OR 1=1, 192.0.2.7", "192.0.2.7 10.0.0.1"},
      {"10.0.0.1", "unknown, 10.0.0.2", "10.0.0.2 10.0.0.1"},
      // Nobody whom we trust says so.
      {"192.0.2.9", "198.51.100.1", "192.0.2.9 -"},
      {"10.0.0.1", "-", "10.0.0.1 -"},
      {"10.0.0.1", "unknown", "10.0.0.1 -"},
  };
  for (const Case& c : cases) EXPECT_EQ(Client(c.peer, c.header), c.expected) << c.peer << " " << c.header;
  std::string many = "192.0.2.7";
  for (int i = 0; i < 100; ++i) many += ", 10.0.0.2";
  EXPECT_EQ(Client("10.0.0.1", many), "10.0.0.2 10.0.0.1");
}

TEST_F(ForwardedClientTest, WithoutTrustedProxiesThePeerIsTheClient) {
  trusted_.clear();
  EXPECT_EQ(Client("10.0.0.1", "192.0.2.7"), "10.0.0.1 -");
  EXPECT_EQ(Fields()["x-forwarded-for"], "192.0.2.7");
  origin_.trusted_proxies = nullptr;
  EXPECT_EQ(Client("10.0.0.1", "192.0.2.7"), "10.0.0.1 -");
}

TEST_F(ForwardedClientTest, RequestsInJsonAndInSyslogAreNoOther) {
  Decode(R"({"remote_addr":"10.0.0.1","http_x_forwarded_for":"198.51.100.1, 192.0.2.7","status":200})");
  EXPECT_EQ(Fields()["remote_addr"], "192.0.2.7");
  EXPECT_EQ(Fields()["proxy-ip"], "10.0.0.1");
  Decode(R"({"c-ip":"10.0.0.1","x-forwarded-for":"192.0.2.7"})");
  EXPECT_EQ(Fields()["c-ip"], "192.0.2.7");
  Decode(R"({"remote_addr":["10.0.0.1"],"http_x_forwarded_for":7})");
  EXPECT_FALSE(Fields().contains("proxy-ip"));
  Decode(R"(<190>Aug 30 12:00:00 w1 nginx: {"remote_addr":"10.0.0.1","http_x_forwarded_for":"192.0.2.7"})");
  EXPECT_EQ(Fields()["remote_addr"], "192.0.2.7");
  Decode(
      "<190>Aug 30 12:00:00 w1 nginx: "
      R"(10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "agent" "192.0.2.7")");
  EXPECT_EQ(Fields()["c-ip"], "192.0.2.7");
}

}  // namespace
}  // namespace redthread
