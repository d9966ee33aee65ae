#include "tests/ingest/text_fixture.h"

namespace redthread {
namespace {

class WebTest : public TextFormatTest {};

TEST_F(WebTest, ReadsAccessLogs) {
  const std::vector<LineCase> cases = {
      {R"(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326)",
       R"({"c-ip":"127.0.0.1","cs-username":"frank","cs-method":"GET","cs-version":"HTTP/1.0","cs-uri":"/apache_pb.gif",
           "cs-uri-stem":"/apache_pb.gif","cs-uri-query":"","sc-status":200,"sc-bytes":2326})"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c?d HTTP/1.1" 304 - "-" "-")",
       R"({"c-ip":"192.0.2.1","cs-method":"GET","cs-version":"HTTP/1.1","cs-uri":"/a?b=c?d","cs-uri-stem":"/a",
           "cs-uri-query":"b=c?d","sc-status":304,"cs-user-agent":"-"})"},
      // A virtual host in front, a user with a space, a request time, X-Forwarded-For.
      {R"(shop.example:443 192.0.2.1 - - [17/May/2015:10:05:03 +0000] "HEAD / HTTP/2.0" 200 0 "http://r/" "ua")",
       R"({"cs-host":"shop.example","s-port":443,"c-ip":"192.0.2.1","cs-method":"HEAD","cs-version":"HTTP/2.0",
           "cs-uri":"/","cs-uri-stem":"/","cs-uri-query":"","sc-status":200,"sc-bytes":0,"cs-referer":"http://r/",
           "cs-user-agent":"ua"})"},
      {R"(2001:db8::1 - a b [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "ua" "198.51.100.7, 10.0.0.1" 0.042)",
       R"({"c-ip":"2001:db8::1","cs-username":"a b","cs-method":"GET","cs-version":"HTTP/1.1","cs-uri":"/",
           "cs-uri-stem":"/","cs-uri-query":"","sc-status":200,"sc-bytes":5,"cs-user-agent":"ua",
           "x-forwarded-for":"198.51.100.7, 10.0.0.1","time-taken":"0.042"})"},
      // What the client sent: quotes, brackets, spaces, no request at all.
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a b\"c\\d\xe4 HTTP/1.1" 400 5 "a\"b" "c [17/May/2016:)",
       R"({"c-ip":"192.0.2.1","cs-method":"GET","cs-version":"HTTP/1.1","cs-uri":"/a b\"c\\d\\xe4",
           "cs-uri-stem":"/a b\"c\\d\\xe4","cs-uri-query":"","sc-status":400,"sc-bytes":5,"cs-referer":"a\"b",
           "cs-user-agent":"c [17/May/2016:"})"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226)",
       R"({"c-ip":"192.0.2.1","cs-method":"-","cs-uri":"\\x16\\x03\\x01","cs-uri-stem":"\\x16\\x03\\x01",
           "cs-uri-query":"","sc-status":400,"sc-bytes":226})"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "-" 408 -)",
       R"({"c-ip":"192.0.2.1","cs-method":"-","cs-uri":"-","cs-uri-stem":"-","cs-uri-query":"","sc-status":408})"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "" 400 0)",
       R"({"c-ip":"192.0.2.1","cs-method":"-","cs-uri":"","cs-uri-stem":"","cs-uri-query":"","sc-status":400,"sc-bytes":0})"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200)",
       R"({"c-ip":"192.0.2.1","cs-method":"GET","cs-version":"HTTP/1.1","cs-uri":"/","cs-uri-stem":"/",
           "cs-uri-query":"","sc-status":200})"},
      // None.
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] no quotes)", R"("no known format")"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1)", R"("no known format")"},
      {R"(192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" abc 5)", R"("no known format")"},
      {R"(192.0.2.1 - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5)", R"("no known format")"},
      {R"( [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5)", R"("no known format")"},
  };
  for (const LineCase& c : cases) EXPECT_EQ(Read(c.line), json::parse(c.expected)) << c.line;
  EXPECT_EQ(TimeOf(cases[0].line), "2000-10-10T20:55:36.000000000Z");
}

TEST_F(WebTest, ReadsErrorLogs) {
  const std::vector<LineCase> cases = {
      {"[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties",
       R"({"event.dataset":"apache.error","level":"notice",
           "message":"workerEnv.init() ok /etc/httpd/conf/workers2.properties"})"},
      {"[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:52] "
       "AH00124: x",
       R"({"event.dataset":"apache.error","module":"core","level":"error","procid":35708,"tid":4328636416,
           "c-ip":"72.15.99.187","c-port":52,"message":"[client 72.15.99.187:52] AH00124: x"})"},
      {"[Fri Sep 09 10:42:29.902022 2011] [ssl:warn] [pid 7] [client [2001:db8::1]:52] x",
       R"({"event.dataset":"apache.error","module":"ssl","level":"warn","procid":7,"c-ip":"2001:db8::1","c-port":52,
           "message":"[client [2001:db8::1]:52] x"})"},
      {"[Fri Sep 09 10:42:29 2011] [error] [client 72.15.99.187] File does not exist: /a",
       R"({"event.dataset":"apache.error","level":"error","c-ip":"72.15.99.187","message":"[client 72.15.99.187] File does not exist: /a"})"},
      {R"(2015/05/17 10:05:03 [error] 9#7: *1 open() "/x" failed (2: No such file), client: 192.0.2.1, server: s, request: "GET /a?b HTTP/1.1", host: "h", referrer: "http://r/")",
       R"({"event.dataset":"nginx.error","level":"error","procid":9,"tid":7,
           "message":"*1 open() \"/x\" failed (2: No such file), client: 192.0.2.1, server: s, request: \"GET /a?b HTTP/1.1\", host: \"h\", referrer: \"http://r/\"",
           "c-ip":"192.0.2.1","server":"s","cs-method":"GET","cs-version":"HTTP/1.1","cs-uri":"/a?b","cs-uri-stem":"/a",
           "cs-uri-query":"b","cs-host":"h","cs-referer":"http://r/"})"},
      {"2015/05/17 10:05:03 [notice] 9#9: signal 1 (SIGHUP) received",
       R"({"event.dataset":"nginx.error","level":"notice","procid":9,"tid":9,"message":"signal 1 (SIGHUP) received"})"},
      {"2016-09-28 04:30:31, Info                  CSI    00000001@2016/9/27 x",
       R"({"level":"Info","component":"CSI","message":"00000001@2016/9/27 x"})"},
      {"[Sun Dec 04 04:47:44 2005] no level", R"("no known format")"},
      {"[Sun Dec 04 04:47 2005] [notice] x", R"("no known format")"},
      {"2015/05/17 10:05:03 [error] no process", R"("no known format")"},
      {"2015/05/17 10:05:03 text", R"("no known format")"},
      {"2016-09-28 04:30:31, ", R"({"message":""})"},
  };
  for (const LineCase& c : cases) EXPECT_EQ(Read(c.line), json::parse(c.expected)) << c.line;
  EXPECT_EQ(TimeOf(cases[1].line), "2011-09-09T10:42:29.902022000Z");
  EXPECT_EQ(TimeOf(cases[4].line), "2015-05-17T10:05:03.000000000Z");
  EXPECT_EQ(TimeOf(cases[6].line), "2016-09-28T04:30:31.000000000Z");
}

TEST_F(WebTest, HostileLinesTakeLinearTime) {
  ExpectLinear("192.0.2.1 - ", " [", " [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5");
  ExpectLinear("192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET ", " HTTP/\\\"", " HTTP/1.1\" 200 5");
  ExpectLinear("192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5 ", "\"\" ", "");
  ExpectLinear("[Fri Sep 09 10:42:29 2011] [error] [client ", "[", "] x");
  ExpectLinear("2015/05/17 10:05:03 [error] 9#7: *1 ", ", client: ", "");
}

}  // namespace
}  // namespace redthread
