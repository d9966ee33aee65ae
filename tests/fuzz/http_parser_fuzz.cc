// HTTP: however the bytes of a connection are cut, the requests are the same, none beyond its limits; and
// whatever they hold, each is answered in JSON, with nothing of theirs in it that is not.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/http_parser.h"
#include "ingest/http_service.h"
#include "ingest/json_scan.h"
#include "tests/fuzz/fuzz_check.h"

namespace redthread {
namespace {

constexpr size_t kMaxBytes = 4096;

// Bodies in protobuf hold what those in JSON do.
void CheckAnswer(const HttpAnswer& answer) {
  FUZZ_CHECK(answer.status >= 200 && answer.status < 600);
  if (answer.content_type != "application/x-protobuf") FUZZ_CHECK(answer.body.find('<') == std::string::npos);
  if (answer.content_type != "application/json" || answer.body.empty()) return;
  FUZZ_CHECK(IsJson(answer.body));
}

void Serve(HttpService* service, const HttpRequest& request) {
  const HttpService::Verdict verdict = service->Judge(request, false);
  RequestRecords::Options options;
  options.max_bytes = 64 << 10;
  RequestRecords records({std::nullopt, Transport::kHttp, "t"}, Timestamp{0}, options);
  const HttpAnswer answer =
      verdict.refusal.has_value() ? *verdict.refusal : service->Serve(request, &records);
  CheckAnswer(answer);
  FUZZ_CHECK(records.messages().bytes() <= options.max_bytes + sizeof(PushedMessages::Message));
  for (const PushedMessages::Message& message : records.messages().all()) {
    const std::string& stream = message.sender.stream;
    FUZZ_CHECK(stream == "t" || IsHostName(std::string_view(stream).substr(2)));
  }
}

struct Read {
  std::vector<std::pair<std::string, std::string>> requests;  // path and body
  int failure = 0;
  bool operator==(const Read&) const = default;
};

// Feeds the bytes in parts of 1 to `most`, by the dice of `seed`; 0: all at once.
Read FeedInParts(std::string_view bytes, size_t most, uint32_t seed, HttpService* service) {
  HttpParser::Options options;
  options.max_head_bytes = options.max_body_bytes = kMaxBytes;
  options.max_unpacked_bytes = 4 * kMaxBytes;
  HttpParser parser(options);
  Read read;
  while (!bytes.empty()) {
    seed = seed * 1'664'525 + 1'013'904'223;
    std::string_view part = bytes.substr(0, most == 0 ? bytes.size() : 1 + (seed >> 8) % most);
    bytes.remove_prefix(part.size());
    HttpParser::Step step = HttpParser::Step::kHead;
    while (step != HttpParser::Step::kMore) {
      step = parser.Feed(&part);
      const HttpRequest& request = parser.request();
      FUZZ_CHECK(request.body.size() <= options.max_unpacked_bytes);
      if (step == HttpParser::Step::kFailed) {
        read.failure = parser.failure_status();
        FUZZ_CHECK(read.failure >= 400);
        CheckAnswer(service->Failure(request, read.failure, parser.failure_reason()));
        return read;
      }
      if (step != HttpParser::Step::kDone) continue;
      read.requests.emplace_back(request.path, request.body);
      if (most == 0) Serve(service, request);
      parser.Next();
    }
    FUZZ_CHECK(part.empty());
  }
  return read;
}

}  // namespace
}  // namespace redthread

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HttpService service(HttpService::Options{}, 0);
  const Read whole = FeedInParts(bytes, 0, 0, &service);
  for (const size_t most : {1, 3, 100})
    FUZZ_CHECK(FeedInParts(bytes, most, static_cast<uint32_t>(size), &service) == whole);
  return 0;
}
