// HttpParser: requests however their bytes are cut, and every way in which one can be wrong.
#include "ingest/http_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/json_scan.h"
#include "tests/support/http_client.h"

namespace redthread {
namespace {

using testing::ElementsAre;

struct Read {
  std::vector<std::string> requests;  // "POST /path?query body"
  int failure = 0;
};

// Feeds the bytes in parts of `most`.
Read ReadInParts(std::string_view bytes, size_t most, const HttpParser::Options& options = {}) {
  Read read;
  HttpParser parser(options);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, most);
    bytes.remove_prefix(part.size());
    for (HttpParser::Step step = HttpParser::Step::kHead; step != HttpParser::Step::kMore;) {
      step = parser.Feed(&part);
      const HttpRequest& request = parser.request();
      if (step == HttpParser::Step::kFailed) {
        read.failure = parser.failure_status();
        EXPECT_STRNE(parser.failure_reason(), "");
        return read;
      }
      if (step != HttpParser::Step::kDone) continue;
      read.requests.push_back(request.method + " " + request.path +
                              (request.query.empty() ? "" : "?" + request.query) + " " + request.body);
      parser.Next();
    }
  }
  EXPECT_FALSE(parser.unfinished());
  return read;
}

TEST(HttpParserTest, ReadsRequestsHoweverTheirBytesAreCut) {
  const std::string packed = Gzip("unpacked") + Gzip(" twice");
  const std::string bytes =
      "\r\nGET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n" + HttpRequestText("POST", "/two", "body") +
      "POST http://host:80/chunks?x HTTP/1.1\r\nHOST: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "4\r\nWiki\r\n06;ext=1\r\npedia \r\n0\r\nTrailer: x\r\n\r\n" +
      HttpRequestText("PUT", "/packed", packed, {{"Content-Encoding", "gzip"}}) +
      "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
  for (const size_t most : {1, 2, 3, 7, 50, 10'000}) {
    const Read read = ReadInParts(bytes, most);
    EXPECT_EQ(read.failure, 0) << most;
    EXPECT_THAT(read.requests, ElementsAre("GET /a?b=c ", "POST /two body", "POST /chunks?x Wikipedia ",
                                           "PUT /packed unpacked twice", "POST / "))
        << most;
  }
}

TEST(HttpParserTest, RefusesWhatTwoReadersCouldReadInTwoWays) {
  const struct {
    std::string request;
    int status;
  } cases[] = {
      {"GARBAGE\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1, '\0') + "\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nx", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\nx", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nWiki\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWikipedia\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\nWiki\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\n\r\n", 415},
      {HttpRequestText("POST", "/", "no gzip", {{"Content-Encoding", "gzip"}}), 400},
      {HttpRequestText("POST", "/", Gzip("cut short").substr(0, 15), {{"Content-Encoding", "gzip"}}), 400},
      {HttpRequestText("POST", "/", Gzip("and then") + "more", {{"Content-Encoding", "gzip"}}), 400},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ReadInParts(c.request, 10'000).failure, c.status) << c.request;
    EXPECT_EQ(ReadInParts(c.request, 1).failure, c.status) << c.request;
  }
}

TEST(HttpParserTest, HoldsEveryPartToItsLimit) {
  HttpParser::Options options;
  options.max_head_bytes = 200;
  options.max_headers = 3;
  options.max_body_bytes = 100;
  options.max_unpacked_bytes = 500;
  const std::string chunks = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto gzip = [](size_t size) {
    return HttpRequestText("POST", "/", Gzip(std::string(size, 'x')), {{"Content-Encoding", "gzip"}});
  };
  const struct {
    std::string request;
    int status;  // 0: it is read
  } cases[] = {
      {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
      {"GET /" + std::string(150, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n", 0},
      {HttpRequestText("POST", "/", std::string(100, 'x')), 0},
      {HttpRequestText("POST", "/", std::string(101, 'x')), 413},
      {chunks + "32\r\n" + std::string(50, 'x') + "\r\n32\r\n" + std::string(50, 'x') + "\r\n0\r\n\r\n", 0},
      {chunks + "32\r\n" + std::string(50, 'x') + "\r\n33\r\n" + std::string(51, 'x') + "\r\n0\r\n\r\n", 413},
      {gzip(500), 0},
      {gzip(501), 413},
      {gzip(50'000), 413},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ReadInParts(c.request, 1, options).failure, c.status) << c.request;
    EXPECT_EQ(ReadInParts(c.request, 10'000, options).failure, c.status) << c.request;
  }
}

TEST(HttpParserTest, ParametersAreDecoded) {
  HttpRequest request;
  request.query = "a=1&host=web%201+x&empty=&%68=y&bad=%zz%4";
  EXPECT_EQ(request.Parameter("host"), "web 1 x");
  EXPECT_EQ(request.Parameter("h"), "y");
  EXPECT_EQ(request.Parameter("empty"), "");
  EXPECT_EQ(request.Parameter("bad"), "%zz%4");
  EXPECT_EQ(request.Parameter("none"), "");
}

TEST(JsonScanTest, TakesValuesApartAndRefusesWhatIsNone) {
  std::vector<std::string> values;
  JsonScan scan(" {\"a\":[1,{\"b\":\"}\\\"\"}]} {\"c\":null}5 \"x\xff\"\n[]");
  while (const auto value = scan.Next()) values.emplace_back(*value);
  EXPECT_FALSE(scan.failed());
  EXPECT_THAT(values, ElementsAre("{\"a\":[1,{\"b\":\"}\\\"\"}]}", "{\"c\":null}", "5", "\"x\xff\"", "[]"));
  for (const char* broken : {"{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1,]", "[1 2]", "\"x",
                             "\"x\\", "tru", "01", "{\"a\":1]", "[}", ":", ","}) {
    JsonScan bad(broken);
    EXPECT_FALSE(bad.Next().has_value()) << broken;
    EXPECT_TRUE(bad.failed()) << broken;
    EXPECT_FALSE(IsJson(broken)) << broken;
  }
  EXPECT_FALSE(IsJson(std::string(300, '[') + std::string(300, ']'))) << "too deep";
  EXPECT_TRUE(IsJson(std::string(200, '[') + std::string(200, ']')));
}

TEST(JsonScanTest, GivesMembersAndElementsInOrder) {
  std::vector<std::string> parts;
  EXPECT_TRUE(ForEachMember("{ \"a\" : 1 ,\"b\\n\": [2, 3] , \"\":{} }",
                            [&](std::string_view name, std::string_view v) {
                              parts.push_back(std::string(name) + "=" + std::string(v));
                            }));
  EXPECT_THAT(parts, ElementsAre("a=1", "b\\n=[2, 3]", "={}"));
  parts.clear();
  EXPECT_TRUE(ForEachElement("[ 1 ,\"x\", [2] ]", [&](std::string_view v) { parts.emplace_back(v); }));
  EXPECT_THAT(parts, ElementsAre("1", "\"x\"", "[2]"));
  EXPECT_FALSE(ForEachMember("[]", [](std::string_view, std::string_view) { FAIL(); }));
  EXPECT_FALSE(ForEachElement("{}", [](std::string_view) { FAIL(); }));
  EXPECT_EQ(JsonText("\"a\\u0041\\n\""), "aA\n");
  EXPECT_EQ(JsonText("5"), std::nullopt);
}

}  // namespace
}  // namespace redthread
