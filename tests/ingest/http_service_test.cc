// HttpService: what each protocol is answered, and which records come of it.
#include "ingest/http_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/json_scan.h"

namespace redthread {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using Headers = std::vector<std::pair<std::string, std::string>>;

const Headers kProtobuf = {{"content-type", "application/x-protobuf"}};
const Headers kJson = {{"content-type", "application/json; charset=utf-8"}};

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t n = 0; n < hex.size(); n += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(n, 2)), nullptr, 16));
  return bytes;
}

class HttpServiceTest : public testing::Test {
 protected:
  // What comes of a request that is served as far as it may.
  HttpAnswer Serve(const std::string& method, const std::string& target, const std::string& body = "",
                   const Headers& headers = {}, bool busy = false) {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    request.query = target.find('?') == std::string::npos ? "" : target.substr(target.find('?') + 1);
    request.headers = headers;
    request.body = body;
    HttpService::Verdict verdict = service_->Judge(request, busy);
    texts_.clear();
    senders_.clear();
    told_.clear();
    token_ = verdict.token;
    if (verdict.refusal.has_value()) return *verdict.refusal;
    RequestRecords records({std::nullopt, Transport::kHttp, "t"}, Timestamp{0}, record_options_);
    HttpAnswer answer = service_->Serve(request, &records);
    for (const PushedMessages::Message& m : records.messages().all()) {
      texts_.emplace_back(records.messages().text(m));
      senders_.push_back(m.sender.stream);
      told_.push_back(m.told.has_value() ? FormatTimestamp(*m.told) : "");
    }
    if (!answer.body.empty() && answer.content_type == "application/json") {
      EXPECT_TRUE(IsJson(answer.body)) << answer.body;
    }
    return answer;
  }
  HttpAnswer Hec(const std::string& body, const std::string& query = "") {
    return Serve("POST", "/services/collector/event" + query, body);
  }
  HttpAnswer Otlp(const std::string& body) { return Serve("POST", "/v1/logs", body, kJson); }

  RequestRecords::Options record_options_;
  std::optional<HttpService> service_{std::in_place, HttpService::Options{}, 7};
  std::vector<std::string> texts_, senders_, told_;
  std::string token_;
};

TEST_F(HttpServiceTest, OfNdjsonEachLineIsARecord) {
  for (const char* path : {"/", "/ndjson"}) {
    EXPECT_EQ(Serve("POST", path, "{\"a\":1}\r\n\nnot json\n{\"b\":2}").body, "{\"accepted\":3}");
    EXPECT_THAT(texts_, ElementsAre("{\"a\":1}", "", "not json", "{\"b\":2}"));
  }
  EXPECT_EQ(Serve("POST", "/", "").body, "{\"accepted\":0}");
  EXPECT_EQ(Serve("GET", "/ndjson").status, 405);
}

// ---- HEC

TEST_F(HttpServiceTest, OfHecAnEventIsTheRecordWithWhatItsEnvelopeSays) {
  EXPECT_EQ(Hec(R"({"time":1426279439.123,"host":"ws1","source":"s","sourcetype":"st","index":"main",)"
                R"("fields":{"club":"glee","a":"no"},"event":{"a":1}})"
                R"( {"event":{},"time":"1426279439"})"
                "\n{\"event\":{\"host\":\"own\"},\"host\":\"ws2\",\"time\":null}")
                .body,
            R"({"text":"Success","code":0})");
  EXPECT_THAT(
      texts_,
      ElementsAre(R"({"a":1,"host":"ws1","source":"s","sourcetype":"st","index":"main","club":"glee"})", "{}",
                  R"({"host":"own"})"));
  EXPECT_THAT(senders_, ElementsAre("t/ws1", "t", "t/ws2"));
  EXPECT_THAT(told_, ElementsAre("2015-03-13T20:43:59.123000000Z", "2015-03-13T20:43:59.000000000Z", ""));
}

TEST_F(HttpServiceTest, OfHecATextIsReadAsInAFileOrIsAMessage) {
  const struct {
    const char* event;
    const char* record;
  } cases[] = {
      {R"("<34>Oct 11 22:14:15 host su[7]: \"quoted\" text")",
       "<34>Oct 11 22:14:15 host su[7]: \"quoted\" text"},
      {R"("type=SYSCALL msg=audit(1604996384.965:93777): arch=c000003e")",
       "type=SYSCALL msg=audit(1604996384.965:93777): arch=c000003e"},
      {R"("{\"a\":1}")", R"({"a":1,"host":"h"})"},
      {R"("{ broken")", R"({"message":"{ broken","host":"h"})"},
      {R"("some words\n")", R"({"message":"some words\n","host":"h"})"},
      {"42", R"({"message":42,"host":"h"})"},
      {"[1,2]", R"({"message":[1,2],"host":"h"})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Hec(std::string(R"({"host":"h","event":)") + c.event + "}").status, 200) << c.event;
    EXPECT_THAT(texts_, ElementsAre(c.record)) << c.event;
  }
}

TEST_F(HttpServiceTest, OfASourceOfOneFormatATextIsARecordOfThat) {
  const std::string line = R"({"event":"<34>Oct 11 22:14:15 host su[7]: text"})";
  record_options_.format = SourceFormat::kSyslog;
  Hec(line + R"({"event":"some words"})");
  EXPECT_THAT(texts_, ElementsAre("<34>Oct 11 22:14:15 host su[7]: text", "some words"));
  record_options_.format = SourceFormat::kJson;
  Hec(line);
  EXPECT_THAT(texts_, ElementsAre(R"({"message":"<34>Oct 11 22:14:15 host su[7]: text"})"));
}

TEST_F(HttpServiceTest, HecAnswersWithItsOwnCodes) {
  const struct {
    const char* target;
    const char* body;
    int status;
    const char* answer;
    size_t records;
  } cases[] = {
      {"/services/collector", R"({"event":"x"})", 200, R"({"text":"Success","code":0})", 1},
      {"/services/collector/event/1.0", R"({"event":"x"})", 200, R"({"text":"Success","code":0})", 1},
      {"/services/collector/event", "", 400, R"({"text":"No data","code":5})", 0},
      {"/services/collector/event", " \n", 400, R"({"text":"No data","code":5})", 0},
      {"/services/collector/event", "not json", 400,
       R"({"text":"Invalid data format","code":6,"invalid-event-number":0})", 0},
      {"/services/collector/event", R"({"event":"x"}{"event":)", 400,
       R"({"text":"Invalid data format","code":6,"invalid-event-number":1})", 1},
      {"/services/collector/event", R"([{"event":"x"}])", 400,
       R"({"text":"Invalid data format","code":6,"invalid-event-number":0})", 0},
      {"/services/collector/event", R"({"evnt":"x"})", 400,
       R"({"text":"Event field is required","code":12,"invalid-event-number":0})", 0},
      {"/services/collector/event", R"({"event":"x"} {"event":""})", 400,
       R"({"text":"Event field cannot be blank","code":13,"invalid-event-number":1})", 1},
      {"/services/collector/event", R"({"event":"x","fields":5})", 400,
       R"({"text":"Error in handling indexed fields","code":15,"invalid-event-number":0})", 0},
      {"/services/collector/raw", "one\ntwo\n", 200, R"({"text":"Success","code":0})", 2},
      {"/services/collector/raw/1.0", "\r\n", 400, R"({"text":"No data","code":5})", 0},
      {"/services/collector/event?channel=c", R"({"event":"x"})", 200,
       R"({"text":"Success","code":0,"ackId":7})", 1},
      {"/services/collector/ack?channel=c", R"({"acks":[0, 7]})", 200, R"({"acks":{"0":true,"7":true}})", 0},
      {"/services/collector/ack", R"({"acks":[0]})", 400, R"({"text":"Data channel is missing","code":10})",
       0},
      {"/services/collector/ack?channel=c", R"({"acks":["<b>"]})", 400,
       R"({"text":"Invalid data format","code":6})", 0},
      {"/services/collector/other", "x", 404,
       R"({"text":"The requested URL was not found on this server.","code":404})", 0},
  };
  for (const auto& c : cases) {
    const HttpAnswer answer = Serve("POST", c.target, c.body);
    EXPECT_EQ(answer.status, c.status) << c.target << " " << c.body;
    EXPECT_EQ(answer.body, c.answer) << c.target << " " << c.body;
    EXPECT_EQ(texts_.size(), c.records) << c.target << " " << c.body;
  }
  EXPECT_EQ(Serve("GET", "/services/collector").status, 405);
  EXPECT_EQ(Serve("GET", "/services/collector/health").body, R"({"text":"HEC is healthy","code":17})");
  EXPECT_EQ(Serve("GET", "/services/collector/health/1.0", "", {}, true).status, 503);
}

TEST_F(HttpServiceTest, ARawLineIsSentForTheHostOfTheQueryIfThatIsAName) {
  Serve("POST", "/services/collector/raw?host=web1.example", "x");
  EXPECT_THAT(senders_, ElementsAre("t/web1.example"));
  Serve("POST", "/services/collector/raw?host=%1b[31m", "x");
  EXPECT_THAT(senders_, ElementsAre("t"));
}

// ---- _bulk

TEST_F(HttpServiceTest, OfBulkEachDocumentIsARecordAndEachActionHasItsResult) {
  const HttpAnswer answer =
      Serve("POST", "/logs-x/_bulk?filter_path=items",
            "{\"create\":{\"_index\":\"x\"}}\n{\"a\":1}\n{\"index\":{}}\nbroken\n\n"
            "{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(texts_, ElementsAre("{\"a\":1}", "broken"));
  const std::string refused =
      R"({"status":400,"error":{"type":"illegal_argument_exception",)"
      R"("reason":"what has happened is neither changed nor deleted, use create or index"}})";
  EXPECT_EQ(answer.body, R"({"took":0,"errors":true,"items":[{"create":{"_version":1,"result":"created",)"
                         R"("status":201}},{"index":{"_version":1,"result":"created","status":201}},)"
                         R"({"delete":)" +
                             refused + R"(},{"update":)" + refused + "}]}");
  EXPECT_THAT(answer.headers,
              ElementsAre(std::pair<std::string, std::string>("X-Elastic-Product", "Elasticsearch")));
  EXPECT_THAT(Serve("PUT", "/_bulk", "{\"create\":{}}\r\n{\"a\":1}").body, HasSubstr("\"errors\":false"));
}

TEST_F(HttpServiceTest, ABulkThatIsOutOfStepIsRefusedWhole) {
  const struct {
    const char* body;
    const char* reason;
  } cases[] = {
      {"", "request body is required"},
      {"{\"a\":1}\n{\"b\":2}\n", "line [1]"},
      {"{\"create\":{}}\n{\"a\":1}\n{\"a\":1}\n", "line [3]"},
      {"{\"create\":{}}\n{\"a\":1}\n{\"create\":{}}\n", "line [4]"},
      {"{\"create\":{},\"index\":{}}\n{}\n", "line [1]"},
      {"{\"create\":5}\n{}\n", "line [1]"},
      {"<script>\n{}\n", "line [1]"},
  };
  for (const auto& c : cases) {
    const HttpAnswer answer = Serve("POST", "/_bulk", c.body);
    EXPECT_EQ(answer.status, 400) << c.body;
    EXPECT_THAT(answer.body, HasSubstr(c.reason)) << c.body;
    EXPECT_THAT(answer.body, Not(HasSubstr("script")));
    EXPECT_THAT(texts_, IsEmpty()) << c.body;
  }
}

// The questions of filebeat 7.17 and 8.11 at their start, in the order of libbeat.
TEST_F(HttpServiceTest, TheStartOfBeatsGoesThroughAsTheyAskForIt) {
  const struct {
    const char* method;
    const char* target;
    int status;
    const char* body;  // is in it
  } talk[] = {
      {"GET", "/", 200, "\"number\":\"7.17.3\""},
      {"GET", "/_license?human=false", 200, R"("status":"active")"},
      {"GET", "/_xpack", 200, R"("ilm":{"available":true,"enabled":true})"},
      {"GET", "/_ilm/policy/filebeat", 200, "{}"},
      {"PUT", "/_ilm/policy/filebeat", 200, R"({"acknowledged":true})"},
      {"HEAD", "/_template/filebeat-7.17.3", 200, ""},
      {"GET", "/_cat/templates/filebeat-7.17.3", 200, "filebeat-7.17.3\n"},
      {"GET", "/_cat/templates/%3Cscript%3E", 200, ""},
      {"PUT", "/_template/filebeat-7.17.3", 200, R"({"acknowledged":true})"},
      {"HEAD", "/_alias/filebeat-7.17.3", 404, ""},
      {"GET", "/_alias/filebeat-7.17.3", 404, "\"status\":404"},
      {"PUT", "/%3Cfilebeat-7.17.3-%7Bnow%2Fd%7D-000001%3E", 200, R"("acknowledged":true)"},
      {"HEAD", "/_index_template/filebeat-8.11.1", 200, ""},
      {"PUT", "/_index_template/filebeat-8.11.1", 200, R"({"acknowledged":true})"},
      {"GET", "/_data_stream/filebeat-8.11.1", 200, "data_streams"},
      {"PUT", "/_data_stream/filebeat-8.11.1", 200, R"({"acknowledged":true})"},
      {"PUT", "/_ingest/pipeline/filebeat-8.11.1-system-auth-pipeline", 200, R"({"acknowledged":true})"},
      {"GET", "/_cluster/health", 200, R"("status":"green")"},
      {"GET", "/_nodes/ingest", 200, "\"nodes\""},
      {"HEAD", "/filebeat", 200, ""},
      {"GET", "/filebeat/_search", 404, "error"},
      {"DELETE", "/filebeat", 404, "error"},
  };
  for (const auto& c : talk) {
    const HttpAnswer answer = Serve(
        c.method, c.target, "", {{"user-agent", "Elastic-filebeat/7.17.3 (linux; amd64; abc; 2022-04-19)"}});
    EXPECT_EQ(answer.status, c.status) << c.target;
    EXPECT_THAT(answer.body, HasSubstr(c.body)) << c.target;
    EXPECT_EQ(answer.headers[0].second, "Elasticsearch") << "who lacks the product's name is not spoken to";
    EXPECT_THAT(texts_, IsEmpty());
  }
}

TEST_F(HttpServiceTest, EachBeatIsToldItsOwnVersionBecauseItRefusesAnOlderOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"Elastic-filebeat/8.11.1 (linux; amd64)", "\"number\":\"8.11.1\""},
      {"Filebeat/7.10.0 (linux; amd64)", "\"number\":\"7.10.0\""},
      {"Elastic-Winlogbeat/9.0.12-SNAPSHOT", "\"number\":\"9.0.12\""},
      {"Elastic-beat/\"><b>", "\"number\":\"8.17.0\""},
      {"filebeat/1.2", "\"number\":\"8.17.0\""},
      {"", "\"number\":\"8.17.0\""},
  };
  for (const auto& [agent, version] : cases)
    EXPECT_THAT(Serve("GET", "/", "", {{"user-agent", agent}}).body, HasSubstr(version)) << agent;
}

// ---- OTLP

constexpr char kResource[] = R"("resource":{"attributes":[{"key":"host.name","value":{"stringValue":"ws9"}},)"
                             R"({"key":"service.name","value":{"stringValue":"sshd"}}]})";

std::string Logs(const std::string& records) {
  return std::string(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)") + records +
         R"(],"scope":{"name":"lib"}}],)" + kResource + "}]}";
}

TEST_F(HttpServiceTest, OfOtlpEachRecordHasTheAttributesOfAllItStandsIn) {
  const HttpAnswer answer = Otlp(Logs(
      R"({"timeUnixNano":"1544712660300000001","observedTimeUnixNano":"5","severityNumber":9,"severityText":"INFO",)"
      R"("traceId":"5b8e","spanId":"","body":{"stringValue":"some words"},"attributes":[)"
      R"({"key":"s","value":{"stringValue":"a\"b"}},{"key":"i","value":{"intValue":"-5"}},)"
      R"({"key":"d","value":{"doubleValue":1.5}},{"key":"b","value":{"boolValue":true}},)"
      R"({"key":"l","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"x"}]}}},)"
      R"({"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"2"}}]}}},)"
      R"({"key":"n","value":{}},{"key":"service.name","value":{"stringValue":"mine"}}]})"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{}");
  EXPECT_THAT(texts_, ElementsAre(R"({"message":"some words","severity_number":9,"severity_text":"INFO",)"
                                  R"("trace_id":"5b8e","s":"a\"b","i":-5,"d":1.5,"b":true,"l":[1,"x"],)"
                                  R"("m":{"k":2},"n":null,"service.name":"mine","otel.scope.name":"lib",)"
                                  R"("host.name":"ws9"})"));
  EXPECT_THAT(told_, ElementsAre("2018-12-13T14:51:00.300000001Z"));
  EXPECT_THAT(senders_, ElementsAre("t/ws9"));
}

TEST_F(HttpServiceTest, OfOtlpABodyIsReadAsAnEventOfHecIs) {
  Otlp(Logs(
      R"({"observedTimeUnixNano":1544712660300000001,"timeUnixNano":"0","body":{"kvlistValue":{"values":[)"
      R"({"key":"EventID","value":{"intValue":"4688"}},{"key":"host.name","value":{"stringValue":"own"}}]}}},)"
      R"({"body":{"stringValue":"<34>Oct 11 22:14:15 host su[7]: text"}},)"
      R"({"attributes":[{"key":"a","value":{"intValue":1}}]})"));
  EXPECT_THAT(
      texts_,
      ElementsAre(R"({"EventID":4688,"host.name":"own","otel.scope.name":"lib","service.name":"sshd"})",
                  "<34>Oct 11 22:14:15 host su[7]: text",
                  R"({"message":null,"a":1,"otel.scope.name":"lib","host.name":"ws9",)"
                  R"("service.name":"sshd"})"));
  EXPECT_THAT(told_, ElementsAre("2018-12-13T14:51:00.300000001Z", "", ""));
}

TEST_F(HttpServiceTest, OtlpInProtobufIsReadAsInJson) {
  // What opentelemetry-exporter-otlp-proto-http 1.45 for Python sends for a record with one of each value.
  const std::string request = FromHex(
      "0afb010a2c0a160a0c736572766963652e6e616d6512060a04737368640a120a09686f73742e6e616d6512050a0377733912ca"
      "010a"
      "0a0a036c69621203312e3012bb010901eb3af5faeb6f1510091a04494e464f2a140a12736f6d652022776f72647322201b5b33"
      "316d"
      "32080a017312030a016132100a0169120b18fbffffffffffffffff01320e0a0164120921000000000000f83f32070a01621202"
      "1001"
      "320f0a016c120a2a080a0218010a02180232100a016d120b32090a070a016b1202180232090a017912043a0200ff4501000000"
      "4a10"
      "5b8efff798038103d269b633813fc60c5208eee19b7ec3c1b1745902eb3af5faeb6f1562056c6f67696e");
  const HttpAnswer answer = Serve("POST", "/v1/logs", request, kProtobuf);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.content_type, "application/x-protobuf");
  EXPECT_THAT(
      texts_,
      ElementsAre(R"({"message":"some \"words\" \u001b[31m","severity_number":9,"severity_text":"INFO",)"
                  R"("s":"a","i":-5,"d":1.5,"b":true,"l":[1,2],"m":{"k":2},"y":"AP8=",)"
                  R"("trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174",)"
                  R"("event_name":"login","otel.scope.name":"lib","service.name":"sshd",)"
                  R"("host.name":"ws9"})"));
  EXPECT_THAT(told_, ElementsAre("2018-12-13T14:51:00.300000001Z"));
  EXPECT_THAT(senders_, ElementsAre("t/ws9"));
  for (size_t size = 1; size < request.size(); ++size)
    EXPECT_EQ(Serve("POST", "/v1/logs", request.substr(0, size), kProtobuf).status, 400) << size;
}

TEST_F(HttpServiceTest, OtlpInProtobufIsTakenOnlyWhereItIsARequestOfLogs) {
  const auto status = [this](const std::string& hex) {
    return Serve("POST", "/v1/logs", FromHex(hex), kProtobuf).status;
  };
  EXPECT_EQ(status(""), 200) << "a request without records";
  EXPECT_EQ(status("0a00"), 200) << "a resource without records";
  EXPECT_EQ(status("7a0161"
                   "0a00"),
            200)
      << "a field that is not known";
  EXPECT_EQ(status("0a05"), 400) << "ends within a field";
  EXPECT_EQ(status("0801"), 400) << "a number in the place of a message";
  EXPECT_EQ(status("0affffffffffffffff7f"), 400) << "a length of 2^63";
  EXPECT_EQ(status("00"
                   "0a00"),
            400)
      << "a field without a number";
  EXPECT_EQ(status("0c"), 400) << "the end of a group that never began";
  // A list in a list in a list ...
  const auto message = [](char tag, const std::string& content) {
    std::string bytes(1, tag);
    for (size_t rest = content.size(); bytes.size() == 1 || rest > 0; rest >>= 7)
      bytes += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    return bytes + content;
  };
  std::string value;
  for (int n = 0; n < 1000; ++n) value = message('\x2a', message('\x0a', value));
  const std::string deep = message('\x0a', message('\x12', message('\x12', message('\x2a', value))));
  EXPECT_EQ(Serve("POST", "/v1/logs", deep, kProtobuf).status, 400);

  const HttpAnswer refused = Serve("GET", "/v1/logs", "", kProtobuf);
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.content_type, "application/x-protobuf");
  EXPECT_EQ(refused.body, "\x08\x0c\x12\x17logs are sent with POST") << "google.rpc.Status, UNIMPLEMENTED";
}

TEST_F(HttpServiceTest, OtlpSaysWhatItDoesNotTake) {
  EXPECT_EQ(Otlp("{}").body, "{}");
  EXPECT_EQ(Otlp("{\"resourceLogs\":[").status, 400);
  EXPECT_EQ(Otlp("[]").status, 400);
  EXPECT_EQ(Otlp("{} {}").status, 400);
  EXPECT_EQ(Otlp(Logs("5,{\"body\":{}},\"x\"")).body,
            R"({"partialSuccess":{"rejectedLogRecords":"2",)"
            R"("errorMessage":"not every element of logRecords is an object"}})");
  EXPECT_EQ(texts_.size(), 1u);
  const HttpAnswer text = Serve("POST", "/v1/logs", "{}", {{"content-type", "text/plain"}});
  EXPECT_EQ(text.status, 415);
  EXPECT_THAT(text.body, HasSubstr("application/x-protobuf or application/json"));
  EXPECT_EQ(Serve("POST", "/v1/traces", "{}", kJson).status, 404);
  EXPECT_EQ(Serve("GET", "/v1/logs", "", kJson).status, 405);
}

// ---- for all of them

TEST_F(HttpServiceTest, BusyIsToldInTheWordsOfEachProtocol) {
  const struct {
    const char* method;
    const char* target;
    int status;  // 0: it is served all the same
    const char* body;
  } cases[] = {
      {"POST", "/services/collector", 503, R"({"text":"Server is busy","code":9})"},
      {"POST", "/services/collector/raw", 503, R"({"text":"Server is busy","code":9})"},
      {"POST", "/services/collector/ack?channel=x", 0, ""},
      {"POST", "/_bulk", 429, "\"status\":429"},
      {"GET", "/", 0, ""},
      {"POST", "/v1/logs", 429, "\"code\":8"},
      {"POST", "/", 429, "{\"error\":"},
  };
  for (const auto& c : cases) {
    const HttpAnswer answer = Serve(c.method, c.target, "", kJson, true);
    if (c.status == 0) {
      EXPECT_TRUE(answer.status != 429 && answer.status != 503) << c.target;
      continue;
    }
    EXPECT_EQ(answer.status, c.status) << c.target;
    EXPECT_THAT(answer.body, HasSubstr(c.body)) << c.target;
    EXPECT_EQ(answer.headers.back().first, "Retry-After") << c.target;
  }
}

TEST_F(HttpServiceTest, WithTokensNobodySendsWithoutOne) {
  HttpService::Options options;
  options.tokens = {{"office", "0123456789abcdef"}, {"dmz", "fedcba9876543210"}};
  service_.emplace(options, 0);
  const struct {
    const char* authorization;
    const char* token;  // null: refused
    int hec_status;
    int hec_code;
  } cases[] = {
      {"Splunk 0123456789abcdef", "office", 0, 0},
      {"bearer fedcba9876543210", "dmz", 0, 0},
      {"Basic YW55Ym9keTowMTIzNDU2Nzg5YWJjZGVm", "office", 0, 0},
      {"ApiKey aWQ6ZmVkY2JhOTg3NjU0MzIxMA==", "dmz", 0, 0},
      {"", nullptr, 401, 2},
      {"Digest 0123456789abcdef", nullptr, 401, 3},
      {"Basic ????", nullptr, 401, 3},
      {"Basic", nullptr, 401, 3},
      {"Splunk 0123456789abcdeF", nullptr, 403, 4},
      {"Splunk 0123456789abcdef0", nullptr, 403, 4},
      {"Basic eDp5", nullptr, 403, 4},
  };
  for (const auto& c : cases) {
    const Headers headers = {{"authorization", c.authorization}};
    const int status = Serve("POST", "/", "x", headers).status;
    EXPECT_EQ(status, c.token == nullptr ? 401 : 200) << c.authorization;
    EXPECT_EQ(token_, c.token == nullptr ? "" : c.token) << c.authorization;
    const HttpAnswer hec = Serve("POST", "/services/collector", R"({"event":"x"})", headers);
    if (c.token != nullptr) continue;
    EXPECT_EQ(hec.status, c.hec_status) << c.authorization;
    EXPECT_THAT(hec.body, HasSubstr("\"code\":" + std::to_string(c.hec_code) + "}")) << c.authorization;
    EXPECT_THAT(texts_, IsEmpty());
    EXPECT_EQ(Serve("GET", "/", "", headers).status, 401);
    EXPECT_EQ(Serve("GET", "/nowhere", "", headers).status, 401);
  }
  EXPECT_EQ(Serve("GET", "/services/collector/health").status, 200) << "whoever balances load has no token";
  EXPECT_EQ(Serve("OPTIONS", "/services/collector/event/1.0").status, 200) << "nor Docker, before it sends";
}

TEST_F(HttpServiceTest, APageInABrowserOfThisMachineIsRefused) {
  EXPECT_EQ(Serve("POST", "/", "{}", {{"origin", "https://evil.example"}}).status, 403);
}

TEST_F(HttpServiceTest, AProtocolThatIsNotWantedIsNotSpoken) {
  HttpService::Options options;
  options.hec = options.otlp = false;
  options.bulk = options.ndjson = false;
  service_.emplace(options, 0);
  for (const char* path : {"/", "/ndjson", "/_bulk", "/services/collector", "/v1/logs"})
    EXPECT_EQ(Serve("POST", path, "{}", kJson).status, 404) << path;
  EXPECT_EQ(Serve("GET", "/").status, 404);
}

TEST_F(HttpServiceTest, AnEnvelopeThatIsKeptWithEachRecordCannotMakeMuchOfLittle) {
  record_options_.max_bytes = 100'000;
  std::string records = "{}";
  for (int n = 0; n < 1000; ++n) records += ",{}";
  const std::string padding =
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"x","value":{"stringValue":")" +
      std::string(1000, 'x') + R"("}}]},"scopeLogs":[{"logRecords":[)" + records + "]}]}]}";
  EXPECT_EQ(Otlp(padding).status, 413);
}

TEST_F(HttpServiceTest, OfATooLongRecordTheBeginningIsKept) {
  record_options_.max_record_bytes = 10;
  Serve("POST", "/", "0123456789abc\nx");
  EXPECT_THAT(texts_, ElementsAre("0123456789", "x"));
}

}  // namespace
}  // namespace redthread
