#include "ingest/http_service.h"

#include "ingest/bulk_protocol.h"
#include "ingest/otlp_protocol.h"

namespace redthread {

namespace {

constexpr const char* kRetryAfterSeconds = "1";

HttpAnswer PlainError(int status, const std::string& message) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = "{\"error\":\"" + message + "\"}";
  return answer;
}

}  // namespace

HttpService::Protocol HttpService::ProtocolOf(const HttpRequest& request) const {
  const bool is_root = request.path == "/";
  const auto spoken = [](bool is_spoken, Protocol protocol) {
    return is_spoken ? protocol : Protocol::kNone;
  };
  if (HecProtocol::Owns(request.path)) return spoken(options_.hec, Protocol::kHec);
  if (OtlpProtocol::Owns(request.path)) return spoken(options_.otlp, Protocol::kOtlp);
  if (request.path == "/ndjson" || (is_root && request.method == "POST"))
    return spoken(options_.ndjson, Protocol::kNdjson);
  return spoken(options_.bulk && request.path.front() == '/', Protocol::kBulk);
}

HttpService::Verdict HttpService::Judge(const HttpRequest& request, bool busy) const {
  Verdict verdict;
  const Protocol protocol = ProtocolOf(request);
  // What a page in a browser of this machine sends to us on its own.
  if (tokens_.empty() && !request.Header("origin").empty()) {
    verdict.refusal = Failure(request, 403, "requests of web pages are not taken");
  } else if (protocol == Protocol::kHec && HecProtocol::IsHealth(request.path)) {
    verdict.refusal = HecProtocol::Health(busy);
  } else if (protocol == Protocol::kHec && request.method == "OPTIONS") {
    verdict.refusal = HttpAnswer();  // Docker's log driver asks whether anybody is there, without its token
  } else {
    verdict.refusal = Unauthorized(request, &verdict.token);
  }
  if (verdict.refusal.has_value()) return verdict;
  bool brings_records = true;
  switch (protocol) {
    case Protocol::kNone:
      verdict.refusal = PlainError(404, "nothing is taken at this path");
      return verdict;
    case Protocol::kHec:
      brings_records = HecProtocol::BringsRecords(request);
      break;
    case Protocol::kBulk:
      brings_records = BulkProtocol::BringsRecords(request);
      break;
    case Protocol::kOtlp:
      if (HttpAnswer refusal = OtlpProtocol::Judge(request); refusal.status != 200)
        verdict.refusal = std::move(refusal);
      break;
    case Protocol::kNdjson:
      if (request.method != "POST") verdict.refusal = PlainError(405, "records are sent with POST");
      break;
  }
  if (!verdict.refusal.has_value() && brings_records && busy) verdict.refusal = Busy(request);
  return verdict;
}

std::optional<HttpAnswer> HttpService::Unauthorized(const HttpRequest& request, std::string* token) const {
  if (tokens_.empty()) return std::nullopt;
  const AccessTokens::Answer answer = tokens_.Judge(request.Header("authorization"));
  if (answer.shown == AccessTokens::Shown::kToken) {
    *token = answer.name;
    return std::nullopt;
  }
  if (ProtocolOf(request) == Protocol::kHec) {
    return HecProtocol::Error(answer.shown == AccessTokens::Shown::kNothing ? HecProtocol::kTokenRequired
                              : answer.shown == AccessTokens::Shown::kOther
                                  ? HecProtocol::kInvalidAuthorization
                                  : HecProtocol::kInvalidToken);
  }
  HttpAnswer refusal = Failure(request, 401, "a token of this source is required");
  refusal.headers.emplace_back("WWW-Authenticate", "Basic realm=\"redthread\"");
  return refusal;
}

HttpAnswer HttpService::Serve(const HttpRequest& request, RequestRecords* records) {
  HttpAnswer answer;
  switch (ProtocolOf(request)) {
    case Protocol::kNone:
      return PlainError(404, "nothing is taken at this path");
    case Protocol::kHec:
      answer = hec_.Serve(request, records);
      break;
    case Protocol::kBulk:
      answer = BulkProtocol::Serve(request, records);
      break;
    case Protocol::kOtlp:
      answer = OtlpProtocol::Serve(request, records);
      break;
    case Protocol::kNdjson:
      records->AddLines(request.body);
      answer.body = "{\"accepted\":" + std::to_string(records->count()) + "}";
      break;
  }
  if (records->overflowed())
    return Failure(request, 413, "the records of the request are too long, all together");
  return answer;
}

HttpAnswer HttpService::Failure(const HttpRequest& request, int status, const std::string& reason) const {
  switch (request.path.empty() ? Protocol::kNone : ProtocolOf(request)) {
    case Protocol::kHec: {
      HttpAnswer answer = PlainError(status, "");
      answer.body =
          "{\"text\":\"" + reason + "\",\"code\":" + std::to_string(HecProtocol::kInvalidFormat) + "}";
      return answer;
    }
    case Protocol::kBulk:
      return BulkProtocol::Error(
          status, status == 401 || status == 403 ? "security_exception" : "invalid_request", reason);
    case Protocol::kOtlp:
      return OtlpProtocol::Error(request, status, reason);
    default:
      return PlainError(status, reason);
  }
}

HttpAnswer HttpService::Busy(const HttpRequest& request) const {
  HttpAnswer answer = ProtocolOf(request) == Protocol::kHec
                          ? HecProtocol::Error(HecProtocol::kBusy)
                          : Failure(request, 429, "no more can be taken just now, try again later");
  answer.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return answer;
}

}  // namespace redthread
