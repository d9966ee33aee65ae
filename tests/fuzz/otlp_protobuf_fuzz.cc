// OTLP in protobuf: whatever the bytes, what comes of them is JSON that the reader of OTLP takes, or nothing.
#include <string>
#include <string_view>

#include "ingest/json_scan.h"
#include "ingest/otlp_protobuf.h"
#include "ingest/otlp_protocol.h"
#include "tests/fuzz/fuzz_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace redthread;  // NOLINT(google-build-using-namespace): the entry point has C linkage
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<std::string> json = OtlpJsonOf(bytes);
  if (json.ok()) FUZZ_CHECK(IsJson(*json));
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/logs";
  request.headers = {{"content-type", "application/x-protobuf"}};
  request.body = bytes;
  RequestRecords records({std::nullopt, Transport::kHttp, "t"}, Timestamp{0}, {});
  FUZZ_CHECK(OtlpProtocol::Serve(request, &records).status == (json.ok() ? 200 : 400));
  return 0;
}
